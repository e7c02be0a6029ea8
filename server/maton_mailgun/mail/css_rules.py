"""Style sheets taken apart into rules, as CSS Syntax says: strings, comments, brackets and nesting are what they are.

Where brackets do not match, or letters are spelled so that programs may disagree what is what, `odd` says so, and
whoever asks has to reckon with every reading.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_MOST_SIGNS = 30_000
"""Brackets and semicolons of all sheets of a message: some 10,000 rules, and nobody has a tenth."""

_MOST_ESCAPES = 10_000

NAME_SIGN = r"[^\x00-,./:-@\[-^`{-\x7f]"
"""A sign that a name may hold (CSS Syntax 4.2): a letter, a digit, `_`, `-`, and all beyond ASCII. Said by what it is
not: with the range up to the last of Unicode, an expression takes 10 ms to compile."""

_STRING = r"\"[^\"\\\n]*(?:\\.[^\"\\\n]*)*\"?|'[^'\\\n]*(?:\\.[^'\\\n]*)*'?"
_SKIPPED = re.compile(rf"/\*.*?(?:\*/|\Z)|<!--|-->|{_STRING}|\\.", re.DOTALL)
_URL = r"(?<![\w-])url\(\s*(?![\"'\s])[^)\\]*(?:\\.[^)\\]*)*\)?"
_SIGN = re.compile(rf"{_STRING}|\\.|{_URL}|[(){{}}\[\];]", re.DOTALL | re.IGNORECASE)
_SPELLED_URL = re.compile(r"url\(", re.IGNORECASE)
_PAIRS = {")": "(", "]": "[", "}": "{"}
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\n\f\r]?|\n|(.))", re.DOTALL)


class TooMuchStyle(ValueError):
    """A style sheet would take long to be read; says why in words."""


@dataclass(slots=True)
class StyleRule:
    """What stands before the braces of a rule, those around it first, and the declarations that are its own."""

    preludes: tuple[str, ...]
    declarations: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Taken:
    """A sheet taken apart."""

    rules: list[StyleRule]
    odd: bool
    signs: int


def rules(sheet: str, spent: int = 0) -> Taken:
    """The rules of `sheet`, the first of which is what stands in none. `spent` signs went before."""
    if sheet.count("\\") > _MOST_ESCAPES:
        raise TooMuchStyle("styled with too many backslashes to be read")
    css = plain(sheet)
    found = [StyleRule(())]
    within = [found[0]]
    brackets: list[str] = []
    start = signs = 0
    odd = "\\" in css and len(_SPELLED_URL.findall(unescaped(css))) != len(_SPELLED_URL.findall(css))
    for token in _SIGN.finditer(css):
        sign = token[0]
        if len(sign) > 1 or sign not in "(){}[];":
            continue
        signs += 1
        if spent + signs > _MOST_SIGNS:  # guard: 45-rules
            raise TooMuchStyle("styled with too many rules to be read")
        if brackets or sign in "([":
            if sign in "([{":
                brackets.append(sign)
            elif sign in _PAIRS and (not brackets or brackets.pop() != _PAIRS[sign]):
                odd = True
            continue
        if sign in ")]":
            odd = True
            continue
        part = css[start : token.start()].strip()
        start = token.end()
        if sign == "{":
            within.append(StyleRule((*within[-1].preludes, part)))
            found.append(within[-1])
            if len(within) > 100:
                raise TooMuchStyle("styled with rules nested too deep to be read")
            continue
        if part:
            within[-1].declarations.append(part)
        if sign == "}" and len(within) > 1:
            within.pop()
    if rest := css[start:].strip():
        within[-1].declarations.append(rest)
    return Taken(found, odd or bool(brackets), signs)


def plain(sheet: str) -> str:
    """`sheet` without comments, its line breaks made one kind."""
    css = sheet.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    return _SKIPPED.sub(lambda found: " " if found[0][:2] in {"/*", "<!", "--"} else found[0], css)


def unescaped(css: str) -> str:
    """`css` with its backslashes resolved."""
    return _ESCAPE.sub(_character, css) if "\\" in css else css


def _character(found: re.Match[str]) -> str:
    if found[1]:
        number = int(found[1], 16)
        return chr(number) if 0 < number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"
    return found[2] or ""
