"""Reading address fields the way Mailgun does: repeated keys, comma lists, friendly names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_ATOM = r"[^\s@<>()\[\]\\,;:\"\x00-\x1f]+"
_BARE = re.compile(
    rf"(?:{_ATOM}|\"(?:[^\"\\\r\n]|\\.)+\")@"
    r"(?:[^\W_](?:[\w-]*[^\W_])?)(?:\.[^\W_](?:[\w-]*[^\W_])?)*"
)
_FRIENDLY = re.compile(r"(?P<name>\"(?:[^\"\\\r\n]|\\.)*\"|[^<>\"@,;:\r\n]*)\s*<(?P<bare>[^<>]+)>")


@dataclass(frozen=True)
class Mailbox:
    """One address: as written, its friendly name without quotes, and the bare mailbox."""

    written: str
    name: str
    bare: str

    @property
    def key(self) -> str:
        return self.bare.lower()


def parse_address(text: str) -> Mailbox | None:
    """One address with or without a friendly name, or None. A comma in a friendly name must be inside quotes."""
    text = text.strip()
    if _BARE.fullmatch(text) and ".." not in text:
        return Mailbox(text, "", text)
    match = _FRIENDLY.fullmatch(text)
    if match and _BARE.fullmatch(match["bare"].strip()) and ".." not in match["bare"]:
        return Mailbox(text, match["name"].strip().strip('"'), match["bare"].strip())
    return None


def split_list(text: str) -> list[str]:
    """Pieces between commas that stand outside quotes and angle brackets; blank pieces are dropped."""
    pieces, piece, quoted, angled, escaped = [], "", False, False, False
    for letter in text:
        if escaped:
            escaped = False
        elif letter == "\\" and quoted:
            escaped = True
        elif letter == '"':
            quoted = not quoted
        elif letter in "<>" and not quoted:
            angled = letter == "<"
        elif letter in ",;" and not quoted and not angled:
            pieces.append(piece)
            piece = ""
            continue
        piece += letter
    return [trimmed for trimmed in (piece.strip() for piece in [*pieces, piece]) if trimmed]


def parse_addresses(values: Iterable[str]) -> list[Mailbox] | None:
    """Every address of a repeated, comma-separated field, or None when one of them is not an address."""
    found: list[Mailbox] = []
    for value in values:
        for piece in split_list(value):
            address = parse_address(piece)
            if address is None:
                return None
            found.append(address)
    return found
