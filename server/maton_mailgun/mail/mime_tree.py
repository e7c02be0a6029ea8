"""The parts of a MIME message, read strictly: whatever two mail programs could take apart in two ways is a problem.

RFC 2045 and 2046 say how a message is taken apart; real programs forgive mistakes, each in its own way. What one of
them skips (a preamble, a second boundary, bytes that are not base64) another shows, so a person could say yes to a text
that nobody reads. Nothing here is skipped: it is a part of the tree or a problem.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from maton_mailgun.mail import mime_values
from maton_mailgun.mail.address_fields import header_on_the_wire, holds_addresses
from maton_mailgun.mail.mime_values import MimeValue
from maton_mailgun.mail.unclear import Unclear

PARTS, NESTED, HEADERS, LINE, BLOCK = 100, 20, 200, 8_000, 65_536
"""How many parts, how deep, how many headers in one part; characters of one header, and of all in one part."""
ADDRESSES = 16_000
"""Characters of all headers with addresses in one part."""
_DASHES = 50_000
"""Lines that begin with `--` in a message of several parts."""

_ONCE = frozenset(
    {
        *(
            "from",
            "sender",
            "reply-to",
            "to",
            "cc",
            "bcc",
            "subject",
            "date",
            "message-id",
            "in-reply-to",
            "references",
        ),
        *("mime-version", "content-type", "content-transfer-encoding", "content-disposition", "content-id"),
        *("content-description", "content-location", "content-base", "content-language", "return-path"),
    }
)
"""Headers that may stand once (RFC 5322, section 3.6; RFC 2045, section 3): of two, programs show either."""
_ELSEWHERE = frozenset({"x-mozilla-external-attachment-url", "x-mozilla-cloud-part", "x-mozilla-altered"})
"""With these, Thunderbird opens another file than the part, or says that it is gone (mailnews/mime/src/mimei.cpp)."""
_TAKEN_APART = frozenset({"content-type", "content-disposition"})
_FIELD = re.compile(r"([!-9;-~]+):[ \t]*(.*?)[ \t]*", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_EMPTY_LINE = re.compile(rb"\n\n")
_DASH_LINE = re.compile(rb"^--[^\n]*", re.MULTILINE)
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")
_VERSION = re.compile(r"1\.0(?:[ \t]*\([^\x00-\x1f]*\))?")
_USUAL = re.compile(
    rb"\s*(?:this is an? (?:multi-?part message in mime format|mime-encapsulated message|openpgp/mime signed message"
    rb"(?: \(rfc [0-9a-z ]+\))?|cryptographically signed message in mime format|s/mime signed message"
    rb"|message with multiple parts in mime format)\.?"
    rb"|this message is in mime format\.\s+since your mail reader does not understand\s+this format, some or all of "
    rb"this message may not be legible\."
    rb"|this message is in mime format\.\s+the first part should be readable text,\s+while the remaining parts are "
    rb"likely unreadable without mime-aware tools\.)?\s*",
    re.IGNORECASE,
)
"""What mail programs write before the first part for programs that do not know parts."""
_ENCODINGS = frozenset({"", "7bit", "8bit", "binary", "quoted-printable", "base64"})
_KINDS = frozenset({"text", "multipart", "message", "application", "image", "audio", "video", "font", "model"})
"""The others (RFC 2045 has x-...) are a file for one program and the text for the next."""
MESSAGES = frozenset({"message/rfc822", "message/global", "message/news"})
"""Whole messages in a message (RFC 2046, 5.2.1; RFC 6532, 3.7; RFC 5537, 4.1)."""
_NOT_SENT = frozenset({"message/partial", "message/external-body"})
"""Their content is elsewhere: what a program shows is not in the message."""


@dataclass(frozen=True, slots=True)
class MimePart:
    """One part of a message, or the message itself."""

    place: str
    """`1.2` is the second part of the first; empty for the message itself."""
    headers: tuple[tuple[str, str], ...]
    """Names and values as they are written, unfolded."""
    type: str
    parameters: Mapping[str, str]
    disposition: str
    name: str
    cid: str
    content: bytes
    """Decoded; empty for what consists of other parts."""
    inner: tuple[MimePart, ...] = ()

    def header(self, name: str) -> str:
        """The value of a header, as it is written; empty where there is none."""
        return next((value for known, value in self.headers if known.casefold() == name), "")

    @property
    def decoded(self) -> list[tuple[str, str]]:
        """The headers as mail programs show them."""
        return [(name, _shown(name, value)) for name, value in self.headers]

    def walk(self) -> Iterator[MimePart]:
        """The part and all in it, in order."""
        yield self
        for part in self.inner:
            yield from part.walk()


@dataclass(slots=True)
class MimeReader:
    """Takes one message apart.

    Args:
        source: The message as it goes on the wire.
        attached: Whether it is a file, which need not say whom it is from.
    """

    source: bytes
    attached: bool = False
    problems: list[tuple[str, str]] = field(default_factory=list)
    """What is wrong, and what would be right."""
    root: MimePart | None = None
    _crlf: bool = False
    _count: int = 0
    _dashes: list[tuple[int, bytes]] = field(default_factory=list)
    _used: dict[int, str] = field(default_factory=dict)
    _boundaries: list[bytes] = field(default_factory=list)

    def read(self) -> MimeReader:
        """Fill `root` and `problems`; where there are problems, `root` may be missing or incomplete."""
        self._line_ends()
        if not self.problems:
            self.root = self._part("", 0, len(self.source), 0, "text/plain")
            self._stray_boundaries()
        if self.root is not None and not self.attached and not self.root.header("from"):
            self._problem("", "has no From header", "Begin with a line such as From: ann@example.com")
        return self

    def _problem(self, place: str, wrong: str, right: str) -> None:
        told = (f"{f'part {place} ' if place else ''}{wrong}", right)
        if told not in self.problems and len(self.problems) < 20:
            self.problems.append(told)

    def _line_ends(self) -> None:
        if b"\x00" in self.source:  # guard: 46-bytes.nul
            self._problem("", "holds a NUL byte", "Encode what is not text as base64")
        crlf, lf = self.source.count(b"\r\n"), self.source.count(b"\n")
        if self.source.count(b"\r") != crlf or crlf not in (0, lf):  # guard: 46-bytes.ends
            # OpenSSL signs lines with CR LF and writes the others as the system has them.
            right = "End every line with CR LF (a signature stays valid where each lone LF becomes CR LF)"
            self._problem("", "has line ends of several kinds", f"{right}, and encode files as base64")
        self._crlf = crlf > 0
        self.source = self.source.replace(b"\r\n", b"\n")

    def _part(self, place: str, start: int, end: int, depth: int, default: str) -> MimePart | None:
        self._count += 1
        if self._count > PARTS or depth > NESTED:  # guard: 46-parts
            what = f"more than {PARTS} parts" if self._count > PARTS else f"parts nested deeper than {NESTED}"
            self._problem("", f"has {what}", f"Send at most {PARTS} parts, at most {NESTED} deep")
            return None
        before = len(self.problems)
        headers, start = self._headers(place, start, end)
        if len(self.problems) > before:
            return None
        known = {name.casefold(): text for name, text in headers}
        if not default and "content-type" not in known:  # guard: 46-digest
            self._problem(place, "of a digest has no Content-Type", "Write Content-Type: message/rfc822")
            return None
        kind = self._value(place, "Content-Type", known.get("content-type", default), slash=True)
        disposition = self._value(place, "Content-Disposition", known.get("content-disposition", "inline"))
        encoding = known.get("content-transfer-encoding", "").casefold()
        if encoding not in _ENCODINGS:  # guard: 46-encoding
            right = "Use 7bit, 8bit, quoted-printable or base64"
            self._problem(place, f"has an unknown Content-Transfer-Encoding: {encoding[:60]!a}", right)
        if not _VERSION.fullmatch(known.get("mime-version", "1.0")):
            self._problem(place, "has an unknown MIME-Version", "Write MIME-Version: 1.0")
        if kind.head.partition("/")[0] not in _KINDS:  # guard: 46-kind
            right = "Use application/octet-stream for a file, and text/plain for a text"
            self._problem(place, f"is of a kind that there is not: {kind.head[:60]}", right)
        if kind.head in _NOT_SENT:
            self._problem(place, f"is {kind.head}: what it shows is not in it", "Send the content itself")
        nested = kind.head.startswith("multipart/") or kind.head in MESSAGES
        if nested and encoding not in ("", "7bit", "8bit", "binary"):
            self._problem(place, f"is {kind.head} and encoded as {encoding}", "Encode the parts in it, not the whole")
        names = {mine.parameters.get(key, "") for mine, key in ((kind, "name"), (disposition, "filename"))} - {""}
        if len(names) > 1:
            told = " and ".join(ascii(name[:60]) for name in sorted(names))
            self._problem(place, f"has two file names: {told}", "Give name= and filename= the same value")
        if len(self.problems) > before:
            return None
        inner = self._inner(place, kind, start, end, depth)
        if inner and kind.head == "multipart/related":
            self._root_of(place, kind.parameters.get("start", ""), inner)
        return MimePart(
            place,
            headers,
            kind.head,
            kind.parameters,
            disposition.head,
            next(iter(names), ""),
            known.get("content-id", "").strip("<> "),
            b"" if inner is not None else self._content(place, encoding, start, end),
            tuple(inner or ()),
        )

    def _value(self, place: str, name: str, text: str, *, slash: bool = False) -> MimeValue:
        try:
            found = mime_values.value(text)
        except Unclear as problem:
            self._problem(place, f"has a {name} that programs read differently: it {problem.wrong}", problem.right)
            return MimeValue()
        if slash != ("/" in found.head):
            right = "Write text/plain, for example" if slash else "Write inline or attachment"
            self._problem(place, f"has a {name} that is none: {found.head[:60]}", right)
        return found

    def _headers(self, place: str, start: int, end: int) -> tuple[tuple[tuple[str, str], ...], int]:
        """Names and values, and where the content begins."""
        if self.source.startswith(b"\n", start, end) or start == end:
            if not place:  # guard: 46-no-headers
                right = "Begin with header lines such as From: ann@example.com, then an empty line, then the text"
                self._problem(place, "has no headers: it begins with an empty line or is empty", right)
            return (), min(start + 1, end)
        found = _EMPTY_LINE.search(self.source, start, min(end, start + BLOCK + 2))
        if found is None and end - start > BLOCK:  # guard: 46-long.block
            self._problem(place, f"has more than {BLOCK:,} bytes of headers", "Leave headers out, or shorten them")
            return (), end
        stop = end if found is None else found.start() + 1
        try:
            block = self.source[start:stop].decode("utf-8")
        except UnicodeError:
            right = "Encode names that are not ASCII as RFC 2047 has it, or as UTF-8"
            self._problem(place, "has headers that are not UTF-8", right)
            return (), stop
        fields = [*self._fields(place, block.removesuffix("\n"))]
        self._sizes(place, fields)
        return tuple(fields), min(stop + 1, end)

    def _fields(self, place: str, block: str) -> Iterator[tuple[str, str]]:
        for line in re.split(r"\n(?![ \t])", block):
            parts = line.split("\n")
            found = _FIELD.fullmatch("".join(parts)) if len(line) <= LINE else None
            if len(line) > LINE:  # guard: 46-long.line
                right = f"Give each header at most {LINE:,} characters"
                self._problem(place, f"has a header of {len(line):,} characters: {line[:40]!a}", right)
            elif found is None or any(not part.strip(" \t") for part in parts[1:]):
                right = "Begin with header lines such as From: ann@example.com, then an empty line, then the text"
                self._problem(place, f"has a line above its text that is no header: {line[:60]!a}", right)
            elif _CONTROL.search(found[2]):
                self._problem(place, f"has a control character in its header {found[1][:60]}", "Leave it out")
            else:
                yield found[1], found[2].replace("\t", " ")

    def _sizes(self, place: str, fields: list[tuple[str, str]]) -> None:
        if len(fields) > HEADERS:  # guard: 46-long.number
            self._problem(place, f"has {len(fields)} headers", f"Give at most {HEADERS}")
        if sum(len(text) for name, text in fields if holds_addresses(name)) > ADDRESSES:  # guard: 46-long.addresses
            right = f"Name at most {ADDRESSES:,} characters of addresses in headers; `to` is who gets it"
            self._problem(place, "has too many addresses in its headers", right)
            return
        names = Counter(name.casefold() for name, _ in fields)
        for name, number in names.items():
            if number > 1 and (name in _ONCE or holds_addresses(name)):  # guard: 46-twice.header
                shown = next(known for known, _ in fields if known.casefold() == name)
                self._problem(place, f"has the header {shown} {number} times", "Give it once: programs show either")
        for name in sorted(names.keys() & _ELSEWHERE):  # guard: 147-elsewhere
            right = "Leave it out, and send the content itself"
            self._problem(place, f"has the header {name}: programs open another file then", right)
        for name, text in fields:
            try:
                if name.casefold() in _TAKEN_APART:
                    continue
                if not holds_addresses(name) or place:
                    mime_values.words(_apart(name, text))  # guard: 83-nested
                else:
                    header_on_the_wire(name, text)
            except Unclear as problem:
                wrong = f"has a header {name[:60]} that cannot be read for certain: {problem.wrong}"
                self._problem(place, wrong, problem.right)

    def _inner(self, place: str, kind: MimeValue, start: int, end: int, depth: int) -> list[MimePart] | None:
        """The parts of what consists of parts, else None. Programs show a message in it whatever its disposition."""
        if kind.head.startswith("multipart/"):
            # RFC 2046, 5.1.5, has message/rfc822 there; not every program does.
            default = "" if kind.head == "multipart/digest" else "text/plain"
            spans = self._spans(place, kind.parameters.get("boundary", ""), start, end)
        elif kind.head in MESSAGES:  # guard: 85-opened
            default, spans = "text/plain", [(start, end)]
        else:
            return None
        found = []
        for number, (first, last) in enumerate(spans, 1):
            part = self._part(f"{place}.{number}".removeprefix("."), first, last, depth + 1, default)
            if part is not None:
                found.append(part)
            if self._count > PARTS:
                break
        return found

    def _root_of(self, place: str, start: str, inner: list[MimePart]) -> None:
        """RFC 2387, 3.2: `start` names the part that is drawn; programs that do not know it draw the first."""
        named = [number for number, part in enumerate(inner) if part.cid == start.strip("<> ")]
        if start and named != [0]:  # guard: 143-start
            right = "Put the part that start= names first, give no other its Content-ID, or leave start= out"
            self._problem(place, f"names another part than its first as its root: start={start[:60]!a}", right)

    def _spans(self, place: str, boundary: str, start: int, end: int) -> list[tuple[int, int]]:
        """Where the parts of a multipart begin and end."""
        if not _BOUNDARY.fullmatch(boundary):  # guard: 46-boundary.none
            right = "Write boundary=, then 1 to 70 letters and digits that stand nowhere else"
            self._problem(place, "is a multipart without a usable boundary", right)
            return []
        if not self._boundaries:
            self._dashes = [(found.start(), found[0]) for found in _first(_DASH_LINE, self.source, _DASHES + 1)]
        self._boundaries.append(boundary.encode())
        if len(self._dashes) > _DASHES:
            self._problem("", "has too many lines that begin with --", "Encode the parts as base64")
            return []
        mark, places, closed = b"--" + boundary.encode(), [], -1
        for at, line in self._dashes[bisect_left(self._dashes, (start, b"")) : bisect_left(self._dashes, (end, b""))]:
            if line == mark + b"--":
                closed = at
            if line in (mark, mark + b"--"):
                places.append(at)
                self._used[at] = place
            if closed >= 0:
                break
        if closed < 0 or len(places) < 2:  # guard: 46-boundary.open
            right = f"Begin each part with a line --{boundary}, and end the last with --{boundary}--"
            self._problem(place, "is a multipart whose boundary does not occur or is not closed", right)
            return []
        around = self.source[start : places[0]], self.source[closed + len(mark) + 2 : end]
        if not _USUAL.fullmatch(around[0][:500]) or len(around[0]) > 500 or around[1].strip():  # guard: 46-outside
            right = "Leave it out, or make it a part: programs show it or leave it out"
            self._problem(place, "has text before its first part or after its last", right)
        return [
            (min(first + len(mark) + 1, last), max(last - 1, first + len(mark) + 1)) for first, last in pairwise(places)
        ]

    def _stray_boundaries(self) -> None:
        """Every line that some program could take for a boundary was one, and of one multipart only."""
        known = sorted(self._boundaries)
        right = "Give each multipart a boundary of its own that begins no other line"
        if any(after.startswith(before) for before, after in pairwise(known)):  # guard: 46-boundary.alike
            self._problem("", "has multiparts whose boundaries begin alike", right)
            return
        for at, line in self._dashes:
            index = bisect_right(known, line[2:]) - 1
            if at not in self._used and index >= 0 and line[2:].startswith(known[index]):  # guard: 46-boundary.stray
                self._problem("", f"has a line that looks like a boundary: {ascii(line[:80])[1:]}", right)
                return

    def _content(self, place: str, encoding: str, start: int, end: int) -> bytes:
        content, line_end = self.source[start:end], b"\r\n" if self._crlf else b"\n"
        try:
            if encoding == "base64":
                return mime_values.base64(content)
            if encoding == "quoted-printable":
                return mime_values.quoted_printable(content, line_end)
        except Unclear as problem:
            self._problem(place, problem.wrong, problem.right)
        return content.replace(b"\n", line_end)


def _shown(name: str, text: str) -> str:
    try:
        return header_on_the_wire(name, text) if holds_addresses(name) else mime_values.words(_apart(name, text))
    except Unclear:
        pass
    try:
        # Originals that are forwarded have odd headers; their words are decoded all the same.
        return mime_values.words(text)  # guard: 83-decoded
    except Unclear:
        return text


def _apart(name: str, text: str) -> str:
    """In fields of RFC 2369, comments may hold encoded words right at their brackets (RFC 2047, 5)."""
    return re.sub(r"\(+(?==\?)|(?<=\?=)\)+", r" \g<0> ", text) if name.casefold().startswith("list-") else text


def _first(pattern: re.Pattern[bytes], text: bytes, most: int) -> Iterator[re.Match[bytes]]:
    for _, found in zip(range(most), pattern.finditer(text), strict=False):
        yield found
