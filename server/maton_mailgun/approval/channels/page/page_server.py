"""The page on this machine's loopback, inside the server's own event loop, and the browser that shows it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import re
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from maton_mailgun.approval.channels.page.baton import Baton, Opened
from maton_mailgun.approval.channels.page.handover import Handover, NotPrivate
from maton_mailgun.approval.channels.page.page_gate import PageGate
from maton_mailgun.approval.channels.page.sessions import Sessions, digest_of
from maton_mailgun.loopback import V4, listen, own_host
from maton_mailgun.own_command import own_command

if TYPE_CHECKING:
    from uvicorn import Server

    from maton_mailgun.approval.channels.page.passkey_door import Registrar

logger = logging.getLogger(__name__)

_BROWSER_SECONDS = 5.0
_MOST_CONNECTIONS = 100
"""At once; a browser has six."""
_TEXT_BROWSERS = re.compile(r"^(?:www-browser|links2?|elinks|lynx|w3m|browsh|carbonyl|retawq)\b", re.IGNORECASE)
_ELSEWHERE = re.compile(r"[/\\]bin[/\\]helpers[/\\]browser(-\w+)?\.sh\b")
"""What editors that work on a remote machine put into BROWSER: it opens addresses on the machine before the person,
where none of our files are."""
_OPEN = """
import os, sys
for name in [name for name in os.environ if name in ("TERM", "BROWSER") or name.startswith("MATON_")]:
    del os.environ[name]
browser, address = sys.stdin.read().split("\\n")[:2]
if browser:
    os.environ["BROWSER"] = browser
