"""Which values a stored template asks for, and which of them a call leaves out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TAG = re.compile(r"\{\{\{?([^{}]*)\}?\}\}")
_TOKEN = re.compile(r"\"[^\"]*\"|'[^']*'|[()]|[^\s()]+")
_NAME = re.compile(r"[^\W\d][\w-]*")
_RECIPIENT = re.compile(r"%recipient\.([\w.-]+)%")
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


def without_value(texts: str, variables: Mapping[str, Any]) -> dict[str, list[str]]:
    """`%recipient.key%` names in `texts` -> the recipients whose variables lack that key."""
    asked = dict.fromkeys(name.partition(".")[0] for name in _RECIPIENT.findall(texts))
    lacking = {
        key: [address for address, own in variables.items() if not isinstance(own, Mapping) or key not in own]
        for key in asked
    }
    return {key: addresses for key, addresses in lacking.items() if addresses or not variables}


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
