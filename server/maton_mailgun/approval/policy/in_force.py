"""The policy in force, from the settings: read anew whenever it matters, so that a tightened rule counts at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from maton_mailgun.approval.policy.judge import Policy
from maton_mailgun.approval.store.record import Level
from maton_mailgun.catalogue.rows import load
from maton_mailgun.config import Settings
from maton_mailgun.errors import Refused, SetupError

READ_SECONDS = 5.0
"""How long a policy file may take to be read: a file system over a network may never answer."""
MOST_HUNG = 4
"""Readings that hang at once; with so many, no further one is begun."""
_hung: set[threading.Thread] = set()
_hung_lock = threading.Lock()


def policy_of(settings: Settings) -> Policy:
    """The operator's policy; without a file, every write is asked at the level of the settings.

    Raises:
        SetupError: The file cannot be read or is broken; names the line and the reason.
    """
    level: Level = "operator" if settings.approval == "operator" else "client"
    if settings.policy is None:
        return Policy(level=level)
    from maton_mailgun.approval.policy.file import PolicyError, load_policy

    path = settings.policy
    try:
        return _in_time(lambda: load_policy(path, tools=tuple(load()), level=level))
    except PolicyError as problem:
        raise SetupError(str(problem)) from None
    except TimeoutError:
        raise SetupError(
            f"{path}: the policy file was not read within {READ_SECONDS:.0f} s; its file system does not answer. Keep "
            "it on a disk of this machine and name it there in MATON_MAILGUN_POLICY."
        ) from None


async def policy_off_loop(settings: Settings) -> Policy:
    """The same, while other calls go on. Raises SetupError."""
    if settings.policy is None:
        return policy_of(settings)
    return await asyncio.to_thread(policy_of, settings)  # guard: 112-off-loop


def _in_time(read: Callable[[], Policy]) -> Policy:
    """What is read, by a thread that may hang: nothing ends a read of a file but its file system.

    Raises:
        TimeoutError: It does not end in time, or too many hang already.
    """
    with _hung_lock:
        _hung.difference_update([one for one in _hung if not one.is_alive()])
        if len(_hung) >= MOST_HUNG:
            raise TimeoutError
    found: list[Policy] = []
    failed: list[BaseException] = []

    def reading() -> None:
        try:
            found.append(read())
        except BaseException as problem:
            failed.append(problem)

    # A daemon: a reading that hangs must not keep the process from ending.
    thread = threading.Thread(target=reading, name="policy file", daemon=True)
    thread.start()
    thread.join(READ_SECONDS)  # guard: 112-in-time
    if failed:
        raise failed[0]
    if found:
        return found[0]
    with _hung_lock:
        _hung.add(thread)
    raise TimeoutError


async def policy_now(settings: Settings) -> Policy:
    """The policy for a call that is being made.

    Raises:
        Refused: The file cannot be used (any more).
    """
    try:
        return await policy_off_loop(settings)
    except SetupError as problem:
        raise Refused(message=f"The policy cannot be used: {problem}", next="Tell the user; nothing was sent") from None
