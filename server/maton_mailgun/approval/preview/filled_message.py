"""The message of a preview as one recipient gets it, with that recipient's values in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from maton_mailgun.approval.preview.document import Preview, ShownMessage, ShownPart, ShownRecipient
from maton_mailgun.mail import filling
from maton_mailgun.mail.text import count, safe_line

MOST = 3_000_000
"""Characters of one filled message: values may stand in many places."""


class TooLong(ValueError):
    """The filled message is longer than anybody reads; says how long."""


def copies(preview: Preview) -> list[str]:
    """Whose copy can be looked at: each recipient, and each spelling under which one of them has values; none where
    the message is the same for everybody."""
    if preview.message is None or preview.message.recipient_values is None:
        return []
    addresses = [one.address for one in preview.recipients if one.kind != "header"]
    known = {address.casefold() for address in addresses}
    spelled = [address for address in preview.message.recipient_values if address.casefold() in known]
    return list(dict.fromkeys([*addresses, *spelled]))


def filled(preview: Preview, address: str) -> ShownMessage | None:
    """The copy of `address`, or None where no copy goes there.

    Raises:
        TooLong: It has more than `MOST` characters.
    """
    person = _recipient(preview, address)
    if preview.message is None or person is None:
        return None
    message, own = preview.message, _values(preview.message, address)
    length = filling.longest(_places(message), own, person.name)
    if length > MOST:
        raise TooLong(f"The copy of {safe_line(address)} has {count(length, 'character')}: too many to be shown.")

    def fill(text: str) -> str:
        return filling.filled(text, own, address=person.address, name=person.name)

    return _filled(message, fill)


def _recipient(preview: Preview, address: str) -> ShownRecipient | None:
    wanted = address.strip().casefold()
    people = (one for one in preview.recipients if one.kind != "header")
    return next((one for one in people if one.address.casefold() == wanted), None)


def _values(message: ShownMessage, address: str) -> Mapping[str, Any]:
    """Those under exactly this spelling, else under the first other one."""
    given = message.recipient_values or {}
    wanted = address.strip()
    spelled = {safe_line(known): own for known, own in reversed([*given.items()])}
    other = (own for known, own in given.items() if safe_line(known).casefold() == wanted.casefold())
    return spelled[wanted] if wanted in spelled else next(other, {})


def _places(message: ShownMessage) -> list[str]:
    bodies = [body for body in (message.text, message.html, message.amp_html) if body]
    named = [message.sender, message.reply_to, message.subject, *(one.name for one in message.attachments)]
    parts = [text for part in message.parts for text in (part.label, part.text)]
    return [*bodies, *named, *parts, *(text for _, text in message.headers)]


def _filled(message: ShownMessage, fill: Callable[[str], str]) -> ShownMessage:
    def body(text: str | None) -> str | None:
        return None if text is None else fill(text)

    return replace(
        message,
        sender=safe_line(fill(message.sender)),
        reply_to=safe_line(fill(message.reply_to)),
        subject=safe_line(fill(message.subject)),
        text=body(message.text),
        html=body(message.html),
        amp_html=body(message.amp_html),
        headers=[(name, safe_line(fill(text))) for name, text in message.headers],  # guard: 120-filled.headers
        parts=[_part(part, fill) for part in message.parts],  # guard: 120-filled.parts
        attachments=[replace(one, name=safe_line(fill(one.name))) for one in message.attachments],
        inline=[replace(one, name=safe_line(fill(one.name))) for one in message.inline],
        recipient_values=None,
    )


def _part(part: ShownPart, fill: Callable[[str], str]) -> ShownPart:
    return ShownPart(fill(part.label), part.type, fill(part.text))
