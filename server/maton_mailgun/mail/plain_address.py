"""Which addresses a policy may rely on.

An allow rule lets mail go out unseen, so only the plainest form counts: `local@domain`, ASCII, no quotes, no comment,
no route. RFC 5322 allows much that could be read in two ways (`"a@mycompany.com" <evil@example.net>`, source routes,
groups), and old relays read `%` and `!` in a local part: all that is odd, and odd matches no allow rule.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Letters and signs of a dot-atom that no relay gives a meaning of its own: without % ! / | ` { } ? * ^ and quotes.
_LOCAL = re.compile(r"[a-z0-9_+\-'=~&#$]+(?:\.[a-z0-9_+\-'=~&#$]+)*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_MAX_LOCAL, _MAX_DOMAIN = 64, 253  # octets: RFC 5321 section 4.5.3.1; DNS names


@dataclass(frozen=True, slots=True)
class PlainAddress:
    """A plain address in lower case; the domain in its ASCII form."""

    local: str
    domain: str


def parse(text: str) -> PlainAddress | None:
    """The address, or None when it is anything but a plain one."""
    local, at, domain = text.partition("@")
    ascii_form = ascii_domain(domain)
    # `lower` maps some non-ASCII letters to ASCII ones (the Kelvin sign to k): ASCII is asked for first.
    if not at or not local.isascii() or len(local) > _MAX_LOCAL or ascii_form is None or not decodes(ascii_form):
        return None
    return PlainAddress(local.lower(), ascii_form) if _LOCAL.fullmatch(local.lower()) else None


def ascii_domain(text: str) -> str | None:
    """The domain in lower-case ASCII (IDNA 2008, without any folding of look-alikes), or None when it is not one."""
    labels = [ascii_label(label) for label in text.split(".")]
    known = [label for label in labels if label is not None]
    domain = ".".join(known)
    return domain if len(known) == len(labels) and len(domain) <= _MAX_DOMAIN else None


def decodes(domain: str) -> bool:
    """Whether the `xn--` labels of a domain stand for letters: Mailgun's parser drops an address where they do not."""
    if "xn--" not in domain:
        return True
    import idna

    try:
        idna.decode(domain)
    except UnicodeError:
        return False
    return True


def ascii_label(label: str) -> str | None:
    """One label of a domain in lower-case ASCII, or None when it is not one."""
    if label.isascii():
        return label.lower() if _LABEL.fullmatch(label.lower()) else None
    import idna

    # Only ASCII letters are lowered: other letters may lower to ASCII ones and so turn into another label.
    lowered = "".join(sign.lower() if sign.isascii() else sign for sign in label)
    try:
        return idna.alabel(lowered).decode("ascii")
    except idna.IDNAError:
        return None
