"""What rules judged of a write, kept with its record: the request itself is dropped when it ends, and other rules can
still be tried on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from maton_mailgun.approval.policy.judge import Case
from maton_mailgun.approval.store.record import Record

KEPT = "judged"
"""Stands beside a frozen preview; what is removed of it at a person's request goes with it."""
_TEXTS = ("recipients", "domains", "besides")


def with_case(frozen: Mapping[str, Any], case: Case) -> dict[str, Any]:
    """A frozen preview with what rules judge of the call."""
    kept = {**{name: list(getattr(case, name)) for name in _TEXTS}, "uses": case.uses}
    # As a text of ASCII: these are no words to be shown, and stand as they were given.
    return {**frozen, KEPT: json.dumps(kept)}


def case_in(record: Record) -> Case | None:
    """The call as rules judge it now; None where an earlier version kept it, or all words were taken out of it."""
    if KEPT not in record.preview:
        return None
    kept = json.loads(record.preview[KEPT])
    recipients, domains, besides = (tuple(map(str, kept.get(name, ()))) for name in _TEXTS)
    return Case(
        tool=record.operation,
        access=record.access,
        recipients=recipients,
        domains=domains,
        connection_id=record.connection_id,
        uses=int(kept.get("uses", 1)),
        principal=record.principal,
        besides=besides,
    )
