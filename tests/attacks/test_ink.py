"""Attack 158: letters in the colour of their background, in every spelling of it: told, or said to be unjudged."""

from __future__ import annotations

import pytest

from maton_mailgun.approval.preview import content
from maton_mailgun.mail.letter import Letter

WHITE = (
    *("white", "#fff", "#ffff", "#FFFFFF", "#ffffffff", "#fefefe", "snow", "ivory", "floralwhite", "WhiteSmoke"),
    *("rgb(255,255,255)", "rgb(100% 100% 100%)", "rgba(255, 255, 255, 1)", "rgb(255 255 255 / 90%)", "lightyellow"),
    *("hsl(0,0%,100%)", "hsl(120deg 50% 99%)", "hsla(0,0%,100%,.9)", "hwb(0 100% 0%)", "hwb(90 98% 1%)"),
    *("white !important", "oklch(1 0 0)", "lab(100 0 0)", "color(srgb 1 1 1)", "color-mix(in srgb, white, white)"),
    *("rgb(0 0 0 / 5%)", "#00000010", "transparent", "var(--nothing)", "light-dark(white, black)"),
)
SEEN = ("black", "#000", "#333", "rgb(20%,20%,20%)", "hsl(240 100% 25%)", "navy", "rebeccapurple", "gray", "crimson")


def warned(markup: str) -> list[str]:
    """What is told of words that may not be seen."""
    told = content.read(Letter(html=markup)).warnings
    return [line for line in told if "not displayed" in line or "could not be judged" in line]


@pytest.mark.parametrize("colour", WHITE)
@pytest.mark.parametrize("name", ["color", "-webkit-text-fill-color"])
def test_attack_158_white_on_white_is_told_however_it_is_spelled(colour: str, name: str) -> None:
    (told,) = warned(f'<p>Seen <span style="{name}: {colour}">Pay 5000</span></p>')
    assert told.endswith("Pay 5000")


@pytest.mark.parametrize("colour", SEEN)
def test_letters_that_are_seen_are_no_warning(colour: str) -> None:
    assert warned(f'<p style="color: {colour}">Seen</p>') == []
    assert warned(f'<table bgcolor="{colour}"><tr><td style="color:#fff">Seen</td></tr></table>') == []
    assert warned(f'<div style="background: {colour} none repeat"><p style="color:white">Seen</p></div>') == []


@pytest.mark.parametrize("colour", SEEN)
def test_attack_158_letters_in_the_colour_of_a_dark_background_are_told(colour: str) -> None:
    (told,) = warned(f'<div style="background:{colour}"><b style="color:{colour}">Pay</b></div>')
    assert told.endswith("Pay")


@pytest.mark.parametrize(("first", "second"), [("white", "black"), ("black", "white")])
def test_attack_158_either_of_two_inks_may_be_the_one_that_is_taken(first: str, second: str) -> None:
    (told,) = warned(f'<p><b style="color:{first};-webkit-text-fill-color:{second}">Pay</b></p>')
    assert told.endswith("Pay")


@pytest.mark.parametrize("colour", ["#ddd", "silver", "yellow", "lime", "pink"])
def test_pale_letters_that_can_be_read_are_no_warning(colour: str) -> None:
    assert warned(f'<p style="color: {colour}">Seen</p>') == []
