"""Values of MIME headers, held to their grammar: what one program may read in another way than the next is refused.

Parameters are those of RFC 2045, section 5.1, and RFC 2231; encoded words those of RFC 2047.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from maton_mailgun.mail.charsets import decode
from maton_mailgun.mail.unclear import Unclear

_ATOM = r"[!#$%&'*+\-.^_`{|}~0-9A-Za-z]+"
_HEAD = re.compile(rf"[ \t]*({_ATOM}(?:/{_ATOM})?)[ \t]*")
_PARAMETER = re.compile(rf';[ \t]*({_ATOM})=(?:({_ATOM})|"((?:[^"\\]|\\["\\])*)")[ \t]*')
_SPLIT_NAME = re.compile(r"([^*]+)(?:\*([0-9]|[1-9][0-9]))?(\*)?")
_PERCENT = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*")
_MAY_BE_EXTENDED = frozenset({"name", "filename"})
_WORD = re.compile(r"=\?([\w.:\-]{1,40})(?:\*[A-Za-z\-]{1,20})?\?([bBqQ])\?([!->@-~]*)\?=", re.ASCII)
_LIKE_A_WORD = re.compile(r"=\?[^?]{0,80}\?[bBqQ]\?")
_ANY_WORD = re.compile(r"=\?.*\?=", re.DOTALL)
"""All that some reader decodes: flanker's words may hold blanks, question marks and other words (its `encodedword`)."""
_Q = re.compile(rb"(?:[^=]|=[0-9A-Fa-f]{2})*")
_TRAILING = re.compile(rb"(?<![ \t])[ \t]+(?=\n|\Z)")
_HEX = re.compile(rb"=([0-9A-Fa-f]{2})")
_MOST_Q = 5_000_000
"""Bytes that are decoded: it takes long, and a file is better in base64."""
_BROKEN_Q = re.compile(rb"=(?![0-9A-Fa-f]{2}|\n|\Z)|[\x80-\xff]")


