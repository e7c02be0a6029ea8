"""Validation of one address: what Mailgun would say of it, from what the account knows and how the address is spelt.

No mail server is asked. Whoever bounced somewhere in the account has no mailbox; the result of all others follows from
the names of their mailbox and domain.
"""

from __future__ import annotations

from maton_mailgun.sandbox.account.mailgun_account import MailgunAccount
from maton_mailgun.sandbox.mailgun.mailboxes import parse_address
from maton_mailgun.sandbox.web.calls import Call, HttpAnswer, Record, choice, ok, refuse
from maton_mailgun.sandbox.web.router import MailgunOperation

_ROLES = frozenset({"abuse", "admin", "billing", "help", "info", "noreply", "postmaster", "sales", "support"})
_DISPOSABLE = frozenset({"mailinator.com", "guerrillamail.com", "10minutemail.com"})
_MEANT = {"gmial.com": "gmail.com", "hotmial.com": "hotmail.com", "yaho.com": "yahoo.com"}


def validate_address(account: MailgunAccount, call: Call) -> HttpAnswer:
    """Each call is billed, whatever it says of the address."""
    address = (call.query.first("address") or "").strip()
    if not address:
        raise refuse(400, "address parameter is required")
    choice(call.query, "provider_lookup", ("true", "false"))
    return ok({"address": address, **_verdict(account, address)})


def _verdict(account: MailgunAccount, address: str) -> Record:
    parsed = parse_address(address)
    if parsed is None or parsed.bare.casefold() != address.casefold():
        return _told("undeliverable", "high", ["malformed address; missing @ sign or invalid domain part"])
    local, _, domain = address.casefold().rpartition("@")
    role, disposable = local in _ROLES, domain in _DISPOSABLE
    more: Record = {"did_you_mean": f"{local}@{_MEANT[domain]}"} if domain in _MEANT else {}
    if any(address.casefold() in one.bounces for one in account.domains.values()):
        found = _told("undeliverable", "high", ["mailbox_does_not_exist"])
    elif disposable:
        found = _told("do_not_send", "high", ["mailbox_is_disposable_address"])
    elif domain.endswith((".invalid", ".test")):
        found = _told("undeliverable", "high", ["No MX records found for domain"])
    else:
        found = _told("deliverable", "medium" if role else "low", ["mailbox_is_role_address"] if role else [])
    return {**found, **more, "is_role_address": role, "is_disposable_address": disposable}


def _told(result: str, risk: str, reason: list[str]) -> Record:
    plain: Record = {"is_disposable_address": False, "is_role_address": False}
    return {**plain, "reason": reason, "result": result, "risk": risk}


OPERATIONS = (MailgunOperation("GET", "/v4/address/validate", validate_address),)
