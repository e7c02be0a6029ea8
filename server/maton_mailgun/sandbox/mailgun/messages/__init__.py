"""Sending, delivery, stored messages, templates.

Imports the account; its siblings may import it.
"""
