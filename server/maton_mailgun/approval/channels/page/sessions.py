"""Who may use the page: one-time tokens, and the sessions they are exchanged for. In memory only.

A session has two halves, and one alone is worth nothing: the cookie, and the key that the page keeps for itself and
sends as a header. Cookies are shared by all ports of a host (RFC 6265, section 8.5), so whatever else listens on this
machine may be handed our cookie by the browser; the key never leaves our origin.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

TOKEN_SECONDS = 10 * 60.0
IDLE_SECONDS = 60 * 60.0
LIFE_SECONDS = 12 * 60 * 60.0
KNOWN_SECONDS = 90 * 24 * 60 * 60.0
"""How long a browser that was let in is known by its cookie, as long as the server runs."""
HERE = {"view": 15.0, "notify": 90.0}
"""Seconds for which a tab counts that is in view, or that may notify: browsers wake a hidden one once a minute."""
_MOST_TOKENS = 200
_MOST_KNOWN = 1000
_MOST_SESSIONS = 100


@dataclass(slots=True, kw_only=True)
class Session:
    """A signed-in browser."""

    decider: str
    """Who this is, in words for the audit."""
    principal: str | None
    """Whose approvals it sees; None: everyone's."""
    opened_at: float
    used_at: float
    person: str | None = None
    """Their name, where they signed in by it."""
    vouched: str = ""
    """Digest of what they signed in with then; empty where nobody has a name."""
    key: str = field(repr=False)
    """The half the page keeps; sent as the header X-Approval-Key."""
    id: bytes = field(repr=False)
    """Digest of the cookie's value."""
    here_until: float = 0.0
    """Until when a tab of this browser counts as before the person, or as able to notify them."""
    seen: set[str] = field(default_factory=set)
    """The messages, and the frames of messages, that this browser was given, by approval."""

    def ticket(self, approval_id: str) -> str:
        """What lets this session's browser load one message into a frame, where no header can be sent."""
        return hmac.new(self.key.encode(), f"message {approval_id}".encode(), hashlib.sha256).hexdigest()


@dataclass(slots=True, kw_only=True)
class _Token:
    decider: str
    principal: str | None
    expires_at: float
    used: Callable[[], None]
    session: bytes | None = None
    """The session it was exchanged for; set once used."""


