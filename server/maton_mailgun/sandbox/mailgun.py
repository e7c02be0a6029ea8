"""Mailgun itself: a key in HTTP basic authentication, then one operation of the table."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as BadBase64

from maton_mailgun.sandbox import (
    credentials,
    domains,
    events,
    ips,
    lists,
    members,
    messages,
    routes,
    stats,
    stored,
    suppressions,
    tags,
    templates,
    tracking,
    webhooks,
    whitelists,
)
from maton_mailgun.sandbox.account import Account
from maton_mailgun.sandbox.delivery import deliver_what_is_due
from maton_mailgun.sandbox.domains import forget_the_gone
from maton_mailgun.sandbox.router import Router
from maton_mailgun.sandbox.wire import Answer, Call, Refusal, encode, page_not_found, plain

OPERATIONS = (
    *domains.OPERATIONS,
    *messages.OPERATIONS,
    *stored.OPERATIONS,
    *events.OPERATIONS,
    *routes.OPERATIONS,
    *webhooks.OPERATIONS,
    *templates.OPERATIONS,
    *lists.OPERATIONS,
    *members.OPERATIONS,
    *suppressions.OPERATIONS,
    *whitelists.OPERATIONS,
    *stats.OPERATIONS,
    *tags.OPERATIONS,
    *ips.OPERATIONS,
    *tracking.OPERATIONS,
    *credentials.OPERATIONS,
)
_ROUTER = Router(OPERATIONS)
_SENDING = ("messages", "messages.mime")


def basic_password(header: str) -> str | None:
    """The password of an `Authorization: Basic` header whose user is `api`, or None."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = b64decode(value, validate=True).decode().partition(":")
    except (BadBase64, UnicodeDecodeError):
        return None
    return password if user == "api" else None


def bad_key(call: Call) -> Answer:
    """Sending endpoints say it in plain text (recorded), the others in JSON (published contract)."""
    if call.segments and call.segments[-1] in _SENDING:
        return plain(401, "Forbidden")
    return Answer(401, encode({"message": "Invalid private key"}))


def answer(account: Account, call: Call, *, key_is_good: bool) -> Answer:
    """Mailgun's answer to a call whose path is Mailgun's own."""
    if not key_is_good:
        return bad_key(call)
    if call.method not in ("GET", "POST", "PUT", "DELETE", "PATCH"):
        return page_not_found()
    deliver_what_is_due(account)
    forget_the_gone(account)
    try:
        return _ROUTER.answer(account, call)
    except Refusal as refusal:
        return refusal.answer
