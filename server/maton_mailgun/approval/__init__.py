"""The approval gate: nothing is written until a person has seen the target and the effect and said yes.

Imports everything below the engine; the engine, the protocol and the command line may import it.
"""
