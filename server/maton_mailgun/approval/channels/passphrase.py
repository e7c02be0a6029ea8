"""The approver's passphrase: what stands between a scripted terminal and a yes.

It is kept as a scrypt hash in the state directory. Failures are counted in a second file, before the hash is computed
and under a lock, so that neither a killed process nor many at once get more guesses than one patient person.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
import os
import secrets
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maton_mailgun.own_command import own_command
from maton_mailgun.ownership import Untrusted, trusted_bytes, why_untrusted
from maton_mailgun.whole_file import one_at_a_time, replace_whole

_log = logging.getLogger(__name__)

MIN_LENGTH = 10
"""Characters; scrypt makes a guess cost a fraction of a second, the lockout makes it minutes."""
FREE_FAILURES = 3
FIRST_DELAY = 5.0
MAX_DELAY = 900.0
"""Seconds to wait after the failure that follows the free ones; doubles with each, up to the maximum."""

MOST_REMEMBERED = 500
"""Callers over HTTP whose failures are kept; those whose last one is longest ago are forgotten first."""
TERMINAL = "terminal"

PERSON = "person "
"""Begins what is counted about one person of several."""

PEOPLE_FILE = "people.json"
"""What people sign in with who are known by name; see `people`."""
_HASH_FILE, _FAILURE_FILE, _LOCK_FILE = "approver.json", "approver-failures.json", "approver.lock"
_PAGE_FAILURE_FILE = "approver-failures-page.json"
_PEOPLE_FAILURE_FILE = "approver-failures-people.json"
_PRIVATE = {_HASH_FILE, PEOPLE_FILE}
"""Nobody else may even read these: with the hash they could guess as fast as their machines allow."""
COST = {"n": 2**15, "r": 8, "p": 3}  # one of the settings that OWASP's password storage cheat sheet lists; 32 MiB
_MAX_MEMORY = 2**27


class PassphraseError(Exception):
    """The passphrase cannot be set or asked for; the text says what would be right."""


class LockedOut(PassphraseError):
    """Too many wrong passphrases; `seconds` until the next try counts."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Too many wrong passphrases. Try again in {seconds:.0f} s.")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Passphrase:
    """The passphrase of the installation at `home`."""

    home: Path

    def is_set(self) -> bool:
        """Whether one was set."""
        return os.path.exists(self.home / _HASH_FILE)  # unlike Path.exists, no error where it may not be looked at

    def why_untrusted(self) -> str | None:
        """Why somebody else has a hand in it, with the command that mends it; None where nobody has."""
        names = (_HASH_FILE, PEOPLE_FILE, _FAILURE_FILE, _PAGE_FAILURE_FILE, _PEOPLE_FAILURE_FILE, _LOCK_FILE)
        found = (why_untrusted(self.home / name, private=name in _PRIVATE) for name in names)
        return next((why for why in found if why is not None), None)

    def set(self, new: str, *, current: str | None = None, now: float) -> None:
        """Set it, or replace it by whoever knows the current one. Raises PassphraseError, LockedOut."""
        if self.is_set() and (current is None or not self.verify(current, now=now)):
            raise PassphraseError(
                "A passphrase is set, and the current one given is not it. If it is forgotten, delete the file "
                f"{_HASH_FILE} in the state directory."
            )
        write_private(self.home / _HASH_FILE, fresh_hash(new))

    def verify(self, given: str, *, now: float, who: str = TERMINAL) -> bool:
        """Whether it is the passphrase. `now` is Unix time; `who` is guessing, as far as that is proven: the failures
        of one make no other wait.

        Raises LockedOut, before looking at what was given, and PassphraseError where none is set.
        """
        if not self.is_set():
            raise PassphraseError(f"No passphrase is set. Run: {own_command('approvals passphrase')}")
        return self.counted(lambda: matches(given, read_private(self.home / _HASH_FILE)), now=now, who=who)

    def counted(self, fits: Callable[[], bool], *, now: float, who: str) -> bool:
        """Whether something `fits` that `who` may be guessing, counted beforehand.

        Raises LockedOut, before looking, and PassphraseError where the files cannot be used.
        """
        with _locked(self.home / _LOCK_FILE):
            self._charge(now, who)
            right = fits()
            if right:
                self._keep(who, None)
            return right

    def _charge(self, now: float, who: str) -> None:
        """Count a failure in advance; a right passphrase takes it back."""
        past = self._failures(who).get(who, {"failures": 0, "at": now})
        failures, at = int(past["failures"]), float(past["at"])
        # A clock set back shows as a failure in the future: the wait then begins anew, neither skipped nor endless.
        if at > now:
            at = now
            self._keep(who, {"failures": failures, "at": at})
        wait = at + _delay(failures) - now
        if wait > 0:
            raise LockedOut(wait)
        self._keep(who, {"failures": failures + 1, "at": now})

    def _failures(self, who: str) -> dict[str, Any]:
        """What is kept of everybody in the file that `who` is in: the terminal has one of its own."""
        path = self._failure_file(who)
        if not path.exists():
            return {}
        kept: Any = read_private(path)
        if path.name == _FAILURE_FILE:
            return {who: kept}
        return kept if isinstance(kept, dict) else {}

    def _keep(self, who: str, failures: dict[str, Any] | None) -> None:
        path = self._failure_file(who)
        if path.name == _FAILURE_FILE:
            if failures is None:
                path.unlink(missing_ok=True)
            else:
                write_private(path, failures)
            return
        kept = self._failures(who)
        kept.pop(who, None)
        if failures is not None:
            kept[who] = failures
        write_private(path, dict(list(kept.items())[-MOST_REMEMBERED:]))

    def _failure_file(self, who: str) -> Path:
        if who.startswith(PERSON):
            return self.home / _PEOPLE_FAILURE_FILE
        at_terminal = who == TERMINAL  # guard: 111-terminal
        return self.home / (_FAILURE_FILE if at_terminal else _PAGE_FAILURE_FILE)


