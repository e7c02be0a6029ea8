"""Headers of a part that mail programs show in place of the message's own.

Protected headers stand in the part that is signed or encrypted: RFC 9788 marks it `hp="clear"` or `hp="cipher"`, what
came before it `protected-headers="v1"`, and RFC 8551, 3.1, puts a whole message there, `message/rfc822; forwarded=no`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from maton_mailgun.mail.address_fields import holds_addresses
from maton_mailgun.mail.addresses import address_flags, parse_all
from maton_mailgun.mail.mime_tree import MESSAGES, MimePart
from maton_mailgun.mail.text import quoted

_OF_THE_PART = frozenset({"mime-version", "hp-outer"})
_SEEN = frozenset({"subject", "from", "sender", "reply-to", "to", "cc", "date"})
"""What programs show above a message; in a part without a mark, hardly any of them do."""
_MOST = 20


def remarks(root: MimePart) -> list[str]:
    """A line for each header of a part that is another one than that of the message."""
    outer: dict[str, list[str]] = {}
    for name, value in root.decoded:
        outer.setdefault(name.casefold(), []).append(value)
    lines = [*_lines(root, outer)]
    more = [f"{len(lines) - _MOST:,} more headers of parts differ from those of the message: see its parts."]
    return lines if len(lines) <= _MOST else [*lines[:_MOST], *more]


def _lines(root: MimePart, outer: dict[str, list[str]]) -> Iterator[str]:
    # What begins a message in the message are that one's headers.
    heads = {part.inner[0].place for part in root.walk() if part.type in MESSAGES and part.inner}
    for part in root.walk():
        if not part.place or part.place in heads:
            continue
        marked, headers = _own(part)
        for name, value in headers:
            known = name.casefold()
            structure = known.startswith("content-") or known in _OF_THE_PART
            if structure or value in outer.get(known, []) or not (marked or known in _SEEN):
                continue
            who = "programs that know protected headers" if marked else "some programs may"
            instead = outer.get(known)
            where = f"in place of {quoted(', '.join(instead), 200)}" if instead else "where the message has none"
            flags = _flags(name, value)
            yield (  # guard: 117-differs
                f"Part {part.place} has a {name} of its own, {quoted(value, 300)}: {who} show it {where}"
                f"{f' ({flags})' if flags else ''}."
            )


def _own(part: MimePart) -> tuple[bool, Sequence[tuple[str, str]]]:
    """Whether programs are told to take the part's headers for those of the message, and these."""
    marked = bool({"protected-headers", "hp"} & part.parameters.keys())
    if part.type in MESSAGES:
        replaces = marked or part.parameters.get("forwarded", "").casefold() == "no"  # guard: 117-forwarded
        return replaces, part.inner[0].decoded if replaces and part.inner else ()
    return marked, part.decoded


def _flags(name: str, value: str) -> str:
    if not holds_addresses(name):
        return ""
    return "; ".join(dict.fromkeys(flag for one in parse_all(value) for flag in address_flags(one)))
