"""Words of a message that are not in it: AMP for Email fetches some when the message is opened."""

from __future__ import annotations

from maton_mailgun.mail import html
from maton_mailgun.mail.hosts import place
from maton_mailgun.mail.letter import Letter
from maton_mailgun.mail.links import followed
from maton_mailgun.mail.text import short

_FETCHING = frozenset({"amp-list", "amp-state", "amp-autocomplete", "amp-live-list"})
"""Components that take words from their `src` (amp.dev, "AMP for Email supported components")."""


def warnings(sent: Letter) -> list[str]:
    """A warning for the hosts that words come from, which may be others after the yes."""
    if not sent.amp_html:
        return []
    given = [
        piece.attributes.get(name, "")
        for piece in html.read(sent.amp_html).pieces
        if piece.kind == "start" and piece.name in _FETCHING
        for name in ("src", "[src]", "data-amp-bind-src")
    ]
    hosts = list(dict.fromkeys(place(followed(address)).host or "(filled in)" for address in given if address))
    if not hosts:
        return []
    told = f"The AMP HTML fetches words from {short(', '.join(hosts), 300)} when it is opened"
    return [f"{told}: they may be others than anybody saw before."]  # guard: 151-fetched
