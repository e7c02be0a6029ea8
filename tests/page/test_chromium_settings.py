"""A message that is another one in another window, in other colours or in print: all of its words are told, and that
it looks different is."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from maton_mailgun.mail.html import read
from maton_mailgun.mail.styling import styling

from .browser import Chromium
from .many_frames import laid_out
from .test_chromium_shows import texts_in, told

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SETTINGS: tuple[dict[str, Any], ...] = (
    {"width": 1000, "prefers-color-scheme": "light"},
    {"width": 200, "height": 900, "prefers-color-scheme": "dark", "prefers-reduced-motion": "reduce"},
    {"prefers-contrast": "more", "prefers-reduced-transparency": "reduce", "forced-colors": "active"},
    {"media": "print"},
)
CONDITIONS = (
    "@media (min-width:600px)", "@media (max-width:250px)", "@media (width>=600px)", "@media (min-height:500px)",
    "@media (orientation:portrait)", "@media (min-aspect-ratio:3/1)", "@media print", "@media screen",
    "@media not print", "@media (prefers-color-scheme:dark)", "@media (prefers-color-scheme:light)",
    "@media (prefers-reduced-motion)", "@media (prefers-contrast:more)", "@media (forced-colors:active)",
    "@MEDIA (min-w\\69 dth:600px)", "@media (prefers-reduced-transparency:reduce)",
    "@media only screen and (min-device-width:1px) and (min-width:600px)", "@container (min-width:600px)",
    "@supports (width:1px){@media (min-width:600px)", "@layer x{@media (max-width:250px)",
    "@media/**/(min-width:600px)", "@media (min-width:37.5em)", "@media (400px<=width<=2000px)",
    "@media all and (min-width:600px)",
)  # fmt: skip
RULES = (
    "b{display:none}", "b{visibility:hidden}", "b::after{content:'5000'}", "b{font-size:0}",
    "b{content-visibility:hidden;display:block}",
)  # fmt: skip
BOX = "<style>html{container-type:inline-size}"
OTHERS = (
    "<style media='(min-width:600px)'>b{display:none}</style><b>pay</b>",
    "<link rel=stylesheet media=print href='data:text/css,b{display:none}'><b>pay</b>",
    "<style>@import 'data:text/css,b%7Bdisplay:none%7D' (min-width:600px);</style><b>pay</b>",
    "<style>@import 'data:text/css,b%7Bdisplay:none%7D' print;</style><b>pay</b>",
    "<iframe style='width:90vw' srcdoc='<style>@media (min-width:600px){b{display:none}}</style><b>pay</b>'></iframe>",
    "<style>div{container-type:inline-size}@container (min-width:600px){b{display:none}}</style><div><b>pay</b></div>",
    "<style>@media (min-width:600px){b{display:none}}@media print{i{display:none}}</style><b>pay</b><i>not</i>",
)  # fmt: skip


def inputs() -> list[str]:
    """Every rule under every condition, and others."""
    made = [
        f"{BOX}{condition}{{{rule}{'}}' if '{' in condition else '}'}</style><b>pay</b>"
        for condition in CONDITIONS
        for rule in RULES
    ]
    return [*made, *OTHERS]


def arrange(chromium: Chromium, width: int = 300, height: int = 150, media: str = "", **features: str) -> None:
    """Draw the frames at this size, in this medium, as somebody prefers it."""
    given = [{"name": name, "value": value} for name, value in features.items()]
    chromium.devtools("Emulation.setEmulatedMedia", media=media, features=given)
    chromium.run(
        "for (const frame of document.querySelectorAll('body > iframe'))"
        " { frame.style.width = `${arguments[0]}px`; frame.style.height = `${arguments[1]}px`; }",
        width,
        height,
    )


def test_attack_126_words_of_every_setting_are_told_and_that_they_depend_on_it(shared_chromium: Chromium) -> None:
    seen: dict[str, set[str]] = defaultdict(set)
    try:
        for group in laid_out(shared_chromium, inputs()):
            for setting in SETTINGS:
                arrange(shared_chromium, **setting)
                for source, texts in zip(group, texts_in(shared_chromium), strict=True):
                    seen[source].add(" ".join(texts))
    finally:
        arrange(shared_chromium)
    lost = [
        (word, one)
        for one, shown in seen.items()
        for text in shown
        for word in text.split()
        if word not in told(read(one))
    ]
    silent = [one for one, shown in seen.items() if len(shown) > 1 and not styling(read(one).pieces).depends]
    assert (lost, silent) == ([], [])
    assert sum(len(shown) > 1 for shown in seen.values()) > 90
