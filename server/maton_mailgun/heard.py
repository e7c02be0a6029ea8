"""Which addresses and hosts came to an assistant in a mail or an event, so that a person sees where they are from.

What tells an assistant to send data somewhere is often a stranger's mail that it just read. So each address and each
host of such an answer is remembered for an hour, by person, in memory alone and as a keyed hash; a question that names
one of them says in which mail it stood. What there was no room to remember is counted, and said too.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import secrets
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from urllib.parse import unquote

from maton_mailgun.mail.text import quoted, short

SECONDS = 60 * 60.0
_MOST = 40_000
"""Addresses and hosts that are remembered of everybody, more than one answer can hold; the oldest go first, of whoever
has most: what one person reads makes nobody else forget."""

_MOST_TOLD, _LONGEST_KEY = 24 * 1024, 500
"""Bytes told to another process at once, and characters of a storage key in them."""

Kind = Literal["mail", "event", "bounce"]
_IDS = frozenset({"message_id", "in_reply_to", "references"})
"""Names of messages, which look like addresses and are none."""
_OWN = frozenset({"url", "storage"})
"""Of an event: a link of our own message that was followed, and Mailgun's own address of it."""
_AROUND = frozenset({"", "items", "in_all_rows"})
"""What entries of a list stand in."""
_ENTRIES = frozenset({"address", "addresses", "on_none_of_the_three"})
"""Of bounces: whom a list holds, which is the account's own; what a stranger's server said stands beside it."""
# Every repetition is bounded: a stranger's text must cost no more than its length.
_HOST = r"(?:[^\W_][\w-]{0,62}\.){1,8}[^\W\d_][\w-]{1,62}"
_AT = re.compile(rf"@({_HOST})")
_BEFORE_AT = (
    re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"),
    re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}"),
)
"""Before the @, backwards: as most addresses are, and with letters of every script, which may be words before it."""
_URL = re.compile(r"//([^\s/?#\"'<>()\[\]\\]{1,300})")
_BARE = re.compile(rf"(?<![\w@.-])(?<!//)(?>{_HOST})(?!@)")
_ESCAPED = re.compile(r"\u27e8U\+[0-9A-F]{4,6}\u27e9")
"""A character that nobody sees, as a caller is told it."""
_OF_PUNYCODE = re.compile(r"\bxn--([a-z0-9-]{1,59})")


@dataclass(frozen=True, slots=True)
class Source:
    """Where something stood."""

    told: str
    """In words: `the mail “Invoice” from eve@example.net`."""
    key: str = ""
    """The storage key of the mail; empty where it has none."""
    sender: bool = False
    """It is who wrote that mail, or where its writer wants answers."""


class Others(Protocol):
    """The other processes of one server."""

    async def tell(self, said: bytes) -> None:
        """Have each of them `learn` this."""

    def catch_up(self) -> None:
        """Learn now what they have told."""


