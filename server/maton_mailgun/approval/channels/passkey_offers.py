"""Passkeys that were agreed upon in a terminal, to be made in a browser elsewhere: at the server's address outside.

The terminal and the server are two processes with one state directory. What was agreed lies there sealed, for a few
minutes: of whom, who said yes, at which origin, and what the browser has to sign. The token that names it is in the
link alone, and works once.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from maton_mailgun.approval.binding.seal import Unsealable, seal, unseal
from maton_mailgun.approval.channels.passphrase import read_private, write_private
from maton_mailgun.whole_file import one_at_a_time

OFFERS_FILE = "passkey-offers.json"
OFFER_SECONDS = 300.0
"""For which a browser may take to make a passkey."""
_NAME = "passkey offer"


@dataclass(frozen=True, slots=True)
class PasskeyOffer:
    """One passkey that may be made."""

    person: str
    by: Sequence[str]
    """Who said yes to it."""
    origin: str
    """Where, and nowhere else."""
    challenge: str
    """What the browser has to sign, in hexadecimal."""
    until: float
    """Unix seconds."""


class PasskeyOffers:
    """Those of one installation. Every method may raise PassphraseError where the file cannot be used.

    Args:
        home: The state directory.
        key: `Keys.seal`.
        clock: Unix seconds.
    """

    def __init__(self, home: Path, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self._home = home
        self._key = key
        self._clock = clock

    def make(self, person: str, origin: str, *, by: Sequence[str]) -> str:
        """Offer one. Returns the token."""
        token = secrets.token_urlsafe(32)
        until = self._clock() + OFFER_SECONDS
        offer = PasskeyOffer(person, tuple(by), origin, secrets.token_hex(32), until)
        name = _digest(token)
        sealed = seal(self._key, json.dumps(asdict(offer)).encode(), approval_id=_NAME, digest=name)
        with self._alone():
            write_private(self._path, {**self._kept(), name: base64.b64encode(sealed).decode("ascii")})
        return token

    def standing(self, token: str) -> PasskeyOffer | None:
        """The offer that a token names, as long as it stands."""
        return self._opened(_digest(token), self._kept())

    def take(self, token: str) -> PasskeyOffer | None:
        """The same, for the last time: nobody else is given it."""
        name = _digest(token)
        with self._alone():
            kept = self._kept()
            offer = self._opened(name, kept)
            if name in kept:
                write_private(self._path, {one: kept[one] for one in kept if one != name})  # guard: 394-once
            return offer

    def _opened(self, name: str, kept: Mapping[str, Any]) -> PasskeyOffer | None:
        try:
            sealed = base64.b64decode(kept[name])
            offer = PasskeyOffer(**json.loads(unseal(self._key, sealed, approval_id=_NAME, digest=name)))
        except (KeyError, TypeError, ValueError, binascii.Error, Unsealable):
            return None
        return offer if self._clock() < offer.until else None  # guard: 394-until

    def _kept(self) -> dict[str, Any]:
        kept = read_private(self._path) if self._path.exists() else {}
        return kept if isinstance(kept, dict) else {}

    @property
    def _path(self) -> Path:
        return self._home / OFFERS_FILE

    def _alone(self) -> AbstractContextManager[None]:
        return one_at_a_time(self._home / f".{OFFERS_FILE}.lock")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
