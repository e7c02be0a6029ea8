"""What to do next, in terms of the tools that are here: an operator may offer only some of them."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from maton_mailgun.catalogue.rows import load

_PART = re.compile(r"(?<=[.;]) ")
_ELSE = "Tell the user what is wrong: no tool that is offered here helps."


def steps_on_offer(content: dict[str, Any], offered: Collection[str]) -> dict[str, Any]:
    """The content of an error without advice to call a tool that is not on offer.

    Args:
        content: As `CallError.as_content` makes it.
        offered: Names of the tools on offer.
    """
    error = content.get("error")
    if not isinstance(error, dict) or not isinstance(error.get("next"), str):
        return content
    told = on_offer(error["next"], offered)
    return content if told == error["next"] else {**content, "error": {**error, "next": told}}


def on_offer(text: str, offered: Collection[str]) -> str:
    """Advice without the sentences that name a tool which is not on offer."""
    return _on_offer(text, frozenset(offered))


@lru_cache(maxsize=256)
def _on_offer(text: str, offered: frozenset[str]) -> str:
    naming = _naming_absent(offered)
    if naming is None:
        return text
    parts = _PART.split(text)
    kept = [part for part in parts if not naming.search(part)]
    if len(kept) == len(parts):
        return text
    told = " ".join(kept).strip()
    return f"{told[:-1]}." if told.endswith(";") else told or _ELSE


@lru_cache(maxsize=8)
def _naming_absent(offered: frozenset[str]) -> re.Pattern[str] | None:
    """What finds the name of a tool that is not on offer; None where all are."""
    absent = "|".join(name for name in load() if name not in offered)
    return re.compile(rf"\b(?:{absent})\b") if absent else None
