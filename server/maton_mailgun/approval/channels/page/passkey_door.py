"""Decisions that a passkey signs: the challenge that the page is given, and the signature that comes back, once."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from starlette.requests import Request

from maton_mailgun.approval.binding.passkeys import (
    PasskeyError,
    challenge_of,
    made_for,
    options_to_register,
    options_to_sign,
    registered,
    statement_of,
)
from maton_mailgun.approval.channels.page.page_gate import PeopleAtPage
from maton_mailgun.approval.channels.page.sessions import Session
from maton_mailgun.approval.channels.page.sign_in import PageRefusal
from maton_mailgun.approval.channels.passkey_offers import PasskeyOffer, PasskeyOffers
from maton_mailgun.approval.channels.passphrase import PassphraseError
from maton_mailgun.approval.channels.people import PeopleError
from maton_mailgun.approval.store.record import Record
from maton_mailgun.own_command import own_command

CHALLENGE_SECONDS = 300.0
_MOST = 200


class Registrar:
    """Takes one new passkey of one person, over a token that works once. Made by whoever has their consent."""

    def __init__(self, person: str) -> None:
        self.person = person
        self.token = secrets.token_urlsafe(32)
        self._challenge = secrets.token_bytes(32)
        self.made: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()

    def _hold_to(self, token: Any) -> None:
        right = isinstance(token, str) and secrets.compare_digest(token.encode(), self.token.encode())
        if not right or self.made.done():  # guard: 301-registrar
            raise PageRefusal(401, "sign_in", "That link makes no passkey: it works once.")

    def options(self, token: Any, origin: str) -> dict[str, Any]:
        """What the browser is asked for. Raises PageRefusal, PasskeyError."""
        self._hold_to(token)
        return options_to_register(origin, self.person, self._challenge)

    def take(self, token: Any, origin: str, credential: Any) -> None:
        """Keep the passkey that the browser made. Raises PageRefusal, PasskeyError."""
        self._hold_to(token)
        self.made.set_result(registered(origin, self._challenge, credential))


class OfferedPasskeys:
    """Takes the passkeys that were agreed upon in a terminal, at the server's address outside.

    Whoever comes with the link has to be signed in as the person besides: a link goes over more hands there than on
    the machine of the terminal.

    Args:
        offers: What was agreed.
        keep: Keeps a passkey of a person, by the yes of these people.
    """

    def __init__(
        self, offers: PasskeyOffers, keep: Callable[[str, Mapping[str, str], Sequence[str]], Awaitable[None]]
    ) -> None:
        self._offers = offers
        self._keep = keep

    async def options(self, token: Any, origin: str, person: str | None) -> dict[str, Any]:
        """What the browser is asked for. Raises PageRefusal, PasskeyError."""
        offer = await self._offered(self._offers.standing, token, origin, person)
        return options_to_register(origin, offer.person, bytes.fromhex(offer.challenge))

    async def take(self, token: Any, origin: str, person: str | None, credential: Any) -> str:
        """Keep the passkey that the browser made. Returns whose it is. Raises PageRefusal, PasskeyError."""
        offer = await self._offered(self._offers.standing, token, origin, person)
        made = registered(origin, bytes.fromhex(offer.challenge), credential)
        # What was not made well may be made again; what was is taken by one, however many come at once.
        offer = await self._offered(self._offers.take, token, origin, person)
        try:
            await self._keep(offer.person, {**made, "origin": origin}, offer.by)
        except (PeopleError, PassphraseError) as problem:
            raise PasskeyError(str(problem)) from None
        return offer.person

    async def _offered(
        self, find: Callable[[str], PasskeyOffer | None], token: Any, origin: str, person: str | None
    ) -> PasskeyOffer:
        try:
            offer = await asyncio.to_thread(find, token) if isinstance(token, str) else None
        except PassphraseError as problem:
            raise PasskeyError(str(problem)) from None
        if offer is None or offer.origin != origin:  # guard: 394-origin
            raise PageRefusal(409, "changed", "That link makes no passkey: it works once, for five minutes.")
        if offer.person != person:  # guard: 395-person
            raise PageRefusal(409, "changed", f"That link is {offer.person}'s: sign out, and in with that name.")
        return offer


class Signing:
    """The challenges of one server, in memory: each for one session, one record and one decision, and used once.

    Args:
        origin: Our origin where a proxy ends TLS; by default the request's scheme and Host.
    """

    def __init__(self, people: PeopleAtPage, sessions_clock: Any, origin: str | None) -> None:
        self._people = people
        self._clock = sessions_clock
        self._origin = origin
        self._given: OrderedDict[str, tuple[bytes, dict[str, Any], float]] = OrderedDict()

    def origin(self, request: Request) -> str:
        """The origin that a browser which asks this is at."""
        return self._origin or f"{request.url.scheme}://{request.headers['host'].lower()}"

    async def challenge(self, request: Request, session: Session, record: Record, *, approve: bool) -> dict[str, Any]:
        """What the person's passkey is asked to sign. Raises PageRefusal."""
        if session.person is None:
            raise PageRefusal(409, "changed", "Sign in with your own name: a passkey is a person's.")
        origin = self.origin(request)
        passkeys = made_for(await self._people.passkeys(session.person), origin)
        if not passkeys:
            made = own_command("approvals people add NAME --passkey")
            raise PageRefusal(409, "changed", f"{session.person} has no passkey for {origin}: {made}")
        nonce = secrets.token_urlsafe(32)
        statement = statement_of(record, approve=approve, person=session.person, nonce=nonce)
        try:
            options = options_to_sign(origin, challenge_of(statement), passkeys)
        except PasskeyError as problem:
            raise PageRefusal(409, "changed", str(problem)) from None
        self._given[nonce] = (session.id, statement, self._clock() + CHALLENGE_SECONDS)
        while len(self._given) > _MOST:
            self._given.popitem(last=False)
        return {"nonce": nonce, "options": options}

    async def evidence(
        self, request: Request, session: Session, record: Record, *, approve: bool, given: Any
    ) -> Mapping[str, Any]:
        """What the passkey signed, if it is this decision about this record. Raises PageRefusal."""
        nonce = given.get("nonce") if isinstance(given, dict) else None
        kept = self._given.pop(nonce, None) if isinstance(nonce, str) else None  # guard: 301-once
        if kept is None or session.person is None:
            raise PageRefusal(409, "changed", "That signature was used already, or came too late. Nothing was decided.")
        owner, statement, until = kept
        expected = statement_of(record, approve=approve, person=session.person, nonce=str(nonce))
        if owner != session.id or self._clock() > until or statement != expected:  # guard: 301-asked
            raise PageRefusal(409, "changed", "That signature is of another decision. Nothing was decided.")
        try:
            return await self._people.signed(session.person, self.origin(request), statement, given.get("credential"))
        except PasskeyError as problem:
            raise PageRefusal(409, "changed", f"{problem} Nothing was decided.") from None
