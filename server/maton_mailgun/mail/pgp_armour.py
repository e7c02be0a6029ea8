"""Texts in the armour of OpenPGP (RFC 9580, 6.2): programs that know it show what is in it, where it is letters.

Armour is no encryption. A message that is only compressed or signed is open to everybody, so what it says is read here;
gpg, Thunderbird, KMail and Mailvelope need no key to show it.
"""

from __future__ import annotations

import binascii
import bz2
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

_ARMOUR = re.compile(
    r"^-----BEGIN PGP (MESSAGE|SIGNED MESSAGE)(?:, PART [^\n-]{1,20})?-----[ \t]*$"
    r"(.*?)(?:^-----(?:END PGP MESSAGE|BEGIN PGP SIGNATURE)|\Z)",
    re.MULTILINE | re.DOTALL,
)
_SIGNED = re.compile(
    r"^-----BEGIN PGP SIGNED MESSAGE-----.*?(?:^-----END PGP SIGNATURE-----[ \t]*$|\Z)", re.MULTILINE | re.DOTALL
)
_HEADER = re.compile(r"[A-Za-z-]{1,40}: .*")
_MOST, _MOST_BLOCKS, _DEEPEST = 500_000, 20, 8
"""Bytes that are unpacked, armours in a text, packets in packets."""
_COMPRESSED, _LITERAL = 8, 11
_ENCRYPTED = frozenset({1, 3, 9, 18, 20})
_BESIDE = frozenset({2, 4, 10, 21})
"""Signatures, what announces them, markers and padding."""


class NotOpened(Exception):
    """What is in an armour cannot be told, and why: in words."""


@dataclass(frozen=True, slots=True)
class Armour:
    """One armour in a text."""

    kind: str
    """`message` or `signed message`."""
    says: str | None
    """Its words; None where they cannot be told."""
    why: str = ""
    """Why they cannot."""


def armours(text: str) -> list[Armour]:
    """The armours in a text, in order."""
    found = []
    for number, block in zip(range(_MOST_BLOCKS), _ARMOUR.finditer(text.replace("\r\n", "\n")), strict=False):
        del number
        kind = block[1].casefold()
        try:
            found.append(Armour(kind, _signed(block[2]) if kind == "signed message" else _words(block[2])))
        except NotOpened as problem:
            found.append(Armour(kind, None, str(problem)))
    return found


def beside(text: str) -> str:
    """The words outside of what is signed; empty where nothing is."""
    rest, number = _SIGNED.subn("", text.replace("\r\n", "\n"))
    return rest.strip() if number else ""


def _signed(body: str) -> str:
    """The text between its headers and its signature, with escaped dashes as they are read (RFC 9580, 7.2)."""
    return re.sub(r"^- ", "", _without_headers(body), flags=re.MULTILINE).strip("\n")


def _words(body: str) -> str:
    lines = [line.strip() for line in _without_headers(body).split("\n")]
    base = "".join(line for line in lines if not re.fullmatch(r"=[A-Za-z0-9+/]{4}", line))
    try:
        content = binascii.a2b_base64(base, strict_mode=True)
    except binascii.Error:
        raise NotOpened("it is broken") from None
    try:
        return _literal(content, 0).decode("utf-8").replace("\r\n", "\n")
    except UnicodeError:
        raise NotOpened("it is no text of UTF-8") from None


def _without_headers(body: str) -> str:
    lines = body.lstrip("\n").split("\n")
    while lines and _HEADER.fullmatch(lines[0]):
        lines.pop(0)
    return "\n".join(lines)


def _literal(content: bytes, depth: int) -> bytes:
    """What the literal packet in it holds."""
    if depth > _DEEPEST:
        raise NotOpened("it is packed too deep")
    for tag, body in _packets(content):
        if tag in _ENCRYPTED:
            raise NotOpened("it is encrypted")
        if tag == _LITERAL and len(body) > 1:
            return body[2 + body[1] + 4 :]
        if tag == _COMPRESSED:
            return _literal(_unpacked(body), depth + 1)
        if tag not in _BESIDE:
            raise NotOpened("it holds no message")
    raise NotOpened("it holds no message")


def _unpacked(body: bytes) -> bytes:
    """RFC 9580, 9.4: which of the ways of compression."""
    try:
        match body[:1]:
            case b"\x00":
                return body[1:]
            case b"\x01":
                return zlib.decompressobj(-15).decompress(body[1:], _MOST)
            case b"\x02":
                return zlib.decompressobj().decompress(body[1:], _MOST)
            case b"\x03":
                return bz2.BZ2Decompressor().decompress(body[1:], _MOST)
    except (zlib.error, OSError, EOFError, ValueError):
        raise NotOpened("it is broken") from None
    raise NotOpened("it is compressed in an unknown way")


def _packets(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Tags and bodies (RFC 9580, 4.2)."""
    at = 0
    while at < len(content):
        first = content[at]
        at += 1
        if not first & 0x80:
            raise NotOpened("it is broken")
        if first & 0x40:
            pieces, more = [], True
            while more:
                size, at, more = _new_length(content, at)
                pieces.append(content[at : at + size])
                at += size
            yield first & 0x3F, b"".join(pieces)
            continue
        width = (1, 2, 4, 0)[first & 3]
        size = int.from_bytes(content[at : at + width], "big") if width else len(content) - at
        yield (first >> 2) & 0xF, content[at + width : at + width + size]
        at += width + size


def _new_length(content: bytes, at: int) -> tuple[int, int, bool]:
    """How long the next piece is, where it begins, and whether another one follows it."""
    head = content[at : at + 5]
    if not head:
        raise NotOpened("it is broken")
    if head[0] < 192:
        return head[0], at + 1, False
    if head[0] < 224 and len(head) > 1:
        return ((head[0] - 192) << 8) + head[1] + 192, at + 2, False
    if head[0] == 255:
        return int.from_bytes(head[1:], "big"), at + 5, False
    return 1 << (head[0] & 0x1F), at + 1, True
