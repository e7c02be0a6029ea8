"""Whatever is printed, nothing from outside steers the terminal."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest

from maton_mailgun.cli.screen import Screen

HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202eevil\u200b[bold]:warning:"
SHOWN = "⟨U+001B⟩[2J⟨U+001B⟩]0;owned⟨U+0007⟩⟨U+202E⟩evil⟨U+200B⟩[bold]:warning:"


class Tty(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


SHOWS = pytest.mark.parametrize(
    "show",
    [
        lambda screen: screen.line(HOSTILE),
        lambda screen: screen.outcome("good", HOSTILE),
        lambda screen: screen.heading(HOSTILE),
        lambda screen: screen.panel(HOSTILE, [HOSTILE]),
        lambda screen: screen.table([HOSTILE], [[HOSTILE]]),
    ],
    ids=["line", "outcome", "heading", "panel", "table"],
)


@SHOWS
def test_attack_31_control_characters_and_markup_are_shown_for_what_they_are(show: Callable[[Screen], None]) -> None:
    stream = io.StringIO()
    show(Screen(stream))
    assert SHOWN in stream.getvalue()
    assert not {"\x1b", "\x07", "\u202e", "\u200b"} & set(stream.getvalue())


@SHOWS
def test_attack_31_terminal_gets_our_colours_and_none_of_theirs(
    show: Callable[[Screen], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Tty()
    screen = Screen(stream)
    show(screen)
    bare = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())
    assert screen.fancy
    assert not {"\x1b", "\x07", "\u202e", "\u200b"} & set(bare)
    assert "[bold]:warning:" in bare


def test_a_line_too_long_for_its_box_goes_on_further_in_than_it_began() -> None:
    stream = Tty()
    Screen(stream).panel("SEND", ["    Account: " + "word " * 20, "| from outside"])
    bare = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())
    inside = [line[2:-2].rstrip() for line in bare.splitlines()[1:-1]]
    assert [len(line) - len(line.lstrip()) for line in inside] == [4, 8, 0]
    assert " ".join(" ".join(inside).split()) == "Account: " + "word " * 20 + "| from outside"


def test_line_of_a_preview_cannot_leave_its_panel() -> None:
    stream = io.StringIO()
    Screen(stream).panel("SEND", ["first\nsecond\rthird"])
    assert stream.getvalue().splitlines() == ["  +-- SEND", "  | first", "  | second⟨U+000D⟩", "  | third", "  +--"]


def test_table_is_aligned_without_a_terminal() -> None:
    stream = io.StringIO()
    Screen(stream).table(("tool", "access"), [("list_domains", "read"), ("x", "send")])
    assert stream.getvalue().splitlines() == ["tool          access", "list_domains  read", "x             send"]


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "cp1252", "cp437"])
def test_stream_that_cannot_show_our_marks_gets_words_and_a_question_mark_for_a_letter(encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    screen = Screen(stream)
    for tone in ("good", "bad", "warn", "plain"):
        screen.outcome(tone, "“жук” … →")
    screen.panel("a – b", ["‘c’"])
    screen.table(["x"], [["⏎"]])
    stream.flush()
    assert raw.getvalue().decode(encoding).splitlines() == [
        'OK "???" ... ->',
        'FAIL "???" ... ->',
        '! "???" ... ->',
        '- "???" ... ->',
        "  +-- a - b",
        "  | 'c'",
        "  +--",
        "x",
        "\\n",
    ]


def test_stream_that_shows_them_gets_our_marks() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="utf-8", newline="\n")
    for tone in ("good", "bad", "warn", "plain"):
        Screen(stream).outcome(tone, "“done” …")
    stream.flush()
    assert raw.getvalue().decode().splitlines() == ["✔ “done” …", "✘ “done” …", "! “done” …", "· “done” …"]
