"""What the audit says of a change of a record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maton_mailgun.approval.store import table
from maton_mailgun.approval.store.budget_names import rule_of
from maton_mailgun.approval.store.record import Record


def about_change(before: Record, after: Record, changes: Mapping[str, Any]) -> dict[str, Any]:
    """What the audit says about a change beyond its states: names and numbers of ours, no text from outside."""
    about: dict[str, Any] = {}
    if before.state == after.state:
        about["changed"] = sorted(changes)
    if after.rule is not None and after.channel == "policy":
        about["rule"] = table.ascii_text(after.rule)
    if after.state == "executing" and before.state == "approved":
        about["budgets"] = [table.ascii_text(rule_of(one)) for one in dict.fromkeys(after.budget_rules)]
    if after.superseded_by is not None and before.superseded_by is None:
        about["superseded_by"] = after.superseded_by
    if after.yeses[-1:] != before.yeses[-1:]:
        if signed := after.yeses[-1].get("signed"):
            about["signed"] = dict(signed)
        about["yes_of"] = table.ascii_text(str(after.yeses[-1]["person"]))
    if after.message_id is not None and before.message_id is None:
        about["message_id"] = table.ascii_text(after.message_id)
    return about
