"""Questions to the person at the terminal."""

from __future__ import annotations

import asyncio
import getpass
import sys
import threading
import warnings
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class NoTerminal(Exception):
    """There is no terminal a person could answer on."""


def at_a_terminal() -> bool:
    """Whether a person both sees what is printed and can answer it."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def passphrase(prompt: str) -> str:
    """A passphrase typed on the controlling terminal, never read from a pipe, an argument or the environment.

    Raises:
        NoTerminal: This process has none.
        KeyboardInterrupt, EOFError: The person went away instead.
    """
    with warnings.catch_warnings():
        # Without a terminal getpass would warn and read standard input: that is where a script could answer.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(prompt)
        except getpass.GetPassWarning:
            raise NoTerminal from None


def line(prompt: str) -> str:
    """A line typed on the terminal, never read from a pipe.

    Raises:
        NoTerminal: This process has none.
        KeyboardInterrupt, EOFError: The person went away instead.
    """
    if not at_a_terminal():
        raise NoTerminal
    return input(prompt)


async def answer(question: Callable[[], T]) -> T:
    """The result of something that waits for a person. Cancelling leaves it behind instead of waiting for Enter."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(act: Callable[[], None]) -> None:
        if not done.done():
            act()

    def wait() -> None:
        try:
            result = question()
        except Exception as problem:
            # A name of its own: `problem` is gone when the loop gets to it.
            failure = problem
            loop.call_soon_threadsafe(settle, lambda: done.set_exception(failure))
        else:
            loop.call_soon_threadsafe(settle, lambda: done.set_result(result))

    threading.Thread(target=wait, name="terminal", daemon=True).start()
    return await done


def choice(question: str, words: tuple[str, ...]) -> str:
    """One of `words`, asked until one is given; the end of the input counts as the last."""
    while True:
        try:
            given = input(f"{question} [{'/'.join(words)}]: ").strip().lower()
        except EOFError:
            return words[-1]
        found = [word for word in words if given and word.startswith(given)]
        if len(found) == 1:
            return found[0]
        sys.stdout.write(f"Please type {' or '.join(words)}.\n")
