"""What a yes is bound to: the bytes of a call, their digest, the seal, the installation's keys.

Imports catalogue and wire; all rooms of approval may import it.
"""
