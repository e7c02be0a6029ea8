"""What a mark stands for, and each way of taking it away."""

from __future__ import annotations

import ast

import pytest

from .taking import DROP, FALSE, INSTEAD, TRUE, WITH, CannotTake, How, marks, take

BRANCHES = """
if a:  # guard: 01-if
    b()
elif c and d:  # guard: 01-elif
    e()
else:
    f()
"""
TEST_OF_SEVERAL_LINES = """
if (  # guard: 01-test
    a
    or b
):
    c()
"""
OPERANDS = """
if (
    a(1)  # guard: 01-first
    or (b and not c)  # guard: 01-middle
    or d in {1, 2}  # guard: 01-last
):
    e()
"""
MIXED = """
x = (
    a
    or b  # guard: 01-first-of-and
    and c  # guard: 01-second-of-and
)
"""
STRINGS = """
POLICY = (
    "sandbox; "  # guard: 01-sandbox
    f"src {a}; "
    "base 'none'"  # guard: 01-base
)
"""
ARGUMENTS = """
call(
    a,  # guard: 01-positional
    *b,  # guard: 01-starred
    name="| ",  # guard: 01-named
    chosen=c if d else e,  # guard: 01-chosen
    last=(f or g)  # guard: 01-last
)
"""
ENTRIES = """
x = {
    "é": é,  # guard: 01-entry
    "c": [d],
}
y = (
    a,
    (b, c),  # guard: 01-element
)
"""
CONDITIONS = """
x = [
    a
    for a in b
    if a.good  # guard: 01-filter
    if a.new
]
y = (
    a
    if b  # guard: 01-condition
    else c
)
z = d if e else f  # guard: 01-conditional
"""
STATEMENTS = """
LIMIT: float = 1.0  # guard: 01-constant
def f():
    for a in b:  # guard: 01-for
        a.count()  # guard: 01-call
    try:
        return c  # guard: 01-return
    except (D, E) as problem:  # guard: 01-except
        raise F(  # guard: 01-raise
            problem,
        )
    while a:  # type: ignore[x]  # guard: 01-while, 02-while
        pass
    if (yes := a):  # guard: 01-body
        b()
    else:
        c()
"""


@pytest.mark.parametrize(
    ("source", "mark", "how", "old", "new"),
    [
        (BRANCHES, "if", FALSE, "if a", "if False"),
        (BRANCHES, "elif", FALSE, "elif c and d", "elif False"),
        (BRANCHES, "elif", TRUE, "elif c and d", "elif True"),
        (BRANCHES, "elif", WITH("{old} or b"), "elif c and d", "elif c and d or b"),
        (TEST_OF_SEVERAL_LINES, "test", FALSE, "a\n    or b", "False"),
        (TEST_OF_SEVERAL_LINES, "test", WITH("not {old}"), "a\n    or b", "not (a or b)"),
        (OPERANDS, "first", FALSE, "a(1)", "False"),
        (OPERANDS, "middle", TRUE, "(b and not c)", "True"),
        (OPERANDS, "last", WITH("b or c"), "d in {1, 2}", "(b or c)"),
        (OPERANDS, "first", DROP, "a(1)  # guard: 01-first\n    or ", ""),
        (OPERANDS, "middle", DROP, "or (b and not c)", ""),
        (OPERANDS, "last", DROP, "or d in {1, 2}", ""),
        (MIXED, "first-of-and", DROP, "b  # guard: 01-first-of-and\n    and c", "c"),
        (MIXED, "second-of-and", DROP, "and c", ""),
        (STRINGS, "sandbox", DROP, '"sandbox; "', ""),
        (STRINGS, "base", WITH("'all'"), "\"base 'none'\"", "'all'"),
        (ARGUMENTS, "positional", DROP, "a,", ""),
        (ARGUMENTS, "positional", WITH("{old} + 1"), "a,", "a + 1,"),
        (ARGUMENTS, "starred", WITH("*(d for d in e)"), "*b", "*(d for d in e)"),
        (ARGUMENTS, "named", WITH("''"), '"| "', "''"),
        (ARGUMENTS, "chosen", TRUE, "if d", "if True"),
        (ARGUMENTS, "last", DROP, "last=(f or g)", ""),
        (ENTRIES, "entry", DROP, '"é": é,', ""),
        (ENTRIES, "entry", WITH("c"), "é,", "c,"),
        (ENTRIES, "element", DROP, "(b, c),", ""),
        (CONDITIONS, "filter", FALSE, "a.good", "False"),
        (CONDITIONS, "filter", DROP, "if a.good", ""),
        (CONDITIONS, "condition", TRUE, "if b", "if True"),
        (CONDITIONS, "conditional", FALSE, "if e", "if False"),
        (STATEMENTS, "constant", WITH("0.0"), "1.0", "0.0"),
        (STATEMENTS, "for", WITH("()"), "in b", "in ()"),
        (STATEMENTS, "call", DROP, "a.count()", "pass"),
        (STATEMENTS, "return", WITH("{old}[1:]"), "return c", "return c[1:]"),
        (STATEMENTS, "return", INSTEAD("if a:\n    c = b"), "return c", "if a:\n            c = b"),
        (STATEMENTS, "except", WITH("KeyError"), "(D, E)", "KeyError"),
        (STATEMENTS, "raise", DROP, "raise F(  # guard: 01-raise\n            problem,\n        )", "pass"),
        (STATEMENTS, "while", FALSE, "while a", "while False"),
        (STATEMENTS, "body", INSTEAD("yes = a"), STATEMENTS[STATEMENTS.index("if (yes") :], "yes = a"),
    ],
)
def test_what_a_mark_stands_for_is_taken_away_and_nothing_else(
    source: str, mark: str, how: How, old: str, new: str
) -> None:
    assert source.count(old) == 1
    expected = ast.dump(ast.parse(source.replace(old, new)))
    assert ast.dump(ast.parse(take(source, {f"01-{mark}": how}))) == expected


