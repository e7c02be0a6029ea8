"""Where a person is reached besides the form: the approval page, opened in their browser, and the terminal."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from maton_mailgun.approval.lifecycle.fresh_secret import has_secret
from maton_mailgun.approval.lifecycle.services import Access
from maton_mailgun.approval.preview.document import Preview
from maton_mailgun.approval.preview.filled_message import copies
from maton_mailgun.approval.store.contract import ALL
from maton_mailgun.approval.store.failures import StoreError
from maton_mailgun.approval.store.record import OPEN, Record
from maton_mailgun.config import Settings, display_environment, page_directory, state_home
from maton_mailgun.exchange import Visit
from maton_mailgun.mail.text import count
from maton_mailgun.own_command import own_command

if TYPE_CHECKING:
    from maton_mailgun.approval.channels.page import Baton, Opened, PageGate, PageServer

log = logging.getLogger(__name__)

_TIDIED_AT = 256
"""Ids that are remembered before it is looked at which of them are finished."""


class Ways:
    """The page's server of one process, started when it is first needed, and what was opened in a browser."""

    def __init__(self, gate: PageGate, settings: Settings, reveals: Callable[[str], bool], access: Access) -> None:
        self._gate = gate
        self._settings = settings
        self._reveals = reveals
        self._access = access
        self._page: PageServer | None = None
        self._opening = asyncio.Lock()
        self._opened: dict[str, Opened] = {}
        """What is in the browser, on the page of this process."""
        self._beside: dict[str, Opened] = {}
        """What is in the browser, on the page of another process."""
        self._lost: set[str] = set()
        """What was in the browser on a page of this process that stopped."""
        self._led_to: dict[str, str] = {}
        """Where clients were asked to lead a person, on the page of this process."""
        self._asked: set[str] = set()
        """What was asked for here, by a form or otherwise."""
        self._tidy_at = _TIDIED_AT

    async def asking(self, record: Record) -> None:
        """This process asks for it; otherwise `again` brings its page back."""
        self._asked.add(record.id)
        if len(self._remembered()) >= self._tidy_at:
            await self._tidy()

    async def _tidy(self) -> None:
        """Forget what is finished: a server may go on for months."""
        before = self._remembered()
        try:
            left = await self._gate.list(states=OPEN, limit=ALL)
        except StoreError as problem:
            log.info("what is finished cannot be forgotten now", extra={"why": str(problem)})
            return
        # What takes the place of another may not have been told here yet.
        still = {record.id for record in left} | {record.replaces for record in left}
        over = before - still  # guard: 420-finished
        for one in (self._opened, self._beside, self._led_to):
            for approval_id in over & one.keys():
                del one[approval_id]
        self._asked -= over
        self._lost -= over
        self._tidy_at = max(_TIDIED_AT, 2 * len(self._remembered()))

    def _remembered(self) -> set[str]:
        return self._asked | self._lost | self._opened.keys() | self._beside.keys() | self._led_to.keys()

    def goes_on_as(self, old: str, new: str) -> None:
        """Another proposal stands in the place of one: who has that before them has this too."""
        for opened in (self._opened, self._beside):
            if old in opened:
                opened[new] = opened[old]
        if old in self._asked:
            self._asked.add(new)
        if old in self._lost:
            self._lost.discard(old)
            self._lost.add(new)

    async def again(self, record: Record) -> list[dict[str, Any]]:
        """The ways to decide what waits already. Where the process that asked is gone, its page may be gone with it:
        then it is opened again, once."""
        gone = await self._gone(record)
        return await self.ways(record, open_page=gone or record.id not in self._asked)

    async def ways(self, record: Record, *, open_page: bool) -> list[dict[str, Any]]:
        """The ways to decide that the caller may tell the user; none of them holds a token."""
        ways: list[dict[str, Any]] = []
        if opened := await self._opened_once(record) if open_page else self._open(record):
            sign_in = {"sign_in": "passphrase"} if opened == "passphrase" else {}
            ways.append({"channel": "page", "opened": True, **sign_in})
        elif address := self._address(record) or self._led_to.get(record.id):
            ways.append({"channel": "page", "url": address})
        ways.append({"channel": "cli", "command": self._command(record)})
        return ways

    async def beside(self, record: Record, elsewhere: int) -> str:
        """Put everything before a person whose form does not hold all facts, and say how many are where."""
        facts = count(elsewhere, "fact")
        missing = f"{facts} from the account {'is' if elsewhere == 1 else 'are'} not here, or not in full."
        if opened := await self._opened_once(record):
            asks = " and asks for the approver's passphrase" if opened == "passphrase" else ""
            return f"{missing} All is on the approval page, which is open in your browser{asks}."
        if place := self._place(record):
            return f"{missing} All is on {place}."
        return f"{missing} To see all, run in a terminal: {self._command(record)}"

    def each_copy(self, record: Record) -> str:
        """Where the message can be seen as any one recipient gets it; empty where all get the same."""
        if not copies(Preview.of(record.preview)):
            return ""
        on_page = "on the approval page, or " if self._open(record) else ""
        if place := self._place(record):
            on_page = f"on {place}, or "
        return (
            "The message as any one recipient gets it, values filled in: "
            f"{on_page}run in a terminal: {self._command(record)} --recipient ADDRESS"
        )

    async def visit(self, record: Record, now: float) -> Visit | None:
        """Where a client may lead a person, who has to sign in there; None where nobody could, or it is open."""
        if self._open(record):
            return None
        url = await self._signed_in_at(record)
        if url is None:
            return None
        self._led_to[record.id] = url
        from maton_mailgun.approval.channels.notice import harmless

        preview = Preview.of(record.preview)
        message = (
            f"{harmless(preview.title or record.operation, 80)}: {harmless(preview.target, 300)}. This waits for a "
            "person. The approval page shows all of it, asks who you are, and takes the decision. Opening it approves "
            "nothing."
        )
        return Visit(record.id, record.digest, now, message, url, record.expires_at)

    def visited(self, approval_id: str) -> None:
        """A person was led to the page of this process: it goes on when the process ends."""
        if self._access.page_url is None and self._page is not None and not self._page.stopped:
            self._opened[approval_id] = "passphrase"

    async def _signed_in_at(self, record: Record) -> str | None:
        """The address of this approval, where whoever opens it can prove who they are: by what is theirs where people
        are known by name, else by the approver's passphrase, or by the cookie of a tab that is before them."""
        try:
            here = self._page is not None and not self._page.stopped and self._page.sessions.here(record.principal)
            if not (here or await self._anybody_signs_in()):  # guard: 329-sign-in
                return None
            if address := self._address(record):
                return address
            if not self._settings.page:
                return None
            return (await self.page()).address(record.id, host=await self._host())
        except (OSError, StoreError) as problem:
            log.warning("nobody can be led to the approval page", extra={"why": str(problem)})
            return None

    async def _anybody_signs_in(self) -> bool:
        from maton_mailgun.approval.channels.passphrase import Passphrase

        named = await self._gate.people.can_sign_in()
        if named is not None:  # guard: 418-people
            return named
        return await asyncio.to_thread(Passphrase(state_home(self._settings)).is_set)

    async def _host(self) -> str | None:
        """Under which name the page of this machine is opened, where browsers would not keep passkeys for its own."""
        return "localhost" if await self._gate.people.any_passkeys() else None

    def elsewhere(self, approval_id: str | None) -> str:
        """Where one approval, or all, can be decided, in words for somebody who is elsewhere; no token in them."""
        if page_url := self._access.page_url:
            return f"Decide at {page_url}{f'#/a/{approval_id}' if approval_id else ''}"
        if self._page is not None and not self._page.stopped:
            return f"Decide on that machine: {self._page.address(approval_id)}"
        words = f"approvals show {approval_id}" if approval_id else "approvals list"
        return f"Decide on that machine: {own_command(words)}{' --sandbox' if self._settings.sandbox else ''}"

    async def reveal(self, record: Record) -> None:
        """Open the page where it has a fresh secret to show to the person who said yes in a form."""
        if self._settings.page and has_secret(record):
            await self._shows(record, anew=True)

    async def page(self) -> PageServer:
        """The approval page's server, started on first use.

        Raises:
            OSError: It cannot listen.
        """
        async with self._opening:
            # One that stopped by itself has lost its port: the next visit is to a new one.
            self._forget_stopped()
            if self._page is None:
                self._page = await self._started()
            return self._page

    def _forget_stopped(self) -> None:
        """Whatever was on a page that stopped is nowhere now."""
        if self._page is not None and self._page.stopped:  # guard: 189-stopped
            self._page = None
            self._lost |= self._opened.keys()
            self._opened.clear()
            self._led_to.clear()

    async def _started(
        self, baton: Baton | None = None, sockets: list[socket.socket] | None = None, notice: str | None = None
    ) -> PageServer:
        from maton_mailgun.approval.channels.page import Handover, start
        from maton_mailgun.approval.channels.passphrase import fits

        home = state_home(self._settings)
        return await start(
            self._gate,
            reveals=self._reveals,
            environ=display_environment(),
            verify_passphrase=lambda given, who: fits(home, given, who),
            handover=Handover(page_directory()),
            baton=baton,
            sockets=sockets,
            notice=notice,
        )

    async def hand_on(self, waiting: Collection[str], to: Callable[[Baton, Sequence[int]], None]) -> None:
        """Have another process go on with the page, if one of the waiting approvals is on it in a browser.

        Raises:
            OSError: It could not be started.
        """
        if self._page is not None and not self._page.stopped and not self._opened.keys().isdisjoint(waiting):
            page, self._page = self._page, None
            await page.hand_on(self._opened, to)

    async def take_over(self, baton: Baton, sockets: list[socket.socket], notice: str | None) -> None:
        """Go on with the page of a process that ends."""
        self._opened = dict(baton.opened)
        self._page = await self._started(baton, sockets, notice)

    def on_page(self) -> Collection[str]:
        """The approvals that are on the page of this process, in a browser."""
        return self._opened.keys()

    async def show(self, record: Record) -> Opened | None:
        """Show one in the browser, unless it is there already; None where that cannot be."""
        return await self._opened_once(record)

    async def aclose(self) -> None:
        """Stop serving the page."""
        if self._page is not None:
            await self._page.close()

    async def _opened_once(self, record: Record) -> Opened | None:
        """How this approval is on the page in the user's browser, after opening it there if it is not yet."""
        if self._open(record) or not self._settings.page:
            return self._open(record)
        if self._page is None:
            from maton_mailgun.approval.channels.page.neighbour import opened_by_neighbour

            if beside := await opened_by_neighbour(state_home(self._settings), record.id):
                self._beside[record.id] = beside
                return beside
        if opened := await self._shows(record):
            self._opened[record.id] = opened
        return opened

    async def _gone(self, record: Record) -> bool:
        """Whether it was opened on a page that is there no more."""
        self._forget_stopped()
        if record.id in self._lost:
            self._lost.discard(record.id)
            return True
        if record.id not in self._beside:
            return False
        from maton_mailgun.approval.channels.page.neighbour import opened_by_neighbour

        del self._beside[record.id]
        if beside := await opened_by_neighbour(state_home(self._settings), record.id):
            self._beside[record.id] = beside
        return record.id not in self._beside  # guard: 189-beside

    def _open(self, record: Record) -> Opened | None:
        return self._opened.get(record.id) or self._beside.get(record.id)

    def _address(self, record: Record) -> str | None:
        """Where this approval is on the page beside MCP over HTTP. It holds no token: whoever follows it signs in with
        the approver's passphrase."""
        page_url = self._access.page_url
        return f"{page_url}#/a/{record.id}" if page_url else None

    def _place(self, record: Record) -> str | None:
        """The same in words: a form holds no address, which a client might make a link of that nobody looked at (MCP
        2025-11-25, elicitation: no URL in the fields of a form)."""
        address = self._address(record)
        return f"this server's approval page, under {urlsplit(address).path}" if address else None

    def _command(self, record: Record) -> str:
        # The sandbox keeps its approvals apart: without the flag the command would look in the real ones.
        flag = " --sandbox" if self._settings.sandbox else ""
        return own_command(f"approvals show {record.id}{flag}")

    async def _shows(self, record: Record, *, anew: bool = False) -> Opened | None:
        try:
            # A link can tell nobody from another: where people are known by name, each signs in.
            link = not await self._gate.people.names()
            host, page = await self._host(), await self.page()
            return await page.open(record.id, principal=record.principal, anew=anew, link=link, host=host)
        except (OSError, StoreError) as problem:
            log.warning("the approval page could not be opened", extra={"why": str(problem)})
            return None
