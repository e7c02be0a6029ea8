"""The gate itself: a proposed write waits here for a person, and runs at most once after their yes.

    call -> policy -> look -> pending -> (form | page | terminal) -> approved -> executing -> settled

Everything that survives a crash is in the store; this object only drives it. What carries a write out and finds out
how it ended is in `execution` and `reconciliation`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from ..answers import LOOK_FIRST
from ..call import Answer, Caller, Outcome, Prepared, Question
from ..catalogue import load as load_catalogue
from ..config import Settings, state_home
from ..errors import OutcomeUnknown, Refused, SetupError
from . import desk, history, preview, seal, show
from .cases import case_of
from .decision import Decision, NotDecidable
from .envelope import Sealed, digest_of, gateway_mark, pack
from .execution import Execution
from .front import Front
from .keys import KeyFileError, Keys, load_keys
from .policies import policy_now, policy_of
from .present import DECISIONS, outcome
from .reader import AccountReader
from .record import OPEN, TERMINAL, Record, State, new_approval_id
from .store import Conflict, Store, StoreError, Tampered, TooManyPending, open_store

if TYPE_CHECKING:
    from ..call import Engine
    from .page import PageServer

log = logging.getLogger(__name__)

MAX_PENDING = 10  # guard: 22-ten
NOT_SHOWN_SECONDS = 1.0  # guard: 07-at-once, 07-took-time
"""A decline faster than this was shown to nobody (seen in clients that refuse every form by themselves)."""
POLL_SECONDS = 0.25
SETTLE_SECONDS = 30.0
_DAY, _HOUR = 86_400.0, 3_600.0


class Gate:
    """Proposes, decides and runs writes. Use `Gate.open`."""

    def __init__(
        self,
        engine: Engine,
        store: Store,
        keys: Keys,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.engine = engine
        self.settings: Settings = engine.settings
        self.operations = load_catalogue()
        self.store = store
        self.keys = keys
        self.clock = clock
        self.mark = gateway_mark(self.settings, seal.derive(keys.seal, "gateway-mark"))
        self._execution = Execution(self)
        self._front = Front(self)
        self._watcher: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    @classmethod
    async def open(
        cls,
        engine: Engine,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> Gate:
        """Open the store and take up what an earlier process left behind.

        Args:
            clock: Unix seconds.
            monotonic: Seconds that never run backwards.

        Raises:
            Refused: The state directory, the database or the policy cannot be used; nothing can be written then.
        """
        settings = engine.settings
        home = state_home(settings)
        store: Store | None = None
        try:
            keys = await asyncio.to_thread(load_keys, home)
            store = await open_store(settings.database_url, home, keys, clock=clock, monotonic=monotonic)
            policy_of(settings)
            gate = cls(engine, store, keys, clock=clock)
            await gate.resume()
        except (KeyFileError, StoreError, SetupError) as problem:
            if store is not None:
                await store.close()
            raise Refused(
                message=f"Approvals cannot be used now: {problem}",
                next=(
                    "Tell the user. This call sent nothing. What became of earlier approvals cannot be read now: do "
                    "not repeat any of them."
                ),
            ) from None
        return gate

    async def resume(self) -> None:
        """Close what time has closed and go on finding out what is not known."""
        await self.store.sweep()
        self._watcher = asyncio.create_task(self._execution.watch(), name="approval-watch")

    # Calls from the model -----------------------------------------------------------------------------------------

    async def call(self, prepared: Prepared, caller: Caller, answer: Answer | None) -> Outcome | Question:
        """One call of a tool that writes: propose it, or take the answer to the question it was asked.

        Raises:
            Refused: The policy says no, or too much is waiting already.
        """
        digest = digest_of(prepared)
        try:
            if answer is not None:
                record = await self.store.get(answer.approval_id)  # guard: 02-unsolicited.record
                if record is not None and _answers(answer, record, digest, caller):
                    return await self._answered(record, caller, answer)
            record = await self._propose(prepared, caller, digest)
        except TooManyPending as problem:
            raise Refused(message=str(problem), next="Ask the user to decide what waits: see list_approvals.") from None
        except (Tampered, seal.Unsealable) as problem:
            raise Refused(message=str(problem), next="Tell the user. Nothing was sent.") from None
        except StoreError as problem:
            raise Refused(
                message=f"The approval could not be recorded, so nothing was sent: {problem}",
                next="Tell the user what is wrong with the state directory or database.",
            ) from None
        return await self._go_on(record, caller)

    async def _go_on(self, record: Record, caller: Caller) -> Outcome | Question:
        """The next step for a record that was just proposed or joined."""
        if record.state == "pending":
            if caller.can_ask and record.level == "client":
                return await self._question(record)
            return await self.waiting(record)
        if record.state in ("approved", "executing"):
            record = await self.run(record.id)
        return outcome(record, now=self.clock())

    async def _question(self, record: Record) -> Question:
        asked = show.question(record.preview)
        if show.leaves_out(asked):
            asked += "\n\n" + await self._front.beside(record)
        return Question(record.id, record.digest, self.clock(), asked, record.expires_at)

    async def _answered(self, record: Record, caller: Caller, answer: Answer) -> Outcome | Question:
        if record.state != "pending":  # guard: 05-finished.before
            return await self._go_on(record, caller)
        decision = answer.content.get("decision") if answer.action == "accept" else None  # guard: 06-accepted
        slow = self.clock() - answer.asked_at >= NOT_SHOWN_SECONDS
        shown = decision in DECISIONS or (answer.action == "decline" and slow)  # guard: 06-valid.shown
        if not shown or record.level != "client":
            return await self.waiting(record)
        reason = answer.content.get("reason")
        await self.shown(record.id)
        try:
            await self.decided(
                record.id,
                Decision(
                    approve=decision == "approve",  # guard: 06-valid.approve
                    level="client",
                    channel="form",
                    decider=f"person at {caller.client}",
                    reason=str(reason)[:500] if reason and decision != "approve" else None,
                ),
            )
        except NotDecidable as refused:
            return await self._go_on(refused.record, caller)  # guard: 05-finished.meanwhile
        record = await self.run(record.id)
        await self._front.reveal(record)
        return outcome(record, now=self.clock())

    async def waiting(self, record: Record) -> Outcome:
        """The pending result, with the page opened where that is possible."""
        return outcome(record, now=self.clock(), decide=await self._front.ways(record, open_page=True))

    async def _propose(self, prepared: Prepared, caller: Caller, digest: str) -> Record:
        for record in await self.store.list(principal=caller.principal, states=OPEN, limit=200):
            # One whose time is over and that nobody has closed yet is closed by `insert` below.
            in_time = self.clock() < record.expires_at  # guard: 00-over
            if record.digest == digest and (record.state == "executing" or in_time):  # guard: 39-joins.gate
                return record
        verdict = policy_now(self.settings).judge(case_of(prepared))
        allowed = verdict.decision == "allow" and await self._within(verdict.budgets)
        if verdict.decision == "deny":
            raise Refused(
                message=f"The operator's policy does not allow this: {verdict.why}",
                next="Tell the user. Nothing was sent, and asking again does not change it.",
            )
        now = self.clock()
        past = await self.store.history(caller.principal, digest, now - _DAY)  # guard: 00-history
        history.refuse_after_rejections(past, now - _HOUR)
        look = await preview.make(self.proposal(prepared, caller, now, history.lines(past, now)))
        succeeded = next((record.id for record in past if record.state == "succeeded"), None)
        record = Record(
            id=new_approval_id(),
            digest=digest,
            operation=prepared.operation.name,
            access=prepared.operation.access,  # type: ignore[arg-type]
            principal=caller.principal,
            client=caller.client,
            connection_id=prepared.account.connection_id,
            preview=look.preview,
            snapshot=look.snapshot,
            risk=look.risk,
            rule=verdict.rule,
            level=verdict.level,
            state="pending",
            version=1,
            created_at=now,
            expires_at=now + self.settings.pending_minutes * 60,
            duplicate_of=succeeded,
            budget_rules=tuple(rule for rule, _ in verdict.budgets),
        )
        absent = prepared.operation.before is not None and look.snapshot is not None and look.before is None
        packed = pack(prepared, self.mark, absent_before=absent)
        envelope = seal.seal(self.keys.seal, packed, approval_id=record.id, digest=digest)
        record, joined = await self.store.insert(record, envelope, max_pending=MAX_PENDING)
        # A rule cannot know the members behind a recipient, nor judge what could not be looked at: a person is asked.
        lists = any(one["kind"] == "list" for one in look.preview["recipients"])
        unknowable = lists or bool(look.preview["unchecked"])  # guard: 38-list
        # Nor does a rule repeat what may have happened: that is for a person to risk.
        doubted = any(one.state == "unknown" for one in past)  # guard: 00-doubted
        if allowed and not (joined or unknowable or doubted):
            actor = f"policy:{verdict.rule}"
            record = await self.store.move(
                record, "approved", actor=actor, decided_at=now, decided_by=actor, channel="policy",
                expires_at=now + desk.APPROVED_SECONDS,
            )  # fmt: skip
        return record

    async def _within(self, budgets: Sequence[tuple[str, int]]) -> bool:
        """Whether today's budgets still hold one more; where they do not, a person is asked instead."""
        spent = await self.store.spent([rule for rule, _ in budgets], self.clock())
        return all(spent.get(rule, 0) < per_day for rule, per_day in budgets)

    def proposal(self, prepared: Prepared, caller: Caller, now: float, past: Sequence[str] = ()) -> preview.Proposal:
        """What the preview is made from."""
        return preview.Proposal(
            operation=prepared.operation,
            arguments=prepared.arguments,
            request=prepared.request,
            account=prepared.account,
            client=caller.client,
            read=AccountReader(self.engine.gateway, self.operations, prepared.account.connection_id),
            now=now,
            history=tuple(past),
            principal=caller.principal,
        )

    # Decisions, from every channel --------------------------------------------------------------------------------

    async def decide(self, approval_id: str, decision: Decision) -> Record:
        """Record a person's decision; after a yes the write starts at once, in the background.

        Raises:
            NotDecidable: It is no longer pending, or this channel is not enough for it.
            KeyError: There is no such approval.
        """
        record = await desk.decide(self.store, await self._known(approval_id), decision, self.clock())
        self.announce()
        if decision.approve:
            self._execution.start(record)
        return record

    async def decided(self, approval_id: str, decision: Decision) -> Record:
        """`decide` for a caller who must be told: a store that fails while it takes a yes may have kept it.

        Raises:
            OutcomeUnknown: The yes may stand, and the write may be carried out.
            NotDecidable: See `decide`.
        """
        try:
            return await self.decide(approval_id, decision)
        except StoreError as problem:
            if not decision.approve:
                raise
            raise OutcomeUnknown(
                message=f"Whether the yes to {approval_id} was kept is not known ({problem}). It may be carried out.",
                next=LOOK_FIRST,
            ) from None

    async def run(self, approval_id: str) -> Record:
        """Carry out an approved write, or join the run that is under way. Cancelling the caller stops nothing.

        Raises:
            OutcomeUnknown: The approval cannot be read now, and may be carried out at this very moment.
        """
        try:
            return await self._execution.run(await self._known(approval_id))
        except (StoreError, seal.Unsealable) as problem:
            message = f"The approval cannot be read, and it may have been carried out: {problem}"
            raise OutcomeUnknown(message=message, next=LOOK_FIRST) from None

    async def opened(self, record: Record) -> Sealed:
        """The stored call of a record, held to its digest."""
        return await self._execution.opened(record)

    async def cancel(self, approval_id: str, principal: str) -> Record | None:
        """Withdraw a pending approval. Returns the record as it is then; None if this principal has no such one."""
        record = await self.get(approval_id)
        if record is None or record.principal != principal:
            return None
        if record.state == "pending":
            try:
                record = await self.store.move(record, "cancelled", actor=principal, finished_at=self.clock())
            except Conflict as lost:
                record = lost.current
            self.announce()
        return record

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
        return await desk.mark_shown(self.store, await self._known(approval_id), self.clock())

    async def secret(self, approval_id: str) -> Mapping[str, str] | None:
        """A freshly generated password or connect link: once, for the approver's page or terminal."""
        return await desk.take_secret(self.store, self.keys.seal, await self._known(approval_id))

    async def wait(self, approval_id: str, seconds: float, until: Callable[[Record], bool]) -> Record:
        """The record as soon as it satisfies `until`, or as it is after `seconds`."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            changed = self._changed
            record = await self._known(approval_id)
            left = deadline - asyncio.get_running_loop().time()
            if until(record) or left <= 0:
                return record
            # Another process may decide: its change is only seen by looking again.
            try:
                await asyncio.wait_for(changed.wait(), min(left, POLL_SECONDS))
            except TimeoutError:
                continue

    async def present(self, record: Record) -> Outcome:
        """What `get_approval` answers."""
        decide = await self._front.ways(record, open_page=False) if record.state == "pending" else None
        return outcome(record, now=self.clock(), decide=decide)

    def announce(self) -> None:
        """Wake everybody who waits for a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _known(self, approval_id: str) -> Record:
        record = await self.store.get(approval_id)
        if record is None:
            raise KeyError(approval_id)
        return record

    async def page(self) -> PageServer:
        """The approval page's server, started on first use."""
        return await self._front.page()

    async def aclose(self) -> None:
        """Let writes in flight settle (bounded), then let go of everything."""
        if self._watcher is not None:
            self._watcher.cancel()
        await self._execution.settle(SETTLE_SECONDS)
        await self._front.aclose()
        await self.store.close()


def _answers(answer: Answer, record: Record, digest: str, caller: Caller) -> bool:
    """Whether an answer is to this very question: same approval, same bytes, same asker."""
    same_call = answer.digest == digest == record.digest  # guard: 02-unsolicited.digest, 03-question, 04-call
    same_asker = record.principal == caller.principal  # guard: 00-answer-principal
    return same_call and same_asker


def finished(record: Record) -> bool:
    """Whether nothing more will happen to it by itself soon."""
    return record.state in TERMINAL or record.state == "unknown"