def test_several_marks_are_taken_away_at_once() -> None:
    left = take(OPERANDS, {"01-middle": DROP, "01-last": DROP})
    assert ast.dump(ast.parse(left)) == ast.dump(ast.parse("if a(1):\n    e()"))


def test_marks_share_a_line_and_stand_behind_other_comments_but_not_in_strings() -> None:
    assert [mark for mark in marks(STATEMENTS) if mark[0].endswith("while")] == [("01-while", 12), ("02-while", 12)]
    assert marks('x = "# guard: 01-text"\n#guard:01-tight\n') == [("01-tight", 2)]


@pytest.mark.parametrize(
    ("source", "how", "why"),
    [
        ("a = b  # guard: 01-x", FALSE, "this has no test that could be taken away"),
        ("f(\n    a,  # guard: 01-x\n)", TRUE, "this has no test that could be taken away"),
        ("if a:  # guard: 01-x\n    b()", DROP, "only a simple statement can be dropped; take its test away"),
        ("pass  # guard: 01-x", WITH("1"), "this statement gives nothing"),
        ("x = (\n    a\n    if b  # guard: 01-x\n    else c\n)", DROP, "a conditional expression needs its condition"),
        ("f(\n    a,  # guard: 01-x\n)", INSTEAD("pass"), "this is no statement"),
        ("if a:\n    b()\nelif c:  # guard: 01-x\n    d()", INSTEAD("pass"), "a branch cannot become a statement"),
        ("f(\n    a, b,  # guard: 01-x\n)", DROP, "no statement begins here and nothing stands alone"),
        ("f(\n    a\n)  # guard: 01-x", DROP, "no statement begins here and nothing stands alone"),
        ("a = b  # guard: 01-x", WITH("gone(b)"), "the new text has names that this file has not: gone"),
        ("a = b  # guard: 01-x", WITH("b b"), "the new text is no Python"),
        ("a = b  # guard: 01-x", WITH("{old}"), "nothing changes"),
        ("a = b  # guard: 01-x", INSTEAD("continue"), "what is left is no Python"),
        ("a = b  # guard: 01-y", DROP, "this mark is not there"),
    ],
)
def test_what_cannot_be_taken_away_is_told_with_its_mark(source: str, how: How, why: str) -> None:
    with pytest.raises(CannotTake, match=f"^01-x: {why}"):
        take(source, {"01-x": how})


def test_two_marks_do_not_take_the_same_thing() -> None:
    with pytest.raises(CannotTake, match=r"^01-x, 01-y: one stands in another"):
        take("a = b  # guard: 01-x, 01-y", {"01-x": WITH("1"), "01-y": WITH("2")})
