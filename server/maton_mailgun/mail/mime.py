"""A ready-made MIME message, read as mail programs read it.

The recipients are those of the call. What the message's own headers say about recipients is only what readers see.
"""

from __future__ import annotations

import email
import email.policy
import hashlib
from collections.abc import Iterator
from email.errors import MessageError
from email.message import Message

from maton_mailgun.mail.address_fields import header_on_the_wire, holds_addresses, names_nobody
from maton_mailgun.mail.letter import RECIPIENT_HEADERS, Enclosure, FormFields, Letter, Mailing

_ODD = (MessageError, ValueError, LookupError, TypeError, AttributeError, IndexError, RecursionError)
"""What the standard library raises on malformed messages, found by feeding it noise."""
_RECIPIENTS = frozenset(name.casefold() for name in RECIPIENT_HEADERS)
_ONCE = ("from", "to", "cc", "subject", "reply-to", "date", "message-id", "content-type")
"""Headers of which mail programs pick one, and not all the same one (RFC 5322, section 3.6)."""
_BODIES = frozenset({"text/plain", "text/html", "text/x-amp-html"})
_MOST_PARTS = 500
_MOST_DECODED = 300


def from_request(request: Mailing) -> Letter:
    """The message in the `message` part of a request, with the headers that the call adds; `to` is the envelope."""
    parsed = parse(source(request) or b"")
    fields = FormFields(request)
    bodies, attachments, inline = _contents(parsed)
    headers = _headers(parsed)
    apart = {"from", "subject", *_RECIPIENTS}
    return Letter(
        sender=", ".join(value for name, value in headers if name.casefold() == "from"),
        subject=next((value for name, value in headers if name.casefold() == "subject"), None),
        text=bodies.get("text/plain"),
        html=bodies.get("text/html"),
        amp_html=bodies.get("text/x-amp-html"),
        headers=fields.spread("h:"),
        own_headers=[(name, value) for name, value in headers if name.casefold() not in apart],
        claims=[value for name, value in headers if name.casefold() in _RECIPIENTS and not names_nobody(value)],
        to=fields.all("to"),
        attachments=attachments,
        inline=inline,
        mime=True,
    )


def source(request: Mailing) -> bytes | None:
    return next((part.content for part in request.files if part.field == "message"), None)


def parse(source: bytes) -> Message:
    try:
        return email.message_from_bytes(source, policy=email.policy.default)
    except _ODD:
        return email.message_from_bytes(source, policy=email.policy.compat32)


def _headers(parsed: Message) -> list[tuple[str, str]]:
    """Names and values; a value that the library cannot decode stays as it was written, and so do those after the
    first few hundred, because decoding takes long."""
    found = []
    for number, (name, raw) in enumerate(parsed.raw_items()):
        try:
            if holds_addresses(name):
                found.append((name, header_on_the_wire(name, str(raw))))
                continue
            value = str(parsed.policy.header_fetch_parse(name, raw) if number < _MOST_DECODED else raw)
        except _ODD:
            value = str(raw)
        found.append((name, value))
    return found


def _contents(parsed: Message) -> tuple[dict[str, str], list[Enclosure], list[Enclosure]]:
    """The first body of each kind, the attachments, and the parts that HTML may show by cid."""
    bodies: dict[str, str] = {}
    attachments: list[Enclosure] = []
    inline: list[Enclosure] = []
    for part in _parts(parsed):
        kind = part.get_content_type()
        name, cid = _name(part), _plain(part, "Content-ID").strip("<> ")
        attached = _plain(part, "Content-Disposition").casefold().startswith("attachment")
        if kind in _BODIES and kind not in bodies and not attached and not name:
            bodies[kind] = _text(part)
            continue
        content = _bytes(part)
        enclosure = Enclosure(
            name or f"({kind} part without a name)",
            kind,
            len(content),
            hashlib.sha256(content).hexdigest(),
            cid,
            content,
        )
        (inline if cid and not attached else attachments).append(enclosure)
    return bodies, attachments, inline


def _parts(parsed: Message) -> Iterator[Message]:
    """Every part that holds content, attached messages as one part each."""
    waiting = [parsed]
    seen = 0
    while waiting and seen < _MOST_PARTS:
        part = waiting.pop(0)
        seen += 1
        payload = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            waiting[:0] = [inner for inner in payload if isinstance(inner, Message)]
        else:
            yield part


def _bytes(part: Message) -> bytes:
    try:
        if part.get_content_maintype() == "message":
            return b"".join(bytes(inner) for inner in part.get_payload() if isinstance(inner, Message))
        payload = part.get_payload(decode=True)
    except _ODD:
        return b""
    return payload if isinstance(payload, bytes) else b""


def _text(part: Message) -> str:
    try:
        charset = part.get_content_charset() or "utf-8"
        return _bytes(part).decode(charset, "replace").replace("\r\n", "\n")
    except _ODD:
        return _bytes(part).decode("utf-8", "replace").replace("\r\n", "\n")


def _name(part: Message) -> str:
    try:
        return part.get_filename() or ""
    except _ODD:
        return "(unreadable name)"


def _plain(part: Message, name: str) -> str:
    try:
        return str(part.get(name, ""))
    except _ODD:
        return ""


def defects(parsed: Message) -> list[str]:
    found = [type(defect).__name__ for part in _parts(parsed) for defect in part.defects]
    names = [name.casefold() for name, _ in _headers(parsed)]
    found += [f"the header {name} stands {names.count(name)} times" for name in _ONCE if names.count(name) > 1]
    return list(dict.fromkeys(found))[:10]
