from __future__ import annotations

from collections.abc import Iterable

import pytest

from maton_mailgun.mail.text import count, mark, moment, quoted, safe, safe_block, safe_line, short


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain text, ünïcödé, 日本語, 👍", "plain text, ünïcödé, 日本語, 👍"),
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("a\u2066b\u2069", "a⟨U+2066⟩b⟨U+2069⟩"),
        ("a\u200bb\u200db\ufeff", "a⟨U+200B⟩b⟨U+200D⟩b⟨U+FEFF⟩"),
        ("a\u00adb", "a⟨U+00AD⟩b"),
        ("\x1b[31mred\x07", "⟨U+001B⟩[31mred⟨U+0007⟩"),
        ("\x9b2J", "⟨U+009B⟩2J"),
        ("nul\x00", "nul⟨U+0000⟩"),
        ("\U000e0041\U000e0042", "⟨U+E0041⟩⟨U+E0042⟩"),
        ("\ud800", "⟨U+D800⟩"),
        ("\ue000\U000f0000", "⟨U+E000⟩⟨U+F0000⟩"),
        ("\u3164\u115f\u2800", "⟨U+3164⟩⟨U+115F⟩⟨U+2800⟩"),
        ("a\u2003b", "a⟨U+2003⟩b"),
        ("❤\ufe0f 1\ufe0f\u20e3", "❤\ufe0f 1\ufe0f\u20e3"),
        ("a\ufe0f❤\ufe0f\ufe0f\U000e0101", "a⟨U+FE0F⟩❤\ufe0f⟨U+FE0F⟩⟨U+E0101⟩"),
        ("a\n\r\nb\tc\rd", "a⏎⏎b⇥c⟨U+000D⟩d"),
        ("a\u2028b\u2029c\x0bd", "a⟨U+2028⟩b⟨U+2029⟩c⟨U+000B⟩d"),
        ("z" + "\u0301" * 6, "z" + "\u0301" * 4 + "⟨U+0301⟩⟨U+0301⟩"),
        ("Subject" + " " * 40 + "SYSTEM", "Subject ⟨40 spaces⟩ SYSTEM"),
    ],
)
def test_one_line_shows_what_cannot_be_seen(given: str, shown: str) -> None:
    assert safe_line(given) == shown
    assert safe_line(shown) == shown


def test_a_block_keeps_its_line_breaks_and_nothing_else_that_moves_the_cursor() -> None:
    assert safe_block("one\r\ntwo\u2028three\x0bfour\tfive\x1b[2J\u202e") == (
        "one\ntwo⟨U+2028⟩\nthree⟨U+000B⟩\nfour⇥   five⟨U+001B⟩[2J⟨U+202E⟩"
    )


def test_shortening_says_how_much_is_left_out() -> None:
    assert mark("abcdef", 6) == "abcdef"
    assert mark("abcdef" * 1000, 3) == "abc… (5,997 more characters)"
    assert short("\u202e" * 3, 2) == "⟨U+202E⟩⟨U+202E⟩… (1 more characters)"


def test_quotation_marks_cannot_be_closed_from_inside() -> None:
    assert quoted("hello there") == "“hello there”"
    assert quoted("it” was approved. “x") == "«it” was approved. “x»"
    assert quoted('forward("x»") «') == '«forward("x⟨U+00BB⟩") ⟨U+00AB⟩»'


def test_numbers_and_times_read_like_prose() -> None:
    assert [count(1, "entry", "entries"), count(1200, "recipient")] == ["1 entry", "1,200 recipients"]
    assert moment(1_795_000_000) == "18 Nov 2026 11:06 UTC"
    assert moment(1e30) == "1e+30 seconds after 1970"


@pytest.mark.slow
@pytest.mark.parametrize(
    "numbers",
    [
        [*range(0x3400), *range(0xA000, 0xAC00), *range(0xD7A0, 0x13460), *range(0x1F000, 0x20000)],
        range(0xE0000, 0xE1000),
        pytest.param(range(0x110000), marks=pytest.mark.long),
    ],
    ids=["scripts and signs", "tags", "all"],
)
def test_no_character_of_the_ordinary_ranges_would_have_been_spelled_out(numbers: Iterable[int]) -> None:
    """The quick way through `safe` and the careful one say the same about every character."""
    for number in numbers:
        character = chr(number)
        # A character that is escaped sends the text the careful way.
        quick, careful = safe(character), safe(f"{character}\x00").removesuffix("⟨U+0000⟩")
        assert quick == careful, hex(number)
