"""Files that stand in a plain text, as mail carried them before MIME: programs that know them show a file, or what is
in it, where the text has lines of odd signs.

The form is that of POSIX's uuencode: `begin 644 name`, lines that begin with their length, `end`; and its base64 kind.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from maton_mailgun.mail.text import quoted

_BEGIN = re.compile(r"^begin(-base64)?[ \t]+([0-7]{3,6})[ \t]+(\S.{0,300})$", re.MULTILINE)
_OUTLOOK = re.compile(r"^begin {2}\S", re.MULTILINE)
"""Where old Outlook programs begin a file, whatever follows."""
_MARKS = {
    "yEnc": re.compile(r"^=ybegin [^\n]*\bname=", re.MULTILINE),
    "BinHex": re.compile(r"^\(This file must be converted with BinHex", re.MULTILINE),
    "S/MIME": re.compile(r"^-----BEGIN (?:PKCS7|CMS)-----", re.MULTILINE),
}
_MOST = 50
"""Files in one text."""
_LONGEST_LINE = 200


@dataclass(frozen=True, slots=True)
class FileInText:
    """One file between `begin` and `end`."""

    name: str
    content: bytes
    whole: bool
    """Whether every line of it could be decoded and its end is there."""

    @property
    def text(self) -> str | None:
        """What it says, if it is a text."""
        try:
            found = self.content.decode("utf-8")
        except UnicodeError:
            return None
        return found if found and all(sign.isprintable() or sign in "\r\n\t\f" for sign in found) else None


def files(text: str) -> list[FileInText]:
    """The files in a text, in order."""
    found: list[FileInText] = []
    end = 0
    for begin in _BEGIN.finditer(text):
        if begin.start() >= end and len(found) < _MOST:
            content, whole, end = _decoded(text, begin.end() + 1, base64=begin[1] is not None)
            found.append(FileInText(begin[3].strip(), content, whole))
    return found


def remarks(text: str) -> Iterator[str]:
    """What a person should know of a text that programs may take for more than a text."""
    if "begin" in text:
        found = files(text)
        for one in found:
            how = "as a file, or what is in it" if one.whole else "as a file, or as it is: it is broken"
            yield f"The text holds the uuencoded file {quoted(one.name, 200)}: programs show it {how}."
        if len(_BEGIN.findall(text)) > _MOST:
            yield f"The text holds more than {_MOST} uuencoded files: programs show those as files too."
        if _OUTLOOK.search(text) and not found:
            yield "A line of the text begins as a uuencoded file does: programs may show the rest of it as a file."
    for name, mark in _MARKS.items():
        if mark.search(text):
            yield f"The text holds something in the form of {name}: programs may show what is in it, here it is raw."


def _decoded(text: str, start: int, *, base64: bool) -> tuple[bytes, bool, int]:
    """The bytes, whether all of them could be read, and where the file ends."""
    pieces: list[bytes] = []
    while start < len(text):
        stop = text.find("\n", start)
        stop = len(text) if stop < 0 else stop
        line = text[start:stop].rstrip("\r")
        if line.strip() in ({"===="} if base64 else {"end", "END"}):
            return b"".join(pieces), True, stop
        piece = _line(line, base64=base64)
        if piece is None:
            return b"".join(pieces), False, start
        pieces.append(piece)
        start = stop + 1
    return b"".join(pieces), False, len(text)


def _line(line: str, *, base64: bool) -> bytes | None:
    if len(line) > _LONGEST_LINE or not line.isascii():
        return None
    try:
        return binascii.a2b_base64(line, strict_mode=True) if base64 else binascii.a2b_uu(line.rstrip() or "`")
    except binascii.Error:
        return None