@dataclass(frozen=True, slots=True)
class MimeValue:
    """`text/plain; charset=utf-8` taken apart."""

    head: str = ""
    """In lower case."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""


def value(text: str) -> MimeValue:
    """A value with parameters.

    Raises:
        Unclear: It does not have the form, or names a parameter twice.
    """
    head = _HEAD.match(text)
    if head is None:
        raise Unclear("has another form than type/subtype; name=value", "Write for example text/plain; charset=utf-8")
    place = head.end()
    pieces: dict[str, list[tuple[int | None, bool, str]]] = {}
    while found := _PARAMETER.match(text, place):
        name, bare, quoted = found.groups()
        shape = _SPLIT_NAME.fullmatch(name.casefold())
        if shape is None:
            raise Unclear(f"has a parameter with an odd name: {name[:40]}", "Write name=value")
        plain = re.sub(r"\\(.)", r"\1", quoted) if bare is None else bare
        number = None if shape[2] is None else int(shape[2])
        pieces.setdefault(shape[1], []).append((number, bool(shape[3]), plain))
        place = found.end()
    if text[place:].strip(" \t;"):
        raise Unclear(
            f"has something that is no parameter: {_visible(text[place:])}",
            'Write ; name=value, or ; name="value" where it is more than letters, digits and -._, without comments',
        )
    return MimeValue(head[1].casefold(), {name: _joined(name, found) for name, found in pieces.items()})


def _joined(name: str, pieces: list[tuple[int | None, bool, str]]) -> str:
    numbers = [number for number, _, _ in pieces]
    if numbers not in ([None], [*range(len(pieces))]):  # guard: 46-twice.parameter
        raise Unclear(f"has the parameter {name[:40]} more than once", "Give each parameter once")
    if (numbers != [None] or pieces[0][1]) and name not in _MAY_BE_EXTENDED:
        raise Unclear(f"has the parameter {name[:40]} in the form of RFC 2231", f"Write {name[:40]}=value")
    if not any(extended for _, extended, _ in pieces):
        joined = "".join(text for _, _, text in pieces)
        return words(joined) if name in _MAY_BE_EXTENDED else joined
    charset, quote, first = pieces[0][2].partition("'")
    language, second_quote, first = first.partition("'")
    texts = [first, *(text for _, _, text in pieces[1:])]
    if not (pieces[0][1] and quote and second_quote) or not all(map(_PERCENT.fullmatch, texts)):
        raise Unclear(f"has a {name}* that RFC 2231 does not know", f"Write {name}*=utf-8''caf%C3%A9.pdf")
    del language
    read = decode(
        b"".join(
            unquote_to_bytes(text) if extended else text.encode()
            for text, (_, extended, _) in zip(texts, pieces, strict=True)
        ),
        charset,
    )
    if holds_words(read):  # guard: 46-word.parameter
        raise Unclear(f"has an encoded word in its {name}*: {_visible(read)}", f"Write {name}* as it reads")
    return read


def words(text: str) -> str:
    """A header's value with its encoded words decoded.

    Raises:
        Unclear: One of them is broken or stands where some programs decode it and others do not.
    """
    if "=?" not in text:
        return text
    found = [*_decoded(text)]
    around, read = "".join(part for part, decoded in found if not decoded), "".join(part for part, _ in found)
    for left in (around, read):
        if holds_words(left):  # guard: 46-word.around
            raise Unclear(
                f"has something in it that programs may take for an encoded word: {_visible(left)}",
                "Write each as =?utf-8?q?...?= or =?utf-8?b?...?=, with blanks around, and no other =? and ?=",
            )
    return read


def holds_words(text: str) -> bool:
    """Whether some reader finds an encoded word in a text that is to be read as it stands."""
    return _ANY_WORD.search(text) is not None


def _decoded(text: str) -> Iterator[tuple[str, bool]]:
    """The pieces of a value, and whether each was an encoded word."""
    blank, was_word = "", False
    for token in re.split(r"([ \t]+)", text):
        if not token.strip(" \t"):
            blank += token
            continue
        word = _WORD.fullmatch(token)
        if word is None and _LIKE_A_WORD.search(token):
            raise Unclear(
                f"has an encoded word that programs read differently: {_visible(token)}",
                "Write each as =?utf-8?q?...?= or =?utf-8?b?...?=, without blanks inside and with blanks around",
            )
        if not (was_word and word):
            yield blank, False
        yield (token, False) if word is None else (_one_word(*word.groups()), True)
        blank, was_word = "", word is not None
    yield blank, False


def _one_word(charset: str, encoding: str, text: str) -> str:
    content = text.encode("ascii")
    if encoding in "bB":
        return _single_line(decode(base64(content), charset))
    if not _Q.fullmatch(content):
        raise Unclear(f"has a broken encoded word: {_visible(text)}", "Write = as =3D in it")
    return _single_line(decode(_HEX.sub(_byte, content.replace(b"_", b" ")), charset))


def _single_line(text: str) -> str:
    if re.search(r"[\x00-\x1f\x7f\x85\u2028\u2029]", text):
        raise Unclear("has a control character in an encoded word", "Leave it out")
    return text


def base64(content: bytes) -> bytes:
    """What base64 in lines stands for.

    Raises:
        Unclear: Anything else stands in it, or it is incomplete: programs leave out different parts of it then.
    """
    try:
        return binascii.a2b_base64(content.replace(b"\n", b""), strict_mode=True)  # guard: 46-base64
    except binascii.Error:
        raise Unclear("is not base64 throughout", "Encode the whole again, with nothing between the lines") from None


def quoted_printable(content: bytes, line_end: bytes) -> bytes:
    """What quoted-printable stands for; line feeds in it become `line_end`.

    Raises:
        Unclear: It holds an `=` that is none of its own, or bytes that are not ASCII.
    """
    if len(content) > _MOST_Q:  # guard: 46-long.quoted
        raise Unclear(f"has {len(content):,} bytes of quoted-printable", "Encode what is so large as base64")
    if _BROKEN_Q.search(content):  # guard: 46-quoted-printable
        raise Unclear("is not quoted-printable throughout", "Write = as =3D and bytes above 127 as =C3=A9")
    text = _TRAILING.sub(b"", content).replace(b"=\n", b"").removesuffix(b"=")
    return binascii.a2b_qp(text.replace(b"\n", line_end))


def _byte(found: re.Match[bytes]) -> bytes:
    return bytes([int(found[1], 16)])


def _visible(text: str) -> str:
    return ascii(text[:60])
