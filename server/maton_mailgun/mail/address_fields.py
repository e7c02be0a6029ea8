"""Arguments and headers that hold addresses, held to the grammar of `addresses` before anybody is asked.

Which arguments these are, a row says (`addresses`); which headers, RFC 5322 and its kin. What a field holds is parsed
here and written anew for the wire; the headers of a ready MIME message are only held to the grammar, never changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from maton_mailgun.mail.addresses import Address, parse, parse_all, spans
from maton_mailgun.mail.unclear import Unclear

_SIGN = r'[^\s\x00-\x1f\x7f()<>\[\]:;@\\,"]'
_SEEMS_AN_ADDRESS = re.compile(rf"{_SIGN}+@{_SIGN}+")
_QUOTED_LOCAL = re.compile(rf'"{_SIGN}+"@{_SIGN}+')
_LONGEST_GUESS = 900

_SENDERS = frozenset({"sender", "resent-sender", "return-path"})
_HEADERS = _SENDERS | {
    *("from", "reply-to", "to", "cc", "bcc", "apparently-to"),
    *("resent-from", "resent-reply-to", "resent-to", "resent-cc", "resent-bcc"),
    *("disposition-notification-to", "return-receipt-to", "errors-to", "mail-followup-to", "mail-reply-to"),
}
"""Headers whose value is addresses: RFC 5322, 3.6; RFC 5321, 4.4; RFC 8098, 2.1; and what mail programs add to them."""
_EMPTY_GROUP = re.compile(r"[\w .-]{1,60}:[ \t]*;")
"""`undisclosed-recipients:;` names nobody (RFC 5322, A.1.3), so nobody can be hidden in it, but words can."""
_USUAL_GROUP = re.compile(r"(?:undisclosed|unlisted)[ -]recipients:[ \t]*;", re.IGNORECASE)
_EACH = "%recipient%"
"""In a batch, Mailgun puts the recipient of each copy in its place."""


def read(text: str, *, encoded: bool = False) -> list[Address]:
    """Every address in a text that holds one or several, separated by `,` or `;`.

    `encoded` is for headers that are in their form on the wire: names in them may be encoded words (RFC 2047).

    Raises:
        Unclear: The text names nobody, or something in it can be read in another way.
    """
    found = parse_all(text, encoded=encoded)
    if not found:
        raise Unclear("names nobody", "Give an address, such as ann@example.com")
    for index, address in enumerate(found):
        if address.problems:
            part = f"“{_shown(address.raw, 60)}” " if len(found) > 1 else ""
            raise Unclear(part + "; ".join(address.problems), _meant(text, index))
    return found


def one(text: str, *, encoded: bool = False) -> Address:
    """The only address of a text, with or without a name.

    Raises:
        Unclear: There are several, or it can be read in another way.
    """
    found = read(text, encoded=encoded)
    if len(found) > 1:
        raise Unclear(f"names {len(found)} addresses", "Give exactly one address")
    return found[0]


def bare(text: str) -> Address:
    """The address that is the whole of a text.

    Raises:
        Unclear: There is anything beside it: a name, brackets, blanks, a second address.
    """
    address = one(text)
    if not _SEEMS_AN_ADDRESS.fullmatch(text) and not _QUOTED_LOCAL.fullmatch(text):
        raise Unclear("is more than an address", f"Give the address alone: {_shown(address.address)}")
    return address


def entry(text: str) -> None:
    """Hold a text to the form of one address that the service has listed already, however odd it is.

    Raises:
        Unclear: It could be read as more than one address.
    """
    if not _SEEMS_AN_ADDRESS.fullmatch(text):
        bare(text)


READERS: Mapping[str, Callable[[str], object]] = {"list": read, "mailbox": one, "plain": bare, "entry": entry}
"""What an argument may hold, as a row's `addresses` names it, and the reader that its texts are held to."""


def holds_addresses(header: str) -> bool:
    """Whether the value of a header is addresses."""
    return header.casefold() in _HEADERS  # guard: 41-headers


def names_nobody(value: str) -> bool:
    """Whether the value of an address header is a group without anybody in it."""
    return _EMPTY_GROUP.fullmatch(value) is not None


def says_nobody(value: str) -> bool:
    """Whether such a group has the name by which mail programs say that there is nobody."""
    return _USUAL_GROUP.fullmatch(value) is not None  # guard: 81-usual-group


def header_value(name: str, value: str, *, encoded: bool = False) -> str:
    """The value of an address header, written anew from the addresses in it.

    Raises:
        Unclear: It does not parse without doubt.
    """
    bare_value = value.strip(" \t")
    if bare_value == _EACH or (name.casefold() == "return-path" and bare_value == "<>"):
        return bare_value
    if encoded and names_nobody(bare_value):
        return bare_value
    if name.casefold() in _SENDERS:
        return one(value, encoded=encoded).written
    return ", ".join(address.written for address in read(value, encoded=encoded))


def header_on_the_wire(name: str, raw: str) -> str:
    """The same of a header in a ready message, whose raw value may be folded and hold encoded words.

    Raises:
        Unclear: It does not parse without doubt.
    """
    try:
        value = raw.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeError:
        raise Unclear("is not UTF-8", "Encode names that are not ASCII as RFC 2047 has it, or as UTF-8") from None
    unfolded = re.sub(r"(?:\r\n|\r|\n)(?=[ \t])", "", value).replace("\t", " ").strip(" \r\n")
    return header_value(name, unfolded, encoded=True)


def _meant(text: str, index: int) -> str:
    """What would be right in place of the part `index`: the name in quotes, where that is what is missing."""
    places, _ = spans(text)
    start, end = places[index]
    for next_start, next_end in places[index:]:
        if "<" in (part := text[next_start:next_end]):
            end = next_end
        if "@" in part:
            break
    name, _, address = text[start:end][:_LONGEST_GUESS].rpartition("<")
    name = name.replace('"', "").strip()
    meant = parse(address.strip().removesuffix(">").strip())
    if name and "<" not in name and not meant.problems:
        right = Address("", name, meant.local, meant.domain, meant.ascii_domain).written
        if not parse(right).problems:
            return f"If {_shown(name, 100)} is the name, write {_shown(right)}"
    likely = [found.rstrip(".") for found in _SEEMS_AN_ADDRESS.findall(text[start : start + _LONGEST_GUESS])]
    if likely and not any(parse(found).problems for found in likely):
        return f"Give the plain address: {_shown(', '.join(likely))}"
    return 'Give ann@example.com, Ann <ann@example.com> or "Ann, Sales" <ann@example.com>'


def _shown(text: str, limit: int = 200) -> str:
    """Words of the caller in an answer to them: printable and short."""
    visible = "".join(sign if sign.isprintable() else "?" for sign in text[:limit])
    return visible if len(text) <= limit else visible + "..."
