"""Attack 158: letters in the colour of their background, in every spelling of a colour."""

from __future__ import annotations

import pytest

from maton_mailgun.mail.html import read
from maton_mailgun.mail.pieces import HIDDEN, words

WHITE = (
    *(
        "white",
        "#fff",
        "#ffff",
        "#FFFFFF",
        "#ffffffff",
        "#fefefe",
        "snow",
        "ivory",
        "floralwhite",
        "WhiteSmoke",
        "lightyellow",
    ),
    *("rgb(255,255,255)", "rgb(100% 100% 100%)", "rgba(255, 255, 255, 1)", "rgb(255 255 255 / 90%)"),
    *("hsl(0,0%,100%)", "hsl(120deg 50% 99%)", "hsla(0,0%,100%,.9)", "hwb(0 100% 0%)", "hwb(90 98% 1%)"),
    *("white !important", "oklch(1 0 0)", "lab(100 0 0)", "color(srgb 1 1 1)", "color-mix(in srgb, white, white)"),
    *("rgb(0 0 0 / 5%)", "#00000010", "transparent", "var(--nothing)", "light-dark(white, black)"),
)
BLACK = ("black", "#000", "#333", "rgb(20%,20%,20%)", "hsl(240 100% 25%)", "navy", "rebeccapurple", "hwb(0 0% 80%)")


def hidden(markup: str) -> str:
    return words(read(markup).pieces, HIDDEN).strip()


@pytest.mark.parametrize("colour", WHITE)
@pytest.mark.parametrize("name", ["color", "-webkit-text-fill-color"])
def test_attack_158_white_on_white_is_hidden_however_it_is_spelled(colour: str, name: str) -> None:
    assert hidden(f'<p>Seen <span style="{name}: {colour}">Pay 5000</span></p>') == "Pay 5000"


@pytest.mark.parametrize("colour", BLACK)
def test_letters_that_are_seen_are_not_hidden(colour: str) -> None:
    assert hidden(f'<p style="color: {colour}">Seen</p>') == ""
    assert hidden(f'<table bgcolor="{colour}"><tr><td style="color:#fff">Seen</td></tr></table>') == ""
    assert hidden(f'<div style="background: {colour} none repeat"><p style="color:white">Seen</p></div>') == ""


@pytest.mark.parametrize("colour", BLACK)
def test_attack_158_letters_in_the_colour_of_a_dark_background_are_hidden(colour: str) -> None:
    assert hidden(f'<div style="background:{colour}"><b style="color:{colour}">Pay</b></div>') == "Pay"


def test_pale_letters_that_can_be_read_are_not_hidden() -> None:
    for colour in ("#ddd", "silver", "yellow", "lime", "pink"):
        assert hidden(f'<p style="color: {colour}">Seen</p>') == ""


def test_attack_158_either_of_two_inks_may_be_the_one_that_is_taken() -> None:
    for first, second in (("white", "black"), ("black", "white")):
        style = f"color:{first};-webkit-text-fill-color:{second}"
        assert hidden(f'<p><b style="{style}">Pay</b></p>') == "Pay"


def test_a_background_that_is_a_picture_or_unknown_hides_nothing() -> None:
    for paper in ("url(https://x.example/a.png)", "linear-gradient(white, white)", "var(--x)", "inherit", "none"):
        assert hidden(f'<div style="background:{paper}"><p style="color:#123456">Seen</p></div>') == ""
