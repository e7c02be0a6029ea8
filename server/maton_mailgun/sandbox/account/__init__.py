"""Everything one sandbox knows, its seed, and its state as JSON.

Imports the calls alone (the seed also the domains); every room of the sandbox may import it.
"""
