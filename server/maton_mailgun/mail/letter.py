"""One message as it will be read, whichever tool sends it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

RECIPIENT_HEADERS = ("To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc", "Apparently-To")  # guard: 15-recipients
"""Headers in which mail programs and servers look for recipients."""
SEEN_RECIPIENTS = frozenset({"to", "cc"})
"""Of these, in small letters, what readers are shown."""


class MailPart(Protocol):
    """One file that is sent along."""

    @property
    def field(self) -> str: ...
    @property
    def filename(self) -> str: ...
    @property
    def content_type(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def sha256(self) -> str: ...
    @property
    def content(self) -> bytes | None: ...


class Mailing(Protocol):
    """A request that sends mail, as far as the letter is concerned."""

    @property
    def form(self) -> Sequence[tuple[str, str]]: ...
    @property
    def files(self) -> Sequence[MailPart]: ...


@dataclass(frozen=True, slots=True)
class Enclosure:
    """An attachment or inline image."""

    name: str
    type: str
    size: int
    sha256: str
    cid: str = ""
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class FurtherPart:
    """A text that mail programs may show beside or instead of the usual three."""

    label: str
    """`Another HTML part (1.3)`."""
    type: str
    text: str
    """In full."""
    place: str
    """Where it stands in the message: `1.3`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What the recipients get, and who is told about whom."""

    sender: str = ""
    subject: str | None = None
    text: str | None = None
    html: str | None = None
    amp_html: str | None = None
    headers: Sequence[tuple[str, str]] = ()
    """Names and values that the call adds."""
    own_headers: Sequence[tuple[str, str]] = ()
    """Headers inside a MIME text, without sender, subject and recipients."""
    claims: Sequence[str] = ()
    """Recipients that the headers inside a MIME text name; what readers see, not who gets it."""
    unseen: Sequence[tuple[str, str]] = ()
    """Further such headers, which programs show to nobody, or hardly any do: `Bcc`, `Resent-To`."""
    groups: Sequence[str] = ()
    """Groups without anybody among them, of which readers see the names."""
    mime: bool = False
    to: Sequence[str] = ()
    """Recipients as given; for MIME the whole envelope."""
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    attachments: Sequence[Enclosure] = ()
    inline: Sequence[Enclosure] = ()
    parts: Sequence[FurtherPart] = ()
    """Everything else in a MIME text that may be shown, in order."""

    def header(self, name: str) -> list[str]:
        """All values of the header `name`, in any letter case."""
        return [value for field, value in (*self.headers, *self.own_headers) if field.casefold() == name.casefold()]


def from_form(request: Mailing) -> Letter:
    """The message that the fields of a `messages` request describe."""
    fields = FormFields(request)
    return Letter(
        sender=fields.one("from") or "",
        subject=fields.one("subject"),
        text=fields.one("text"),
        html=fields.one("html"),
        amp_html=fields.one("amp-html"),
        headers=fields.spread("h:"),
        to=fields.all("to"),
        cc=fields.all("cc"),
        bcc=fields.all("bcc"),
        attachments=[_enclosed(part) for part in request.files if part.field == "attachment"],
        inline=[_enclosed(part, cid=part.filename) for part in request.files if part.field == "inline"],
    )


class FormFields:
    """The form of a request by wire name, in any letter case."""

    def __init__(self, request: Mailing) -> None:
        self._pairs = tuple(request.form)

    def all(self, name: str) -> list[str]:
        """Every value sent under `name`."""
        return [text for field, text in self._pairs if field.casefold() == name]

    def one(self, name: str) -> str | None:
        """The values sent under `name` as one text (more than one is shown, not hidden), or None."""
        found = self.all(name)
        return " | ".join(found) if found else None

    def spread(self, prefix: str) -> list[tuple[str, str]]:
        """Names after `prefix`, such as `h:`, with their values."""
        return [(field[len(prefix) :], text) for field, text in self._pairs if field.casefold().startswith(prefix)]

    def mapping(self, name: str) -> dict[str, Any]:
        """The JSON object sent under `name`; empty where there is none."""
        found = self.all(name)
        try:
            parsed = json.loads(found[-1]) if found else {}
        except ValueError:
            parsed = {}
        return parsed if isinstance(parsed, dict) else {}

    @property
    def names(self) -> frozenset[str]:
        """Every name that is sent."""
        return frozenset(field for field, _ in self._pairs)


def _enclosed(part: MailPart, *, cid: str = "") -> Enclosure:
    return Enclosure(part.filename, part.content_type, part.size, part.sha256, cid, part.content)
