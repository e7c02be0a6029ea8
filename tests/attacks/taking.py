"""Takes a guard out of the product's source: what a mark stands for, wherever its file is and whatever it says.

A mark is a comment at the end of a line, `# guard: 07-at-once`; several on a line are separated by commas. It stands
for

* what stands alone on its line but for an `and`, `or` or `if` before it and a comma behind it: an operand of `and` or
  `or`; an element of a tuple, list, set, dictionary or call; a condition in a comprehension or of a conditional
  expression; one of several strings that are one because they stand behind one another;
* else for the statement, `elif` or `except` that begins on its line.

A statement *gives* the test of its `if`, `elif`, `while` or `assert`, what its `for` goes through, the type of its
`except`, else its value. An element gives its value, also where it has a name or a key.
"""

from __future__ import annotations

import ast
import builtins
import io
import re
import textwrap
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

_MARK = re.compile(r"#\s*guard:\s*(.*)")
_ALONE = re.compile(r"\s*(?:(?P<word>and|or|if)\b\s*)?(?P<thing>.*?)\s*(?P<comma>,?)\s*")
_GIVES = {
    ast.If: "test", ast.While: "test", ast.Assert: "test", ast.For: "iter", ast.AsyncFor: "iter",
    ast.ExceptHandler: "type", ast.Assign: "value", ast.AnnAssign: "value", ast.AugAssign: "value",
    ast.Return: "value", ast.Expr: "value",
}  # fmt: skip
_TESTS = (ast.If, ast.While, ast.Assert)
_Kind = Literal["first operand", "operand", "element", "condition", "filter", "string"]
"""What can stand alone on a line; a filter is the condition of a comprehension."""


@dataclass(frozen=True, slots=True)
class How:
    """One of the ways in which a marked thing is taken away."""

    way: Literal["FALSE", "TRUE", "DROP", "WITH", "INSTEAD"]
    text: str = ""


FALSE = How("FALSE")
"""A statement's test, an operand or a condition is False; so is the test of a conditional expression that is given."""
TRUE = How("TRUE")
"""The same with True."""
DROP = How("DROP")
"""A statement without a body is `pass`; an operand, an element, a comprehension's condition or a string is gone."""


def WITH(expression: str) -> How:
    """What is given becomes this expression, in which `{old}` is what was given."""
    return How("WITH", expression)


def INSTEAD(statement: str) -> How:
    """The statement, with all that is in it, becomes this one or these."""
    return How("INSTEAD", statement)


class CannotTake(Exception):
    """A mark stands where its way of taking it is none."""


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Alone:
    """What stands alone on a line."""

    kind: _Kind
    all: _Span
    """With its parentheses."""
    gives: ast.expr | None
    """Its value; None for a string."""


def marks(source: str) -> list[tuple[str, int]]:
    """The marks of a source, each with its line."""
    return [
        (mark.strip(), token.start[0])
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT and (found := _MARK.search(token.string))
        for mark in found[1].split(",")
    ]


