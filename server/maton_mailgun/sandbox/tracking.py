"""Open, click and unsubscribe tracking of a domain. Every update is partial: what is not sent stays."""

from __future__ import annotations

from maton_mailgun.sandbox.account import Account
from maton_mailgun.sandbox.router import Operation
from maton_mailgun.sandbox.wire import SWITCH, Answer, Call, Record, choice, ok, switch

_UPDATED = "Domain tracking settings have been updated"


def get_tracking(account: Account, call: Call) -> Answer:
    return ok({"tracking": account.domain_of(call).tracking})


def update_open(account: Account, call: Call) -> Answer:
    settings: Record = account.domain_of(call).tracking["open"]
    changes = {name: switch(call.form, name) for name in ("active", "place_at_the_top")}
    settings.update({name: value for name, value in changes.items() if value is not None})
    return ok({"message": _UPDATED, "open": settings})


def update_click(account: Account, call: Call) -> Answer:
    """`htmlonly` comes back as that word where the others come back as booleans."""
    settings: Record = account.domain_of(call).tracking["click"]
    word = choice(call.form, "active", (*SWITCH, "htmlonly"))
    if word is not None:
        settings["active"] = word if word == "htmlonly" else word in ("yes", "true")
    return ok({"message": _UPDATED, "click": settings})


def update_unsubscribe(account: Account, call: Call) -> Answer:
    settings: Record = account.domain_of(call).tracking["unsubscribe"]
    active = switch(call.form, "active")
    footers = {name: call.form.first(name) for name in ("html_footer", "text_footer")}
    if active is not None:
        settings["active"] = active
    settings.update({name: value for name, value in footers.items() if value is not None})
    return ok({"message": _UPDATED, "unsubscribe": settings})


OPERATIONS = (
    Operation("GET", "/v3/domains/{domain}/tracking", get_tracking),
    Operation("PUT", "/v3/domains/{domain}/tracking/open", update_open),
    Operation("PUT", "/v3/domains/{domain}/tracking/click", update_click),
    Operation("PUT", "/v3/domains/{domain}/tracking/unsubscribe", update_unsubscribe),
)
