"""Filter expressions of the events list: words, "exact phrases", AND, OR, NOT, parentheses, comparisons of sizes."""

from __future__ import annotations

import re
from collections.abc import Callable

from maton_mailgun.sandbox.web.calls import refuse

Values = list[str]
Test = Callable[[Values], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<paren>[()])|\"(?P<phrase>[^\"]*)\"|(?P<compare>[<>])\s*(?P<number>[0-9]{1,18}(?![0-9]))|(?P<word>[^\s()]+))"
)

_NUMBER = re.compile(r"[0-9]{1,18}")
_DEEPEST = 50
"""Parentheses and NOTs within each other; more than that nobody means."""


class _Reader:
    """Recursive descent over the tokens of one expression. Two terms side by side mean both."""

    def __init__(self, text: str, exact: bool) -> None:
        self._text = text
        self._exact = exact
        self._tokens = list(self._scan(text))
        self._at = 0
        self._depth = 0

    def _scan(self, text: str) -> list[tuple[str, str]]:
        tokens, at = [], 0
        while at < len(text.rstrip()):
            match = _TOKEN.match(text, at)
            if match is None:
                raise self._bad()
            at = match.end()
            if match["compare"]:
                tokens.append((match["compare"], match["number"]))
            elif match["paren"]:
                tokens.append((match["paren"], ""))
            elif match["phrase"] is not None:
                tokens.append(("phrase", match["phrase"]))
            else:
                word = match["word"]
                tokens.append((word, "") if word in ("AND", "OR", "NOT") else ("word", word))
        return tokens

    def _bad(self) -> Exception:
        return refuse(400, f"Invalid filter expression '{self._text[:200]}'")

    def _peek(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def _take(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise self._bad()
        self._at += 1
        return self._tokens[self._at - 1]

    def whole(self) -> Test:
        test = self._either()
        if self._at != len(self._tokens):
            raise self._bad()
        return test

    def _either(self) -> Test:
        tests = [self._both()]
        while self._peek() == "OR":
            self._take()
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda values: any(test(values) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._peek() not in ("", "OR", ")"):
            if self._peek() == "AND":
                self._take()
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda values: all(test(values) for test in tests)

    def _one(self) -> Test:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._bad()
        test = self._term()
        self._depth -= 1
        return test

    def _term(self) -> Test:
        kind, value = self._take()
        if kind == "NOT":
            inner = self._one()
            return lambda values: not inner(values)
        if kind == "(":
            inside = self._either()
            if self._take()[0] != ")":
                raise self._bad()
            return inside
        if kind in ("<", ">"):
            return _compare(kind, int(value))
        if kind in ("word", "phrase"):
            return _match(value.lower(), self._exact)
        raise self._bad()


def _compare(sign: str, number: int) -> Test:
    def test(values: Values) -> bool:
        return any(
            _NUMBER.fullmatch(value) and (int(value) > number if sign == ">" else int(value) < number)
            for value in values
        )

    return test


def _match(wanted: str, exact: bool) -> Test:
    if exact:
        return lambda values: any(wanted == value.lower() for value in values)
    return lambda values: any(wanted in value.lower() for value in values)


def compile_expression(text: str, *, exact: bool) -> Test:
    """A test over a field's values. `exact` compares whole values, otherwise a value that contains the word will do.
    Refuses with 400 what cannot be read."""
    return _Reader(text, exact).whole()
