"""Attacks 380 to 382 and 427: what a person sees first of a write says less than what it does."""

from __future__ import annotations

import pytest

from .bench import DOMAIN, LETTER, Desk
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
