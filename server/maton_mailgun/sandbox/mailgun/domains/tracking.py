"""Open, click and unsubscribe tracking of a domain. Every update is partial: what is not sent stays."""

from __future__ import annotations

from maton_mailgun.sandbox.account.mailgun_account import MailgunAccount
from maton_mailgun.sandbox.web.calls import SWITCH, Call, HttpAnswer, Record, choice, ok, switch
from maton_mailgun.sandbox.web.router import MailgunOperation

_UPDATED = "Domain tracking settings have been updated"


def get_tracking(account: MailgunAccount, call: Call) -> HttpAnswer:
    return ok({"tracking": account.domain_of(call).tracking})


def update_open(account: MailgunAccount, call: Call) -> HttpAnswer:
    settings: Record = account.domain_of(call).tracking["open"]
    changes = {name: switch(call.form, name) for name in ("active", "place_at_the_top")}
    settings.update({name: value for name, value in changes.items() if value is not None})
    return ok({"message": _UPDATED, "open": settings})


def update_click(account: MailgunAccount, call: Call) -> HttpAnswer:
    """`htmlonly` comes back as that word where the others come back as booleans."""
    settings: Record = account.domain_of(call).tracking["click"]
    word = choice(call.form, "active", (*SWITCH, "htmlonly"))
    if word is not None:
        settings["active"] = word if word == "htmlonly" else word in ("yes", "true")
    return ok({"message": _UPDATED, "click": settings})


def update_unsubscribe(account: MailgunAccount, call: Call) -> HttpAnswer:
    settings: Record = account.domain_of(call).tracking["unsubscribe"]
    active = switch(call.form, "active")
    footers = {name: call.form.first(name) for name in ("html_footer", "text_footer")}
    if active is not None:
        settings["active"] = active
    settings.update({name: value for name, value in footers.items() if value is not None})
    return ok({"message": _UPDATED, "unsubscribe": settings})


OPERATIONS = (
    MailgunOperation("GET", "/v3/domains/{domain}/tracking", get_tracking),
    MailgunOperation("PUT", "/v3/domains/{domain}/tracking/open", update_open),
    MailgunOperation("PUT", "/v3/domains/{domain}/tracking/click", update_click),
    MailgunOperation("PUT", "/v3/domains/{domain}/tracking/unsubscribe", update_unsubscribe),
)
