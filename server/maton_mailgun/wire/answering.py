"""A message that answers another one: what comes from the stored original where the caller gave nothing.

To, Subject, In-Reply-To and References are set as RFC 5322 says (3.6.4 and appendix A.2). The original is an
outsider's: of its senders the plain address is taken alone, and all that is taken is held to the rules again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from maton_mailgun.catalogue.codecs import fill, segment
from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.errors import BadArguments, Problem
from maton_mailgun.mail.addresses import parse_all
from maton_mailgun.mail.mime_values import words
from maton_mailgun.mail.unclear import Unclear
from maton_mailgun.wire.stored_message import headers

HOST = "api.mailgun.net"
"""The one host behind the gateway (Maton's table of apps); others are never asked, least of all with a key."""
MOST_REFERENCES = 20
_KEY = re.compile(r"[A-Za-z0-9_=+~-]{1,1000}")
_ID = re.compile(r"<[!-;=?-~]{1,250}>")
_RE = re.compile(r"(?:re\s*:\s*)+", re.IGNORECASE)
_BLANK = re.compile(r"\s+")
_ONCE = ("from", "reply-to", "message-id", "subject")


def key_of(operation: Operation, name: str, arguments: Mapping[str, Any]) -> str:
    """The storage key that argument `name` gives, itself or in an address at the API host.

    Raises:
        BadArguments: It is an address elsewhere, or no key.
    """
    given = str(arguments[name]).strip()
    is_address = "://" in given or given.startswith("//")
    key = _key_in(operation, name, given, arguments) if is_address else given
    try:
        segment(key)
    except ValueError:
        key = ""
    if not _KEY.fullmatch(key):
        raise BadArguments(operation.name, [Problem(name, "is no storage key", _GIVE)])
    return key


_GIVE = "Give storage.key of an event (list_events with event stored or accepted)"


def _key_in(operation: Operation, name: str, address: str, arguments: Mapping[str, Any]) -> str:
    before = operation.answers[name].removeprefix("GET ").partition(f"{{{name}}}")[0]
    domain = str(arguments["domain"])
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    plain = parts.scheme == "https" and port in (None, 443) and parts.username is None and not parts.query
    if host != HOST or not plain:  # guard: 203-host
        told = f"is an address at {host[:100]}" if host and host.isascii() else "is an address"
        wrong = f"{told} that this gateway does not reach; it is never asked, as your key would go there"
        raise BadArguments(operation.name, [Problem(name, wrong, f"{_GIVE} alone: it is looked for at {HOST}")])
    begins, found = unquote(fill(before, {**arguments})), unquote(parts.path)
    if not found.startswith(begins):
        raise BadArguments(operation.name, [Problem(name, f"is no address of a message that {domain} keeps", _GIVE)])
    return found.removeprefix(begins).rstrip("/")


def filled(operation: Operation, name: str, arguments: Mapping[str, Any], body: Any) -> dict[str, Any]:
    """The arguments with what the original `body` gives where they have nothing.

    Raises:
        BadArguments: There is no original, or it does not say clearly what is needed.
    """
    if not isinstance(body, Mapping) or not (body.get("message-headers") or body.get("From")):
        wrong = (
            "names no stored message here: it is no longer kept, or it lies on a storage host of Mailgun's that this "
            "gateway does not reach"
        )
        fix = "Check domain and key with list_events; or leave it out, and give to, subject and headers yourself"
        raise BadArguments(operation.name, [Problem(name, wrong, fix)])
    original = Original(body)
    given = dict(arguments)
    problems = []
    if not given.get("to"):
        if people := original.answers_to:
            given["to"] = people
        else:
            problems.append(Problem(name, "does not say clearly who gets the answer", "Give to as well"))
    if not given.get("subject") and "template" not in given:
        if original.subject is None:
            problems.append(Problem(name, "has a subject that programs read differently", "Give subject as well"))
        else:
            given["subject"] = answered_subject(original.subject)
    if problems:
        raise BadArguments(operation.name, problems)
    own = given.get("headers") or {}
    has = {header.casefold() for header in own}
    added = {header: text for header, text in original.threading.items() if header.casefold() not in has}
    if added:
        given["headers"] = {**own, **added}
    return given


def answered_subject(subject: str) -> str:
    """The subject of an answer: `Re: ` once."""
    return f"Re: {_RE.sub('', subject.strip(), count=1) if _RE.match(subject.strip()) else subject.strip()}".strip()


class Original:
    """What an answer needs of a stored message; of headers that stand twice, nothing."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        found = list(headers(body)) or [
            (one, str(body[one])) for one in ("From", "Subject", "Message-Id") if one in body
        ]
        self._headers = [(header.casefold(), text) for header, text in found]

    def one(self, header: str) -> str:
        """The value of a header; empty where there is none, or more than one of which there may be one."""
        values = [text for name, text in self._headers if name == header.casefold()]
        return values[-1] if len(values) == 1 else ""

    @property
    def twice(self) -> list[str]:
        """Headers of which there may be one and are several."""
        names = [name for name, _ in self._headers]
        return [name for name in _ONCE if names.count(name) > 1]

    @property
    def sender(self) -> list[str]:
        """The plain addresses in From; empty where one cannot be read."""
        return _plain(self.one("from"))

    @property
    def reply_to(self) -> list[str]:
        """The plain addresses in Reply-To."""
        return _plain(self.one("reply-to"))

    @property
    def answers_to(self) -> list[str]:
        """Whom an answer goes to: Reply-To, else From (RFC 5322, 3.6.2)."""
        if {"from", "reply-to"} & {*self.twice}:  # guard: 202-twice
            return []
        return self.reply_to if self.one("reply-to").strip() else self.sender

    @property
    def subject(self) -> str | None:
        """As it reads, on one line; None where programs read it differently."""
        if "subject" in self.twice:
            return None
        try:
            read = words(_BLANK.sub(" ", self.one("subject")))
        except Unclear:
            return None
        return _BLANK.sub(" ", read).strip()

    @property
    def threading(self) -> dict[str, str]:
        """In-Reply-To and References, where the original has an id."""
        own = _ID.fullmatch(self.one("message-id").strip())
        if own is None:
            return {}
        past = _ID.findall(self.one("references")) or _ID.findall(self.one("in-reply-to"))[:1]
        chain = [*dict.fromkeys([*past, own[0]])]
        if len(chain) > MOST_REFERENCES:
            chain = [chain[0], *chain[1 - MOST_REFERENCES :]]
        return {"In-Reply-To": own[0], "References": " ".join(chain)}


def _plain(text: str) -> list[str]:
    found = parse_all(text, encoded=True) if text.strip() else []
    return [] if any(one.problems for one in found) else [*dict.fromkeys(one.address for one in found)]
