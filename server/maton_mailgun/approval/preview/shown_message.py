"""The message of a preview: what a letter will look like to whoever reads it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from maton_mailgun.approval.preview.document import InlinePicture, ListedFile, ShownMessage, ShownPart
from maton_mailgun.mail.letter import Letter
from maton_mailgun.mail.text import safe_line

_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Kinds the page may show inside the message; SVG can hold script."""
_PICTURE_BYTES = 100_000
_PICTURES_BYTES = 400_000


def of(
    letter: Letter,
    *,
    rendered_by: str,
    link_hosts: Sequence[str],
    recipient_values: Mapping[str, Mapping[str, Any]] | None = None,
) -> ShownMessage:
    """`letter` as previews hold it; small inline pictures go along."""
    return ShownMessage(
        sender=letter.sender,
        reply_to=", ".join(letter.header("Reply-To")),
        subject=letter.subject or "",
        text=letter.text,
        html=letter.html,
        amp_html=letter.amp_html,
        inline=_pictures(letter),
        attachments=[ListedFile(one.name, one.type, one.size, one.sha256) for one in letter.attachments],
        link_hosts=list(link_hosts),
        rendered_by=rendered_by,
        recipient_values=recipient_values,
        headers=_headers(letter) if recipient_values is not None else (),
        parts=[
            ShownPart(part.label, safe_line(part.type), part.text)
            for part in letter.parts
            if recipient_values is not None
        ],
    )


def _parts(letter: Letter) -> list[ShownPart]:
    return [ShownPart(part.label, safe_line(part.type), part.text) for part in letter.parts]


def _headers(letter: Letter) -> list[tuple[str, str]]:
    names = [("To", text) for text in (*letter.claims, *letter.groups)]
    names += letter.unseen
    names += [("Cc", ", ".join(letter.cc))] if letter.cc else []
    return [*names, *(one for one in (*letter.headers, *letter.own_headers) if one[0].casefold() != "reply-to")]


def undrawn(letter: Letter) -> list[InlinePicture]:
    """The pictures of the HTML that recipients see and the page does not draw."""
    return [one for one in _pictures(letter) if not one.data_uri] if letter.html is not None else []


def _pictures(letter: Letter) -> list[InlinePicture]:
    left = _PICTURES_BYTES
    found = []
    for one in letter.inline:
        data_uri = ""
        if one.content is not None and one.type in _PICTURES and one.size <= min(_PICTURE_BYTES, left):
            left -= one.size
            data_uri = f"data:{one.type};base64,{base64.b64encode(one.content).decode('ascii')}"
        found.append(InlinePicture(one.cid, one.type, one.name, one.size, data_uri))
    return found
