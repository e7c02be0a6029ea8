"""`maton-mailgun approvals open`: the approval page in a browser, when its tab is gone or no server shows one.

A page that another process serves is asked to come back first. Else this process serves one, until nothing waits any
more. It hands out no link that signs in: whoever runs this may be an assistant with a shell, and only a person knows
the passphrase. Nor does it carry anything out: the server that proposed a write notices the yes and acts.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from maton_mailgun.approval.channels.page import Decision, PageServer, start
from maton_mailgun.approval.channels.page.neighbour import opened_by_neighbour
from maton_mailgun.approval.channels.passphrase import fits
from maton_mailgun.approval.channels.terminal import Terminal
from maton_mailgun.approval.lifecycle.decide import more_time
from maton_mailgun.approval.lifecycle.hold import Holding
from maton_mailgun.approval.lifecycle.plain_fields import PlainField
from maton_mailgun.approval.store.contract import Stop
from maton_mailgun.approval.store.record import Record, State
from maton_mailgun.catalogue.rows import load
from maton_mailgun.cli.approvals import at_desk
from maton_mailgun.cli.editing import edits_of
from maton_mailgun.cli.exit_status import NO_PASSPHRASE, OK, CommandFailed
from maton_mailgun.cli.flags import settings_of
from maton_mailgun.cli.screen import Screen
from maton_mailgun.config import Settings, display_environment, state_home

NOTICE = "A yes here is carried out by the assistant's server, which must be running."
AFTER_SECONDS = 60.0
"""For which the page is there when nothing waits: who has it open sees how the last one ended."""
_LOOK_SECONDS = 0.5


def show(arguments: argparse.Namespace) -> int:
    """Open it, and serve it where nobody else does."""
    settings, screen = settings_of(arguments), Screen()

    async def run(desk: Terminal) -> int:
        waiting = await desk.list({"pending"}, limit=1)
        if waiting and await opened_by_neighbour(state_home(settings), waiting[0].id):
            screen.line("The approval page is open in your browser.")
            return OK
        if not desk.passphrase.is_set() and not await desk.people.names():
            hint = " --sandbox" if settings.sandbox else ""
            raise CommandFailed(
                NO_PASSPHRASE,
                "You sign in with the approver's passphrase, and none is set. On a terminal, run: "
                f"maton-mailgun approvals passphrase{hint}",
            )
        return await _serve(settings, screen, desk)

    return at_desk(settings, run)


async def _serve(settings: Settings, screen: Screen, desk: Terminal) -> int:
    home, operations = state_home(settings), load()
    gate = Desk(desk, settings)
    page = await start(
        gate,
        reveals=lambda operation: operation in operations and bool(operations[operation].reveals),
        environ=display_environment(),
        verify_passphrase=lambda given, who: fits(home, given, who),
        notice=NOTICE,
    )
    try:
        host = "localhost" if await desk.people.any_passkeys() else None
        opened = await page.open(link=False, anew=True, host=host)
        screen.line("The approval page is open in your browser." if opened else "Open this address in a browser.")
        screen.line(page.address(host=host), "strong")
        screen.line("Sign in with your passphrase. Ctrl-C ends it.", "quiet")
        await _until_nothing_waits(desk, page)
    finally:
        await page.close()
        await gate.close()
    return OK


async def _until_nothing_waits(desk: Terminal, page: PageServer) -> None:
    clock = asyncio.get_running_loop().time
    last = clock()
    while clock() - last < AFTER_SECONDS and not page.stopped:
        if await desk.list({"pending", "held", "approved", "executing"}, limit=1):
            last = clock()
        await asyncio.sleep(_LOOK_SECONDS)


class DeskEdits:
    """Changes of what waits, for which the account is looked at: with the key that this command was started with."""

    def __init__(self, settings: Settings) -> None:
        self._settings = replace(settings, page=False)

    async def fields(self, approval_id: str, /) -> Sequence[PlainField]:
        """See `PageEdits`."""
        async with edits_of(self._settings) as edits:
            return await edits.fields(approval_id)

    async def edit(self, approval_id: str, changes: Mapping[str, Any], editor: str, /) -> Record:
        """See `PageEdits`."""
        async with edits_of(self._settings) as edits:
            return await edits.edit(approval_id, changes, editor)


class Desk:
    """The desk of a terminal as the page sees a gate."""

    def __init__(self, desk: Terminal, settings: Settings) -> None:
        self._desk = desk
        self.edits = DeskEdits(settings)
        self.people = desk.people
        # A server carries out what is approved: here it is only let go on.
        self.holding = Holding(desk.store, desk, carry_out=lambda _: None)

    async def get(self, approval_id: str, /) -> Record | None:
        """See `PageGate`."""
        return await self._desk.get(approval_id)

    async def list(
        self, principal: str | None = None, states: Collection[State] | None = None, limit: int = 50
    ) -> Sequence[Record]:
        """See `PageGate`."""
        return await self._desk.store.list(principal=principal, states=states, limit=limit)

    async def decide(self, approval_id: str, decision: Decision, /) -> Record:
        """Record the answer; the server that proposed it carries it out."""
        record = await self._desk.decide(await self._known(approval_id), decision)
        self.holding.after(record)
        return record

    async def wait(self, approval_id: str, seconds: float, /, until: Callable[[Record], bool]) -> Record:
        """See `PageGate`."""
        return await self._desk.wait(approval_id, seconds, until)

    async def shown(self, approval_id: str, /) -> object:
        """See `PageGate`."""
        return await self._desk.shown(await self._known(approval_id))

    async def more_time(self, approval_id: str, by: str, /) -> Record:
        """See `PageGate`."""
        return await more_time(self._desk.store, await self._known(approval_id), by, self._desk.clock())

    async def stop(self, by: str, /) -> int:
        """See `PageGate`."""
        return await self._desk.stop(by=by, reason=None)

    async def stopped(self) -> Stop | None:
        """See `PageGate`."""
        return await self._desk.stopped()

    async def secret(self, approval_id: str, /) -> Mapping[str, str] | None:
        """See `PageGate`."""
        return await self._desk.secret(await self._known(approval_id))

    async def close(self) -> None:
        """End what is held here: nothing of it was sent."""
        await self.holding.close()

    async def _known(self, approval_id: str) -> Record:
        record = await self._desk.get(approval_id)
        if record is None:
            raise KeyError(approval_id)
        return record
