"""`maton-mailgun sandbox`: Maton and Mailgun in memory, on a port of this machine."""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from errno import EISDIR
from pathlib import Path
from typing import Any

from maton_mailgun.cli.exit_status import OK, USAGE, CommandFailed
from maton_mailgun.cli.screen import Screen
from maton_mailgun.sandbox import RunningSandbox, Sandbox, serve
from maton_mailgun.sandbox.account.seed import DOMAIN
from maton_mailgun.sandbox.control.mail_catcher import Forwarder, parse_catcher
from maton_mailgun.sandbox.web.calls import Record


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM, then save the state."""
    screen = Screen()
    sandbox = Sandbox(calls=True)
    state = Path(arguments.state) if arguments.state else None
    if state is not None:
        _check_can_save(state)
    if arguments.seed is not None:
        _load(Path(arguments.seed), sandbox.begin_with)
    if state is not None and state.exists():
        _load(state, sandbox.load)
    with _stopped() as stop:
        with ExitStack() as running:
            if arguments.smtp:
                running.callback(_forwarding(sandbox, arguments.smtp).close)
            try:
                at = running.enter_context(serve(sandbox, host=arguments.host, port=arguments.port))
            except (OSError, OverflowError) as problem:
                raise CommandFailed(
                    USAGE, f"Port {arguments.port} of {arguments.host} cannot be used: {problem}. Try --port 0."
                ) from None
            _tell(screen, at)
            if arguments.smtp:
                screen.line(f"Each message is also forwarded to {arguments.smtp}.", "quiet")
            if state is not None:
                screen.line(f"State is kept in {state}.", "quiet")
            screen.line("Stop with Ctrl-C.", "quiet")
            # A wait without an end would not see Ctrl-C on Windows.
            while not stop.wait(0.5):
                pass
        if state is not None:
            _save(sandbox, state)
            screen.outcome("good", f"Saved to {state}.")
    return OK


def _tell(screen: Screen, at: RunningSandbox) -> None:
    key, mailgun_key = at.sandbox.api_keys[0], at.sandbox.mailgun_keys[0]
    screen.heading("Maton and Mailgun sandbox: nothing leaves this machine")
    screen.table(
        ("", ""),
        (
            ("Maton gateway", at.url),
            ("Maton key", key),
            ("Mailgun, through Maton", f"{at.url}/mailgun/v3/{DOMAIN}/messages"),
            ("Mailgun, directly", f"{at.url}/v3/{DOMAIN}/messages"),
            ("Mailgun key", f"{mailgun_key}   (basic auth, user api)"),
            ("webhook signing key", at.sandbox.settings.signing_key),
            ("what arrived", f"{at.url}/_sandbox/requests"),
            ("outbox, in a browser", f"{at.url}/_sandbox/"),
            ("outbox, as JSON", f"{at.url}/_sandbox/messages"),
        ),
    )
    screen.line()
    screen.line("Use it with the server:")
    screen.line(f"  MATON_API_URL={at.url} MATON_API_KEY={key} maton-mailgun")


@contextmanager
def _stopped() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set: a second one is not needed, and none interrupts the saving."""
    stop = threading.Event()

    def on_signal(number: int, frame: Any) -> None:
        stop.set()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _forwarding(sandbox: Sandbox, address: str) -> Forwarder:
    """Messages go on to a mail catcher; only one on this machine is accepted."""
    try:
        sandbox.forwarder = Forwarder(parse_catcher(address))
    except ValueError as problem:
        raise CommandFailed(USAGE, f"--smtp {address}: {problem}") from None
    return sandbox.forwarder


def _load(path: Path, take: Callable[[Record], None]) -> None:
    try:
        take(json.loads(path.read_text(encoding="utf-8")))
    except OSError as problem:
        raise CommandFailed(USAGE, f"{path} cannot be read: {problem.strerror}.") from None
    except ValueError as problem:
        raise CommandFailed(USAGE, f"{path} is no saved sandbox: {problem}.") from None


def _check_can_save(path: Path) -> None:
    """What cannot be kept is said before there is anything to lose."""
    with _told(path):
        if path.is_dir():
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
        _draft(path).touch()
        _draft(path).unlink()


def _save(sandbox: Sandbox, path: Path) -> None:
    """Replace the file whole: a full disk must not cost the state that was there."""
    draft = _draft(path)
    with _told(path):
        try:
            draft.write_text(json.dumps(sandbox.dump()), encoding="utf-8")
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """A file that cannot be written ends the command, saying which and why."""
    try:
        yield
    except OSError as problem:
        raise CommandFailed(USAGE, f"The state could not be saved to {path}: {problem.strerror}.") from None
