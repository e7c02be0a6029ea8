"""Mailgun for agents through the Maton gateway, with a person's yes in front of every write."""

__version__ = "0.1.0"
