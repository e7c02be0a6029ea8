"""Mailing lists and their members.

Imports the account; its siblings may import it.
"""
