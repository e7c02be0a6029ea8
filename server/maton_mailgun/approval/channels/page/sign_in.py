"""Signing in, and who is asking: everything of the page that handles a credential."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from maton_mailgun.approval.channels.page.lockout import Lockout
from maton_mailgun.approval.channels.page.page_gate import PeopleAtPage
from maton_mailgun.approval.channels.page.sessions import KNOWN_SECONDS, LIFE_SECONDS, Session, Sessions
from maton_mailgun.approval.channels.passphrase import LockedOut

MOST_BODY = 16_384
BODY_SECONDS = 10.0
_EVERYONE = "everyone"


class PageRefusal(Exception):
    """A request that is answered with an error.

    Args:
        status: The HTTP status.
        error: A word for the page's code.
        why: A sentence for the person.
        more: Further members of the answer.
    """

    def __init__(self, status: int, error: str, why: str, *, retry_after: int = 0, **more: Any) -> None:
        super().__init__(why)
        self.status = status
        self.error = error
        self.retry_after = retry_after
        self.more = more


class SignIn:
    """Who may come in.

    Args:
        prefix: Path the page is mounted under; the cookie is limited to it.
        secure: Whether the cookie must only travel over TLS.
    """

    def __init__(
        self,
        sessions: Sessions,
        *,
        prefix: str,
        secure: bool,
        verify_passphrase: Callable[[str, str], Awaitable[bool]] | None,
        approver: str,
        people: PeopleAtPage,
    ) -> None:
        self._sessions = sessions
        self._path = prefix or "/"
        self._secure = secure
        self._verify = verify_passphrase
        self._approver = approver
        self._people = people
        self._verifying = asyncio.Lock()
        self.clock = clock = sessions.clock
        self._links = Lockout(clock, failures=5)
        self._guesses = Lockout(clock, failures=5)
        self._all_guesses = Lockout(clock, failures=50)
        self._strangers = Lockout(clock, failures=20)
        self._lookups = Lockout(clock, failures=15)

    async def sign_in(self, request: Request) -> Response:
        """Exchange a one-time token or the passphrase for a session."""
        given = await self.body(request)
        vouched = await self._people.vouched()
        named = bool(vouched)
        cookie = request.cookies.get(self._cookie_name(request))
        if named and given.keys() == {"token"}:  # guard: 313-link
            raise await self.explained(self._sign_in_needed("Sign in to see approvals."))
        if given.keys() == {"token"} and isinstance(given["token"], str):
            opened = self._by_link(_caller(request), given["token"], cookie)
        elif named and given.keys() == {"name", "passphrase"} and all(isinstance(one, str) for one in given.values()):
            opened = await self._by_passphrase(request, given["passphrase"], vouched, name=given["name"])
        elif not named and given.keys() == {"passphrase"} and isinstance(given["passphrase"], str) and self._verify:
            opened = await self._by_passphrase(request, given["passphrase"], vouched)
        else:
            raise PageRefusal(400, "bad_request", "Signing in needs exactly one of the ways this page offers.")
        if opened is None:
            why = "That link or passphrase does not open the page. A link works once, for 10 minutes."
            why = "Nobody of this name has that passphrase." if named else why
            raise await self.explained(self._sign_in_needed(why))
        session, value = opened
        response = await self.describe(request, session)
        response.set_cookie(
            self._cookie_name(request),
            value,
            max_age=int(LIFE_SECONDS),
            path=self._path,
            secure=self._secure,
            httponly=True,
            samesite="strict",
        )
        response.set_cookie(
            self._known_name(request),
            self._sessions.remember(request.cookies.get(self._known_name(request))),
            max_age=int(KNOWN_SECONDS),
            path=self._path,
            secure=self._secure,
            httponly=True,
            samesite="strict",
        )
        return response

    async def explained(self, refusal: PageRefusal) -> PageRefusal:
        """The same, with whether people sign in by name."""
        if refusal.error in ("sign_in", "locked") and await self._people.names():
            refusal.more |= {"named": True, "passphrase": True}
        return refusal

    async def describe(self, request: Request, session: Session) -> Response:
        """Who is signed in; holds the page's half of the session."""
        return JSONResponse({"key": session.key, "decider": session.decider})

    async def sign_out(self, request: Request, session: Session) -> Response:
        """End the session."""
        self._sessions.close(session)
        response = JSONResponse({"signed_out": True})
        response.delete_cookie(self._cookie_name(request), path=self._path, httponly=True, samesite="strict")
        return response

    async def session(self, request: Request) -> Session:
        """The session of a request of the page.

        Raises:
            Refusal: 401 without one, 403 when another site's page asks, 429 after too many failures.
        """
        cookie = request.cookies.get(self._cookie_name(request))
        found = self._known(request, self._sessions.find(cookie, request.headers.get("x-approval-key")))
        return await self._in_force(found)

    async def session_by_ticket(self, request: Request, approval_id: str, ticket: str) -> Session:
        """The session of a frame, which cannot send the page's key; refuses like `session`."""
        cookie = request.cookies.get(self._cookie_name(request))
        return await self._in_force(self._known(request, self._sessions.find_by_ticket(cookie, approval_id, ticket)))

    def check_lookups(self, session: Session) -> None:
        """Refuse when this session has asked for too many approvals that do not exist."""
        self._check(self._lookups, session.key)

    def lookup_failed(self, session: Session) -> None:
        """Count one approval that does not exist."""
        self._lookups.failed(session.key)  # guard: 26-counted

    async def body(self, request: Request, *, most: int = MOST_BODY) -> dict[str, Any]:
        """The JSON object a request carries, of bounded size and in bounded time."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise PageRefusal(415, "bad_request", "The body must be application/json.")
        content = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for chunk in request.stream():
                    content += chunk
                    if len(content) > most:
                        raise PageRefusal(413, "too_large", f"The body may have {most:,} bytes.")
        except TimeoutError:
            raise PageRefusal(408, "too_slow", f"The body did not arrive within {BODY_SECONDS:.0f} seconds.") from None
        try:
            given = json.loads(content)
        except (ValueError, RecursionError):
            given = None
        if not isinstance(given, dict):
            raise PageRefusal(400, "bad_request", "The body must be a JSON object.")
        return given

    def _known(self, request: Request, session: Session | None) -> Session:
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":  # guard: 23-other-site.read
            raise PageRefusal(403, "wrong_origin", "Only the approval page itself may ask this.")
        if session is None:
            who = _caller(request)
            self._check(self._strangers, who)
            self._strangers.failed(who)  # guard: 25-strangers
            raise self._sign_in_needed("Sign in to see approvals.")
        return session

    async def _in_force(self, session: Session) -> Session:
        """The session, if its person may decide still, by what they signed in with: not where they were removed or
        have another passphrase or passkey since, nor where it was opened before people had names."""
        vouched = await self._people.vouched()
        if session.vouched != (vouched.get(session.person or "") if vouched else ""):  # guard: 365-in-force
            self._sessions.close(session)
            raise self._sign_in_needed("Sign in again: who may decide has changed.")
        return session

    def _by_link(self, who: str, token: str, cookie: str | None) -> tuple[Session, str] | None:
        # Looked at first: nobody guesses 256 bits, so a right one is good whatever others of this address have tried.
        opened = self._sessions.exchange(token, cookie)
        if opened is None:
            self._check(self._links, who)
            self._links.failed(who)  # guard: 25-guessers
        return opened

    async def _by_passphrase(
        self, request: Request, passphrase: str, vouched: Mapping[str, str], name: str | None = None
    ) -> tuple[Session, str] | None:
        """A session for who knows the passphrase; with a name, that person's, of whom `vouched` holds the digest.

        Tries are counted by browser where one has been let in before, which its cookie proves, and else by address;
        strangers also all together, for there may be many addresses. So who guesses has five tries from one address
        and fifty in all, then waits for half a minute, twice as long each time up to 15 minutes, and in the long run
        has 480 tries a day from one address (fewer by what the state directory remembers) and 4,800 from all. Behind
        a proxy, where all have one address, the known browsers are counted apart, as are links and the terminal.
        """
        known = self._sessions.known(request.cookies.get(self._known_name(request)))  # guard: 111-known
        who = known or _caller(request)
        # One at a time: many guesses sent at once must meet the lockout too, and each costs memory and time.
        async with self._verifying:
            self._check(self._guesses, who)
            if known is None:
                self._check(self._all_guesses, _EVERYONE)
            person = None
            try:
                if name is not None:
                    person = await self._people.at_page(name, passphrase, who)
                    fits = person is not None
                else:
                    fits = self._verify is not None and await self._verify(passphrase, who)
            except LockedOut as locked:
                raise _locked(locked.seconds) from None
            if not fits:
                self._guesses.failed(who)
                if known is None:
                    self._all_guesses.failed(_EVERYONE)
                return None
        self._guesses.forgive(who)
        decider = self._approver if person is None else f"{person}, by passphrase"
        return self._sessions.open(decider=decider, person=person, vouched=vouched.get(person or "", ""))

    def _check(self, lockout: Lockout, who: str) -> None:
        seconds = lockout.seconds_left(who)
        if seconds > 0:
            raise _locked(seconds)

    def _sign_in_needed(self, why: str) -> PageRefusal:
        return PageRefusal(401, "sign_in", why, passphrase=self._verify is not None)

    def _cookie_name(self, request: Request) -> str:
        # Cookies do not tell ports apart; the name does, so that two servers on one machine do not sign each other out.
        port = request.headers["host"].rpartition(":")[2]
        return f"maton_mailgun_{port if port.isdigit() else 'approvals'}"

    def _known_name(self, request: Request) -> str:
        return f"{self._cookie_name(request)}_known"


def _locked(seconds: float) -> PageRefusal:
    """Too many failures, with when the next try counts."""
    wait = int(seconds) + 1
    until = datetime.fromtimestamp(time.time() + wait, UTC)
    why = (
        f"Locked after too many failures, until {until:%H:%M:%S} UTC: try again in {wait} seconds. "
        "A one-time link and the terminal are not locked by this."
    )
    return PageRefusal(429, "locked", why, retry_after=wait, until=until.timestamp())


def _caller(request: Request) -> str:
    return request.client.host if request.client else "unknown"
