"""Values that Mailgun puts into headers: they must not become more than a part of the words that stand there.

A place is filled as text (Mailgun's manual, "Batch Sending"), so that a line break in a value would begin a header of
its own, a comma another address, and two halves of an encoded word would be one word, which the recipient reads.
"""

from __future__ import annotations

import re

from maton_mailgun.mail import filling
from maton_mailgun.mail.address_fields import holds_addresses
from maton_mailgun.mail.display_names import shown_addresses
from maton_mailgun.mail.mime_values import holds_words

_BREAK = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_IN_ADDRESSES = re.compile(r'["<>,;:@\\]')
_LIKE_AT = re.compile("[\ufe6b\uff20\u24b6\u24d0]")
_LONGEST = 10_000
"""Characters of a header that is filled."""


def holds_places(text: str) -> bool:
    """Whether a header differs from copy to copy."""
    return "%recipient" in text


def doubt(header: str, text: str, values: filling.Values, *, address: str = "", name: str = "") -> str:
    """What is wrong with a header of which one recipient's values are a part; empty where nothing is.

    Args:
        header: Its name.
        text: Its value with the places in it.
        values: The recipient's own, by key.
        address: The recipient.
        name: Their display name.
    """
    if not holds_places(text):
        return ""
    for key in filling.keys([text]):
        value = filling.found(values, key) or ""
        if _BREAK.search(value):  # guard: 80-break
            return f"{key[:60]} has a line break or control character, and {header} names it"
        if holds_addresses(header) and _IN_ADDRESSES.search(value):  # guard: 80-address
            return f'{key[:60]} has one of the signs " < > , ; : @ \\, and {header} names it'
        if holds_addresses(header) and (_LIKE_AT.search(value) or shown_addresses(value)):  # guard: 116-values
            return f"{key[:60]} reads as an address, and {header} names it"
    if filling.longest([text], values, name) + text.count("%recipient") * len(address) > _LONGEST:
        return f"{header} would have more than {_LONGEST:,} characters"
    if holds_words(filling.filled(text, values, address=address, name=name)):  # guard: 80-words
        return f"{header} would hold an encoded word, which readers see decoded"
    return ""
