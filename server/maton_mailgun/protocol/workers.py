"""Several processes on one port: begun, replaced when one ends, and ended together.

The first process serves nothing. It opens the port and makes the engine, and each worker is a fork of it: what is
loaded is there once. They meet in the store of approvals as replicas do; what is for one of them alone is handed to it
(`siblings`). A process without an event loop or threads may fork, so this one has neither.
"""

from __future__ import annotations

import asyncio
import logging
import os
import select
import signal
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from maton_mailgun.errors import SetupError
from maton_mailgun.protocol.http import Opened, opened, serve_at, tell
from maton_mailgun.protocol.siblings import Channel, WorkerPlace, channels

if TYPE_CHECKING:
    from maton_mailgun.call import Engine

log = logging.getLogger(__name__)

QUICK_SECONDS = 5.0
"""A worker that ends within so many of its start is of no use."""
MOST_QUICK = 5
"""Of these in a row, after which the server ends."""
_PAUSE_SECONDS = 0.5
"""Before a worker that ended quickly is replaced."""
_FAILED = 1
_SIGNALS = (signal.SIGTERM, signal.SIGINT, getattr(signal, "SIGCHLD", signal.SIGTERM))


def serve_with_workers(engine: Engine, address: str) -> int:
    """Serve with as many workers as the settings say, until a signal stops this process.

    Args:
        engine: What carries calls out; nothing of it was used yet.
        address: `HOST:PORT`; port 0 takes a free one. Says on standard error where it listens.

    Returns:
        The exit status: 0 where every worker ended in its own time after a signal.

    Raises:
        SetupError: An address cannot be used, or there can be no workers here.
    """
    settings = engine.settings
    if not hasattr(os, "fork"):
        raise SetupError("Several workers need a system that can fork. Leave MATON_MAILGUN_WORKERS out on Windows.")
    if settings.sandbox:
        raise SetupError(
            "The built-in sandbox is in the memory of one process. Leave --sandbox out and start `maton-mailgun "
            "sandbox` beside the server, or leave MATON_MAILGUN_WORKERS out."
        )
    with ExitStack() as open_sockets:
        together = None
        if settings.metrics is not None:
            from maton_mailgun.protocol.metrics import counting_together

            together = open_sockets.enter_context(counting_together())
        at = opened(settings, address, open_sockets, together)
        return _Workers(engine, at).run()


@dataclass
class _Workers:
    """The workers of one server."""

    engine: Engine
    at: Opened
    pids: dict[int, int] = field(default_factory=dict)
    """Process -> number of the worker."""
    begun: dict[int, float] = field(default_factory=dict)
    """When each worker was begun, by number."""
    quick: int = 0
    stopping: bool = False
    failed: bool = False

    def run(self) -> int:
        """Begin them, replace whoever ends, and wait for all of them at the end."""
        links: list[Channel] = channels(self.engine.settings.workers)
        alive, held = os.pipe()
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, self._signalled)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        due = dict.fromkeys(range(len(links)), 0.0)
        told = False
        while due or self.pids:
            now = time.monotonic()
            for number in [one for one, when in due.items() if when <= now and not self.stopping]:
                del due[number]
                self._begin(WorkerPlace(number, links, alive, replaces=number in self.begun), (held, woken, wake))
            if self.stopping:
                due.clear()
            elif not told:
                told = True
                tell(self.at, self.engine.settings)
            waits = min((when - now for when in due.values()), default=60.0)
            if select.select([woken], [], [], max(0.0, waits))[0]:
                os.read(woken, 4096)
            due |= self._ended()
        return _FAILED if self.failed else 0

    def _begin(self, place: WorkerPlace, not_its: tuple[int, ...]) -> None:
        sys.stderr.flush()
        # A signal that comes now waits until both sides know whose it is.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        if self.stopping:
            # It came while another one was begun: who is begun now would never be told.
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            return
        pid = os.fork()
        if pid:
            self.pids[pid] = place.number
            self.begun[place.number] = time.monotonic()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            return
        status = _FAILED
        try:
            signal.set_wakeup_fd(-1)
            for one in _SIGNALS:
                signal.signal(one, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            # The keyboard's interrupt goes to the first process alone, which hands it on.
            os.setpgid(0, 0)
            for file in not_its:
                os.close(file)
            for other, sockets in enumerate(self.at.sockets):
                if other != place.number:
                    for one in sockets:
                        one.close()
            asyncio.run(_work(self.engine, self.at, place))
            status = 0
        except BaseException:
            log.exception("a worker failed")
        finally:
            logging.shutdown()
            sys.stderr.flush()
            os._exit(status)

    def _ended(self) -> dict[int, float]:
        """Workers that ended and are due again, with when."""
        due: dict[int, float] = {}
        while self.pids:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            number = self.pids.pop(pid, None)
            if number is None:
                continue
            if self.at.together is not None:
                from maton_mailgun.protocol.metrics import no_more

                no_more(pid, self.at.together)
            if self.stopping:
                # One that served nothing yet has no time of its own to take.
                left = os.waitstatus_to_exitcode(status)
                self.failed = self.failed or left not in (0, -signal.SIGTERM, -signal.SIGINT)
                continue
            now = time.monotonic()
            soon = now - self.begun[number] < QUICK_SECONDS
            self.quick = self.quick + 1 if soon else 0
            log.warning(
                "a worker ended and is replaced",
                extra={"worker": number, "status": os.waitstatus_to_exitcode(status)},
            )
            if self.quick >= MOST_QUICK:
                log.error("workers end as soon as they begin: the server ends")
                self.failed = True
                self._signalled(signal.SIGTERM)
                continue
            due[number] = now + _PAUSE_SECONDS if soon else now
        return due

    def _signalled(self, sig: int, _: object = None) -> None:
        """Have all workers end; a second interrupt has them drop everything."""
        self.stopping = True
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, sig)


async def _work(engine: Engine, at: Opened, place: WorkerPlace) -> None:
    """Serve as one worker, until a signal or the end of the process that began it."""
    loop = asyncio.get_running_loop()

    def orphaned() -> None:
        loop.remove_reader(place.parent)
        log.warning("the server's first process is gone: its workers end")
        os.kill(os.getpid(), signal.SIGTERM)

    loop.add_reader(place.parent, orphaned)
    engine.resume_soon()
    await serve_at(engine, at, lambda: None, place)
