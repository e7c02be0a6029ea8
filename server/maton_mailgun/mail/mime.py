"""A ready-made MIME message: each part of it has its place in the letter, or the message is refused.

Texts that programs show are shown, even those that call themselves files, which then are listed as such too.

The recipients are those of the call. What the message's own headers say about recipients is only what readers see.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

from maton_mailgun.mail import entry_reading, locations, protected_headers
from maton_mailgun.mail.address_fields import names_nobody, says_nobody
from maton_mailgun.mail.calendar_entry import is_calendar, is_folded, unfolded
from maton_mailgun.mail.charsets import decode, is_plain
from maton_mailgun.mail.doubtful_letters import letters_in_doubt
from maton_mailgun.mail.drawn_as import PACKED, drawn_as, is_text
from maton_mailgun.mail.flowed import deletes_blanks, is_flowed, joined
from maton_mailgun.mail.letter import (
    RECIPIENT_HEADERS,
    SEEN_RECIPIENTS,
    Enclosure,
    FormFields,
    FurtherPart,
    Letter,
    Mailing,
)
from maton_mailgun.mail.mime_reading import (
    AS_WRITTEN,
    BODIES,
    FILE_TEXT,
    KINDS,
    MOST_FURTHER,
    MOST_OF_FILES,
    MOST_TEXT,
    MimeReading,
    remarks_on,
)
from maton_mailgun.mail.mime_tree import MESSAGES, MimePart, MimeReader
from maton_mailgun.mail.text import quoted
from maton_mailgun.mail.unclear import Unclear

_RECIPIENTS = frozenset(name.casefold() for name in RECIPIENT_HEADERS)
_MULTIPARTS = frozenset({"mixed", "alternative", "related", "signed", "report", "digest", "parallel", "form-data"})
_LONGEST_LINE = 998
"""RFC 5322, 2.1.1."""
_MOST_ATTACHED = 5
"""How deep messages are read that are files in files."""


def refusals(source: bytes) -> list[tuple[str, str]]:
    """What is wrong with a ready message, which could not be shown without doubt, and what would be right."""
    return examine(source).problems


def from_request(request: Mailing) -> Letter:
    """The message in the `message` part of a request, with the headers that the call adds; `to` is the envelope."""
    return letter_of(source(request) or b"", FormFields(request))


def letter_of(text: bytes, fields: FormFields) -> Letter:
    """The message `text` as it goes to the recipients of a call, with the headers that the call adds."""
    reading = examine(text)
    headers = reading.headers
    apart = {"from", "subject", *_RECIPIENTS}
    named = [(name, value) for name, value in headers if name.casefold() in _RECIPIENTS and not names_nobody(value)]
    claims = [value for name, value in named if name.casefold() in SEEN_RECIPIENTS]  # guard: 427-seen
    return Letter(
        sender=", ".join(value for name, value in headers if name.casefold() == "from"),
        subject=next((value for name, value in headers if name.casefold() == "subject"), None),
        text=reading.bodies.get("text/plain"),
        html=reading.bodies.get("text/html"),
        amp_html=reading.bodies.get("text/x-amp-html"),
        headers=fields.spread("h:"),
        own_headers=[(name, value) for name, value in headers if name.casefold() not in apart],
        claims=claims,
        unseen=[(name, value) for name, value in named if name.casefold() not in SEEN_RECIPIENTS],
        groups=[
            value
            for name, value in headers
            if name.casefold() in _RECIPIENTS and names_nobody(value) and not says_nobody(value)
        ],
        to=fields.all("to"),
        attachments=reading.attachments,
        inline=reading.inline,
        parts=reading.parts,
        mime=True,
    )


def source(request: Mailing) -> bytes | None:
    """The message as it goes on the wire."""
    return next((part.content for part in request.files if part.field == "message"), None)


@lru_cache(maxsize=2)
def examine(source: bytes) -> MimeReading:
    """Read a message; one call reads the same bytes several times."""
    read = MimeReader(source).read()
    reading = MimeReading(problems=read.problems)
    if read.root is not None:
        reading.headers = read.root.decoded
        reading.structure = _structure(read.root)
        _Sorter(reading, read.root).sort(read.root)
        _too_much(reading)
        reading.remarks += protected_headers.remarks(read.root)
    if reading.problems:
        # Refused before anybody is asked; whoever looks at it in another way sees it as it is.
        text = source.decode("utf-8", "backslashreplace")
        whole = FurtherPart("The message as it is written", "message/rfc822", text, "")
        return MimeReading(problems=reading.problems, headers=reading.headers, parts=[whole])
    reading.remarks += remarks_on(reading)
    longest = max(map(len, source.split(b"\r\n")))
    if longest > _LONGEST_LINE:  # guard: 151-line
        said = f"The message has a line of {longest:,} bytes: relays break those of more than {_LONGEST_LINE}"
        reading.remarks.append(f"{said}, maybe inside an amount or a link.")
    return reading


def _structure(root: MimePart) -> list[tuple[str, str]]:
    return [
        (part.place, "; ".join(f"{name}: {value}" for name, value in part.decoded) or "no headers")
        for part in root.walk()
        if part.place
    ]


def attached(content: bytes, name: str, depth: int = 0) -> MimeReading:
    """The parts of a message that is a file of this name, and what is to be said of them.

    Raises:
        Unclear: Programs may take it apart in several ways.
    """
    label = f"Attached message {quoted(name, len(name))}"
    if depth > _MOST_ATTACHED:
        raise Unclear("stands too deep in other files", f"Put at most {_MOST_ATTACHED} into each other")
    read = MimeReader(content, attached=True).read()
    inner = MimeReading(problems=read.problems)
    if read.root is not None:
        _Sorter(inner, read.root, depth).sort(read.root, within=("message/rfc822",))
        _too_much(inner)
    if inner.problems or read.root is None:
        raise Unclear(*(inner.problems or [("cannot be read", "Send what is in it")])[0])
    head = "\n".join(f"{name}: {value}" for name, value in read.root.decoded)
    parts = [FurtherPart(label, "message/rfc822", head, "")]
    for part in inner.parts:
        own = part.label.removeprefix("Forwarded message, ")
        parts.append(FurtherPart(f"{label}, {own}", part.type, part.text, part.place))
    if read.root.inner:
        lines = [f"{place}: {headers}" for place, headers in _structure(read.root)]
        parts.append(FurtherPart(f"{label}, its parts", "text/plain", "\n".join(lines), ""))
    if files := [*inner.attachments, *inner.inline]:
        lines = [
            f"{quoted(one.name, len(one.name))}, {one.type}, {one.size:,} bytes, SHA-256 {one.sha256}" for one in files
        ]
        parts.append(FurtherPart(f"{label}, files", "text/plain", "\n".join(lines), ""))
    remarks = [f"{label}: {remark}" for remark in [*inner.remarks, *remarks_on(inner)]]
    return MimeReading(parts=parts, remarks=remarks)


def text_of_file(content: bytes, kind: str, name: str, charset: str = "") -> str:
    """The words in a file that programs draw, with folds undone.

    Raises:
        Unclear: They are in no character set that is known for certain.
    """
    whole = unfolded(content) if is_folded(kind, name) else content
    return decode(whole, charset).replace("\r\n", "\n")


def _too_much(reading: MimeReading) -> None:
    further = sum(len(part.text) for part in reading.parts)
    everything = further + sum(map(len, reading.bodies.values()))
    for size, most, what in ((everything, MOST_TEXT, "text"), (further, MOST_FURTHER, "text beside its bodies")):
        if size > most:  # guard: 46-much-text
            right = f"Send at most {most:,} characters of it, and the rest as an attachment"
            reading.problems.append((f"has {size:,} characters of {what}, which nobody can look through", right))


def _quoted(part: MimePart) -> str:
    return quoted(part.name, len(part.name))


def _is_read(part: MimePart) -> bool:
    """Whether a part that does not call itself a file is a text for programs."""
    return part.type.startswith(("text/", "message/"))


def _is_shown(whole: MimePart, number: int, *, shown: bool) -> bool:
    """Whether programs show the part of this number in `whole` even if it calls itself a file.

    They do so with each of the alternatives, with what others go with or sign, and with all that there is.
    """
    if whole.type in {"multipart/related", "multipart/signed"}:
        return number == 0
    return whole.type == "multipart/alternative" or whole.type in MESSAGES or (shown and len(whole.inner) == 1)


class _Sorter:
    """Puts each part of a message into its one place."""

    def __init__(self, reading: MimeReading, whole: MimePart, depth: int = 0) -> None:
        self._reading = reading
        self._whole = whole
        self._depth = depth
        self._left = MOST_OF_FILES
        self._cids: set[str] = set()

    def sort(self, part: MimePart, *, within: Sequence[str] = (), shown: bool = True) -> None:
        """Sort a part and all in it; `within` are the kinds of what it stands in.

        `shown` tells that programs show it in its place, whatever its disposition.
        """
        reading = self._reading
        if part.type in MESSAGES and part.inner:
            self._forwarded(part)
        elif part.type.startswith("multipart/"):
            if part.type == "multipart/encrypted":
                reading.remarks.append("The message is encrypted: what is in it cannot be shown here.")
            elif part.type.partition("/")[2] not in _MULTIPARTS:
                reading.remarks.append(f"The message has parts of an unknown arrangement, {part.type}.")
        else:
            self._leaf(part, within, shown=shown)
        for number, inner in enumerate(part.inner):
            if part.type == "multipart/alternative" and not any(map(_is_read, inner.walk())):
                self._instead(inner)
            in_place = _is_shown(part, number, shown=shown)  # guard: 86-in-place
            self.sort(inner, within=(*within, part.type), shown=in_place)

    def _instead(self, part: MimePart) -> None:
        names = " and ".join(_quoted(one) for one in part.walk() if one.name) or f"of the kind {part.type}"
        self._reading.remarks.append(  # guard: 87-instead
            f"The file {names} ({part.place}) stands in place of the text: programs show one or the other."
        )

    def _leaf(self, part: MimePart, within: Sequence[str], *, shown: bool) -> None:
        is_file = not _is_read(part) or (part.disposition == "attachment" and not shown)  # guard: 46-shown.file
        calendar = is_calendar(part.type, part.name)  # guard: 86-calendar
        if is_file:
            self._file(part)
        if not is_file or calendar or part.type.startswith("message/"):  # guard: 86-read
            self._text(part, forwarded=bool(MESSAGES.intersection(within)))
            return
        kind = drawn_as(part.type, part.name)
        if kind in MESSAGES:  # guard: 142-message
            self._attached(part)
        elif is_text(kind):  # guard: 142-drawn
            self._text_of_file(part, kind)

    def _attached(self, part: MimePart) -> None:
        reading, told = self._reading, f"The file {_quoted(part)} ({part.place}) is a message: programs may show it"
        try:
            found = attached(part.content, part.name, self._depth + 1)
        except Unclear as problem:
            reading.remarks.append(f"{told}, which cannot be shown here: it {problem.wrong}.")
            return
        self._left -= sum(len(one.text) for one in found.parts)
        if self._left < 0:
            reading.remarks.append(f"{told}, which cannot be shown here: it is too long.")
            return
        reading.parts += found.parts
        reading.remarks += [f"{told}.", *found.remarks]

    def _text_of_file(self, part: MimePart, kind: str) -> None:
        """What is drawn in the message although it is a file."""
        reading = self._reading
        name = _quoted(part) if part.name else f"({part.type} part without a name)"
        where = f" ({part.place})" if part.place else ""
        try:
            text = text_of_file(part.content, kind, part.name, part.parameters.get("charset", ""))
        except Unclear:
            text = None
        if text is None or len(text) > self._left:
            reading.remarks.append(
                f"The text in the file {name} is not shown here: some programs show it in the message."
            )
            return
        self._left -= len(text)
        self._located(part, kind, text)
        if is_folded(kind, part.name):
            text = self._entry(f"{FILE_TEXT} {name}{where}", text, part.place)
        reading.remarks.append(f"Some programs show the text in the file {name} in the message.")
        reading.parts.append(FurtherPart(f"{FILE_TEXT} {name}{where}", kind, text, part.place))

    def _forwarded(self, part: MimePart) -> None:
        head = part.inner[0]
        lines = "\n".join(f"{name}: {value}" for name, value in head.decoded)
        named = f" {_quoted(part)}" if part.name else ""
        where = f" ({part.place})" if part.place else ""
        self._reading.parts.append(FurtherPart(f"Forwarded message{named}{where}", part.type, lines, part.place))

    def _text(self, part: MimePart, *, forwarded: bool) -> None:
        reading = self._reading
        charset = part.parameters.get("charset", "")
        place = f"part {part.place} " if part.place else ""
        try:
            folded = is_folded(part.type, part.name)  # guard: 86-unfolded
            content = unfolded(part.content) if folded else part.content
            text = decode(content, charset).replace("\r\n", "\n")
        except Unclear as problem:
            reading.problems.append((f"{place}{problem.wrong}", problem.right))
            return
        if not charset and not is_plain(part.content):
            reading.remarks.append(
                f"The {part.type} text names no character set: shown as UTF-8, and programs may show other letters."
            )
        reading.remarks += letters_in_doubt(part, charset, place)
        self._located(part, part.type, text)
        if is_flowed(part.type, part.parameters):  # guard: 84-joined
            text = self._joined(part, text)
        calendar = is_calendar(part.type, part.name)
        if part.type in BODIES and part.type not in reading.bodies and not forwarded and not calendar:
            reading.bodies[part.type] = text
            if part.name:
                reading.remarks.append(
                    f"The {BODIES[part.type]} body is named {_quoted(part)}: programs may show a file."
                )
            return
        type_ = "text/calendar" if calendar else part.type
        kind = KINDS.get(type_, type_)
        label = f"Forwarded message, {kind}" if forwarded else f"Another {kind} part" if type_ in BODIES else kind
        named = f" {_quoted(part)}" if part.name else ""
        where = f" ({part.place})" if part.place else ""
        if folded:
            text = self._entry(f"{label}{named}{where}", text, part.place)
        reading.parts.append(  # guard: 46-shown.further
            FurtherPart(f"{label}{named}{where}", type_, text, part.place)
        )

    def _entry(self, label: str, text: str, place: str) -> str:
        """The text of a calendar entry or a card unpacked; what programs make of it goes into the reading."""
        sender = self._whole.header("from")
        entry = entry_reading.read(text, label, place, sender)
        self._reading.parts += entry.parts
        self._reading.remarks += entry.remarks
        return entry.text

    def _located(self, part: MimePart, kind: str, text: str) -> None:
        if "html" in kind and (found := locations.problem(part, text, self._whole)):
            where = f"part {part.place} " if part.place else ""
            self._reading.problems.append((f"{where}{found[0]}", found[1]))

    def _joined(self, part: MimePart, text: str) -> str:
        """The text with its lines joined; where that takes signs out of it, the lines are shown as well."""
        delete = deletes_blanks(part.parameters)
        found = joined(text, delete_blanks=delete)
        if delete and found != joined(text, delete_blanks=False):
            where = f" ({part.place})" if part.place else ""
            self._reading.remarks.append(
                f"The lines of the text{where} are joined without the blanks between them (format=flowed; delsp=yes): "
                "programs show it so or line by line."
            )
            label = f"{AS_WRITTEN}{part.type}{where}"
            self._reading.parts.append(FurtherPart(label, part.type, text, part.place))  # guard: 84-lines
        return found

    def _file(self, part: MimePart) -> None:
        reading = self._reading
        if drawn_as(part.type, part.name) in PACKED:
            reading.remarks.append(
                f"The message has a file of the kind {part.type}: programs unpack it and show what is in it, "
                "which cannot be shown here."
            )
        if part.cid and part.cid.casefold() in self._cids:  # guard: 134-one-cid
            reading.problems.append((f"has two parts with the Content-ID {part.cid[:60]}", "Give each its own"))
        self._cids.add(part.cid.casefold())
        content = part.content
        name = part.name or f"({part.type} part without a name)"
        digest = hashlib.sha256(content).hexdigest()
        enclosure = Enclosure(name, part.type, len(content), digest, part.cid, content)
        picture = part.cid and part.disposition != "attachment"
        (reading.inline if picture else reading.attachments).append(enclosure)
