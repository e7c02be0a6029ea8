"""Bytes of a mail as text: the character sets that mail programs know, and nothing that could be read in two ways.

Python knows more codecs than any mail program (`rot13`, `idna`, `unicode_escape`), and reads some names in another way
than browsers do. Which name stands for what is the Encoding Standard's (https://encoding.spec.whatwg.org/#names-and-labels):
Thunderbird, web mail and mail libraries for JavaScript follow it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from maton_mailgun.mail.japanese import euc_jp, iso_2022_jp
from maton_mailgun.mail.unclear import Unclear

_CODECS: Mapping[str, str] = {
    **dict.fromkeys(("utf-8", "utf8"), "utf-8"),
    **dict.fromkeys(("us-ascii", "ascii", "ansi_x3.4-1968"), "ascii"),
    **dict.fromkeys(("iso-8859-1", "latin1", "latin-1", "iso8859-1", "iso_8859-1", "windows-1252", "cp1252"), "cp1252"),
    **dict.fromkeys(("iso-8859-9", "latin5", "windows-1254"), "cp1254"),
    **{f"iso-8859-{number}": f"iso8859-{number}" for number in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)},
    **{f"windows-{number}": f"cp{number}" for number in (1250, 1251, 1253, 1255, 1256, 1257, 1258)},
    **dict.fromkeys(("iso-8859-11", "tis-620", "windows-874"), "cp874"),
    **{"koi8-r": "koi8-r", "koi8-u": "koi8-u", "big5": "big5hkscs", "euc-jp": "euc-jp", "iso-2022-jp": "iso2022-jp"},
    **dict.fromkeys(("gb2312", "gbk", "gb18030"), "gb18030"),
    **dict.fromkeys(("shift_jis", "shift-jis", "windows-31j"), "cp932"),
    **dict.fromkeys(("euc-kr", "ks_c_5601-1987", "windows-949"), "cp949"),
}
_OWN: Mapping[str, Callable[[bytes], str]] = {"iso2022-jp": iso_2022_jp, "euc-jp": euc_jp}
"""What Python reads in another way than mail programs."""
_NARROW = frozenset({"iso-8859-1", "latin1", "latin-1", "iso8859-1", "iso_8859-1", "iso-8859-9", "latin5"})
_NARROW |= {"iso-8859-11", "tis-620"}
"""Names of sets whose letters end where those of Windows, which browsers read them as, have some more."""
_C1 = re.compile(rb"[\x80-\x9f]")
_SHIFTING = frozenset({"iso2022-jp"})
"""Sets in which bytes of ASCII stand for other letters."""
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
"""A browser believes a byte order mark more than any header."""
_HIGH = re.compile(rb"[\x80-\xff]")
_UTF_8 = "Encode the text as UTF-8 and say charset=utf-8"


def decode(content: bytes, charset: str) -> str:
    """The text that `content` is; without a charset it is held to UTF-8.

    Raises:
        Unclear: The character set is none of those mail programs know, or the bytes are not in it.
    """
    codec = _CODECS.get(charset.casefold() or "utf-8")  # guard: 46-charset
    if codec is None:
        raise Unclear(f"names a character set that is not known for certain: {charset[:60]!a}", _UTF_8)
    if codec != "utf-8" and content.startswith(_MARKS):
        raise Unclear("begins with a byte order mark that belies its character set", _UTF_8)
    try:
        bare = content.removeprefix(_MARKS[0])
        text = _OWN[codec](bare) if codec in _OWN else bare.decode(codec)
        text.encode("utf-8")
    except UnicodeError:
        raise Unclear(f"holds bytes that are not {charset or 'UTF-8'}", _UTF_8) from None
    return text


def doubtful(content: bytes, charset: str) -> bool:
    """Whether programs that go by the name of the set, and those that go by what browsers do, read other letters."""
    return charset.casefold() in _NARROW and _C1.search(content) is not None  # guard: 88-narrow


def contradicts(content: bytes, charset: str, other: str) -> bool:
    """Whether the letters would be others if the bytes were in the character set `other`."""
    codec = _CODECS.get(other.casefold())
    if codec is None:
        return True
    if codec == _CODECS.get(charset.casefold() or "utf-8"):
        return False
    return codec in _SHIFTING or not is_plain(content)


def is_plain(content: bytes) -> bool:
    """Whether there is nothing in it that a character set could change."""
    return _HIGH.search(content) is None
