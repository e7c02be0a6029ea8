"""From the call to its end: propose, decide, execute, settle, reconcile, watch.

Imports the four rooms beside it, never the gate or a channel; these two may import it.
"""
