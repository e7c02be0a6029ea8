"""Which values a message and its stored template ask for, which of them a call leaves out, and which places are
written so that nothing is ever put there."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from html import escape
from typing import Any

_TAG = re.compile(r"\{\{\{?([^{}]*)\}?\}\}")
_TOKEN = re.compile(r"\"[^\"]*\"|'[^']*'|[()]|[^\s()]+")
_NAME = re.compile(r"[^\W\d][\w-]*")
_RECIPIENT = re.compile(r"%recipient\.([\w.-]+)%")
_SIMPLE = re.compile(r"\{\{(?:\{\s*([\w.@-]+)\s*\}|~?\s*&?\s*([\w.@-]+)\s*~?)\}\}")
_ALMOST = re.compile(
    r"(?=(%%?[ \t]{0,3}(?:recipient(?:[ \t]{0,3}[._-][ \t]{0,3}|[ \t]{1,3}))?(?P<percent>[^%{}\n]{1,60}?)[ \t]{0,3}%%?"
    r"|(?<![{$])\$?\{{1,3}[ \t]{0,3}(?:recipient[._])?(?P<brace>[^%{}\n]{1,60}?)[ \t]{0,3}\}{1,3}"
    r"|\[{1,2}[ \t]{0,3}(?:recipient[._])?(?P<square>[^%\[\]\n]{1,60}?)[ \t]{0,3}\]{1,2}"
    r"|\*\|(?P<star>[^|*\n]{1,60}?)\|\*|<%=?[ \t]{0,3}(?P<angle>[^%<>\n]{1,60}?)[ \t]{0,3}%>))",
    re.IGNORECASE,
)
"""What people take for a place: `%name%`, `{{name}}`, `%recipient.Name%` and what other services fill."""
_MOST_MISTAKES = 20
_MOST_FILLED = 2_000_000
_SCOPES = {"each", "with", "range"}
_WORDS = {"else", "this", "true", "false", "null", "undefined", "end", "as", "and", "or", "not", "nil"}
_HELPERS = {"if", "unless", "each", "with", "range", "equal", "eq", "lookup", "log", "template", "len", "index"}


def names(source: str) -> list[str]:
    """The top-level names that `source` (handlebars, or Go's templates) reads, in order of appearance.

    Names inside `{{#each}}` and `{{#with}}` belong to the item, not to the message, and are left out; block and helper
    words are not names.
    """
    found: dict[str, None] = {}
    scopes: list[bool] = []
    for body in _TAG.findall(_without_comments(source)):
        inner = body.strip().strip("~").strip()
        if not inner or inner[0] in "!>":
            continue
        if inner[0] == "/" or inner == "end":
            if scopes:
                scopes.pop()
            continue
        word = inner.lstrip("#^&").strip().partition(" ")[0]
        opens = inner[0] in "#^" or word in {"if", "range", "with"}
        for name in _of_tag(inner.lstrip("#^&"), inside=any(scopes)):
            found.setdefault(name)
        if opens:
            scopes.append(word in _SCOPES)
    return list(found)


def missing(source: str, given: Mapping[str, Any]) -> list[str]:
    """The names in `source` that `given` has no value for."""
    return [name for name in names(source) if name not in given]


def without_value(texts: str, variables: Mapping[str, Any]) -> dict[str, int]:
    """`%recipient.key%` names in `texts` -> how many of the recipients' variables lack that key; all, where there are
    no variables."""
    asked = dict.fromkeys(name.partition(".")[0] for name in _RECIPIENT.findall(texts))
    have = Counter(key for own in variables.values() if isinstance(own, Mapping) for key in own)
    lacking = {key: len(variables) - have[key] for key in asked}
    return {key: number for key, number in lacking.items() if number or not variables}


def almost(texts: str, variables: Mapping[str, Any], *, braces: bool) -> dict[str, str]:
    """Places in `texts` that name a key of the recipients' variables and are not filled -> how each would be.

    With `braces`, a template is filled in, and `{{name}}` in it is no mistake in itself.
    """
    known = dict.fromkeys(key for own in variables.values() if isinstance(own, Mapping) for key in own)
    by_letters: dict[str, str] = {}
    for key in known:
        by_letters.setdefault(key.strip().casefold(), key)
    found: dict[str, str] = {}
    ends = {place.end() - 1 for place in _RECIPIENT.finditer(texts)}
    for match in _ALMOST.finditer(texts) if known else ():
        place = match[1]
        if match.start() in ends:
            continue
        named = next(name for name in match.groups()[1:] if name is not None).strip()
        key = named if named in known else by_letters.get(named.casefold())
        if key is None or place == f"%recipient.{key}%" or (braces and _is_a_tag(place)):
            continue
        if not any(place in other for other in found):
            found[place] = f"%recipient.{key}%"
        if len(found) == _MOST_MISTAKES:
            break
    return found


def unreachable(variables: Mapping[str, Any]) -> list[str]:
    """Keys of the recipients' variables that no place can name."""
    keys = dict.fromkeys(key for own in variables.values() if isinstance(own, Mapping) for key in own)
    return [key for key in keys if not _RECIPIENT.fullmatch(f"%recipient.{key}%")]


def filled(source: str, given: Mapping[str, Any], *, html: bool) -> str:
    """`source` with its plain `{{name}}` replaced by texts, numbers and words from `given`; all else is left as it is.

    Only for finding out where links lead and who a header names: Mailgun renders the template. What would become longer
    than Mailgun takes is left too.
    """
    left = _MOST_FILLED

    def value(tag: re.Match[str]) -> str:
        nonlocal left
        found: Any = given
        for step in (tag[1] or tag[2]).removeprefix("@root.").removeprefix("this.").lstrip(".").split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
        if not isinstance(found, str | int | float):
            return tag[0]
        text = found if isinstance(found, str) else json.dumps(found)
        left -= len(text)
        if left < 0:
            return tag[0]
        return escape(text) if html and tag[2] and "&" not in tag[0] else text

    return _SIMPLE.sub(value, source)


def _is_a_tag(place: str) -> bool:
    return place.startswith("{{") and place.endswith("}}") and "recipient" not in place


def _without_comments(source: str) -> str:
    """`source` without `{{!-- ... --}}`, which may hold braces; one that never ends takes the rest with it."""
    first, *others = source.split("{{!--")
    return first + "".join(part.partition("--")[2].partition("}}")[2] for part in others)


def _of_tag(inner: str, *, inside: bool) -> list[str]:
    tokens = _TOKEN.findall(inner)
    found: list[str] = []
    head = True
    for index, piece in enumerate(tokens):
        if piece == "(":
            head = True
            continue
        calls = head and (len(tokens) - index > 1 or piece in _HELPERS)
        head = False
        if calls and not piece.startswith(("@root.", ".", "$")):
            continue
        name = _root(piece.partition("=")[2] or piece, inside=inside)
        if name and name not in _WORDS | _HELPERS and name not in found:
            found.append(name)
    return found


def _root(token: str, *, inside: bool) -> str:
    """The top-level name a token reads; empty for literals and for names of an inner scope."""
    if token.startswith("@root."):
        token = token[6:]
    elif token.startswith("../"):
        token = token.replace("../", "")
    elif token.startswith("$."):
        token = token[2:]
    elif inside:
        return ""
    elif token.startswith("."):
        token = token[1:]
    name = re.split(r"[./\[]", token, maxsplit=1)[0].strip("|")
    return name if _NAME.fullmatch(name) else ""
