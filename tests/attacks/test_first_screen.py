"""Attacks 380 to 382, 427, 428 and 430: what a person sees first of a write says less than what it does."""

from __future__ import annotations

import pytest

from maton_mailgun.sandbox.account.seed import TEMPLATE

from .bench import DOMAIN, LETTER, Desk, decide, structured
from .telling import previewed

pytestmark = pytest.mark.anyio
_OUTSIDER = "eve@evil.example"


async def test_attack_380_an_entry_that_is_overwritten_is_not_called_new(desk: Desk) -> None:
    bounce = {"domain": DOMAIN, "address": "gone@example.net", "code": "421"}
    preview = await previewed(desk, "add_bounce", bounce)
    assert (preview["title"], preview["action"]) == ("Replace a bounce", "change")
    assert preview["headline"] == f"Replace bounce entry of gone@example.net at {DOMAIN}"


async def test_attack_381_a_hidden_copy_to_an_outsider_is_the_first_warning(desk: Desk) -> None:
    preview = await previewed(desk, "send_message", {**LETTER, "bcc": [_OUTSIDER]})
    assert preview["warnings"][0] == f"Hidden copy (Bcc) to {_OUTSIDER}, outside {DOMAIN}, for the first time."


async def test_attack_382_answers_that_go_to_an_outsider_are_the_first_warning(desk: Desk) -> None:
    preview = await previewed(desk, "send_message", {**LETTER, "headers": {"Reply-To": _OUTSIDER}})
    assert preview["warnings"][0] == f"Answers go to {_OUTSIDER}, outside {DOMAIN}, and not to the sender."


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Mail-Reply-To", '"http://x" <{}>'),
        ("mail-followup-to", 'support@mg.example.com, "http://x" <{}>'),
        ("Mail-Reply-To", '"<mailto:support@mg.example.com>" <{}>'),
        ("List-Post", '<mailto:support@mg.example.com>, "http://x" <{}>'),
        ("List-Post", '{}, "http://x" <support@mg.example.com>'),
        ("List-Post", '"<http://x>" <{}>'),
        ("List-Post", "<mailto:{}?subject=x>"),
        ("List-Post", "http://x,{}"),
    ],
)
async def test_attack_430_answers_that_go_to_an_outsider_are_no_link_whatever_they_are_called(
    header: str, value: str, desk: Desk
) -> None:
    preview = await previewed(desk, "send_message", {**LETTER, "headers": {header: value.format(_OUTSIDER)}})
    assert f"Answers go to {_OUTSIDER}, outside {DOMAIN}, and not to the sender." in preview["warnings"]


async def test_links_of_a_list_are_links_whatever_signs_they_hold(desk: Desk) -> None:
    links = "<https://mg.example.com/u?a=1,2;b=3>, <mailto:off@mg.example.com?subject=a,b>"
    preview = await previewed(desk, "send_message", {**LETTER, "headers": {"List-Unsubscribe": links}})
    assert preview["warnings"] == []


@pytest.mark.parametrize("header", ["Bcc", "Resent-To", "resent-cc", "Resent-Bcc", "Apparently-To"])
async def test_attack_427_a_header_that_nobody_is_shown_makes_a_hidden_copy_no_open_one(
    header: str, desk: Desk
) -> None:
    source = f"From: shop@{DOMAIN}\r\nTo: ann@{DOMAIN}\r\n{header}: {_OUTSIDER}\r\nSubject: x\r\n\r\nHello.\r\n"
    arguments = {"domain": DOMAIN, "to": [f"ann@{DOMAIN}", _OUTSIDER], "message": source}
    preview = await previewed(desk, "send_mime_message", arguments)
    (envelope,) = (one for one in preview["sections"] if one["heading"] == "Envelope and headers")
    assert {row["label"]: row["value"] for row in envelope["rows"]} == {
        "Readers see as recipients": f"ann@{DOMAIN}",
        f"Named in {header}, which hardly any program shows": _OUTSIDER,
        "Get it without being named (blind copies)": _OUTSIDER,
    }
    assert preview["warnings"][:2] == [
        f"Hidden copy (Bcc) to {_OUTSIDER}, outside {DOMAIN}, for the first time.",
        "1 recipient not named in the headers: a blind copy.",
    ]


async def test_attack_428_what_is_refused_unasked_says_that_it_may_have_been_done_before(desk: Desk) -> None:
    desk.arm("drop_before")

    async def somebody_else() -> None:
        templates = desk.sandbox.account.domains[DOMAIN].templates
        there = templates.get(TEMPLATE)
        assert there is not None
        templates.put("fresh", {**there, "name": "fresh"})

    wanted = {"domain": DOMAIN, "name": "fresh", "description": "Ours"}
    async with desk.open() as house, house.client() as client:
        house.line.before = somebody_else
        lost = structured(await client.call_tool("create_template", wanted))["approval_id"]
        assert (await decide(house, lost)).state == "unknown"
        error = structured(await client.call_tool("create_template", wanted))["error"]
    assert error["message"] == (
        f"Nothing was sent, and nobody was asked: Template fresh of {DOMAIN} exists already, and the service "
        "refuses another."
    )
    assert error["next"] == (
        "create_template_version stores other content under that name; get_template shows what is there. "
        f"{lost} may have done this: how it ended is not known, and get_approval has what is."
    )
