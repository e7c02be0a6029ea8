"""A proposal is changed before anybody decided: by a person, or replaced by the agent that made it.

Either makes a new proposal through the builder that every call goes through, with a digest, a snapshot and a preview of
its own. It takes the place of the old one in one transaction and always waits for a yes of its own, whatever rule would
have let it run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from maton_mailgun.approval.binding import seal
from maton_mailgun.approval.lifecycle.follow import MOST_REVISIONS
from maton_mailgun.approval.lifecycle.plain_fields import PlainField, plain_fields, text_of
from maton_mailgun.approval.lifecycle.propose import build
from maton_mailgun.approval.lifecycle.services import Services
from maton_mailgun.approval.lifecycle.several import yes_of
from maton_mailgun.approval.lifecycle.signal import known
from maton_mailgun.approval.preview.document import EditedValue, Preview
from maton_mailgun.approval.store.failures import AlreadyWaits, Conflict, IllegalMove, StoreError
from maton_mailgun.approval.store.record import Record
from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.errors import BadArguments, CallError, Problem, Refused
from maton_mailgun.exchange import Caller, Prepared
from maton_mailgun.mail.text import short
from maton_mailgun.mail.word_diff import before_of, word_diff

SECONDS = 40.0
"""For all that is asked of the account while a person waits for their change."""
MOST_CHARACTERS = 1_000_000
"""Of all that one change says."""
NO_SUCH = "There is no such approval."
_MOST_FILES = 5
_UNCHANGED = "That changes nothing."


class NotChangeable(Exception):
    """The proposal cannot be changed like this (any more); `record` is as it is now."""

    def __init__(self, record: Record, why: str) -> None:
        super().__init__(why)
        self.record = record
        self.why = why


class Edits:
    """Changes of what waits, in one process.

    Args:
        moved: Told the id of the old one and of the new one.
    """

    def __init__(self, uses: Services, moved: Callable[[str, str], None] = lambda old, new: None) -> None:
        self._uses = uses
        self._moved = moved
        self._turn = asyncio.Lock()

    async def fields(self, approval_id: str) -> Sequence[PlainField]:
        """What a person may change of a proposal, with the values that it has.

        Raises:
            NotChangeable: It does not wait any more, or this server cannot change it.
            KeyError: There is no such approval.
        """
        return plain_fields(await self._waiting(await known(self._uses.store, approval_id)))

    async def edit(self, approval_id: str, changes: Mapping[str, Any], editor: str) -> Record:
        """Put in its place what a person makes of it. The new one waits for its own yes.

        Args:
            changes: The new values by argument; None takes one away.
            editor: Who changes it, in words for the audit.

        Raises:
            NotChangeable: See `fields`; or it was decided, changed or closed meanwhile, or nothing is changed.
            CallError: The changed call is none that could be proposed; says what would be right.
            KeyError: There is no such approval.
        """
        # One after the other: each looks at the account, and the second of two finds it changed.
        async with self._turn:
            old = await known(self._uses.store, approval_id)
            before = await self._waiting(old)
            operation = before.operation
            self._hold_to_fields(operation, plain_fields(before), changes)
            given = {**before.arguments, **changes}
            given = {name: value for name, value in given.items() if value is not None}
            if "connection_id" in operation.properties and old.connection_id:
                given["connection_id"] = old.connection_id  # guard: 294-connection
            caller = Caller(old.principal, old.client, until=asyncio.get_running_loop().time() + SECONDS)
            after = await self._uses.prepare(operation.name, given, old.principal)
            edited = await asyncio.to_thread(_edited, old, before, after)
            told = f"{editor} changed this: {_named(edited)}. The assistant had proposed {old.id}."
            editors = tuple(dict.fromkeys([*old.edited_by, editor]))
            other = _other_files(before, after)
            return await self._put(
                old, after, caller, " ".join([told, *other]), actor=editor, edited_by=editors, edited=edited
            )

    async def own(self, approval_id: str, caller: Caller) -> Record:
        """A proposal of this caller's.

        Raises:
            Refused: There is none of this id, or it cannot be read.
        """
        try:
            record = await self._uses.store.get(approval_id)
        except (StoreError, seal.Unsealable) as problem:
            raise Refused(message=str(problem), next="Tell the user. Nothing was sent.") from None
        if record is None or record.principal != caller.principal:  # guard: 295-own
            raise Refused(message=NO_SUCH, next="Call list_approvals to see the user's own.")
        return record

    async def replace(self, approval_id: str, prepared: Prepared, caller: Caller) -> Record:
        """Put another call in the place of one that the same agent proposed. The new one waits for its own yes.

        Raises:
            Refused: It is not theirs, does not wait any more, or was changed by a person; or the policy says no.
        """
        old = await self.own(approval_id, caller)
        try:
            if (done := await self._replaced_already(old, prepared)) is not None:
                return done
            self._check(old, by_person=False)
            told = f"The assistant proposed this in place of {old.id}."
            return await self._put(old, prepared, caller, told, actor=caller.principal)
        except NotChangeable as problem:
            raise Refused(
                message=f"It was not replaced: {problem.why}",
                next=f"Call get_approval for {old.id} and tell the user. Nothing was sent.",
            ) from None

    async def _replaced_already(self, old: Record, prepared: Prepared) -> Record | None:
        """What stands in its place, where that is this very call: who repeats one finds it done."""
        if old.superseded_by is None:
            return None
        found = await self._uses.store.get(old.superseded_by)
        same = found is not None and not found.edited_by and found.digest in self._uses.digests(prepared)
        return found if same else None

    async def _put(
        self,
        old: Record,
        prepared: Prepared,
        caller: Caller,
        told: str,
        *,
        actor: str,
        edited_by: tuple[str, ...] = (),
        edited: Sequence[EditedValue] = (),
    ) -> Record:
        """Make the question of a call, and put it in the place of the old one."""
        uses = self._uses
        same = (prepared.operation.name, prepared.account.connection_id) == (old.operation, old.connection_id)
        if not same:  # guard: 294-same
            raise NotChangeable(old, "It would be another tool or another account: that is a proposal of its own.")
        digests = uses.digests(prepared)
        if old.digest in digests:
            raise NotChangeable(old, _UNCHANGED)
        past = await uses.store.history(caller.principal, digests, uses.clock() - 86_400.0)
        # Whoever said yes to the old one may take this for it.
        lost = [f"{yes_of(old)} to what it was before. That counts no more."] if old.yeses else []
        warned = Preview.of(old.preview).warnings
        built = await build(uses, prepared, caller, digests, past, [told, *lost], warned)
        preview = {**built.record.preview}
        if edited:
            preview["edited"] = Preview(edited=edited).frozen()["edited"]
        written_by = tuple(dict.fromkeys([*old.written_by, *built.record.written_by]))
        new = replace(
            built.record,
            preview=preview,
            replaces=old.id,
            revision=old.revision + 1,
            edited_by=edited_by,
            written_by=written_by,
        )
        try:
            # Whatever a rule would allow: this waits until a person says yes to it.
            stored = await uses.store.supersede(old, new, built.envelope, actor=actor)
        except IllegalMove as lost:
            raise NotChangeable(lost.record, f"It is {lost.record.state} already.") from None
        except Conflict as lost:
            raise NotChangeable(lost.current, f"It is {lost.current.state} already.") from None
        except AlreadyWaits as other:
            raise NotChangeable(old, str(other)) from None
        self._moved(old.id, stored.id)
        uses.changes.announce()
        return stored

    async def _waiting(self, record: Record) -> Prepared:
        """The call of a proposal that can be changed here."""
        self._check(record)
        try:
            sealed = await self._uses.opened(record)
        except seal.Unsealable as problem:
            raise NotChangeable(await known(self._uses.store, record.id), str(problem)) from None
        except KeyError:
            raise NotChangeable(record, "Its tool is no longer offered here.") from None
        try:
            gateway = self._uses.gateway.of(record.principal)
        except CallError as problem:
            raise NotChangeable(record, problem.message) from None
        if sealed.gateway != self._uses.mark_of(gateway):  # guard: 294-gateway
            raise NotChangeable(
                record, "It was proposed by a server with another Maton key, address, policy or attachments directory."
            )
        return sealed.prepared

    def _check(self, record: Record, *, by_person: bool = True) -> None:
        if record.edited_by and not by_person:  # guard: 295-person
            raise NotChangeable(record, "The user changed it, and what they wrote is theirs.")
        if record.state != "pending":
            raise NotChangeable(record, f"It is {record.state} already.")
        if record.revision >= MOST_REVISIONS:  # guard: 296-often
            raise NotChangeable(record, f"It was changed {record.revision} times. Let it be decided, or proposed anew.")

    def _hold_to_fields(self, operation: Operation, fields: Sequence[PlainField], changes: Mapping[str, Any]) -> None:
        """Refuse to change what is no plain field of it, and more than anybody types."""
        names = {field.name for field in fields}
        odd = [short(name, 80) for name in changes if name not in names]
        if odd:  # guard: 294-fields
            right = f"Can be changed: {', '.join(sorted(names))}" if names else "Nothing of it can be changed"
            raise BadArguments(operation.name, [Problem(name, "cannot be changed here", right) for name in odd])
        if sum(len(text_of(value)) for value in changes.values()) > MOST_CHARACTERS:  # guard: 296-size
            right = f"Change at most {MOST_CHARACTERS:,} characters"
            raise BadArguments(operation.name, [Problem("", "is too much for a change by hand", right)])


def _edited(old: Record, before: Prepared, after: Prepared) -> list[EditedValue]:
    """All that people changed of what the agent proposed, field by field: also what earlier changes did."""
    known_before = {one.field: before_of(one.pieces) for one in Preview.of(old.preview).edited}
    hidden = {"connection_id", *after.operation.secret}
    found = []
    for name in after.operation.properties:
        was = known_before.get(name, text_of(before.arguments.get(name)))
        now = text_of(after.arguments.get(name))
        if was != now and name not in hidden:
            found.append(EditedValue(name, word_diff(was, now)))
    return found


def _other_files(before: Prepared, after: Prepared) -> list[str]:
    """What nobody changed and is another all the same: files are read anew, and somebody may have put others there."""
    was = {(one.field, one.path or one.filename): one.sha256 for one in before.request.files}
    found = [one for one in after.request.files if was.get((one.field, one.path or one.filename)) != one.sha256]
    names = ", ".join(short(one.filename, 80) for one in found[:_MOST_FILES])
    return [f"Not by this change: the content of {names} is another than before."] if found else []  # guard: 423-files


def _named(edited: Sequence[EditedValue]) -> str:
    return ", ".join(one.field.replace("_", " ") for one in edited) or "nothing that is left of it"