class Heard:
    """What came in, of all who call here.

    Where several processes serve them, each is told what the others heard: made before they are, all have one key.

    Args:
        clock: Seconds that never run backwards.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._known: dict[str, OrderedDict[bytes, tuple[float, Source]]] = {}
        """By person."""
        self._many = 0
        self._beyond: OrderedDict[str, tuple[float, int]] = OrderedDict()
        """By person: how many were forgotten within their hour, and until when that is of interest."""
        self._untold: list[tuple[str, bytes, Source]] = []
        self.others: Others | None = None
        """The other processes, where there are any."""

    async def noted(self, principal: str, kind: Kind, arguments: Mapping[str, Any], content: Mapping[str, Any]) -> None:
        """Remember what an answer of a read held, and have the others know it before its caller is told it."""
        self.note(principal, kind, arguments, content)
        untold, self._untold = self._untold, []
        if self.others is not None:
            for said in _pieces(untold):
                await self.others.tell(said)

    def learn(self, said: bytes) -> None:
        """Remember what another process heard."""
        for principal, digest, told, key, sender in json.loads(said):
            self._keep(principal, bytes.fromhex(digest), Source(told, key, sender))

    def everything(self) -> Iterator[bytes]:
        """All that is remembered, for a process that has heard nothing yet: it `learn`s each of these."""
        now = self._clock()
        known = [
            (principal, digest, source)
            for principal, theirs in self._known.items()
            for digest, (until, source) in theirs.items()
            if until > now
        ]
        return _pieces(known)

    def note(self, principal: str, kind: Kind, arguments: Mapping[str, Any], content: Mapping[str, Any]) -> None:
        """Remember what an answer of a read held, as its caller was told it."""
        result = content.get("result")
        found = result if isinstance(result, Mapping) else content
        own = {_alike(name) for one in _entries(found) for _, name in places(one)} if kind == "bounce" else set[str]()
        for one, source in _sources(kind, arguments, found):
            for _, name in (*places(one), *_bare(one)):
                if _alike(name) not in own:
                    self._put(principal, name, source)

    def of_address(self, principal: str, address: str) -> Source | None:
        """Where an address, or a link to its host, stood within the last hour, the newest place; None where neither."""
        return self._found(principal, address) or self._found(principal, f"//{address.rpartition('@')[2]}")

    def of_host(self, principal: str, host: str) -> Source | None:
        """Where a host, a link to it, or an address at it, stood within the last hour; None where none of them did."""
        found = (self._found(principal, f"{before}{host}") for before in ("//", "@", "~"))
        return next(filter(None, found), None)

    def beyond(self, principal: str) -> int:
        """How many addresses and hosts of the last hour are not remembered: there was no room for them."""
        until, number = self._beyond.get(principal, (0.0, 0))
        return number if until > self._clock() else 0

    def _found(self, principal: str, name: str) -> Source | None:
        if self.others is not None:
            self.others.catch_up()  # guard: 406-others
        theirs = self._known.get(principal)
        found = theirs.get(self._digest(principal, name)) if theirs is not None else None
        return found[1] if found is not None and found[0] > self._clock() else None

    def _put(self, principal: str, name: str, source: Source) -> None:
        known = self._found(principal, name)
        if known is not None and known.key == source.key and known.sender:
            source = known
        digest = self._digest(principal, name)
        self._keep(principal, digest, source)
        if self.others is not None:
            self._untold.append((principal, digest, source))

    def _keep(self, principal: str, digest: bytes, source: Source) -> None:
        theirs = self._known.setdefault(principal, OrderedDict())
        self._many += digest not in theirs
        theirs[digest] = (self._clock() + SECONDS, source)
        theirs.move_to_end(digest)
        while self._many > _MOST:
            most = max(self._known, key=lambda one: len(self._known[one]))  # guard: 379-own-room
            self._forget(most)
            if not self._known[most]:
                del self._known[most]

    def _forget(self, principal: str) -> None:
        """Make room by the oldest of one person, and count it where its hour is not over."""
        _, (until, _) = self._known[principal].popitem(last=False)
        self._many -= 1
        now = self._clock()
        if until > now:
            self._beyond[principal] = (until, self.beyond(principal) + 1)  # guard: 416-counted
            self._beyond.move_to_end(principal)
        while self._beyond and next(iter(self._beyond.values()))[0] <= now:
            self._beyond.popitem(last=False)

    def _digest(self, principal: str, name: str) -> bytes:
        text = f"{principal}\n{_alike(name)}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, key=self._key, digest_size=16).digest()


def _pieces(untold: list[tuple[str, bytes, Source]]) -> Iterator[bytes]:
    """What one process tells another, in pieces that one message between them takes."""
    piece: list[bytes] = []
    size = 0
    for principal, digest, source in untold:
        entry = [principal, digest.hex(), source.told, source.key[:_LONGEST_KEY], source.sender]
        said = json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        if piece and size + len(said) > _MOST_TOLD:
            yield b"[" + b",".join(piece) + b"]"
            piece, size = [], 0
        piece.append(said)
        size += len(said) + 1
    if piece:
        yield b"[" + b",".join(piece) + b"]"


def places(text: str) -> Iterator[tuple[str, str]]:
    """Each address and each host of a link in a text, with what it is looked for as: an address as itself, then the
    host that it is at, which is another thing than a link to that host. A model reads through what encodes a text; so
    both readings count."""
    for reading in dict.fromkeys((text, _decoded(text))):  # guard: 416-decoded
        for found in _AT.finditer(reading):
            before = reading[max(0, found.start() - 64) : found.start()][::-1]
            locals_ = {local[0][::-1] for pattern in _BEFORE_AT if (local := pattern.match(before))}
            yield from ((f"{local}{found[0]}", f"{local}{found[0]}") for local in sorted(locals_))
            yield found[1], f"@{found[1]}"
        for found in _URL.finditer(reading):
            host = found[1].rpartition("@")[2].partition(":")[0].strip(".")
            if host:
                yield host, f"//{host}"


def _bare(text: str) -> Iterator[tuple[str, str]]:
    """Each host that stands there without a link, which a model may make one of."""
    yield from ((found[0], f"~{found[0]}") for found in _BARE.finditer(_decoded(text)))


def _decoded(text: str) -> str:
    """A text without what encodes it: entities of HTML, percent escapes, characters that nobody sees, other widths."""
    plain = _ESCAPED.sub("", unquote(html.unescape(text)))
    if plain.isascii():
        return plain
    return unicodedata.normalize("NFKC", "".join(one for one in plain if unicodedata.category(one) != "Cf"))


def _alike(name: str) -> str:
    """A name as names are compared: in small letters, a host in letters where it is written in ASCII for them."""
    return _OF_PUNYCODE.sub(_in_letters, name.casefold())


def _in_letters(label: re.Match[str]) -> str:
    try:
        return label[1].encode("ascii").decode("punycode").casefold()
    except UnicodeError:
        return label[0]


def _sources(kind: Kind, arguments: Mapping[str, Any], result: Mapping[str, Any]) -> Iterator[tuple[str, Source]]:
    """Each text of an answer, with what it is called."""
    if kind == "mail":
        sender, subject = _word(result, "from"), _word(result, "subject")
        told = f"the mail {quoted(subject, 80)}" if subject else "a mail without a subject"
        told += f" from {short(sender, 100)}" if sender else ""
        key = next((str(text) for name, text in arguments.items() if name.endswith("_key")), "")
        for name, text in _texts(result):
            if name not in _IDS:
                yield text, Source(told, key, sender=name in {"from", "reply_to", "envelope_sender"})
        return
    if kind == "bounce":
        said = (text for name, text in _texts(result) if name not in _ENTRIES)
        yield from ((text, Source("what a mail server said of a bounce")) for text in said)
        return
    items = result.get("items")
    for item in items if isinstance(items, list) else [result]:
        event = _word(item, "event") if isinstance(item, Mapping) else ""
        for name, text in _texts(item):
            if name not in _OWN:
                yield text, Source(f"an event ({short(event, 40)})" if event else "an event")


def _entries(result: Mapping[str, Any]) -> Iterator[str]:
    return (text for name, text in _texts(result) if name in _ENTRIES)


def _word(result: Mapping[str, Any], name: str) -> str:
    found = result.get(name)
    return found.lstrip("\u27ea ").strip() if isinstance(found, str) else ""


def _texts(part: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(part, str):
        yield name, part
    elif isinstance(part, Mapping):
        columns = part.get("columns")
        for key, inner in part.items():
            if key == "rows" and isinstance(columns, list):
                for row in inner:
                    for column, cell in zip(columns, row, strict=False):
                        yield from _texts(cell, str(column))
            elif not (key == "columns" and "rows" in part):
                yield from _texts(inner, str(key) if name in _AROUND else name)
    elif isinstance(part, list):
        for inner in part:
            yield from _texts(inner, name)
