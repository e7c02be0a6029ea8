"""The preview as it is frozen with a record: one model of it, which every channel reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from maton_mailgun.approval.store.record import Risk
from maton_mailgun.mail.word_diff import Piece

_MAKING = Lock()
EXACT = "The exact values"
"""Heads what leaves and is shown nowhere else, each value as the service gets it; another one in earlier versions."""
EXACT_BEFORE = "As it will be sent"

_Omitted = Field(exclude_if=lambda value: not value)
"""Stands in the frozen form only where it says something."""
_Absent = Field(exclude_if=lambda value: value is None)


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled line; `flags` are short remarks shown beside it."""

    label: str
    value: str
    flags: Sequence[str] = ()
    block: Annotated[bool, _Omitted] = False
    """Drawn with a line of its own for each line of the value, which end in ⏎ here."""
    again: Annotated[bool, _Omitted] = False
    """Says only what the message, its recipients or `ending` say: a channel that shows those need not say it twice."""


@dataclass(frozen=True, slots=True)
class Section:
    """Some lines under a heading."""

    heading: str
    rows: Sequence[Row]
    read: Annotated[bool, _Omitted] = False
    """Only facts that were read from the account: a channel without room for them may say where they are instead. All
    else is about what leaves, and a channel that cannot hold it takes no yes."""
    outside: Annotated[bool, _Omitted] = False
    """Words of a stranger that do not leave: for the person alone, as a model reads them marked elsewhere."""


@dataclass(frozen=True, slots=True)
class ChangedValue:
    """One value as it is and as it will be."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class EditedValue:
    """What people made of one value that an agent had proposed, as it is: whoever shows it makes it display-safe."""

    field: str
    pieces: Sequence[Piece]


@dataclass(frozen=True, slots=True)
class ShownRecipient:
    """One address that gets a copy."""

    address: str
    name: str = ""
    kind: str = "to"
    """to, cc, bcc, header, or list for a mailing list."""
    flags: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class InlinePicture:
    """A part that the HTML shows by its Content-ID."""

    cid: str
    content_type: str = ""
    name: str = ""
    size: int = 0
    data_uri: Annotated[str, _Omitted] = ""
    """The picture itself, where it is small enough to be drawn."""


@dataclass(frozen=True, slots=True)
class ListedFile:
    """What a mail program shows as a file."""

    name: str
    type: str = ""
    size: int = 0
    """Bytes."""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class ShownPart:
    """A text that programs may show beside the bodies."""

    label: str
    type: str
    text: str


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """A message as it will be sent; bodies, `recipient_values` and `parts` are as they leave, everything else is
    display-safe."""

    sender: Annotated[str, Field(alias="from")] = ""
    reply_to: str = ""
    subject: str = ""
    text: str | None = None
    html: str | None = None
    amp_html: str | None = None
    inline: Sequence[InlinePicture] = ()
    attachments: Sequence[ListedFile] = ()
    link_hosts: Sequence[str] = ()
    rendered_by: str = ""
    recipient_values: Annotated[Mapping[str, Mapping[str, Any]] | None, _Absent] = None
    """Every recipient's own values by address and key; None for a message that is the same for everybody. Earlier
    versions kept them display-safe."""
    headers: Annotated[Sequence[tuple[str, str]], _Omitted] = ()
    """All but From, Reply-To and Subject; only where values are filled in, since others stand in the sections alone."""
    parts: Annotated[Sequence[ShownPart], _Omitted] = ()
    """The further parts; as with the headers."""


@dataclass(frozen=True, slots=True)
class ShownAccount:
    """Whose account it is."""

    connection_id: str = ""
    label: str = ""
    sandbox: bool = False


@dataclass(frozen=True, slots=True)
class ShownRequest:
    """Where the write goes."""

    method: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class AskedBy:
    """Who wants it."""

    client: str = ""
    principal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What the person sees before they decide. What stands here is everything that leaves, in one place each."""

    whole: Annotated[bool, _Omitted] = False
    """It holds every value that leaves in full; those that earlier versions froze cut long ones."""
    title: str = ""
    action: str = ""
    operation: str = ""
    account: ShownAccount = ShownAccount()
    target: str = ""
    effect: str = ""
    ending: Annotated[str, _Omitted] = ""
    """What of the effect the message and its recipients do not say: when it leaves, and what it covers."""
    headline: Annotated[str, _Omitted] = ""
    """What is done to what, in a few words; a message has its subject for that."""
    undo: str = ""
    undo_plainly: Annotated[str, _Omitted] = ""
    """The same without the names of tools, which tell a person nothing; empty where it has none."""
    request: ShownRequest = ShownRequest()
    sections: Sequence[Section] = ()
    diff: Sequence[ChangedValue] = ()
    edited: Annotated[Sequence[EditedValue], _Omitted] = ()
    """All that people changed of what the agent proposed, be it in several steps. It leaves nothing: the values that
    leave stand elsewhere."""
    warnings: Sequence[str] = ()
    unchecked: Sequence[str] = ()
    history: Sequence[str] = ()
    asked_by: AskedBy = AskedBy()
    risk: Risk = "low"
    recipients: Sequence[ShownRecipient] = ()
    covers: Annotated[Mapping[str, Any], _Omitted] = field(default_factory=dict)
    """How far the yes reaches beyond the request (see `reach`)."""
    message: Annotated[ShownMessage | None, _Absent] = None
    outside: Annotated[bool, _Omitted] = False
    """What leaves are the words of a stranger: a model gets them marked."""

    @classmethod
    def of(cls, frozen: Mapping[str, Any]) -> Preview:
        """The preview that a record holds. What earlier versions did not write has its default.

        Raises:
            pydantic.ValidationError: it is none.
        """
        return _adapter().validate_python(frozen)

    def frozen(self) -> dict[str, Any]:
        """The preview as a record holds it, ready for JSON."""
        found: dict[str, Any] = _adapter().dump_python(self, mode="json", by_alias=True)
        return found


def load() -> None:
    """Make what reads and freezes previews, which takes 25 ms the first time (measured)."""
    _adapter()


def _adapter() -> TypeAdapter[Preview]:
    # Whoever comes while another thread makes it waits for that one.
    with _MAKING:
        return _made()


@cache
def _made() -> TypeAdapter[Preview]:
    # When the first preview is made: a server that only reads never needs it.
    return TypeAdapter(Preview)
