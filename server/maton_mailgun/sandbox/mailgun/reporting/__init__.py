"""Events, statistics, tags, webhooks.

Imports the account; its siblings may import it.
"""