class Sessions:
    """Tokens and sessions of one server.

    Args:
        clock: Seconds that never run backwards.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._tokens: OrderedDict[bytes, _Token] = OrderedDict()
        self._sessions: OrderedDict[bytes, Session] = OrderedDict()
        self._known: OrderedDict[bytes, float] = OrderedDict()

    def token(
        self,
        *,
        decider: str = "person at the approval page",
        principal: str | None = None,
        used: Callable[[], None] = lambda: None,
    ) -> str:
        """A fresh one-time token of 256 random bits, good for ten minutes. `used` is called when it opens a session."""
        value = secrets.token_urlsafe(32)
        expires_at = self.clock() + TOKEN_SECONDS
        self._tokens[_digest(value)] = _Token(decider=decider, principal=principal, expires_at=expires_at, used=used)
        _trim(self._tokens, _MOST_TOKENS)
        return value

    def exchange(self, token: str, cookie: str | None) -> tuple[Session, str] | None:
        """The session for `token` with its cookie value; None when the token is not good.

        A browser that is already signed in as the same person keeps its session, so that its other tabs go on
        working. A token that comes twice was seen by someone else on its way: the session it made is closed.
        """
        known = self._tokens.get(_digest(token))
        if known is None or known.expires_at <= self.clock():
            return None
        if known.session is not None:
            self._sessions.pop(known.session, None)
            return None
        present = self._by_cookie(cookie)
        if cookie and present and (present.decider, present.principal) == (known.decider, known.principal):
            session, value = present, cookie
        else:
            session, value = self.open(decider=known.decider, principal=known.principal)
        known.session = session.id
        known.used()
        return session, value

    def open(
        self, *, decider: str, principal: str | None = None, person: str | None = None, vouched: str = ""
    ) -> tuple[Session, str]:
        """A new session and the value of its cookie."""
        value = secrets.token_urlsafe(32)
        now = self.clock()
        session = Session(
            decider=decider,
            principal=principal,
            person=person,
            vouched=vouched,
            opened_at=now,
            used_at=now,
            key=secrets.token_urlsafe(32),
            id=_digest(value),
        )
        self._sessions[session.id] = session
        _trim(self._sessions, _MOST_SESSIONS)
        return session, value

    def find(self, cookie: str | None, key: str | None) -> Session | None:
        """The session both halves belong to."""
        session = self._by_cookie(cookie)
        if session is None:
            return None
        if not key or not hmac.compare_digest(session.key.encode(), key.encode()):  # guard: 23-key
            return None
        return self._used(session)

    def find_by_ticket(self, cookie: str | None, approval_id: str, ticket: str) -> Session | None:
        """The session the cookie and the message ticket belong to."""
        session = self._by_cookie(cookie)
        if session is None or not hmac.compare_digest(session.ticket(approval_id).encode(), ticket.encode()):
            return None
        return self._used(session)

    def here(self, principal: str | None) -> bool:
        """Whether somebody who sees what this principal asked for has a tab of the page that shows it to them."""
        now = self.clock()
        return any(one.here_until > now and one.principal in {None, principal} for one in self._sessions.values())

    def remember(self, cookie: str | None) -> str:
        """What proves from now on that this browser was let in once; the same again where it has that already.

        It lets nobody in: it only counts the wrong passphrases of this browser apart from those of strangers.
        """
        value = cookie if cookie and self.known(cookie) else secrets.token_urlsafe(32)
        self._known[_digest(value)] = self.clock() + KNOWN_SECONDS
        self._known.move_to_end(_digest(value))
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        return value

    def known(self, cookie: str | None) -> str | None:
        """A name for the browser that has this from `remember`; None for a stranger."""
        digest = _digest(cookie) if cookie else b""
        return f"browser {digest.hex()[:16]}" if self._known.get(digest, 0.0) > self.clock() else None

    def packed(self) -> dict[str, Any]:
        """All of it as JSON, for the process that goes on with this page; times as seconds from now. What it holds
        signs in."""
        now = self.clock()
        return {
            "tokens": [
                [digest.hex(), token.decider, token.principal, token.expires_at - now,
                 token.session.hex() if token.session else None]
                for digest, token in self._tokens.items()
            ],
            "sessions": [
                [one.id.hex(), one.key, one.decider, one.principal, one.opened_at - now, one.used_at - now,
                 sorted(one.seen), one.person, one.vouched]
                for one in self._sessions.values()
            ],
            "known": [[digest.hex(), until - now] for digest, until in self._known.items()],
        }  # fmt: skip

    def unpack(self, packed: Mapping[str, Any], used: Callable[[str], Callable[[], None]]) -> None:
        """Go on with what another process packed.

        Args:
            used: What is called when the token of this digest signs in.
        """
        now = self.clock()
        for digest, decider, principal, left, session in packed["tokens"]:
            self._tokens[bytes.fromhex(digest)] = _Token(
                decider=decider,
                principal=principal,
                expires_at=now + left,
                used=used(digest),
                session=bytes.fromhex(session) if session else None,
            )
        for digest, key, decider, principal, opened, last, seen, person, vouched in packed["sessions"]:
            identity = bytes.fromhex(digest)
            self._sessions[identity] = Session(
                decider=decider,
                principal=principal,
                person=person,
                vouched=vouched,
                opened_at=now + opened,
                used_at=now + last,
                key=key,
                id=identity,
                seen=set(seen),
            )
        for digest, left in packed["known"]:
            self._known[bytes.fromhex(digest)] = now + left

    def close(self, session: Session) -> None:
        """End one session."""
        self._sessions.pop(session.id, None)

    def _by_cookie(self, cookie: str | None) -> Session | None:
        session = self._sessions.get(_digest(cookie)) if cookie else None
        if session is None:
            return None
        now = self.clock()
        if now - session.used_at > IDLE_SECONDS or now - session.opened_at > LIFE_SECONDS:
            self.close(session)
            return None
        return session

    def _used(self, session: Session) -> Session:
        session.used_at = self.clock()
        self._sessions.move_to_end(session.id)
        return session


def digest_of(token: str) -> str:
    """The name under which a token is known; worth nothing by itself."""
    return _digest(token).hex()


def _digest(value: str) -> bytes:
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).digest()


def _trim(kept: OrderedDict[bytes, _Token] | OrderedDict[bytes, Session], most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)
