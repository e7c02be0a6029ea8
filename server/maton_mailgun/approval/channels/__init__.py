"""Where a person decides: the form, the approval page, the terminal; and what may be relayed.

Imports lifecycle; the gate, the protocol and the command line may import it.
"""