async def fits(home: Path, given: str, who: str) -> bool:
    """Whether `given` is the passphrase of the installation at `home`; False also where none is set.

    Runs in a thread: scrypt takes a tenth of a second on purpose.

    Args:
        who: Who tries over HTTP, as far as that is proven.

    Raises:
        LockedOut: This one has to wait.
    """
    try:
        return await asyncio.to_thread(Passphrase(home).verify, given, now=time.time(), who=f"page {who}")
    except LockedOut:
        raise
    except PassphraseError as problem:
        _log.warning("a passphrase was not checked", extra={"why": str(problem)})
        return False


def fresh_hash(new: str) -> dict[str, Any]:
    """What a new passphrase is kept as. Raises PassphraseError where it is too short."""
    if len(_prepared(new)) < MIN_LENGTH:
        raise PassphraseError(f"The passphrase is too short: at least {MIN_LENGTH} characters, better some words.")
    salt = secrets.token_bytes(16)
    return {**COST, "salt": salt.hex(), "hash": _hash(new, salt, COST).hex()}


def matches(given: str, kept: Mapping[str, Any]) -> bool:
    """Whether it is the passphrase that was kept so."""
    salt, expected = bytes.fromhex(kept["salt"]), bytes.fromhex(kept["hash"])
    return hmac.compare_digest(_hash(given, salt, kept), expected)


def _delay(failures: int) -> float:
    if failures <= FREE_FAILURES:
        return 0.0
    return float(min(FIRST_DELAY * 2.0 ** min(failures - FREE_FAILURES - 1, 30), MAX_DELAY))


def _prepared(text: str) -> str:
    """One form for what different keyboards type alike."""
    return unicodedata.normalize("NFKC", text)


def _hash(text: str, salt: bytes, cost: Any) -> bytes:
    prepared = _prepared(text).encode("utf-8", "surrogatepass")
    return hashlib.scrypt(prepared, salt=salt, n=cost["n"], r=cost["r"], p=cost["p"], maxmem=_MAX_MEMORY)


def read_private(path: Path) -> Any:
    """The content of one of our files. One that is damaged or in somebody else's hand locks rather than opens."""
    try:
        return json.loads(trusted_bytes(path, private=path.name in _PRIVATE))
    except Untrusted as error:
        raise PassphraseError(f"The passphrase is not taken: {error}") from error
    except (OSError, ValueError) as error:
        raise PassphraseError(f"{path} cannot be read. Restore it, or delete it and set a new passphrase.") from error


def write_private(path: Path, content: Any) -> None:
    """Replace a file whole, private from its first byte."""
    _hold(path.parent)
    try:
        replace_whole(path, json.dumps(content))
    except OSError as error:
        raise PassphraseError(f"{path} cannot be written: {error.strerror}.") from error


def _hold(path: Path) -> None:
    why = why_untrusted(path)
    if why is not None:
        raise PassphraseError(f"The passphrase is not taken: {why}")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time; the operating system lets go when the process ends."""
    _hold(path)
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(one_at_a_time(path))
        except OSError as error:
            raise PassphraseError(f"{path} cannot be opened: {error.strerror}.") from error
        yield
