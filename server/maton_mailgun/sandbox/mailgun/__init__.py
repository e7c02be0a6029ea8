"""Mailgun's operations, grouped as its reference is.

Imports account and web's calls, router and pages; maton, web and control may import it.
"""