def places(package: Path) -> dict[str, list[Path]]:
    """Every mark below a directory with the files it stands in, one for each time."""
    found: dict[str, list[Path]] = {}
    for path in sorted(package.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        for mark, _ in marks(source) if "guard:" in source else ():
            found.setdefault(mark, []).append(path)
    return found


def without(found: Mapping[str, list[Path]], changes: Mapping[str, How]) -> dict[Path, str]:
    """The files that differ once these marks are taken away, with what they say then; `found` is where marks stand.

    Raises:
        CannotTake: A mark stands nowhere or twice, or cannot be taken away like this.
    """
    files: dict[Path, dict[str, How]] = {}
    for mark, how in changes.items():
        at = found.get(mark, [])
        if len(at) != 1:
            raise CannotTake(f"{mark}: a mark stands once, not {len(at)} times")
        files.setdefault(at[0], {})[mark] = how
    return {path: take(path.read_text(encoding="utf-8"), some) for path, some in files.items()}


def take(source: str, changes: Mapping[str, How]) -> str:
    """A source without what these marks stand for; it compiles and is another.

    Raises:
        CannotTake: What a mark stands for cannot be taken away like this.
    """
    text = _Text(source)
    lines = dict(marks(source))
    cuts: list[tuple[int, int, str]] = []
    for mark, how in changes.items():
        if mark not in lines:
            raise CannotTake(f"{mark}: this mark is not there")
        try:
            text.known(how.text)
            span, new = text.cut(lines[mark], how)
        except CannotTake as problem:
            raise CannotTake(f"{mark}: {problem}") from None
        cuts.append((span.start, span.end, new))
    cuts.sort(reverse=True)
    if any(later[0] < earlier[1] for later, earlier in pairwise(cuts)):
        raise CannotTake(f"{', '.join(changes)}: one stands in another")
    changed = source
    for start, end, new in cuts:
        changed = changed[:start] + new + changed[end:]
    try:
        compile(changed, "without", "exec")
    except SyntaxError as problem:
        raise CannotTake(f"{', '.join(changes)}: what is left is no Python: {problem}") from None
    if ast.dump(ast.parse(changed)) == ast.dump(text.tree):
        raise CannotTake(f"{', '.join(changes)}: nothing changes")
    return changed


class _Text:
    """A source, its tree, and where in the one the other's nodes are."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.tree = ast.parse(source)
        self._lines = source.split("\n")
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._tokens = [
            token
            for token in tokenize.generate_tokens(io.StringIO(source).readline)
            if token.type not in (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
        ]

    def known(self, text: str) -> None:
        """Refuse a new text with names that the source has not: its tests would fail, but for the wrong reason."""
        try:
            parts = ast.parse(text.replace("{old}", "None"))
        except SyntaxError as problem:
            raise CannotTake(f"the new text is no Python: {problem}") from None
        names = [node for node in ast.walk(parts) if isinstance(node, ast.Name)]
        known = {token.string for token in self._tokens if token.type == tokenize.NAME}
        known |= {node.id for node in names if isinstance(node.ctx, ast.Store)} | set(dir(builtins))
        unknown = {node.id for node in names} - known
        if unknown:
            raise CannotTake(f"the new text has names that this file has not: {', '.join(sorted(unknown))}")

    def cut(self, line: int, how: How) -> tuple[_Span, str]:
        """What is replaced by what."""
        alone = self._alone(line)
        if alone is not None:
            return self._alone_cut(alone, how)
        statement = self._statement(line)
        match how.way:
            case "INSTEAD":
                return self._whole(statement), textwrap.indent(how.text, " " * statement.col_offset).lstrip()
            case "DROP":
                if hasattr(statement, "body") or hasattr(statement, "cases"):
                    raise CannotTake("only a simple statement can be dropped; take its test away")
                return self._span(statement), "pass"
            case "WITH":
                gives = self._gives(statement)
                if gives is None:
                    raise CannotTake("this statement gives nothing")
                return self._span(gives), self._new(self._span(gives), how)
            case _:
                test = statement.test if isinstance(statement, _TESTS) else _test_of(self._gives(statement))
                return self._span(test), how.way.title()

    def _alone_cut(self, alone: _Alone, how: How) -> tuple[_Span, str]:
        match how.way, alone.kind:
            case "INSTEAD", _:
                raise CannotTake("this is no statement")
            case "DROP", "first operand":
                return _Span(alone.all.start, self._after(alone.all).end), ""
            case "DROP", "operand" | "filter":
                return _Span(self._before(alone.all).start, alone.all.end), ""
            case "DROP", "condition":
                raise CannotTake("a conditional expression needs its condition; make it FALSE or TRUE")
            case "DROP", "element":
                after = self._after(alone.all)
                return _Span(alone.all.start, after.end if self._at(after) == "," else alone.all.end), ""
            case "DROP", "string":
                return alone.all, ""
            case "WITH", _:
                span = alone.all if alone.gives is None else self._span(alone.gives)
                return span, self._new(span, how, bare=alone.gives is None)
            case _, "first operand" | "operand" | "condition" | "filter":
                return alone.all, how.way.title()
            case _:
                return self._span(_test_of(alone.gives)), how.way.title()

    def _new(self, span: _Span, how: How, *, bare: bool = False) -> str:
        """The new expression, in parentheses: it may stand among operators."""
        old = self._at(span)
        text = how.text.replace("{old}", old if old.startswith("*") else f"({old})")
        return text if bare or text.startswith("*") else f"({text})"

    # Where things are ---------------------------------------------------------------------------------------------

    def _at(self, span: _Span) -> str:
        return self._source[span.start : span.end]

    def _place(self, line: int, byte: int) -> int:
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:byte].decode())

    def _span(self, node: ast.expr | ast.stmt | ast.ExceptHandler | ast.keyword, last: ast.expr | None = None) -> _Span:
        end = last or node
        if end.end_lineno is None or end.end_col_offset is None:
            raise CannotTake("it has no end")
        return _Span(self._place(node.lineno, node.col_offset), self._place(end.end_lineno, end.end_col_offset))

    def _token(self, token: tokenize.TokenInfo) -> _Span:
        return _Span(self._starts[token.start[0] - 1] + token.start[1], self._starts[token.end[0] - 1] + token.end[1])

    def _code(self) -> Iterator[_Span]:
        return (self._token(token) for token in self._tokens if token.type != tokenize.COMMENT)

    def _before(self, span: _Span) -> _Span:
        return max((token for token in self._code() if token.end <= span.start), key=lambda token: token.start)

    def _after(self, span: _Span) -> _Span:
        return min((token for token in self._code() if token.start >= span.end), key=lambda token: token.start)

    # What a mark stands for ---------------------------------------------------------------------------------------

    def _alone(self, line: int) -> _Alone | None:
        comment = next(one for one in self._tokens if one.type == tokenize.COMMENT and one.start[0] == line)
        found = _ALONE.fullmatch(self._lines[line - 1][: comment.start[1]])
        if found is None:
            return None
        whole = _Span(self._starts[line - 1] + found.start("thing"), self._starts[line - 1] + found.end("thing"))
        things = self._things(found["word"])
        inner = whole
        while inner not in things and self._at(inner).startswith("(") and self._at(inner).endswith(")"):
            text = self._at(inner)[1:-1]
            start = inner.start + 1 + len(text) - len(text.lstrip())
            inner = _Span(start, start + len(text.strip()))
        if inner in things:
            kind, gives = things[inner]
            return _Alone(kind, whole, gives)
        return _Alone("string", whole, None) if self._joined(whole) else None

    def _things(self, word: str | None) -> dict[_Span, tuple[_Kind, ast.expr]]:
        """Every expression that may stand alone behind a word, by its place."""
        found: dict[_Span, tuple[_Kind, ast.expr]] = {}
        for node in ast.walk(self.tree):
            match node:
                case ast.comprehension(ifs=ifs) if word == "if":
                    found |= {self._span(one): ("filter", one) for one in ifs}
                case ast.IfExp(test=test) if word == "if":
                    found[self._span(test)] = "condition", test
                case ast.BoolOp(values=values) if word != "if":
                    found |= {self._span(one): ("operand", one) for one in values[1:]}
                    found[self._span(values[0])] = "first operand", values[0]
                case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements) if not word:
                    found |= {self._span(one): ("element", one) for one in elements}
                case ast.Call(args=elements, keywords=named) if not word:
                    found |= {self._span(one): ("element", one) for one in elements}
                    found |= {self._span(one): ("element", one.value) for one in named}
                case ast.Dict(keys=keys, values=values) if not word:
                    pairs = zip(keys, values, strict=True)
                    found |= {self._span(key, value): ("element", value) for key, value in pairs if key is not None}
        return found

    def _joined(self, span: _Span) -> bool:
        """Whether this is one of several strings that stand behind one another."""
        alone = any(self._token(token) == span for token in self._tokens if token.type == tokenize.STRING)
        texts = (self._span(node) for node in ast.walk(self.tree) if isinstance(node, (ast.Constant, ast.JoinedStr)))
        return alone and any(text != span and text.start <= span.start and span.end <= text.end for text in texts)

    def _statement(self, line: int) -> ast.stmt | ast.ExceptHandler:
        found = [
            node
            for node in ast.walk(self.tree)
            if isinstance(node, (ast.stmt, ast.ExceptHandler)) and node.lineno == line
        ]
        if len(found) != 1:
            raise CannotTake("no statement begins here and nothing stands alone; lay it out so that the guard does")
        return found[0]

    def _whole(self, statement: ast.stmt | ast.ExceptHandler) -> _Span:
        span = self._span(statement)
        if isinstance(statement, ast.ExceptHandler) or self._at(span).startswith("elif"):
            raise CannotTake("a branch cannot become a statement")
        return span

    def _gives(self, statement: ast.stmt | ast.ExceptHandler) -> ast.expr | None:
        gives: ast.expr | None = getattr(statement, _GIVES.get(type(statement), ""), None)
        return gives


def _test_of(given: ast.expr | None) -> ast.expr:
    if not isinstance(given, ast.IfExp):
        raise CannotTake("this has no test that could be taken away")
    return given.test
