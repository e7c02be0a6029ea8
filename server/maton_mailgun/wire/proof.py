"""Whether an answer is the one that the service gives when it has carried a write out.

A status of 2xx is no proof: a sign-in page of a hotel, a proxy that answers for everybody and a service of another name
all say 200. What Mailgun and Maton answer is known for each operation; its row names the part that shows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.wire.places import at

_COMPLAINTS = ("error", "Error", "errors")
"""Keys that no successful answer of Mailgun or Maton has."""


def proves(operation: Operation, body: Any) -> bool:
    """Whether this body (parsed JSON, or None) shows that the operation was carried out.

    An operation whose row names nothing has no answer that shows it: its outcome has to be looked up.
    """
    if not isinstance(body, dict) or any(body.get(key) for key in _COMPLAINTS):  # guard: 60-complaint
        return False
    places = operation.success or {}
    return bool(places) and all(_stands(body, place, words) for place, words in places.items())


def _stands(body: Mapping[str, Any], place: str, words: Sequence[str]) -> bool:
    """Whether one of the places (`a.b|c`) holds something, with one of the words where there are any."""
    return any(_says(at(body, one), words) for one in place.split("|"))


def _says(found: Any, words: Sequence[str]) -> bool:
    if isinstance(found, bool) and not words:
        return True
    if not words:
        return bool(found)
    return isinstance(found, str) and any(word in found.casefold() for word in words)
