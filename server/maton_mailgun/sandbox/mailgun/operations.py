"""Mailgun itself: a key in HTTP basic authentication, then one operation of the table."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as BadBase64

from maton_mailgun.sandbox.account.mailgun_account import MailgunAccount
from maton_mailgun.sandbox.mailgun import routes, validations
from maton_mailgun.sandbox.mailgun.domains import credentials, ips, sending_domains, tracking
from maton_mailgun.sandbox.mailgun.domains.sending_domains import forget_the_gone
from maton_mailgun.sandbox.mailgun.lists import mailing_lists, members
from maton_mailgun.sandbox.mailgun.messages import sending, stored, templates
from maton_mailgun.sandbox.mailgun.messages.delivery import deliver_what_is_due
from maton_mailgun.sandbox.mailgun.reporting import analytics, events, stats, tags, webhooks
from maton_mailgun.sandbox.mailgun.suppressions import entries, whitelists
from maton_mailgun.sandbox.web.calls import Call, HttpAnswer, Rejection, encode, page_not_found, plain
from maton_mailgun.sandbox.web.router import Router

OPERATIONS = (
    *sending_domains.OPERATIONS,
    *sending.OPERATIONS,
    *stored.OPERATIONS,
    *events.OPERATIONS,
    *routes.OPERATIONS,
    *webhooks.OPERATIONS,
    *templates.OPERATIONS,
    *mailing_lists.OPERATIONS,
    *members.OPERATIONS,
    *entries.OPERATIONS,
    *whitelists.OPERATIONS,
    *stats.OPERATIONS,
    *analytics.OPERATIONS,
    *tags.OPERATIONS,
    *ips.OPERATIONS,
    *tracking.OPERATIONS,
    *credentials.OPERATIONS,
    *validations.OPERATIONS,
)
_ROUTER = Router(OPERATIONS)
_SENDING = ("messages", "messages.mime")
VERSIONS = ("v1", "v2", "v3", "v4", "v5")
"""First pieces of the paths that are Mailgun's own."""


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


def bad_key(call: Call) -> HttpAnswer:
    """Sending endpoints say it in plain text (recorded), the others in JSON (published contract)."""
    if call.segments and call.segments[-1] in _SENDING:
        return plain(401, "Forbidden")
    return HttpAnswer(401, encode({"message": "Invalid private key"}))


def answer(account: MailgunAccount, call: Call, *, key_is_good: bool) -> HttpAnswer:
    """Mailgun's answer to a call whose path is Mailgun's own."""
    if not key_is_good:
        return bad_key(call)
    if call.method not in ("GET", "POST", "PUT", "DELETE", "PATCH"):
        return page_not_found()
    deliver_what_is_due(account)
    forget_the_gone(account)
    try:
        return _ROUTER.answer(account, call)
    except Rejection as refusal:
        return refusal.answer
