"""Attacks 156 and 157: links that write, call, open a program or lie unseen over others."""

from __future__ import annotations

import pytest

from .bench import LETTER, Desk
from .telling import previewed

pytestmark = pytest.mark.anyio


async def warnings(desk: Desk, html: str) -> list[str]:
    """What the person is warned of in a message with this body."""
    preview = await previewed(desk, "send_message", {**LETTER, "text": "Hello", "html": html})
    return [one for one in preview["warnings"] if "link" in one.lower()]


@pytest.mark.parametrize(
    ("link", "told"),
    [
        (
            '<a href="mailto:eve@evil.example">pay@bank.example</a>',
            ["A link shows pay@bank.example but writes to eve@evil.example."],
        ),
        (
            '<a href="MAILTO:%65ve@evil.example?subject=x">Write to pay@bank.example</a>',
            ["A link shows pay@bank.example but writes to eve@evil.example."],
        ),
        (
            '<a href="mailto:pay@bank.example?cc=eve@evil.example">pay@bank.example</a>',
            ["A link writes to eve@evil.example as well."],
        ),
        (
            '<a href="mailto:?to=a@b.example&amp;BCC=eve@evil.example">Reply</a>',
            ["A link writes to a@b.example, eve@evil.example as well."],
        ),
        ('<a href="tel:+4990099999">Call +49 30 123456</a>', ["A link shows +49 30 123456 but calls 4990099999."]),
        (
            '<a href="sms:+4990099999?body=yes">+49 (30) 123-456</a>',
            ["A link shows +49 (30) 123-456 but calls 4990099999."],
        ),
        (
            '<a href="upi://pay?pa=eve@evil">Pay</a>',
            ["A link opens another program (upi): upi://pay?pa=eve@evil"],
        ),
        (
            '<a href="ms-word:ofe|u|https://evil.example/a.docx">Report</a>',
            ["A link opens another program (ms-word): ms-word:ofe|u|https://evil.example/a.docx"],
        ),
        (
            '<area href=" intent://x#Intent;scheme=tel;end" alt="Go">',
            ["A link opens another program (intent): intent://x#Intent;scheme=tel;end"],
        ),
    ],
)
async def test_attack_156_where_a_link_leads_that_is_no_page_is_told(desk: Desk, link: str, told: list[str]) -> None:
    assert await warnings(desk, link) == told


@pytest.mark.parametrize(
    "link",
    [
        '<a href="mailto:pay@bank.example?subject=Hello">Pay@Bank.example</a>',
        '<a href="mailto:pay@bank.example">Write to us</a>',
        '<a href="tel:+4930123456">030 / 12 34 56</a>',
        '<a href="tel:1-800-555-0199;ext=5">(800) 555-0199</a>',
        '<a href="#top">Up</a>',
        '<a href="%unsubscribe_url%">Leave</a>',
    ],
)
async def test_what_agrees_is_no_warning(desk: Desk, link: str) -> None:
    assert await warnings(desk, link) == []


@pytest.mark.parametrize(
    ("html", "told"),
    [
        (
            '<a href="https://mg.example.com/pay">Pay</a>'
            '<a href="https://evil.example/" style="position:absolute;inset:0"></a>',
            ["A link without words leads to evil.example."],
        ),
        ('<a href="https://mg.example.com/"><img src="cid:logo" alt=""></a>', []),
        ('<a href="https://mg.example.com/a"></a><a href="https://mg.example.com/b">Read</a>', []),
    ],
)
async def test_attack_157_a_link_that_shows_nothing_and_leads_elsewhere_is_told(
    desk: Desk, html: str, told: list[str]
) -> None:
    found = await warnings(desk, html)
    assert [one for one in found if "without words" in one] == told
