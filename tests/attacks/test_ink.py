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
MANY_COLOURS = ",".join(f"#{digit}{digit}{digit}" for digit in range(10))
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


@pytest.mark.parametrize(
    "sheet",
    [
        "p{color:#fff}b+p{color:#000}",
        "p{color:#fff}p:hover{color:#000}",
        "p{color:#fff}p[data-none]{color:#000}",
        "p{color:#fff}.none p{color:#000}",
        "p{color:#fff}div>p{color:#000}",
        "p{color:#fff}@media (max-width:9px){p{color:#000}}",
        "p{color:#fff}@supports (no:1){p{color:#000}}",
        "p{color:#fff!important}p{color:#000}",
        "p.x{color:#fff}p{color:#000}",
        "p{color:#fff;color:nonsense}",
        "p{color:#fff;color:#000\\9}",
        "p{color:#fff}p{*color:#000}",
        "@layer a{p{color:#000}}p{color:#fff}",
        "@media not (prefers-color-scheme:dark){p{color:#fff}}@media (prefers-color-scheme:dark){p.x{color:#000}}",
        "a:hover,p{color:#fff}",
        "p:is(:hover,p){color:#fff}",
        "p:not(:visited){color:#fff}",
        "p[class='x'],[title=':hover']{color:#fff}",
        "@container dark{p{color:#fff!important}}@media (prefers-color-scheme:dark){p.x{color:#000!important}}",
        "[data-ogs],p{color:#fff}@media (prefers-color-scheme:dark){p{color:#000!important}}",
        "p{color:#000}@media (prefers-color-scheme:dark){p{color:#fff}}",
        "p{background:#000}p{background:transparent;color:#fff}",
        "p{background:#000;background-color:#fff;color:#fff}",
        "p{background-color:#fff;background-color:#000 none;color:#fff}",
        "p{background:#000;color:#000;background-color:none}",
        "p{background:linear-gradient(#000,#000);background-color:inherit;color:#000}",
        "p{background:#000;color:#fff;background:#fff}",
        "p{background:#000;color:#fff}p{background:#fff;all:unset;color:#fff}",
    ],
)
def test_attack_225_a_rule_that_may_not_apply_overrides_nothing(sheet: str) -> None:
    (told,) = warned(f"<html><head><style>{sheet}</style></head><body><p class=x>Pay 5000</p>")
    assert told.endswith("Pay 5000")


def test_attack_225_a_sheet_in_the_body_overrides_none_of_the_head() -> None:
    (told,) = warned("<html><head><style>p{color:#fff}</style></head><body><style>p{color:#000}</style><p>Pay 5000</p>")
    assert told.endswith("Pay 5000")


@pytest.mark.parametrize(
    "sheet",
    [
        "p{color:#fff}p{color:#000}",
        "p{color:#fff}p.x{color:#000}",
        "p.x{color:#000}p{color:#fff}",
        "p{color:#000!important}p.x{color:#fff}",
        "p{color:#fff}div p{color:#000}",
        "div>p{color:#000}p{color:#fff}",
        "p{color:#fff;color:hsl(0,0%,10%)}",
        "*{color:#fff}body *{color:#111}",
        "p{background:#000}p{background:#fff}",
        "p{color:#000}@media print{p{color:#fff}}",
        "p{color:#000}p:hover{color:#fff}",
    ],
)
def test_225_a_colour_that_is_overridden_for_certain_is_no_warning(sheet: str) -> None:
    assert warned(f"<html><head><style>{sheet}</style></head><body><div><p class=x>Seen</p></div>") == []


@pytest.mark.parametrize(
    "html",
    [
        "<p>Pay 5000</p><div style='margin-top:-60px;height:60px;background:#fff;position:relative'></div>",
        "<p>Pay 5000</p><div style='position:absolute;top:0;width:600px;height:99px;background:#fff'></div>",
        "<p>Pay 5000</p><img style='margin-top:-18px' src=x.png width=600 height=40>",
        "<p style='margin-bottom:-18px'>Pay 5000</p><table bgcolor=white width=600><td>&nbsp;</table>",
        "<style>p::after{content:'';position:absolute;inset:0;background:#fff}</style><p>Pay 5000</p>",
        "<div style='margin-top:-5000px'></div><p>Pay 5000</p>",
        "<p>Pay 5000</p><b style='background:#fff;padding:60px 0'>&nbsp;</b>",
    ],
)
def test_attack_226_words_that_something_may_lie_over_are_told(html: str) -> None:
    assert any("could not be judged" in one and "Pay 5000" in one for one in warned(html))


@pytest.mark.parametrize(
    "html",
    [
        "<p style='color:#fff;background:url(https://mg.example.com/dark.png)'>Pay 5000</p>",
        "<table background=dark.png><tr><td style='color:#fff'>Pay 5000</table>",
        "<p style='color:#fff;background:linear-gradient(#000,#fff)'>Pay 5000</p>",
        "<p style='color:#fff;background:linear-gradient(#000,#000);background-size:0 0'>Pay 5000</p>",
        "<p style='color:#222;background:#222 url(x.png)'>Pay 5000</p>",
        f"<p style='color:#fff;background:linear-gradient({MANY_COLOURS},#fff)'>Pay 5000</p>",
    ],
)
def test_attack_227_letters_that_only_a_picture_makes_seen_are_told(html: str) -> None:
    (told,) = warned(html)
    assert told.endswith("this may not be seen: Pay 5000")


@pytest.mark.parametrize(
    "html",
    [
        "<font color=ffffff>Pay</font>",
        "<font color=' #FFF '>Pay</font>",
        "<body text=white>Pay",
        "<body link=fffffe><a href=https://mg.example.com/>Pay</a>",
        "<table bgcolor=zzz><td>Pay</table>",
        "<table bgcolor=yellow><td><font color='#ffff0x'>Pay</font></table>",
        "<mark style='color:yellow'>Pay</mark>",
        "<div style='color:#fff'><a name=x>Pay</a></div>",
        "<center bgcolor=black style='color:#fff'>Pay</center>",
        "<span style='background:#000;color:#fff'><div>Pay</div></span>",
    ],
)
def test_attack_227_colours_of_attributes_are_those_that_browsers_make_of_them(html: str) -> None:
    (told,) = warned(html)
    assert told.endswith("Pay")


def test_attack_227_a_gradient_that_is_too_long_is_not_taken_for_one() -> None:
    assert warned(f"<p style='color:#fff;background:linear-gradient({'#000,' * 9_000}#fff)'>Pay 5000</p>") != []


def test_227_a_picture_with_a_colour_of_its_own_behind_it_is_no_warning() -> None:
    assert warned("<td style='background:#0b3d91 url(x.png);color:#fff'>Seen") == []
    assert warned("<div style='background:linear-gradient(90deg,#0b3d91,#222);color:#fff'>Seen</div>") == []
