"""Changing what waits, on the page: which fields there are, and the new proposal that is made of them.

It decides nothing: what is saved waits for a yes of its own, like any other proposal.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from maton_mailgun.approval.channels.page.page_gate import NotChangeable, PageGate
from maton_mailgun.approval.channels.page.sessions import Session
from maton_mailgun.approval.channels.page.sign_in import PageRefusal, SignIn
from maton_mailgun.approval.store.failures import StoreError
from maton_mailgun.approval.store.record import Record
from maton_mailgun.errors import BadArguments, CallError, SetupError
from maton_mailgun.mail.text import safe_block, short

MOST_EDITED = 2_000_000
"""Bytes of a change: a long body, with what JSON adds to it."""


class EditPages(ABC):
    """The handlers; `_Pages` has the rest of the page."""

    _gate: PageGate
    _door: SignIn

    async def fields(self, request: Request, session: Session) -> Response:
        """What can be changed of a proposal, with its values as they are."""
        record = await self._record(request, session)
        try:
            found = await self._gate.edits.fields(record.id)
        except NotChangeable as refused:
            raise self._conflict(refused.record, refused.why) from None
        return self._answer(
            {
                "digest": record.digest,
                "fields": [
                    {
                        "name": field.name,
                        "label": field.label,
                        "kind": field.kind,
                        "value": field.value,
                        "about": field.about,
                        "required": field.required,
                        "usual": field.usual,
                        "choices": list(field.choices),
                    }
                    for field in found
                ],
            }
        )

    async def _editable(self, record: Record) -> bool:
        """Whether there is anything that a person could change of it."""
        try:
            return record.state == "pending" and bool(await self._gate.edits.fields(record.id))
        except (NotChangeable, CallError, SetupError, StoreError):
            # Where it cannot be changed, whatever the reason, it is shown and decided all the same.
            return False

    async def edit(self, request: Request, session: Session) -> Response:
        """Make a new proposal of what was changed. It waits for its own yes."""
        given = await self._door.body(request, most=MOST_EDITED)  # guard: 297-large
        record = await self._record(request, session)
        changes = given.get("set")
        if given.keys() != {"digest", "set"} or not isinstance(changes, dict) or not changes:
            raise PageRefusal(400, "bad_request", "A change needs digest and set, with a value for each field.")
        if given["digest"] != record.digest:  # guard: 297-shown
            raise self._conflict(record, "It is not what was shown to you. Nothing was changed.")
        try:
            new = await self._gate.edits.edit(record.id, changes, session.decider)
        except NotChangeable as refused:
            raise self._conflict(refused.record, refused.why) from None
        except CallError as problem:
            raise _not_changed(problem) from None
        return self._answer({"id": new.id})

    @abstractmethod
    async def _record(self, request: Request, session: Session) -> Record:
        """The record of the path, as far as this session may know of it."""

    @abstractmethod
    def _conflict(self, record: Record, why: str) -> PageRefusal:
        """An answer with how it is now."""

    @abstractmethod
    def _answer(self, content: Mapping[str, Any]) -> Response:
        """An answer with the time."""


def _not_changed(problem: CallError) -> PageRefusal:
    found = problem.problems if isinstance(problem, BadArguments) else ()
    told = [{"path": short(one.path, 200), "why": short(f"{one.wrong}. {one.right}.", 500)} for one in found]
    why = "Nothing was changed yet: correct what is marked." if told else safe_block(problem.message)
    return PageRefusal(400, "not_changed", why, problems=told)
