"""What the person is shown: a look at the account, one module per kind of write, and the words.

Imports mail, catalogue and wire; policy, lifecycle, channels and the gate may import it.
"""
