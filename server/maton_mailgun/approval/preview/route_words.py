"""A rule for inbound mail as a person would say it: which mail it is about, and what is done with it.

What is not one of the usual forms is told as it is written. The exact rule stands beside it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from maton_mailgun.mail.text import quoted, safe_line

_MOST = 160
_CATCH_ALL = re.compile(r"\s*catch_all\s*\(\s*\)\s*", re.IGNORECASE)
_RECIPIENT = re.compile(r"""\s*match_recipient\s*\(\s*(["'])((?:(?!\1)[^\\]|\\[.@+-])*)\1\s*\)\s*""", re.IGNORECASE)
_HEADER = re.compile(
    r"""\s*match_header\s*\(\s*(["'])([\w-]+)\1\s*,\s*(["'])((?:(?!\3)[^\\]|\\[.@+-])*)\3\s*\)\s*""", re.IGNORECASE
)
_DOMAIN = r"((?:[A-Za-z0-9-]+\\?\.)+[A-Za-z0-9-]+)"
_ANY_AT = re.compile(rf"\^?\.[*+]@{_DOMAIN}\$?")
_PART = r"(?:[A-Za-z0-9_-]|\\\+)+"
_ADDRESS = re.compile(rf"\^?({_PART}(?:\\?\.{_PART})*)@{_DOMAIN}\$?")
"""One whole address: a part of one would be found in many, a bare plus stands for more of the sign before it, and dots
that no address has are there to take any sign."""
_ACTION = re.compile(
    r"""\s*(forward|store|stop)\s*\(\s*(?:(notify)\s*=\s*)?(?:(["'])(.*?)\3)?\s*\)\s*""", re.IGNORECASE | re.DOTALL
)
_BARE = re.compile(r"[^\s\"“”„‟❝❞〝〞＂,;()]+")


def mail(expression: str) -> str:
    """Which mail an expression takes: `mail to any address at mg.example.com`."""
    if _CATCH_ALL.fullmatch(expression):
        return "all inbound mail of the account"
    if found := _RECIPIENT.fullmatch(expression):
        pattern = found[2]
        if domain := _ANY_AT.fullmatch(pattern):
            return f"mail to any address at {_plainly(domain[1])}"
        if address := _ADDRESS.fullmatch(pattern):
            return f"mail to {_plainly(address[1])}@{_plainly(address[2])}"
        return f"mail to each address that matches {quoted(pattern, _MOST)}"
    if found := _HEADER.fullmatch(expression):
        return f"mail whose header {safe_line(found[2])} matches {quoted(found[4], _MOST)}"
    return f"inbound mail that meets {quoted(expression, _MOST)}"


def done(actions: Any) -> str:
    """What is done with it: `is forwarded to https://…, and goes to no later rule`."""
    some = [actions] if isinstance(actions, str) else list(actions) if isinstance(actions, Sequence) else []
    told = [_action(str(one)) for one in some]
    if not told:
        return "is left as it is"
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])}, and {told[-1]}"


def _action(action: str) -> str:
    found = _ACTION.fullmatch(action)
    kind = found[1].lower() if found else ""
    target = found[4] if found else None
    if found and kind == "forward" and target and not found[2]:
        return f"is forwarded to {_word(target)}"
    if found and kind == "store" and (target is None or found[2]):
        return f"is kept at Mailgun, which tells {_word(target)}" if target else "is kept at Mailgun"
    if found and kind == "stop" and target is None:
        return "goes to no later rule"
    return f"is handled by {quoted(action, _MOST)}"


def _plainly(pattern: str) -> str:
    """A pattern that stands for itself: an unescaped dot stands for any sign, and is told as one all the same."""
    return safe_line(pattern.replace("\\", ""))


def _word(text: str) -> str:
    return safe_line(text) if len(text) <= _MOST and _BARE.fullmatch(text) else quoted(text, _MOST)
