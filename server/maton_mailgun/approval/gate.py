"""The gate itself: a proposed write waits here for a person, and runs at most once after their yes.

    call -> policy -> look -> pending -> (form | page | terminal) -> approved -> executing -> settled

Everything that survives a crash is in the store; this object only drives it. What carries a write out and finds out
how it ended is in the room `lifecycle`.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from maton_mailgun.approval.binding import seal
from maton_mailgun.approval.binding.keys import KeyFileError, load_keys
from maton_mailgun.approval.channels.form import answers, decision_in, held_all
from maton_mailgun.approval.channels.notifying import opened_notices
from maton_mailgun.approval.channels.people import People
from maton_mailgun.approval.channels.ways import Ways
from maton_mailgun.approval.lifecycle.decide import Decision, NotDecidable, decide, mark_shown, more_time
from maton_mailgun.approval.lifecycle.edit import Edits
from maton_mailgun.approval.lifecycle.execute import Execution
from maton_mailgun.approval.lifecycle.follow import followed, standing
from maton_mailgun.approval.lifecycle.fresh_secret import take_secret
from maton_mailgun.approval.lifecycle.hold import Holding
from maton_mailgun.approval.lifecycle.propose import propose
from maton_mailgun.approval.lifecycle.reconcile import Reconciliation
from maton_mailgun.approval.lifecycle.services import Access, Services
from maton_mailgun.approval.lifecycle.settle import Settlement
from maton_mailgun.approval.lifecycle.signal import known
from maton_mailgun.approval.lifecycle.supervise import keep_running
from maton_mailgun.approval.lifecycle.watch import Watcher
from maton_mailgun.approval.policy.in_force import policy_off_loop
from maton_mailgun.approval.preview.form_text import FormText, question, too_much
from maton_mailgun.approval.refused import unread, unrecorded, unusable
from maton_mailgun.approval.store.contract import Stop, Store
from maton_mailgun.approval.store.failures import (
    Conflict,
    StoreError,
    StoreUnavailable,
)
from maton_mailgun.approval.store.opening import open_store
from maton_mailgun.approval.store.record import Record, State
from maton_mailgun.approval.told import STOPPED, outcome, superseded
from maton_mailgun.config import state_home
from maton_mailgun.errors import OutcomeUnknown, SetupError
from maton_mailgun.exchange import VISITED, Caller, FormAnswer, Outcome, Prepared, Question
from maton_mailgun.wire.answers import LOOK_FIRST

if TYPE_CHECKING:
    from maton_mailgun.approval.channels.page import PageServer

log = logging.getLogger(__name__)

SETTLE_SECONDS = 30.0
"""What a write in flight may take to end when the server stops."""

_Ways = list[dict[str, Any]]


class Gate:
    """Proposes, decides and runs writes. Use `Gate.open`."""

    def __init__(self, access: Access, services: Services) -> None:
        self.services = services
        self.settings = services.settings
        self.operations = services.operations
        self.store = services.store
        self.people = People(state_home(services.settings), services.store)
        self._reconciliation = Reconciliation(services)
        self._execution = Execution(services, Settlement(services, self._reconciliation))
        self.holding = Holding(services.store, services, self._execution.start, services.changes.announce)
        self._watcher = Watcher(services, self._execution, self._reconciliation)
        self._watching: asyncio.Task[None] | None = None
        self.stopping = False
        """Whether the server takes no more calls."""
        self.ways = Ways(self, services.settings, self._reveals, access)
        self.edits = Edits(services, self.ways.goes_on_as)
        self._notices = opened_notices(services, self.ways.elsewhere)

    @classmethod
    async def open(
        cls,
        access: Access,
        *,
        clock: Callable[[], float] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> Gate:
        """Open the store and take up what an earlier process left behind. `clock` gives Unix seconds (the store's own
        if left out), `monotonic` seconds that never run backwards.

        Raises:
            Refused: The state directory, the database or the policy cannot be used; nothing can be written then.
        """
        settings = access.settings
        home = state_home(settings)
        store: Store | None = None
        try:
            keys = await asyncio.to_thread(load_keys, home)
            store = await open_store(settings.database_url, home, keys, clock=clock, monotonic=monotonic)
            await policy_off_loop(settings)
            gate = cls(access, Services.over(access, store, keys, clock=clock, monotonic=monotonic))
            await gate.resume()
        except (KeyFileError, StoreError, SetupError) as problem:
            if store is not None:
                await store.close()
            raise unusable(problem) from None
        return gate

    async def resume(self) -> None:
        """Close what time has closed and go on finding out what is not known."""
        await self.store.sweep()
        self.watch()

    def watch(self) -> None:
        """Notice from now on what other processes decide."""
        kept = keep_running("approval-watch", self._watcher.watch)
        self._watching = asyncio.create_task(kept, name="approval-watch")

    def hurry(self, seconds: float) -> None:
        """The server stops: nobody waits for a person any more, and for a write only so many seconds. Writes go on."""
        self.stopping = True
        self.services.changes.end()
        self._execution.hurry(seconds)

    # Calls from the model -----------------------------------------------------------------------------------------

    async def call(
        self, prepared: Prepared, caller: Caller, answer: FormAnswer | None, *, instead_of: str | None = None
    ) -> Outcome | Question:
        """One call of a tool that writes: propose it, or take the answer to the question it was asked.

        Args:
            instead_of: A waiting proposal of the same caller, in whose place this one comes.

        Raises:
            Refused: The policy says no, or too much is waiting already.
        """
        digests = self.services.digests(prepared)
        began = self._now()
        try:
            if answer is not None:
                record = await self.store.get(answer.approval_id)  # guard: 02-unsolicited.record
                if record is not None and answers(answer, record, digests, caller):
                    return await self._answered(record, caller, answer)
            if instead_of is not None:
                record = await self.edits.replace(instead_of, prepared, caller)
            else:
                record = await propose(self.services, prepared, caller, digests)
            if record.digest not in digests:  # guard: 293-form
                # A person changed what was called for: no form of this call is about that.
                return await self.present(record)
        except (StoreError, seal.Unsealable) as problem:
            raise await unrecorded(problem, self.store) from None
        if self._notices is not None and record.state == "pending" and record.created_at >= began:
            self._notices.waits(record)
        return await self._go_on(record, caller)

    async def _go_on(self, record: Record, caller: Caller) -> Outcome | Question:
        """The next step for a record that was just proposed or joined."""
        await self.ways.asking(record)
        if record.state == "superseded":
            return await self.present(record)
        if record.state in ("approved", "executing"):
            record = await self._carried_out(record, caller.until)
        # Also where a rule's budget was used up meanwhile: a person is asked then.
        if record.state == "pending":
            if caller.can_ask and record.level == "client":
                form = question(record.preview)
                return await (self._question(record, form) if form else self._too_much(record, caller))
            return await self.waiting(record, visits=caller.visits)
        return self.told(record)

    async def _question(self, record: Record, form: FormText) -> Question:
        asked = form.text
        if form.elsewhere:
            asked += "\n\n" + await self.ways.beside(record, form.elsewhere)
        if each := self.ways.each_copy(record):  # guard: 120-form
            asked += f"\n\n{each}"
        return Question(record.id, record.digest, self._now(), asked, record.expires_at, form.mark)

    async def _too_much(self, record: Record, caller: Caller) -> Outcome:
        return await self.waiting(record, no_form=too_much(record.preview), visits=caller.visits)

    async def _answered(self, record: Record, caller: Caller, answer: FormAnswer) -> Outcome | Question:
        if record.state != "pending":  # guard: 05-finished.before
            return await self._go_on(record, caller)
        decision = decision_in(answer, caller, self._now())
        if decision is None or record.level != "client":
            led = answer.action == VISITED
            no_form = too_much(record.preview) if led and record.level == "client" else ""
            return await self.waiting(record, no_form=no_form, visits=led)
        if decision.approve and not held_all(answer, record):
            return await self._too_much(record, caller)
        try:
            record = await self.decided(record, decision)
        except NotDecidable as refused:
            return await self._go_on(refused.record, caller)  # guard: 05-finished.meanwhile
        record = await self._carried_out(record, caller.until)
        await self.ways.reveal(record)
        return self.told(record)

    async def answered_late(self, answer: FormAnswer, caller: Caller) -> None:
        """Take the answer to a form whose call has ended; what is no decision, or comes too late, changes nothing."""
        record = await self.store.get(answer.approval_id)
        if record is None or not answers(answer, record, {record.digest}, caller):  # guard: 107-question
            return
        decision = decision_in(answer, caller, self._now())
        if decision is None or (decision.approve and not held_all(answer, record)):  # guard: 107-whole
            return
        try:
            record = await self.decided(record, decision)
        except NotDecidable as refused:
            log.info("an answer to a form came too late", extra={"approval": record.id, "why": refused.why})
            return
        await self.ways.reveal(await self._carried_out(record, math.inf))

    async def waiting(
        self, record: Record, *, no_form: str = "", form_open: bool = False, visits: bool = False
    ) -> Outcome:
        """The pending result, with the page opened where that is possible.

        Args:
            no_form: Why nobody is asked by a form, in words.
            form_open: Whether a form for it is before the person still.
            visits: Whether the client can lead the person to the page itself: then it is not opened here.
        """
        visit = await self.ways.visit(record, self._now()) if visits else None
        ways = await self.ways.ways(record, open_page=visit is None)
        if form_open:
            ways.insert(0, {"channel": "form", "opened": False})
        return replace(self.told(record, ways, no_form), visit=visit)

    # Decisions, from every channel --------------------------------------------------------------------------------

    async def decide(self, approval_id: str, decision: Decision) -> Record:
        """Record a person's decision; after a yes the write starts at once, in the background.

        Raises:
            NotDecidable: It is no longer pending, or this channel is not enough for it.
            KeyError: There is no such approval.
        """
        return await self._decide(await known(self.store, approval_id), decision)

    async def _decide(self, record: Record, decision: Decision) -> Record:
        record = await decide(self.store, record, decision, self._now())
        self.holding.after(record)
        return record

    async def decided(self, record: Record, decision: Decision) -> Record:
        """`decide` for a caller who must be told: a store that fails while it takes a yes may have kept it.

        Raises:
            StoreError: It was certainly not kept.
            OutcomeUnknown: The yes may stand, and the write may be carried out.
            NotDecidable: See `decide`.
        """
        try:
            return await self._decide(record, decision)
        except StoreError as problem:
            certain = isinstance(problem, StoreUnavailable) and problem.certain
            if not decision.approve or certain:
                raise
            raise OutcomeUnknown(
                message=f"Whether the yes to {record.id} was kept is not known ({problem}). It may be carried out.",
                next=LOOK_FIRST,
            ) from None

    async def run(self, approval_id: str, until: float = math.inf) -> Record:
        """Carry out an approved write, or join the run that is under way. Cancelling the caller stops nothing.

        Args:
            approval_id: Which one.
            until: The moment of the loop's clock at which it is told as it is then; it goes on by itself.

        Raises:
            OutcomeUnknown: The approval cannot be read now, and may be carried out at this very moment.
        """
        try:
            record = await known(self.store, approval_id)
        except (StoreError, seal.Unsealable) as problem:
            raise unread(problem) from None
        return await self._carried_out(record, until)

    async def _carried_out(self, record: Record, until: float) -> Record:
        """`run`, for a record that was just read or written."""
        try:
            return await self._execution.run(record, until)
        except (StoreError, seal.Unsealable) as problem:
            raise unread(problem) from None

    async def cancel(self, approval_id: str, principal: str) -> Record | None:
        """Withdraw a pending approval. Returns the record as it is then; None if this principal has no such one."""
        record = await self.get(approval_id)
        if record is None or record.principal != principal:
            return None
        if record.state == "pending":
            try:
                record = await self.store.move(record, "cancelled", actor=principal, finished_at=self._now())
            except Conflict as lost:
                record = lost.current
            self.services.changes.announce()
        return record

    async def stop(self, by: str) -> int:
        """Close all that waits, and refuse what is new until a person lifts it in a terminal. How many were closed."""
        closed = await self.store.stop(actor=by, reason=STOPPED)
        self.services.changes.announce()
        return len(closed)

    async def stopped(self) -> Stop | None:
        """The stop in force, if there is one."""
        return await self.store.stopped()

    # Looking ------------------------------------------------------------------------------------------------------

    async def get(self, approval_id: str) -> Record | None:
        """The record, or None where there is none."""
        return await self.store.get(approval_id)

    async def list(
        self, principal: str | None = None, states: Collection[State] | None = None, limit: int = 50
    ) -> Sequence[Record]:
        """Approvals, newest first."""
        return await self.store.list(principal=principal, states=states, limit=limit)

    async def shown(self, approval_id: str) -> Record:
        """Note that a person has the question before them."""
        return await mark_shown(self.store, await known(self.store, approval_id), self._now())

    async def more_time(self, approval_id: str, by: str) -> Record:
        """Put off the end of what waits by 15 minutes, for a person. Raises NotDecidable."""
        record = await more_time(self.store, await known(self.store, approval_id), by, self._now())
        self.services.changes.announce()
        return record

    async def secret(self, approval_id: str) -> Mapping[str, str] | None:
        """A freshly generated password or connect link: once, for the approver's page or terminal."""
        return await take_secret(self.store, self.services.keys.seal, await known(self.store, approval_id))

    async def wait(self, approval_id: str, seconds: float, until: Callable[[Record], bool]) -> Record:
        """The record as soon as it satisfies `until`, or as it is after `seconds`."""
        return await self.services.changes.wait(approval_id, seconds, until)

    async def followed(self, record: Record, seconds: float, until: Callable[[Record], bool]) -> Record:
        """`wait`, for a record or for what stands in its place then."""
        return await followed(self.services, record, seconds, until)

    async def present(self, record: Record, *, asked: str | None = None) -> Outcome:
        """What `get_approval` answers: how a proposal stands, or what stands in its place.

        Args:
            asked: The id that was asked about, where it is of an earlier one.
        """
        stands = await standing(self.store, record)
        decide = None
        if stands.state == "pending":
            self.ways.goes_on_as(asked or record.id, stands.id)
            decide = await self.ways.again(stands)
        told = self.told(stands, decide)
        asked = asked or record.id
        return superseded(told, asked, stands) if asked != stands.id else told

    async def page(self) -> PageServer:
        """The approval page's server, started on first use."""
        return await self.ways.page()

    def told(self, record: Record, decide: _Ways | None = None, no_form: str = "") -> Outcome:
        """What a caller is told of a record as it is."""
        operation = self.operations.get(record.operation)
        return outcome(record, operation, now=self._now(), decide=decide, no_form=no_form)

    def _reveals(self, operation: str) -> bool:
        """Whether the answer to an operation holds a fresh secret."""
        return bool(self.operations[operation].reveals)

    def _now(self) -> float:
        return self.services.clock()

    async def aclose(self) -> None:
        """Let writes in flight settle (bounded), then let go of everything."""
        if self._watching is not None:
            self._watching.cancel()
        await self.holding.close()
        await self._execution.close(SETTLE_SECONDS)
        await self._reconciliation.close()
        if self._notices is not None:
            await self._notices.aclose()
        await self.ways.aclose()
        await self.store.close()
