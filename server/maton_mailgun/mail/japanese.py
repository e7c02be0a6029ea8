"""Japanese as mail programs read it: the tables of the Encoding Standard, which Python has for Shift_JIS alone.

ISO-2022-JP and EUC-JP count the same letters as Shift_JIS, in rows and cells (https://encoding.spec.whatwg.org/#index-jis0208).
Outlook and Japanese telephones write ① and ㈱ in them, which stand in row 13 and are in no table of Python's for these
two. So their letters are counted as Shift_JIS has them and read as `cp932`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_ESCAPE = re.compile(rb"\x1b(?:\(([BJI])|\$([B@]))")
_BROKEN = re.compile(rb"[\x0e\x0f\x1b\x80-\xff]")
_EUC = re.compile(rb"([\x00-\x7f]+)|(\x8f[\xa1-\xfe][\xa1-\xfe])|(\x8e[\xa1-\xdf])|((?:[\xa1-\xfe][\xa1-\xfe])+)")


def iso_2022_jp(content: bytes) -> str:
    """The text of bytes in ISO-2022-JP.

    Raises:
        UnicodeError: They are not.
    """
    return "".join(_states(content))


def _states(content: bytes) -> Iterator[str]:
    state, start = b"B", 0
    for found in (*_ESCAPE.finditer(content), None):
        piece = content[start : found.start() if found else len(content)]
        if _BROKEN.search(piece):
            raise UnicodeError("not ISO-2022-JP")
        yield _in_state(piece, state)
        if found:
            state, start = found[1] or b"$", found.end()


def _in_state(piece: bytes, state: bytes) -> str:
    if state == b"B":
        return piece.decode("ascii")
    if state == b"J":
        # JIS X 0201: two signs of ASCII are others.
        return piece.decode("ascii").translate({0x5C: "\u00a5", 0x7E: "\u203e"})
    if state == b"I":
        return bytes(sign + 0x80 if 0x21 <= sign <= 0x5F else 0xFF for sign in piece).decode("shift_jis")
    # Some programs end a line without going back to ASCII; the Encoding Standard reads on all the same.
    lines = re.split(rb"(\r?\n)", piece)
    return "".join(line.decode("ascii") if line.endswith(b"\n") else _letters(line) for line in lines)


def euc_jp(content: bytes) -> str:
    """The text of bytes in EUC-JP.

    Raises:
        UnicodeError: They are not.
    """
    found, place = [], 0
    for part in _EUC.finditer(content):
        if part.start() != place:
            break
        plain, supplement, half, letters = part.groups()
        if plain is not None:
            found.append(plain.decode("ascii"))
        elif letters is not None:
            found.append(_letters(bytes(byte - 0x80 for byte in letters)))
        else:
            found.append((supplement or half).decode("euc_jp"))
        place = part.end()
    if place != len(content):
        raise UnicodeError("not EUC-JP")
    return "".join(found)


def _letters(pairs: bytes) -> str:
    """Two bytes of 0x21 to 0x7E for each letter: its row and its cell."""
    if len(pairs) % 2 or not all(0x21 <= byte <= 0x7E for byte in pairs):
        raise UnicodeError("half a letter")
    shifted = bytearray()
    for row, cell in zip(pairs[::2], pairs[1::2], strict=True):
        lead = (row - 0x21) // 2 + 0x81
        shifted.append(lead if lead < 0xA0 else lead + 0x40)
        # Of an odd row the cells begin at 0x40 and leave out 0x7F; of an even one they begin at 0x9F.
        shifted.append(cell + (0x1F if cell < 0x60 else 0x20) if row % 2 else cell + 0x7E)
    text = shifted.decode("cp932")
    if any("\ue000" <= sign <= "\uf8ff" for sign in text):
        raise UnicodeError("a letter of nobody's")
    return text
