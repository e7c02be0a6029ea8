"""Attacks 156 to 166: an HTML body that says one thing to the person who approves, and another to who gets it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .bench import LETTER, Desk, structured

pytestmark = pytest.mark.anyio

ANN, BOB = "ann@mg.example.com", "bob@example.net"
BUILT = "is built otherwise than what is shown"


async def warned(desk: Desk, tool: str = "send_message", **parts: Any) -> list[str]:
    """The warnings about a call with these arguments beside a plain letter."""
    async with desk.open() as house, house.client() as client:
        pending = structured(await client.call_tool(tool, {**LETTER, **parts} if tool == "send_message" else parts))
        assert pending["status"] == "approval_required", pending
        return list((await house.only()).preview["warnings"])


def batch(html: str, **values: str) -> dict[str, Any]:
    own = {ANN: dict.fromkeys(values, "Ann"), BOB: values}
    return {"to": [ANN, BOB], "html": html, "recipient_variables": own}


@pytest.mark.parametrize(
    ("html", "value"),
    [
        ("<p>Free.</p><!-- %recipient.c% Pay 500 --><p>Bye", "--><b>"),
        ("<p>Hello %recipient.c%</p><p>You owe 500 EUR", "<!--"),
        ("<p>Hello %recipient.c%</p><p>You owe 500 EUR", "</p></div><div hidden>"),
        ("<p>Hello %recipient.c%</p><p>You owe 500 EUR", "<style>p{display:none}"),
        ("<p>Hello %recipient.c%</p><p>You owe 500 EUR", "<"),
        ('<p title="%recipient.c%">You owe 500 EUR', 'x" style="display:none'),
        ("<p class=%recipient.c%>You owe 500 EUR", "x hidden"),
        ("<p %recipient.c%>You owe 500 EUR", "hidden"),
        ("<style>p{color:%recipient.c%}</style><p>You owe 500 EUR", "red}p{display:none"),
    ],
)
async def test_attack_156_a_value_that_changes_the_markup_is_told(desk: Desk, html: str, value: str) -> None:
    found = await warned(desk, **batch(html, c=value))
    assert any("%recipient.c% in a" in one or BUILT in one for one in found), found


@pytest.mark.parametrize(
    ("html", "value"),
    [
        ("<p>Hello %recipient.c%, welcome", "Seán O'Brien & Sons <3"),
        ("<p>Hello %recipient.c%, welcome", "<b>Bob</b> <br> <a href='https://mg.example.com/'>you</a>"),
        ('<p>See <a href="https://mg.example.com/%recipient.c%">it</a>', "a/b?c=d&e='f'"),
        ("<p style='color:%recipient.c%'>Hello", "#ff0000"),
        ("<td class=%recipient.c%>Hello", "gold"),
    ],
)
async def test_attack_156_a_value_that_only_says_something_is_no_alarm(desk: Desk, html: str, value: str) -> None:
    assert not [one for one in await warned(desk, **batch(html, c=value)) if BUILT in one]
