"""Maton: keys, connections, the proxy in front of Mailgun.

Imports mailgun and account; web and control may import it.
"""