import webbrowser
sys.exit(not webbrowser.open(address))
"""
"""Without TERM, `webbrowser` offers no text browser; without MATON_*, the browser inherits no key."""


class PageServer:
    """A running page. Made by `start`."""

    def __init__(
        self,
        server: Server,
        running: asyncio.Task[None],
        sessions: Sessions,
        *,
        host: str,
        port: int,
        environ: Mapping[str, str],
        handover: Handover,
        passphrase: bool,
        stop_waiting: Callable[[], None],
        folder: str,
        sockets: Sequence[socket.socket],
    ) -> None:
        self.sessions = sessions
        self.host = host
        self.port = port
        self._server = server
        self._running = running
        self._environ = environ
        self._handover = handover
        self._passphrase = passphrase
        self._stop_waiting = stop_waiting
        self._folder = folder
        self._sockets = sockets
        self._files: dict[str, Path] = {}
        """Digest of a token -> the file that leads to its link."""

    @property
    def stopped(self) -> bool:
        """Whether it serves no more."""
        return self._running.done()

    def address(self, approval_id: str | None = None, *, host: str | None = None) -> str:
        """Where one approval or the list is. It holds no token: whoever opens it has to sign in.

        Args:
            host: `localhost` for those who have passkeys: browsers keep none for a name of one start.
        """
        return f"http://{host or self.host}:{self.port}/#/{f'a/{approval_id}' if approval_id else ''}"

    def link(
        self,
        approval_id: str | None = None,
        *,
        principal: str | None = None,
        used: Callable[[], None] = lambda: None,
    ) -> str:
        """A link that signs in once, within ten minutes, and shows one approval or the list.

        The token is in the fragment, which browsers keep to themselves: it is in no request line, log or Referer.
        Give it to a browser by a `Handover`, never to a model, a log or a command line. `used` is
        called when it signs in.
        """
        token = self.sessions.token(decider="person at the approval page", principal=principal, used=used)
        return f"{self.address(approval_id)}?t={token}"

    async def open(
        self,
        approval_id: str | None = None,
        *,
        principal: str | None = None,
        anew: bool = False,
        link: bool = True,
        host: str | None = None,
    ) -> Opened | None:
        """Show the page in the user's default browser. A tab that is before the person shows what is new by itself.

        Args:
            anew: Also where there is such a tab: it may show something else.
            link: Whether a one-time link signs in; else whoever opens it has to.

        Returns:
            How the browser got in; None where there is no graphical one, or none that took it.
        """
        if not anew and not self.stopped and self.sessions.here(principal):
            return "link"
        browser = graphical_browser(self._environ, sys.platform)
        # A page that stopped has lost its port: nobody must be led there, to whoever listens now.
        if browser is None or not sys.executable or self.stopped:
            return None
        if not link:
            return (
                "passphrase" if await asyncio.to_thread(_open, self.address(approval_id, host=host), browser) else None
            )
        try:
            file = await self._hand_over(approval_id, principal, browser)
        except NotPrivate as problem:
            logger.warning("The approval page opens without a one-time link and asks to sign in. %s", problem)
            if not self._passphrase:
                return None
            started = await asyncio.to_thread(_open, self.address(approval_id), browser)
            return "passphrase" if started else None
        address = file.as_uri()  # guard: 42-command-line
        started = await asyncio.to_thread(_open, address, browser)
        if started is False:
            self._handover.remove(file)
        return "link" if started else None

    async def _hand_over(self, approval_id: str | None, principal: str | None, browser: str) -> Path:
        """The file that leads to a one-time link. Raises NotPrivate where none can be written that is private."""
        if _ELSEWHERE.search(browser):
            raise NotPrivate("The browser that BROWSER names runs on another machine and reads no files of this one.")
        file = await asyncio.to_thread(self._handover.place)
        remove = functools.partial(self._handover.remove, file)
        link = self.link(approval_id, principal=principal, used=remove)
        self._files[digest_of(link.rpartition("?t=")[2])] = file
        await asyncio.to_thread(self._handover.put, file, link, link.replace(self.host, V4, 1))
        asyncio.get_running_loop().call_later(self._handover.life, remove)
        return file

    async def hand_on(self, opened: Mapping[str, Opened], to: Callable[[Baton, Sequence[int]], None]) -> None:
        """Have another process go on with this page, and serve it no more here.

        Args:
            opened: What is open in a browser.
            to: Starts that process, which inherits the listening sockets of these descriptors.

        Raises:
            OSError: It could not be started.
        """
        lying = set(self._handover.hand_on())
        # Copies go on listening: whoever comes meanwhile waits for the other process.
        listening = [os.dup(one.fileno()) for one in self._sockets]
        try:
            # What is being answered now is answered first: a browser that is let in, or is given a message, by this
            # process after the sessions were packed would be a stranger to the other one.
            await self.close()
            baton = Baton(
                host=self.host,
                folder=self._folder,
                sessions=self.sessions.packed(),
                files={digest: str(file) for digest, file in self._files.items() if file in lying},
                opened=dict(opened),
            )
            to(baton, listening)
        finally:
            for descriptor in listening:
                os.close(descriptor)

    def go_on_with(self, baton: Baton) -> None:
        """Let in who was let in before, and answer for the files that still lead here."""
        self._files = {digest: Path(file) for digest, file in baton.files.items()}
        self._handover.take_over(self._files.values())
        loop = asyncio.get_running_loop()

        def used(digest: str) -> Callable[[], None]:
            file = self._files.get(digest)
            return functools.partial(self._handover.remove, file) if file is not None else lambda: None

        self.sessions.unpack(baton.sessions, used)
        for file in self._files.values():
            loop.call_later(self._handover.life, self._handover.remove, file)

    async def close(self) -> None:
        """Stop serving; returns when the port is free."""
        # Before the port is: whoever takes it next must not be brought a link by a browser that is slow.
        self._handover.close()
        self._stop_waiting()
        self._server.should_exit = True
        await asyncio.wait([self._running])


async def start(
    gate: PageGate,
    *,
    reveals: Callable[[str], bool],
    environ: Mapping[str, str],
    sessions: Sessions | None = None,
    verify_passphrase: Callable[[str, str], Awaitable[bool]] | None = None,
    handover: Handover | None = None,
    port: int = 0,
    baton: Baton | None = None,
    sockets: list[socket.socket] | None = None,
    notice: str | None = None,
    registrar: Registrar | None = None,
) -> PageServer:
    """Serve the page on 127.0.0.1 as a task of the running event loop.

    Args:
        reveals: Whether an operation's answer holds a fresh secret, by the operation's name.
        environ: BROWSER, DISPLAY and WAYLAND_DISPLAY of the process, to tell whether there is a browser to open.
        verify_passphrase: As for `create_app`.
        handover: How links get to the browser; without it the browser is asked to sign in.
        port: 0 takes a free one.
        baton: The page of another process, to go on with, over its listening `sockets`.
        notice: Something that everybody must know who decides here.
        registrar: Takes one new passkey.

    Raises:
        OSError: The port is taken.
    """
    import uvicorn

    from maton_mailgun.approval.channels.page.app import create_app
    from maton_mailgun.connection_limits import ConnectionLimits, Places

    class Quiet(uvicorn.Server):
        """Leaves the process's signals to whoever runs the process."""

        @contextlib.contextmanager
        def capture_signals(self) -> Generator[None, None, None]:
            yield

    # Bound and listening before uvicorn runs: the port is known, and a browser that is quicker than us only waits.
    sockets = sockets or listen(port)
    port = sockets[0].getsockname()[1]
    sessions = sessions or Sessions()
    handover = handover or Handover(None)
    await asyncio.to_thread(handover.sweep)  # guard: 42-sweep
    host = baton.host if baton else await asyncio.to_thread(own_host)
    hosts = tuple(f"{name}:{port}" for name in (host, V4, "localhost", "[::1]"))
    app = create_app(
        gate,
        sessions=sessions,
        allowed_hosts=hosts,
        reveals=reveals,
        verify_passphrase=verify_passphrase,
        folder=baton.folder if baton else None,
        notice=notice,
        registrar=registrar,
        command=own_command(),
    )
    limits = ConnectionLimits(app, numbers=Places(_MOST_CONNECTIONS, _MOST_CONNECTIONS))
    config = uvicorn.Config(
        limits,
        http=limits.protocol,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = Quiet(config)
    running = asyncio.create_task(server.serve(sockets=sockets), name="approval page")
    running.add_done_callback(_ended)
    running.add_done_callback(lambda _: handover.close())
    page = PageServer(
        server,
        running,
        sessions,
        host=host,
        port=port,
        environ=environ,
        handover=handover,
        passphrase=verify_passphrase is not None,
        stop_waiting=app.state.stop_waiting,
        folder=app.state.folder,
        sockets=sockets,
    )
    if baton is not None:
        page.go_on_with(baton)
    return page


def graphical_browser(environ: Mapping[str, str], platform: str) -> str | None:
    """The browser to ask for: what BROWSER names, an empty text for the system's choice, None where there is none.

    A text browser would run on the terminal, or on the pipes that carry the protocol, and is never asked for.
    """
    named = [one for one in environ.get("BROWSER", "").split(os.path.pathsep) if one.strip()]
    graphical = [one for one in named if not _TEXT_BROWSERS.match(os.path.basename(one.split()[0]))]
    if graphical:
        return os.path.pathsep.join(graphical)
    if platform in {"darwin", "win32", "cygwin"}:
        return ""
    return "" if environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY") else None


def _open(address: str, browser: str) -> bool | None:
    """Run `webbrowser` in a process of its own: what a browser prints must never reach our standard output, which
    carries the protocol. `address` will stand in the browser's command line, so it must hold no secret.

    Returns whether a browser took it; None where one was started that has not said so yet, and may still load it.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and our own lines
            [sys.executable, "-I", "-c", _OPEN],
            input=f"{browser}\n{address}\n",
            text=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Programs are also looked for in the working directory, on Windows and where PATH has an empty entry, and
            # ours may be a folder of somebody else.
            cwd=os.path.dirname(sys.executable),  # guard: 43-browser
            timeout=_BROWSER_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        logger.info("No browser answered within %.0f s.", _BROWSER_SECONDS)
        return None
    except OSError:
        logger.info("No browser could be started.")
        return False
    return done.returncode == 0


def _ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (failure := task.exception()) is not None:
        logger.error("The approval page stopped: %s", type(failure).__name__)
