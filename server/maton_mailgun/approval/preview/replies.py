"""Where answers and unsubscriptions go beside Reply-To: headers that mail programs make buttons of.

Thunderbird, Evolution, mutt, Gnus and KMail answer to Mail-Reply-To before Reply-To and From, and to Mail-Followup-To
alone where all are answered; "reply to list" goes to List-Post (RFC 2369). Gmail, Apple Mail, Yahoo and Outlook draw
List-Unsubscribe as a button (RFC 2369, RFC 8058).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from maton_mailgun.approval.preview.audience import is_external
from maton_mailgun.approval.preview.document import Row
from maton_mailgun.mail.addresses import Address, address_flags, parse_all
from maton_mailgun.mail.hosts import Place, place
from maton_mailgun.mail.letter import Letter
from maton_mailgun.mail.text import safe_line, short

OTHERS = {"mail-reply-to": "Mail-Reply-To", "mail-followup-to": "Mail-Followup-To", "list-post": "List-Post",
          "resent-reply-to": "Resent-Reply-To"}  # fmt: skip
"""Headers that say where answers go, beside Reply-To."""
_LINKS = frozenset({"list-unsubscribe", "list-subscribe", "list-help", "list-archive", "list-owner"})
"""Headers whose value is links (RFC 2369)."""
_LINK = re.compile(r"(?:https?|ftp|nntp|news|mailto):[^\s<>\"]*", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"<([^<>]*)>")


def rows(letter: Letter, domain: str) -> list[Row]:
    """A row for each such header, as for Reply-To."""
    found = []
    for name, value in (*letter.headers, *letter.own_headers):
        if label := OTHERS.get(name.casefold()):  # guard: 133-answers
            people = _addresses(name, value)
            flags = ["answers go here, not to From"]
            flags += [flag for one in people for flag in address_flags(one, known=domain)]
            flags += ["external"] if any(is_external(one, domain) for one in people) else []
            found.append(Row(label, safe_line(value), flags))
    return found


def warnings(letter: Letter, domain: str) -> list[str]:
    """What is odd about the addresses and links in these headers."""
    lines = []
    for name, value in (*letter.headers, *letter.own_headers):
        odd = [(one.url, [*one.flags]) for one in _places(name, value)]
        if name.casefold() in {*OTHERS, *_LINKS}:
            odd += [(one.raw.strip(), address_flags(one, known=domain)) for one in _addresses(name, value)]
        for what, flags in odd:
            if flags:  # guard: 138-judged
                lines.append(f"{short(name, 60)} leads to {short(what, 200)}: {short('; '.join(flags), 300)}.")
    return lines


def elsewhere(letter: Letter, domain: str) -> list[str]:
    """Who gets the answers, outside the domain that sends and not where the sender is."""
    own = {one.ascii_domain for one in parse_all(letter.sender or letter.header("From"))}
    found = [*parse_all(letter.header("Reply-To"))]
    for name, value in (*letter.headers, *letter.own_headers):
        found += _addresses(name, value) if name.casefold() in OTHERS else []
    strange = {one.address: one for one in found if is_external(one, domain) and one.ascii_domain not in own}
    return [  # guard: 382-answers
        f"Answers go to {short(address, 120)}, outside {short(domain, 100)}, and not to the sender."
        for address in strange
    ]


def named(name: str, value: str) -> list[Address]:
    """Everybody whom such a header names; what it holds that is no address is one with problems."""
    if name.casefold() == "list-post":
        return _addresses(name, value) or parse_all(value)
    return parse_all(value)


def links(letter: Letter) -> dict[str, list[str]]:
    """The hosts that headers of links lead to."""
    headers = (*letter.headers, *letter.own_headers)
    return {one.host: [] for name, value in headers for one in _places(name, value) if one.host}


def _places(name: str, value: str) -> Iterator[Place]:
    if name.casefold() in _LINKS:
        for url in _uris(value):
            if not url.casefold().startswith("mailto:"):
                yield place(url)


def _uris(value: str) -> list[str]:
    """What stands in angle brackets; all of a value without any, as lenient readers take it."""
    return [one.strip() for one in _IN_BRACKETS.findall(value)] or [value.strip()]


def _addresses(name: str, value: str) -> list[Address]:
    """The addresses of a header: a list of them, or where it is one of links, also those in `<mailto:...>` (RFC 6068).
    A name in quotes may look like a link, and what stands beside links is an address still."""
    if name.casefold() in OTHERS.keys() - {"list-post"}:
        return parse_all(value)  # guard: 430-names
    uris = _uris(value)
    mails = [uri[len("mailto:") :] for uri in uris if uri.casefold().startswith("mailto:")]
    found = [one for mail in mails for one in parse_all(unquote(mail.partition("?")[0]))]
    listed = "<" not in value and any(sign in value for sign in ",;")
    only_links = not listed and all(map(_LINK.fullmatch, uris))  # guard: 430-beside
    return found if only_links else [*found, *parse_all(value)]
