"""Texts of a message that stand in the armour of OpenPGP: what programs show of them is shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from maton_mailgun.mail import html
from maton_mailgun.mail.letter import FurtherPart, Letter
from maton_mailgun.mail.mime_reading import MOST_OF_FILES
from maton_mailgun.mail.pgp_armour import armours, beside
from maton_mailgun.mail.pieces import words
from maton_mailgun.mail.text import short

_MARK = "-----BEGIN PGP "


def opened(sent: Letter) -> tuple[Letter, list[str]]:
    """The letter with the words of its armours, and a warning for each."""
    parts: list[FurtherPart] = []
    warnings: list[str] = []
    left = MOST_OF_FILES
    for name, text in _texts(sent):
        for one in armours(text):
            told = f"{name} has a PGP {one.kind}: programs that know it"
            if one.kind == "signed message":
                continue
            if one.says is None or len(one.says) > left:
                why = one.why or "it is too long"
                warnings.append(f"{told} show what is in it, which cannot be shown here: {why}.")
                continue
            left -= len(one.says)
            warnings.append(f"{told} show what is in it instead.")
            parts.append(FurtherPart(f"What the PGP {one.kind} says ({name})", "text/plain", one.says, ""))
        if outside := beside(text):  # guard: 149-beside
            warnings.append(
                f"{name} has words outside of what PGP signed: programs may show both as one: {short(outside, 200)}"
            )
    return replace(sent, parts=[*sent.parts, *parts]), warnings  # guard: 149-opened


def _texts(sent: Letter) -> Iterator[tuple[str, str]]:
    given = [("The text", "text/plain", sent.text or ""), ("The HTML", "text/html", sent.html or "")]
    for name, type_, text in (*given, *((part.label, part.type, part.text) for part in sent.parts)):
        if _MARK in text:
            yield name, words(html.read(text).pieces) if "html" in type_ else text
