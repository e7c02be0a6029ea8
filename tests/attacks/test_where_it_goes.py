"""Attacks 132, 133 and 138: where a message, its answers and its unsubscriptions go, in spellings that hide it."""

from __future__ import annotations

from typing import Any

import pytest

from .bench import LETTER, Desk
from .telling import previewed

pytestmark = pytest.mark.anyio


def _rows(preview: dict[str, Any], heading: str) -> dict[str, tuple[str, list[str]]]:
    return {
        row["label"]: (row["value"], row["flags"])
        for section in preview["sections"]
        if section["heading"] == heading
        for row in section["rows"]
    }


async def test_attack_132_a_list_in_needless_quotes_is_the_list(desk: Desk) -> None:
    preview = await previewed(desk, "send_message", {**LETTER, "to": ['"developers"@mg.example.com']})
    (one,) = preview["recipients"]
    assert (one["address"], one["kind"]) == ("developers@mg.example.com", "list")
    assert any(line.startswith("developers@mg.example.com is a mailing list") for line in preview["warnings"])


async def test_attack_132_one_address_in_two_spellings_is_one_recipient(desk: Desk) -> None:
    preview = await previewed(desk, "send_message", {**LETTER, "to": ['"ann.b"@example.net', "ann.b@example.net"]})
    assert [one["address"] for one in preview["recipients"]] == ["ann.b@example.net"]


@pytest.mark.parametrize("address", ['"ann."@example.net', '"a..b"@example.net', '".a"@example.net'])
async def test_attack_132_quotes_that_an_address_needs_stay(desk: Desk, address: str) -> None:
    preview = await previewed(desk, "send_message", {**LETTER, "to": [address]})
    assert [one["address"] for one in preview["recipients"]] == [address]


@pytest.mark.parametrize(
    ("header", "value", "told"),
    [
        ("Mail-Reply-To", "Billing <eve@evil.com>", "Billing <eve@evil.com>"),
        ("mail-followup-to", "eve@evil.com", "eve@evil.com"),
        ("List-Post", "<mailto:eve@evil.com?subject=x>", "<mailto:eve@evil.com?subject=x>"),
        ("Resent-Reply-To", "eve@evil.com", "eve@evil.com"),
    ],
)
async def test_attack_133_wherever_answers_go_is_told_as_reply_to_is(
    desk: Desk, header: str, value: str, told: str
) -> None:
    flags = ["answers go here, not to From", "external"]
    sent = await previewed(desk, "send_message", {**LETTER, "headers": {header: value}})
    ready = f"From: support@mg.example.com\nTo: bob@example.net\nSubject: Hi\n{header}: {value}\n\nHello\n"
    mime = await previewed(
        desk, "send_mime_message", {"domain": LETTER["domain"], "to": ["bob@example.net"], "message": ready}
    )
    for preview in (sent, mime):
        named = {name.casefold(): row for name, row in _rows(preview, "Sender").items()}
        assert named[header.casefold()] == (told, flags)


async def test_attack_133_answers_to_ourselves_are_not_called_outside(desk: Desk) -> None:
    preview = await previewed(desk, "send_message", {**LETTER, "headers": {"Mail-Reply-To": "help@mg.example.com"}})
    assert _rows(preview, "Sender")["Mail-Reply-To"] == ("help@mg.example.com", ["answers go here, not to From"])


async def test_attack_138_the_unsubscribe_button_is_judged_as_links_are(desk: Desk) -> None:
    value = "<http://169.254.169.254/u>, <mailto:eve@xn--pple-43d.com>"
    preview = await previewed(desk, "send_message", {**LETTER, "headers": {"List-Unsubscribe": value}})
    told = [line for line in preview["warnings"] if line.startswith("List-Unsubscribe leads to")]
    assert told == [
        "List-Unsubscribe leads to http://169.254.169.254/u: cleartext http; cloud metadata address.",
        "List-Unsubscribe leads to eve@xn--pple-43d.com: international domain: xn--pple-43d.com shows as аpple.com; "
        "letters of different scripts in one word; looks like apple.com but is not.",
    ]
    assert "169.254.169.254" in _rows(preview, "Body")["Links lead to"][0]
    assert preview["risk"] == "high"


async def test_attack_138_an_ordinary_unsubscribe_link_is_only_listed(desk: Desk) -> None:
    headers = {
        "List-Unsubscribe": "<https://mg.example.com/u/1>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    preview = await previewed(desk, "send_message", {**LETTER, "headers": headers})
    assert not any("List-Unsubscribe" in line for line in preview["warnings"])
    assert _rows(preview, "Body")["Links lead to"][0] == "mg.example.com"


async def test_attack_130_a_webhook_at_a_name_with_sharp_s_is_told_as_that_name(desk: Desk) -> None:
    arguments = {"domain": LETTER["domain"], "webhook_type": "clicked", "urls": ["https://großbank.de/hook"]}
    preview = await previewed(desk, "create_webhook", arguments)
    assert "Data will be forwarded to großbank.de." in preview["warnings"]
    assert any("xn--grobank-2va.de shows as großbank.de" in line for line in preview["warnings"])
