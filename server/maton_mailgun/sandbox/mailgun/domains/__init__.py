"""Domains with their credentials, tracking and IPs.

Imports the account; its siblings may import it.
"""
