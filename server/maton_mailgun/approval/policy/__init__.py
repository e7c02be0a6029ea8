"""The operator's rules: the file, the judge, and the case that a call makes.

Imports preview for who gets a message; lifecycle, the gate and the command line may import it.
"""
