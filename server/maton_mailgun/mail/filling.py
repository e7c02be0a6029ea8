"""A message as one recipient gets it: in a batch, Mailgun puts each recipient's own values into `%recipient.key%`.

Source: Mailgun's manual, "Batch Sending". A place without a value stays as it is, so it can be seen.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from maton_mailgun.mail.letter import Letter

PLACE = re.compile(r"%recipient\.([\w.-]+)%")
"""Where a value goes; the key is what stands in brackets."""
USED = re.compile(r"%recipient(\.[\w.-]+|_f?name|_lname)%")
"""Where something goes that differs from copy to copy, beside the recipient's own address: a value, or a part of their
name."""
_ANY = re.compile(r"%recipient(?:\.([\w.-]+)|(_email|_name|_fname|_lname)?)%")

Values = Mapping[str, Any]


def text_of(value: Any) -> str:
    """A value as it stands in a message: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def found(values: Values, key: str) -> str | None:
    """The text of `key`, which may name a value inside another one (`a.b`); None where there is none."""
    if key in values:
        return text_of(values[key])
    inner: Any = values
    for step in key.split("."):
        if not isinstance(inner, Mapping) or step not in inner:
            return None
        inner = inner[step]
    return text_of(inner)


def keys(texts: Iterable[str]) -> list[str]:
    """The keys that the places in `texts` name, each once."""
    return list(dict.fromkeys(key for text in texts for key in PLACE.findall(text)))


def used(texts: Iterable[str]) -> list[str]:
    """What the places in `texts` name, each once: `.key` for a value, `_name`, `_fname` or `_lname` for a name."""
    return list(dict.fromkeys(named for text in texts for named in USED.findall(text)))  # guard: 170-names


def given(named: str, values: Values, name: str) -> str | None:
    """What stands in a place that `used` names, of a recipient with these values and this name; None for nothing."""
    return found(values, named[1:]) if named[0] == "." else _parts(name)[named] or None


def _parts(name: str) -> dict[str | None, str]:
    first, _, last = name.partition(" ")
    return {"_name": name, "_fname": first, "_lname": last}


def filled(text: str, values: Values, *, address: str = "", name: str = "") -> str:
    """`text` with the places in it filled; a value is put in as it is, also into HTML."""
    known = {"_email": address, **_parts(name), None: address}

    def value(place: re.Match[str]) -> str:
        own = known[place[2]] or None if place[1] is None else found(values, place[1])
        return place[0] if own is None else own

    return _ANY.sub(value, text)


def longest(texts: Iterable[str], values: Values, name: str = "") -> int:
    """How long `texts` are at most once filled: a long value in many places is more than memory holds."""
    total = 0
    often: Counter[str] = Counter()
    for text in texts:
        total += len(text)
        often.update(USED.findall(text))
    return total + sum(number * len(given(named, values, name) or "") for named, number in often.items())


def filled_for(letter: Letter, values: Values, *, address: str, name: str = "") -> Letter:
    """`letter` as the one recipient at `address` gets it, whose own values are `values`."""

    def fill(text: str) -> str:
        return filled(text, values, address=address, name=name)

    def fill_body(text: str | None) -> str | None:
        return None if text is None else fill(text)

    return replace(
        letter,
        sender=fill(letter.sender),
        subject=fill_body(letter.subject),
        text=fill_body(letter.text),
        html=fill_body(letter.html),
        amp_html=fill_body(letter.amp_html),
        headers=tuple((field, fill(text)) for field, text in letter.headers),
        own_headers=tuple((field, fill(text)) for field, text in letter.own_headers),
        claims=tuple(map(fill, letter.claims)),
        unseen=tuple((field, fill(text)) for field, text in letter.unseen),
        groups=tuple(map(fill, letter.groups)),
        parts=tuple(replace(part, label=fill(part.label), text=fill(part.text)) for part in letter.parts),
        attachments=tuple(replace(one, name=fill(one.name)) for one in letter.attachments),
        inline=tuple(replace(one, name=fill(one.name)) for one in letter.inline),
    )


def places(letter: Letter) -> list[str]:
    """Every text of a message in which a place may stand: what no document excludes counts as filled."""
    bodies = [body for body in (letter.subject, letter.text, letter.html, letter.amp_html) if body]
    named = [text for part in letter.parts for text in (part.label, part.text)]
    files = [one.name for one in (*letter.attachments, *letter.inline)]
    headers = [text for _, text in (*letter.headers, *letter.own_headers, *letter.unseen)]
    return [letter.sender, *bodies, *headers, *letter.claims, *letter.groups, *named, *files]
