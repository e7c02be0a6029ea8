"""157: what Chromium draws in another order than it is written is said to be; what it draws as written is not."""

from __future__ import annotations

from itertools import pairwise

import pytest

from maton_mailgun.approval.preview import content
from maton_mailgun.mail.letter import Letter

from . import newsletters
from .browser import Chromium
from .test_chromium_draws import drawn

pytestmark = pytest.mark.browser

TURNED = [
    "<p>Pay <b style='float:right'>5</b>00</p>",
    "<p><b style='float:right'>00</b><b style='float:right'>5</b></p>",
    "<p>00<b style='float:left'>5</b></p>",
    "<p>00<table align=left><tr><td>5</table>",
    "<style>i{float:right}</style><p><i>5</i>00",
    "<div style='display:flex;flex-direction:row-reverse'><b>00</b><b>5</b></div>",
    "<div style='display:flex;flex-flow:column-reverse'><b>00</b><b>5</b></div>",
    "<div style='display:inline-flex'><b style='order:2'>00</b><b>5</b></div>",
    "<div style='display:inline-grid'><b style='grid-column:2;grid-row:1'>00</b><b style='grid-row:1'>5</b></div>",
    "<div style='display:grid'><b style='grid-area:2/1'>00</b><b>5</b></div>",
    "<p dir=rtl><b>00</b> EUR <b>5</b></p>",
    "<p dir=rtl>a<bdi>b</bdi></p>",
    "<p><bdo dir=rtl>005</bdo></p>",
    "<p style='direction:rtl'><b style='display:inline-block'>00</b><b style='display:inline-block'>5</b></p>",
    "<p><b style='position:relative;left:3em'>00</b><b>5</b></p>",
    "<p style='position:relative'><b>5</b> x <b style='position:absolute;left:-9px;top:-9px'>00</b></p>",
    "<p><b>00</b><b style='margin-left:-4em'>5</b></p>",
    "<p><b style='display:inline-block;transform:translateX(50px)'>00</b><b>5</b></p>",
    "<p><b style='display:inline-block;transform:scaleX(-1)'>005</b></p>",
    "<p><b style='display:inline-block;rotate:180deg'>006</b></p>",
    "<svg width=99 height=99><text y=50 x=50>00</text><text y=50 x=0>5</text></svg>",
    "<svg width=99 height=99><text y=50 x='50 40 30'>005</text></svg>",
    "<table><tfoot><tr><td>00</tfoot><tbody><tr><td>5</table>",
    "<div style='display:table'><b style='display:table-footer-group'>00</b>"
    "<b style='display:table-row-group'>5</b></div>",
    "<table><caption style='caption-side:bottom'>00</caption><tr><td>5</table>",
    "<p style='letter-spacing:-20px'>005</p>",
    "<p style='writing-mode:sideways-lr'>005</p>",
]
AS_WRITTEN = [
    *newsletters.ALL.values(),
    "<p>Total: <b style='float:right'>500</b></p>",
    "<p><b style='float:left'>5</b>00</p>",
    "<p>Hello <b style='position:relative;top:-2px'>you</b></p>",
    "<div style='display:flex'><b style='order:0'>5</b><b>00</b></div>",
]


def as_read(letters: object) -> bool:
    """Whether the letters stand from left to right, line by line (lines are 8 pixels or more apart)."""
    assert isinstance(letters, list)
    places = [(y, x) for x, y, _ in letters]
    return all(
        other[0] > one[0] + 8 or (other[1] > one[1] and other[0] >= one[0] - 14) for one, other in pairwise(places)
    )


def told(source: str) -> bool:
    return any("drawn in another order" in one for one in content.read(Letter(html=source)).warnings)


def test_attack_157_what_the_browser_turns_is_told(chromium: Chromium) -> None:
    seen = [as_read(places) for places in drawn(chromium, TURNED)]
    chromium.console()
    assert [source for source, right in zip(TURNED, seen, strict=True) if not right and not told(source)] == []
    assert seen.count(False) >= len(TURNED) - 4, [source for source, right in zip(TURNED, seen, strict=True) if right]


def test_157_what_the_browser_draws_as_it_is_written_is_no_alarm() -> None:
    assert [source for source in AS_WRITTEN if told(source)] == []
