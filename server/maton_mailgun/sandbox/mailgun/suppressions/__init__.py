"""Bounces, unsubscribes, complaints, and the allowlist.

Imports the account; its siblings may import it.
"""
