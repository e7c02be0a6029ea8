"""What mail programs take a file for: some draw texts in the message that the message calls files.

Thunderbird (mailnews/mime/src/mimei.cpp, mime_create and mime_find_class) goes by the ending of the name where the type
says nothing, takes two types of PGP for plain text, and draws texts below the message whatever their disposition; Apple
Mail does so too. Outlook opens by the ending alone.
"""

from __future__ import annotations

from collections.abc import Mapping

_AS_TEXT = frozenset({"application/pgp", "application/x-pgp", "application/x-pgp-message", "application/pgp-message"})
_BY_ENDING: Mapping[str, str] = {
    **dict.fromkeys((".txt", ".text", ".asc", ".log", ".md", ".markdown", ".me", ".readme"), "text/plain"),
    **dict.fromkeys((".html", ".htm", ".shtml", ".xhtml", ".xht"), "text/html"),
    **dict.fromkeys((".eml", ".mht", ".mhtml"), "message/rfc822"),
    **dict.fromkeys((".vcf", ".vcard"), "text/vcard"),
    **{".rtx": "text/richtext", ".etx": "text/enriched", ".csv": "text/csv", ".tsv": "text/tab-separated-values"},
    **{".xml": "text/xml", ".css": "text/css", ".tnef": "application/ms-tnef"},
    **dict.fromkeys((".p7m", ".p7c", ".p7z"), "application/pkcs7-mime"),
}
_BY_NAME = {"winmail.dat": "application/ms-tnef", "win.dat": "application/ms-tnef"}
_ALWAYS = frozenset({"text/plain", "text/html", "message/rfc822"})
"""Kinds that an ending makes of whatever calls itself a file of some program."""
_PICTURES_AND_SOUNDS = ("image/", "audio/", "video/", "font/", "model/")
_SAYS_NOTHING = frozenset(
    {
        *("application/octet-stream", "application/x-unknown-content-type", "application/unknown"),
        *("application/binary", "application/x-binary", "application/x-octet-stream", "application/force-download"),
        *("application/download", "application/x-download", "binary/octet-stream", "text/x-unknown-content-type"),
    }
)
PACKED = frozenset(
    {"application/ms-tnef", "application/vnd.ms-tnef", "application/pkcs7-mime", "application/x-pkcs7-mime"}
)
"""Files that mail programs unpack, to show what is in them as if it were the message."""


def drawn_as(type_: str, name: str) -> str:
    """The type that mail programs go by, in lower case: `type_` itself where neither it nor the name says another."""
    type_ = type_.partition(";")[0].strip().casefold()
    name = name.strip().casefold()
    if type_ in _AS_TEXT:  # guard: 142-pgp
        return "text/plain"
    ending = name[name.rfind(".") :] if "." in name else ""
    by_name = _BY_NAME.get(name, _BY_ENDING.get(ending, ""))
    told = type_.startswith(("text/", "multipart/", "message/", *_PICTURES_AND_SOUNDS)) and type_ not in _SAYS_NOTHING
    if by_name and not told and (type_ in _SAYS_NOTHING or by_name in _ALWAYS | PACKED):  # guard: 142-ending
        return by_name
    return type_


def is_text(type_: str) -> bool:
    """Whether programs draw what is of this type as words. RTF is a file for all of them."""
    return type_.startswith("text/") and type_ not in {"text/rtf", "text/x-unknown-content-type"}
