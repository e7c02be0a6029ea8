"""The people who may decide, each by their own name and passphrase.

Who they are is in the audit: names, and digests of what they sign in with. The hashes themselves are in a file of the
state directory, and one counts only as the audit's last word has it; so a file that somebody put back, or wrote
themselves, lets nobody in, and one that is gone lets nobody in either: it never falls back to the shared passphrase.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
import time
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maton_mailgun.approval.binding.passkeys import signed
from maton_mailgun.approval.channels.passphrase import (
    COST,
    PEOPLE_FILE,
    PERSON,
    TERMINAL,
    LockedOut,
    Passphrase,
    PassphraseError,
    fresh_hash,
    matches,
    read_private,
    write_private,
)
from maton_mailgun.approval.store.contract import Store
from maton_mailgun.approval.store.failures import StoreError, StoreUnavailable
from maton_mailgun.approval.store.upkeep import Listed
from maton_mailgun.mail.person_names import key_of, without_accents
from maton_mailgun.whole_file import one_at_a_time

_log = logging.getLogger(__name__)

MOST_PEOPLE = 50
LONGEST_NAME = 40
COUNTS_FILE = "passkey-counts.json"
"""How often each passkey has signed, as it said itself: one that goes back is a copy."""
KNOWN_BROWSER = "page browser "
"""Begins what a guesser is called whose browser was let in before."""
_NAME = re.compile(r"[^\W_][\w '.-]*")


class PeopleError(Exception):
    """The people cannot be changed like this; the text says what would be right."""


def checked_name(text: str) -> str:
    """A name as it is kept and shown.

    Raises:
        PeopleError: It could be taken for something else; says what would be right.
    """
    name = unicodedata.normalize("NFC", " ".join(text.split()))
    plain = without_accents(name)
    if not plain.isascii() or not _NAME.fullmatch(plain) or len(name) > LONGEST_NAME:  # guard: 308-letters
        raise PeopleError(
            f"A name has up to {LONGEST_NAME} Latin letters, digits, spaces and ' . - and begins with a letter or a "
            "digit."
        )
    return name


@dataclass(frozen=True, slots=True)
class People:
    """The people of the installation at `home`, as its store vouches for them."""

    home: Path
    store: Store

    async def names(self) -> Sequence[str]:
        """Everybody who may decide, in the order in which they came; empty where one passphrase is shared."""
        return list(await self.vouched())

    async def vouched(self) -> Mapping[str, str]:
        """The same, each with the digest of what they sign in with: it changes with that."""
        return (await self.store.people()).known

    async def verify(self, name: str, given: str, *, now: float, who: str) -> str | None:
        """The person who has this name and passphrase; None for anybody else.

        Args:
            now: Unix seconds.
            who: Who is guessing: the failures of one make no other wait; those about one person are counted besides.

        Raises:
            LockedOut: Too many wrong ones.
            PassphraseError: The files cannot be used.
        """
        known = (await self.store.people()).known
        person = next((one for one in known if key_of(one) == key_of(name)), None)
        return await asyncio.to_thread(self._verified, person, known.get(person or ""), given, now, who)

    def _verified(self, person: str | None, digest: str | None, given: str, now: float, who: str) -> str | None:
        kept = self._kept().get(digest or "")
        sound = kept is not None and _digest(kept) == digest  # guard: 307-vouched
        # Strangers are counted together, for there may be many addresses; a terminal and each known browser apart.
        place = who if who == TERMINAL or who.startswith(KNOWN_BROWSER) else "strangers"
        asked = f"{PERSON}{place} {key_of(person)}" if person is not None else who  # guard: 310-each

        # A name that nobody has costs as much as a wrong passphrase.
        def fits() -> bool:
            return matches(given, kept or _NOBODY) and sound

        return person if Passphrase(self.home).counted(fits, now=now, who=asked) else None

    async def at_page(self, name: str, given: str, who: str) -> str | None:
        """The person who signs in at the page like this; None for nobody, also where it cannot be found out.

        Args:
            who: Who tries, as far as that is proven.

        Raises:
            LockedOut: They have to wait.
        """
        try:
            return await self.verify(name, given, now=time.time(), who=f"page {who}")
        except LockedOut:
            raise
        except (PassphraseError, StoreError) as problem:
            _log.warning("a person was not let in", extra={"why": str(problem)})
            return None

    async def add(self, name: str, passphrase: str, *, by: Sequence[str]) -> None:
        """One more person.

        Args:
            by: Who of those that are there already said yes to it.

        Raises:
            PeopleError: Not with this name, or without enough of them.
            PassphraseError: The passphrase is too short, or the file cannot be written.
        """
        name = checked_name(name)
        listed = await self.store.people()
        if any(key_of(one) == key_of(name) for one in listed.known):  # guard: 308-alike
            raise PeopleError("There is somebody of this name, or of one that could be taken for it.")
        if len(listed.known) >= MOST_PEOPLE:
            raise PeopleError(f"There are {MOST_PEOPLE} people already.")
        _hold_to_consent(by, listed.known, needed=min(2, len(listed.known)))
        await self._keep({**listed.known, name: fresh_hash(passphrase)}, listed, by, {"added": name})

    async def remove(self, name: str, *, by: Sequence[str]) -> str:
        """One less. Returns the name as it was kept.

        Raises:
            PeopleError: There is no such person, it is the last one, or nobody else said yes to it.
        """
        listed = await self.store.people()
        person = next((one for one in listed.known if key_of(one) == key_of(name)), None)
        if person is None:
            raise PeopleError("There is nobody of this name.")
        if len(listed.known) == 1:  # guard: 309-last
            raise PeopleError("Without the last one anybody who knows the shared passphrase could decide: add another.")
        others = [one for one in by if one != person]  # guard: 309-self
        _hold_to_consent(others, listed.known, needed=min(2, len(listed.known) - 1))
        left: dict[str, Any] = {one: digest for one, digest in listed.known.items() if one != person}
        await self._keep(left, listed, by, {"removed": person})
        return person

    async def change(self, name: str, passphrase: str) -> None:
        """Another passphrase, for a person who was let in with theirs just now. Raises PeopleError, PassphraseError."""
        listed = await self.store.people()
        if name not in listed.known:
            raise PeopleError("There is nobody of this name.")
        kept = self._kept().get(listed.known[name], {})
        fresh = {**fresh_hash(passphrase), **({"passkeys": kept["passkeys"]} if "passkeys" in kept else {})}
        await self._keep({**listed.known, name: fresh}, listed, [name], {"changed": name})

    async def passkeys(self, name: str) -> Sequence[Mapping[str, str]]:
        """The passkeys of a person, each with `id` and public `key`, and with the `origin` of the server's address
        outside where it was made there, as the audit vouches for them."""
        digest = (await self.store.people()).known.get(name)
        kept = self._kept().get(digest or "")
        return list(kept.get("passkeys", ())) if kept is not None and _digest(kept) == digest else []

    async def can_sign_in(self) -> bool | None:
        """Whether somebody of them has what they sign in with still; None where one passphrase is shared."""
        known = (await self.store.people()).known
        if not known:
            return None
        try:
            kept = await asyncio.to_thread(self._kept)
        except PassphraseError as problem:
            _log.warning("it cannot be seen who can sign in", extra={"why": str(problem)})
            return False
        return any(digest in kept for digest in known.values())

    async def any_passkeys(self) -> bool:
        """Whether somebody has one."""
        try:
            return any([await self.passkeys(name) for name in await self.names()])
        except PassphraseError as problem:
            _log.warning("it cannot be seen who has a passkey", extra={"why": str(problem)})
            return False

    async def add_passkey(self, name: str, passkey: Mapping[str, str], *, by: Sequence[str]) -> None:
        """One more passkey of a person. Raises PeopleError without their own yes and that of enough of the people."""
        listed = await self.store.people()
        kept = self._kept().get(listed.known.get(name, ""))
        if kept is None or _digest(kept) != listed.known[name]:
            raise PeopleError("There is nobody of this name.")
        if name not in by:  # guard: 301-themselves
            raise PeopleError(f"This needs the yes of {name} too.")
        _hold_to_consent(by, listed.known, needed=min(2, len(listed.known)))
        fresh = {**kept, "passkeys": [*kept.get("passkeys", ()), dict(passkey)]}
        where = {"origin": passkey["origin"]} if "origin" in passkey else {}
        what = {"passkey_of": name, "credential": passkey["id"], "public_key": passkey["key"], **where}
        await self._keep({**listed.known, name: fresh}, listed, by, what)

    async def signed(self, name: str, origin: str, statement: Mapping[str, Any], credential: Any) -> Mapping[str, Any]:
        """The evidence that a passkey of this person signed a statement. Raises PasskeyError."""
        passkeys = await self.passkeys(name)
        return await asyncio.to_thread(self._signed, passkeys, origin, statement, credential)

    def _signed(
        self, passkeys: Sequence[Mapping[str, str]], origin: str, statement: Mapping[str, Any], credential: Any
    ) -> Mapping[str, Any]:
        path = self.home / COUNTS_FILE
        with one_at_a_time(self.home / f".{COUNTS_FILE}.lock"):
            counts = read_private(path) if path.exists() else {}
            evidence = signed(origin, statement, credential, passkeys, counts)
            write_private(path, {**counts, evidence["credential"]: evidence["count"]})
        return evidence

    async def _keep(
        self, people: Mapping[str, Any], before: Listed, by: Sequence[str], what: Mapping[str, str]
    ) -> None:
        """Put new hashes beside those in the file, then say in the audit which count, then take out what no longer
        does. What others write at this moment stays: each takes out only what is theirs."""
        fresh = {_digest(value): value for value in people.values() if not isinstance(value, str)}
        digests = {name: value if isinstance(value, str) else _digest(value) for name, value in people.items()}
        await asyncio.to_thread(self._write, fresh, frozenset())
        try:
            await self.store.set_people(digests, after=before.seq, actor=" and ".join(by) or "terminal", what=what)
        except StoreUnavailable as problem:
            if problem.certain:
                await asyncio.to_thread(self._write, {}, fresh.keys())
            raise
        gone = {digest for digest in before.known.values() if digest not in digests.values()}
        await asyncio.to_thread(self._write, {}, gone)

    def _write(self, more: Mapping[str, Any], gone: Collection[str]) -> None:
        """Change the file, which other processes change too."""
        with one_at_a_time(self.home / f".{PEOPLE_FILE}.lock"):
            all_of_them = {**self._kept(), **more}
            left = {digest: value for digest, value in all_of_them.items() if digest not in gone}
            write_private(self.home / PEOPLE_FILE, left)

    def _kept(self) -> dict[str, Any]:
        """What people sign in with, by its digest."""
        path = self.home / PEOPLE_FILE
        kept = read_private(path) if path.exists() else {}
        return kept if isinstance(kept, dict) else {}


def _hold_to_consent(by: Sequence[str], known: Collection[str], *, needed: int) -> None:
    """Enough of the people who are there already said yes.

    Raises:
        PeopleError: They did not.
    """
    if len({key_of(one) for one in by if one in known}) < needed:  # guard: 309-consent
        who = "somebody who is there already" if needed == 1 else f"{needed} people who are there already"
        raise PeopleError(f"This needs the yes of {who}.")


def _digest(kept: Any) -> str:
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode("ascii")).hexdigest()


_NOBODY: Mapping[str, Any] = {**COST, "salt": "00" * 16, "hash": "00" * 64}
