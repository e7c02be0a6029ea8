"""Names beside an address as somebody reads them: mail programs often show the name alone, so that one which reads as
an address is taken for the sender's or the recipient's own.
"""

from __future__ import annotations

import re
import unicodedata

_DRAWN_ALIKE = {
    **dict.fromkeys("\u24b6\u24d0", "@"),
    **dict.fromkeys("\u00b7\u2022\u2027\u2219\u22c5\u3002\u30fb\ua4f8\ua78f\u0701\u0702\u0660\u06f0", "."),
}
"""Signs that are drawn like the two of an address; those of other widths are the same by Unicode (NFKC)."""
_SIGN = r"[^\s@<>\"',;()\[\]{}]"
_BETWEEN = r"(?:[ \t]{0,3}@[ \t]{0,3}|[ \t]{0,3}[(\[{][ \t]?at[ \t]?[)\]}][ \t]{0,3})"
_ADDRESS = re.compile(
    rf"(?<!{_SIGN})({_SIGN}{{1,64}}){_BETWEEN}({_SIGN}{{1,190}}(?:\.|[ \t]?[(\[{{]dot[)\]}}][ \t]?){_SIGN}{{1,63}})",
    re.IGNORECASE,
)
_DOT = re.compile(r"[ \t]?[(\[{]dot[)\]}][ \t]?", re.IGNORECASE)


def shown_addresses(name: str) -> list[str]:
    """The addresses that a name reads as, whatever signs they are written with."""
    seen = as_read(name)
    found = [f"{local}@{_DOT.sub('.', domain)}".rstrip(".") for local, domain in _ADDRESS.findall(seen)]
    return list(dict.fromkeys(found))


def as_read(name: str) -> str:
    """`name` with plain letters where others are drawn like them, and without those that draw nothing."""
    if name.isascii():
        return name
    plain = unicodedata.normalize("NFKC", "".join(_DRAWN_ALIKE.get(sign, sign) for sign in name))
    return "".join(_DRAWN_ALIKE.get(sign, sign) for sign in plain if unicodedata.category(sign) != "Cf")
