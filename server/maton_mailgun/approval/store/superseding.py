"""A changed proposal takes the place of one that waits: the old one ends and the new one begins in one transaction, so
that there are never two of them to say yes to, and never none.
"""

from __future__ import annotations

from dataclasses import dataclass

from maton_mailgun.approval.store import table
from maton_mailgun.approval.store.failures import AlreadyWaits, Conflict, IllegalMove, StoreError
from maton_mailgun.approval.store.record import Record
from maton_mailgun.approval.store.script import Script
from maton_mailgun.approval.store.scripts import Scripts


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseding(Scripts):
    """The script that puts one record in the place of another."""

    def supersede(self, old: Record, new: Record, envelope: bytes, actor: str) -> Script[Record | StoreError]:
        """End `old`, which must wait still, and store `new` with its sealed request.

        Whether anybody saw the old one meanwhile is no change of it; that it was decided, carried out or closed is.
        """
        now = self.clock()
        head, row = yield from self._current(old)
        current = row.record
        if current.state != "pending":  # guard: 290-waits
            return IllegalMove(current, "superseded")
        if self.deadlines.lapsed(current, now):  # guard: 290-late
            _, expired = yield from self._lapse(head, row, now)
            return Conflict(expired)
        found = yield table.OPEN_ONE, (table.ascii_text(new.principal), new.digest)
        for other in found:
            same = self.rows.check(other)
            if same.record.id == current.id or not self.deadlines.lapsed(same.record, now):
                return AlreadyWaits(same.record)
            head, _ = yield from self._lapse(head, same, now)
        head, _ = yield from self._write(head, row, "superseded", actor, now, superseded_by=new.id, finished_at=now)
        return (yield from self._begin(head, new, envelope, actor, now))
