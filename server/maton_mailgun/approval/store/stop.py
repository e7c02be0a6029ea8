"""The operator's emergency stop: while it stands nothing is proposed, approved or begun, in any process.

A stop and its end are entries of the audit that are about no approval, and the head of the audit says which one stands.
Every write takes the head first, under a lock and held to its checksum: there is no moment between a stop and a claim,
no row can be edited to lift one, and where none stands it costs nothing. The operator's reason is sealed in its entry,
as all words are at rest.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from maton_mailgun.approval.binding import seal
from maton_mailgun.approval.store import audit
from maton_mailgun.approval.store.audit import AuditEntry, Chain, Head
from maton_mailgun.approval.store.failures import StoreError, Tampered
from maton_mailgun.approval.store.script import Script
from maton_mailgun.approval.store.table import Rows, text_of

STOPPED, RESUMED = "stopped", "resumed"
"""What such an entry leads to."""
_ABOUT = "stop"
LIFT = "A person lifts it with `maton-mailgun approvals resume`, in a terminal"


@dataclass(frozen=True, slots=True)
class Stop:
    """An emergency stop that stands."""

    since: float
    """Unix seconds."""
    by: str
    reason: str
    """The operator's words; empty where they gave none."""

    @property
    def words(self) -> str:
        """Who stopped it, since when, and why."""
        when = datetime.fromtimestamp(self.since, UTC).strftime("%Y-%m-%d %H:%M UTC")
        return f"{self.by} stopped all writes on {when}{f': {self.reason}' if self.reason else ''}"


class Halted(StoreError):
    """An emergency stop stands."""

    def __init__(self, stop: Stop) -> None:
        super().__init__(f"{stop.words}. {LIFT}.")
        self.stop = stop


def standing(head: Head, chain: Chain, rows: Rows) -> Script[Stop | None]:
    """The stop that stands now, if one does. Raises Tampered where its entry is not as it was written."""
    seq = head.budgets.get(audit.STOP)
    if seq is None:
        return None
    found = yield audit.ONE, (seq,)
    entry = audit.entry_of(found[0]) if found else None
    ours = entry is not None and entry.key_id == chain.key_id
    if entry is None or (ours and not chain.holds(entry)):
        raise Tampered("the audit", f"entry {seq}, an emergency stop that stands, was changed or removed")
    # One under a key that was lost since still stops.
    return Stop(entry.at, text_of(entry.actor), _reason(rows, entry) if ours else "")


def detail(rows: Rows, reason: str, channel: str, at: float, closed: int) -> dict[str, object]:
    """What the entry of a stop says: the channel, how many approvals it closed, and the reason, sealed."""
    about: dict[str, object] = {"channel": channel, "closed": closed}
    if reason:
        sealed = seal.seal(rows.body_key, reason.encode("utf-8", "replace"), approval_id=_ABOUT, digest=repr(at))
        about["reason"] = base64.b64encode(sealed).decode("ascii")
        about["sealed_at"] = repr(at)
    return about


def _reason(rows: Rows, entry: AuditEntry) -> str:
    about = json.loads(entry.detail)
    if "reason" not in about:
        return ""
    try:
        sealed = base64.b64decode(about["reason"], validate=True)
        return seal.unseal(rows.body_key, sealed, approval_id=_ABOUT, digest=about["sealed_at"]).decode("utf-8")
    except (ValueError, KeyError, seal.Unsealable) as error:
        raise Tampered("the audit", f"the reason in entry {entry.seq} cannot be read") from error
