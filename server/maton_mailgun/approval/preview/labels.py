"""What arguments, and what the service's answers hold, are called before a person; the values that are sent stand as
they are beside it.

A name that is not here is told as its words. Nothing here is asked of a new operation: it makes one read more easily.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from maton_mailgun.approval.preview import route_words
from maton_mailgun.mail.text import count

NAMES: Mapping[str, str] = {
    "access_level": "Who may post",
    "active": "Switched on",
    "amp_html": "AMP HTML",
    "archive_to": "Copies of delivered mail go to",
    "code": "Error code",
    "created_at": "Date",
    "createdAt": "Date",
    "dkim_host_name": "Name of the DKIM record",
    "dkim_key_size": "Bits of the DKIM key",
    "dkim_selector": "DKIM selector",
    "domain_value": "Every address at",
    "encrypt_incoming_message": "Incoming mail is encrypted",
    "engine": "Template language",
    "error": "Error",
    "expression": "Which mail",
    "action": "What is done with it",
    "actions": "What is done with it",
    "force_dkim_authority": "DKIM of its own",
    "force_root_dkim_host": "DKIM on the root domain",
    "html_footer": "Footer of HTML mail",
    "ips": "Sends from",
    "list-id": "List-Id",
    "list_id": "List-Id",
    "mailfrom_host": "Bounces come back to",
    "members": "Members",
    "message_ttl": "Mail is kept for",
    "method": "How it is authorised",
    "place_at_the_top": "Pixel at the top of the message",
    "pool_id": "IP pool",
    "provider_lookup": "Its provider is asked",
    "reply_preference": "Answers go to",
    "require_tls": "Delivery over TLS only",
    "skip_verification": "Certificates are not checked",
    "spam_action": "Inbound spam",
    "subscribed": "Gets mail",
    "system": "System account",
    "tag": "Tag",
    "tags": "Tags",
    "template": "Content",
    "text_footer": "Footer of text mail",
    "upsert": "Overwrites who is on the list already",
    "url": "Goes to",
    "urls": "Goes to",
    "use_automatic_sender_security": "Mailgun rotates its DKIM keys",
    "vars": "Data about them",
    "web_prefix": "Tracking links lead to the host",
    "web_scheme": "Tracking links begin with",
    "webhook_type": "Kind of event",
    "wildcard": "Takes mail for all subdomains",
}
"""By the name of an argument, of a field on the wire or in an answer."""

VALUES: Mapping[str, Mapping[str, str]] = {
    "access_level": {
        "readonly": "this Mailgun account alone",
        "members": "every member",
        "everyone": "anybody, strangers too",
    },
    "active": {"yes": "on", "no": "off", "htmlonly": "on, in HTML alone"},
    "method": {"API_KEY": "an API key", "BASIC": "a name and a password", "OAUTH1": "OAuth 1", "OAUTH2": "OAuth 2"},
    "reply_preference": {"list": "the whole list", "sender": "whoever wrote"},
    "spam_action": {"disabled": "let in as it is", "block": "turned away", "tag": "let in with a mark"},
    "tags": {"*": "* (all mail)"},
    "tag": {"*": "* (all mail)"},
    "webhook_type": {
        "complained": "spam complaint",
        "permanent_fail": "permanent failure",
        "temporary_fail": "temporary failure",
    },
}
"""What words of the service mean, by the name of what holds them."""

_PLAIN = re.compile(r"[a-z][a-z0-9_.-]*")
_BREAK = re.compile(r"[ _-]+")
_SPELLED = frozenset({"dkim", "dns", "html", "id", "ip", "smtp", "tls", "url"})
_SECONDS = frozenset({"message_ttl"})
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


class Words(str):
    """A value as a person would say it: our own words, which need no quotation marks."""

    __slots__ = ()


def named(name: str) -> str:
    """What something is called: `message_ttl` or `list.access_level`, of which the last part says most."""
    if name in NAMES:
        return NAMES[name]
    if not _PLAIN.fullmatch(name):
        # A header, an entry of a list: they have no other name.
        return name
    first, _, rest = name.rpartition(".")
    words = NAMES.get(rest) or " ".join(word.upper() if word in _SPELLED else word for word in _BREAK.split(rest))
    if first:
        return f"{named(first)}: {words[:1].lower()}{words[1:]}"
    return f"{words[:1].upper()}{words[1:]}"


def said(name: str, given: Any) -> Any:
    """A value in a person's words where there are some; else the value itself."""
    key = name.rpartition(".")[2]
    if isinstance(given, str):
        return Words(words) if (words := VALUES.get(key, {}).get(given)) is not None else given
    if key in _SECONDS and isinstance(given, int | float) and not isinstance(given, bool):
        return Words(span(int(given)))
    if isinstance(given, Sequence) and key in VALUES:
        return [said(name, one) for one in given]
    return given


def told(name: str, given: Any) -> Any:
    """The same for a sentence, in which a rule for inbound mail is told as what it does."""
    key = name.rpartition(".")[2]
    if key == "expression" and isinstance(given, str):
        return Words(route_words.mail(given))
    return Words(route_words.done(given)) if key == "actions" else said(name, given)


def span(seconds: int) -> str:
    """Seconds in the units that people count in: `1 day`, `2 hours 30 minutes`."""
    parts = []
    left = seconds
    for size, unit in _UNITS:
        number, left = divmod(left, size)
        if number:
            parts.append(count(number, unit))
    return " ".join(parts) or "0 seconds"
