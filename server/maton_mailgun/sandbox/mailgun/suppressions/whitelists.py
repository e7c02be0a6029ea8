"""Addresses and domains that are never put on the bounce list by themselves (Mailgun now says allowlist)."""

from __future__ import annotations

from maton_mailgun.sandbox.account.mailgun_account import Domain, MailgunAccount
from maton_mailgun.sandbox.mailgun.mailboxes import parse_address
from maton_mailgun.sandbox.mailgun.times import utc
from maton_mailgun.sandbox.web.calls import Call, HttpAnswer, ok, refuse
from maton_mailgun.sandbox.web.pages import pivoted
from maton_mailgun.sandbox.web.router import MailgunOperation

_NOT_FOUND = "Address/Domain not found in allowlist table"


def is_protected(domain: Domain, recipient: str) -> bool:
    """Whether a hard bounce of this address must not reach the bounce list."""
    return recipient in domain.whitelists or recipient.rpartition("@")[2] in domain.whitelists


def list_whitelists(account: MailgunAccount, call: Call) -> HttpAnswer:
    return ok(pivoted(call, account.domain_of(call).whitelists, "address", prefix_word="term", always=True))


def add_whitelist(account: MailgunAccount, call: Call) -> HttpAnswer:
    """The address wins when an address and a domain arrive together."""
    domain = account.domain_of(call)
    address, name = call.form.first("address"), call.form.first("domain")
    reason = call.form.first("reason") or ""
    if address:
        if parse_address(address) is None:
            raise refuse(400, f"Invalid format for parameter address: {address}")
        kind, value = "address", address
    elif name:
        kind, value = "domain", name
    else:
        raise refuse(400, "Missing mandatory parameter: address/domain")
    value = value.strip().lower()
    domain.whitelists.put(value, {"type": kind, "value": value, "reason": reason, "createdAt": utc(account.now)})
    return ok({"message": "Address/Domain has been added to the allowlists table", "type": kind, "value": value})


def get_whitelist(account: MailgunAccount, call: Call) -> HttpAnswer:
    record = account.domain_of(call).whitelists.get(call.path["value"])
    if record is None:
        raise refuse(404, _NOT_FOUND)
    return ok(record)


def delete_whitelist(account: MailgunAccount, call: Call) -> HttpAnswer:
    record = account.domain_of(call).whitelists.pop(call.path["value"])
    if record is None:
        raise refuse(404, _NOT_FOUND)
    return ok({"message": "Allowlist address/domain has been removed", "value": record["value"]})


def clear_whitelists(account: MailgunAccount, call: Call) -> HttpAnswer:
    account.domain_of(call).whitelists.clear()
    return ok({"message": "Allowlist addresses/domains for this domain have been removed"})


OPERATIONS = (
    MailgunOperation("GET", "/v3/{domain}/whitelists", list_whitelists),
    MailgunOperation("POST", "/v3/{domain}/whitelists", add_whitelist),
    MailgunOperation("DELETE", "/v3/{domain}/whitelists", clear_whitelists, collapses=True),
    MailgunOperation("GET", "/v3/{domain}/whitelists/{value}", get_whitelist),
    MailgunOperation("DELETE", "/v3/{domain}/whitelists/{value}", delete_whitelist),
)
