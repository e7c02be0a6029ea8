"""How Mailgun signs what it posts: HMAC-SHA256 over timestamp and token, under the account's webhook signing key."""

from __future__ import annotations

import hmac

from maton_mailgun.sandbox.account.mailgun_account import MailgunAccount
from maton_mailgun.sandbox.web.calls import Record

_TOKEN = 50
"""Letters of a token, as published."""


def signature(account: MailgunAccount) -> Record:
    """A fresh `timestamp` (seconds, as text), `token` and `signature` (hexadecimal)."""
    timestamp, token = str(int(account.now)), account.mint.hexadecimal(_TOKEN)
    signed = hmac.digest(account.settings.signing_key.encode(), f"{timestamp}{token}".encode(), "sha256").hex()
    return {"timestamp": timestamp, "token": token, "signature": signed}
