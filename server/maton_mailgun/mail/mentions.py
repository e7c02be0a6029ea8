"""Whether an address stands in a text or in bytes, however it is spelled there.

Too much found is better than too little: whoever asks for a person's data to be removed cannot look into what was
missed. So what may be encoded is decoded, several times over: percent signs, character references, JSON escapes,
quoted-printable and base64 of MIME (RFC 2045), encoded words (RFC 2047), international domains (RFC 5890).
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import html
import quopri
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Any
from urllib.parse import unquote

import idna

from maton_mailgun.mail.plain_address import ascii_domain

_DEPTH = 4
"""Encodings within one another: an attached message in base64, quoted-printable in it, a link in that."""
_ESCAPES = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))')
_SHORT = {"b": " ", "f": " ", "n": "\n", "r": "\r", "t": "\t"}
_ENCODED_WORDS = re.compile(r"=\?[^?\s]{1,40}\?[bqBQ]\?[^?]*\?=(?:\s*=\?[^?\s]{1,40}\?[bqBQ]\?[^?]*\?=)*")
_BASE64_LINE = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_BASE64_WORD = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_INVISIBLE = dict.fromkeys(
    [0xAD, 0x34F, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), 0xFEFF]
)


class NoAddress(Exception):
    """What was given is no address."""


@dataclass(frozen=True, slots=True)
class Mentions:
    """Looks for one address."""

    pattern: re.Pattern[str]

    @classmethod
    def of(cls, address: str) -> Mentions:
        """What looks for `address`, which may stand in angle brackets. Raises NoAddress."""
        local, at, domain = address.strip().strip("<>").rpartition("@")
        ascii_form = ascii_domain(domain)
        if not at or not local or ascii_form is None or any(sign.isspace() or sign == "@" for sign in local):
            raise NoAddress(f"{address!r} is no address. Give one alone, such as ann@example.com.")
        forms = {_folded(ascii_form), _folded(domain)}
        with contextlib.suppress(idna.IDNAError, UnicodeError):
            forms.add(_folded(idna.decode(ascii_form)))
        name = re.escape(_folded(local.strip('"')))
        domains = "|".join(re.escape(form) for form in sorted(forms))
        # joann@… and ann@example.com.au are somebody else's; so is ann+list@…, which its owner may ask for as well.
        return cls(re.compile(rf'(?<![\w.+-])"?{name}"?\s*@\s*(?:{domains})(?![\w-]|\.\w)'))

    def stand_in(self, value: Any) -> bool:
        """Whether it stands in a text, in bytes, or anywhere in what JSON can hold."""
        return any(self._in_text(text) for text in _texts(value))

    def _in_text(self, text: str) -> bool:
        seen: set[str] = set()
        todo = [text]
        for _ in range(_DEPTH + 1):
            fresh = [one for one in dict.fromkeys(todo) if one not in seen]
            if any(self.pattern.search(_folded(one)) for one in fresh):
                return True
            seen.update(fresh)
            todo = [decoded for one in fresh for decoded in _decoded(one)]  # guard: 103-decoded
        return False


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield from _of_bytes(value)
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield str(key)
            yield from _texts(one)
    elif isinstance(value, Sequence):
        for one in value:
            yield from _texts(one)


def _of_bytes(data: bytes) -> Iterator[str]:
    yield data.decode("utf-8", "replace")
    if b"\0" in data:
        yield data.replace(b"\0", b"").decode("utf-8", "replace")  # UTF-16 and UTF-32 of what ASCII can say


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).translate(_INVISIBLE)


def _decoded(text: str) -> Iterator[str]:
    """What a text may stand for by one encoding."""
    if "%" in text:
        yield unquote(text, errors="replace")
    if "&" in text:
        yield html.unescape(text)
    if "\\" in text:
        yield _ESCAPES.sub(lambda found: chr(int(found[1], 16)) if found[1] else _SHORT.get(found[2], found[2]), text)
    if "=" in text:
        yield from _of_bytes(quopri.decodestring(text.encode("utf-8", "replace")))
        yield _ENCODED_WORDS.sub(lambda found: _words(found[0]), text)
    if unpacked := b"\n".join(map(_unpacked, _base64_runs(text))):
        yield from _of_bytes(unpacked)


def _words(encoded: str) -> str:
    try:
        return str(make_header(decode_header(encoded)))
    except (LookupError, ValueError, HeaderParseError):
        return encoded


def _base64_runs(text: str) -> Iterator[str]:
    """Words that may be base64, each alone, and lines of it that belong together."""
    yield from (found[0] for found in _BASE64_WORD.finditer(text))
    run: list[str] = []
    for line in [*text.splitlines(), ""]:
        stripped = line.strip(" \t\"',;<>")
        if _BASE64_LINE.fullmatch(stripped):
            run.append(stripped)
        elif run:
            yield "".join(run)
            run = []


def _unpacked(run: str) -> bytes:
    plain = run.rstrip("=").translate(str.maketrans("-_", "+/"))
    plain = plain[: len(plain) - (len(plain) % 4 == 1)]
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4))
    except (binascii.Error, ValueError):
        return b""
