"""Headers as each recipient gets them: what a template or a recipient's values make of them, and what differs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from maton_mailgun.approval.preview import recipient_values
from maton_mailgun.approval.preview.audience import Audience
from maton_mailgun.mail.address_fields import holds_addresses
from maton_mailgun.mail.header_filling import doubt, holds_places
from maton_mailgun.mail.letter import FormFields, Letter
from maton_mailgun.mail.mime_values import holds_words
from maton_mailgun.mail.text import quoted, short

_BREAK = re.compile(r"[\r\n\x00\x0b\x0c\x85\u2028\u2029]")
_MOST = 5
"""Doubts that are told of."""
_EACH = "%recipient%"
"""The recipient of each copy: nobody else can stand there."""


def differing(whole: Letter) -> list[str]:
    """A line for each header with addresses, other than From, that is not the same in each copy."""
    named = {name for name, text in _headers(whole) if holds_addresses(name) and _differs(text)}
    return [
        f"{short(name, 60)} holds a recipient variable: it differs from copy to copy."
        for name in sorted(named - {"From"})
    ]


def doubts(whole: Letter, fields: FormFields, people: Audience) -> list[str]:
    """What is wrong with headers that a template, or some recipient's values, are a part of."""
    lines = []
    for name, text in _headers(whole):
        if _BREAK.search(text):  # guard: 152-break
            lines.append(
                f"{short(name, 60)} {quoted(text, 200)} has a line break: what follows it may be a header of its own."
            )
        if holds_words(text):  # guard: 79-template
            lines.append(
                f"{short(name, 60)} {quoted(text, 200)} is an encoded word: readers see other words than these."
            )
    given: dict[str, list[Mapping[str, Any]]] = {}
    for address, own in recipient_values.entries(fields).items():
        given.setdefault(address.casefold(), []).append(own)
    filled = [(name, text) for name, text in _headers(whole) if holds_places(text)]
    for one in people.recipients if filled else ():
        for (name, text), own in product(filled, given.get(one.address.key, [{}])):
            if wrong := doubt(name, text, own, address=one.address.address, name=one.address.name):
                lines.append(f"For {short(one.address.address, 100)}: {short(wrong, 200)}.")
        if len(lines) > _MOST:
            break
    return lines


def _headers(whole: Letter) -> Iterator[tuple[str, str]]:
    yield "From", whole.sender
    yield "Subject", whole.subject or ""
    for name, texts in (("To", whole.claims if whole.mime else whole.to), ("Cc", whole.cc)):
        for text in texts:
            yield name, text
    yield from whole.unseen
    yield from whole.headers
    yield from whole.own_headers


def _differs(text: str) -> bool:
    return holds_places(text) and text.strip() != _EACH
