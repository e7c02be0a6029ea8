"""Changes of what waits as the page knows them, in memory: any value is taken, and a new record stands in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from maton_mailgun.approval.lifecycle.edit import NotChangeable
from maton_mailgun.approval.lifecycle.plain_fields import PlainField, text_of
from maton_mailgun.approval.preview.document import EditedValue, Preview
from maton_mailgun.approval.store.record import Record, new_approval_id
from maton_mailgun.errors import CallError
from maton_mailgun.mail.word_diff import word_diff


class Keeper(Protocol):
    """What holds the records."""

    records: dict[str, Record]

    async def get(self, approval_id: str) -> Record | None: ...
    def move(self, record: Record, state: Any, **changes: Any) -> Record: ...
    def add(self, record: Record) -> None: ...


class EditsInMemory:
    """Keeps what was asked to be changed; `plain` are the fields of each record."""

    def __init__(self, gate: Keeper) -> None:
        self._gate = gate
        self.plain: dict[str, Sequence[PlainField]] = {}
        self.made: list[tuple[str, Mapping[str, Any], str]] = []
        self.refuse: CallError | None = None
        """What the next change is answered with."""
        self.out_of_order: Exception | None = None
        """What asking for the fields of anything ends in."""

    async def fields(self, approval_id: str) -> Sequence[PlainField]:
        if self.out_of_order is not None:
            raise self.out_of_order
        await self._waiting(approval_id)
        return self.plain.get(approval_id, ())

    async def edit(self, approval_id: str, changes: Mapping[str, Any], editor: str) -> Record:
        old = await self._waiting(approval_id)
        if self.refuse is not None:
            raise self.refuse
        was = {field.name: field.value for field in self.plain.get(approval_id, ())}
        edited = [
            EditedValue(name, word_diff(text_of(was.get(name)), text_of(value))) for name, value in changes.items()
        ]
        if all(was.get(name) == value for name, value in changes.items()):
            raise NotChangeable(old, "That changes nothing.")
        self.made.append((approval_id, changes, editor))
        new = replace(
            old,
            id=new_approval_id(),
            digest="sha256:" + f"{len(self.made):064d}",
            version=1,
            shown_at=None,
            replaces=old.id,
            revision=old.revision + 1,
            edited_by=(*old.edited_by, editor),
            preview={**old.preview, "edited": Preview(edited=edited).frozen()["edited"]},
        )
        self._gate.move(old, "superseded", superseded_by=new.id)
        self._gate.add(new)
        return new

    async def _waiting(self, approval_id: str) -> Record:
        record = await self._gate.get(approval_id)
        if record is None:
            raise KeyError(approval_id)
        if record.state != "pending":
            raise NotChangeable(record, f"It is {record.state} already.")
        return record
