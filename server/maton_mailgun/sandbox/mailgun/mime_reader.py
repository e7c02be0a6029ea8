"""Reading RFC 5322 text whatever is wrong with it: a header that cannot be parsed is the text it is."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage, MIMEPart
from email.policy import EmailPolicy
from typing import Any

_BROKEN = (ValueError, LookupError, AttributeError, TypeError, AssertionError, RecursionError)
"""What Python's parsers of headers and bodies end with instead of saying a defect."""
_INSTEAD = {"content-type": "application/octet-stream", "content-disposition": "attachment"}
"""What a part is taken for where its header says nothing that can be read."""


class LenientPolicy(EmailPolicy):
    """Python's own reading of headers, without its falling over."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        """The header as an object, or as one line of text."""
        try:
            return super().header_fetch_parse(name, value)
        except _BROKEN:
            if (instead := _INSTEAD.get(name.lower())) is not None:
                return self.header_factory(name, instead)
            return " ".join(str(value).encode("utf-8", "replace").decode().split())


_POLICY = LenientPolicy()


def read_mime(raw: bytes) -> EmailMessage | None:
    """A message, or None for what has no From header."""
    parsed = message_from_bytes(raw, policy=_POLICY)
    return parsed if isinstance(parsed, EmailMessage) and parsed.get("From") else None


def body_part(parsed: EmailMessage, kind: str) -> MIMEPart | None:
    """The part that is the `plain` or `html` body, or None."""
    try:
        return parsed.get_body(preferencelist=(kind,))
    except _BROKEN:
        return None


def text_of(part: MIMEPart) -> str:
    """The text of a part. A character set nobody knows is read as UTF-8."""
    try:
        return str(part.get_content())
    except _BROKEN:
        return data_of(part).decode("utf-8", "replace")


def data_of(part: MIMEPart) -> bytes:
    """The bytes of a part, decoded; of a message within the message, its text."""
    try:
        payload = part.get_payload(decode=True)
        return payload if isinstance(payload, bytes) else part.as_bytes()
    except _BROKEN:
        return b""


def filename_of(part: MIMEPart) -> str | None:
    """The name of a file, where it has one that can be read."""
    try:
        return part.get_filename()
    except _BROKEN:
        return None
