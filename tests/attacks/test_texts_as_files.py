"""A text of a call becomes a file with the name that was shown, and with no place on any disk."""

from __future__ import annotations

import httpx2
import pytest

from engine.doubles import DOMAIN, called, engine_over, problems
from maton_mailgun.sandbox import Sandbox

pytestmark = pytest.mark.anyio

TEXT_CALL = {"domain": DOMAIN, "from": f"a@{DOMAIN}", "to": ["b@example.net"], "subject": "s", "text": "t"}


@pytest.mark.parametrize(
    "name",
    [
        "",
        "../x.txt",
        "/etc/x",
        "a\\b.txt",
        "C:x.txt",
        ".profile",
        "x.txt.",
        "x ",
        'a"b.txt',
        "=?utf-8?q?x?=",
        "a\nb",
        "x" * 101,
    ],
)
async def test_attack_219_a_name_of_a_text_that_leads_elsewhere_or_reads_otherwise_is_refused(name: str) -> None:
    sandbox = Sandbox()
    engine = engine_over(httpx2.ASGITransport(app=sandbox.app))
    outcome = await called(engine, "send_message", **{**TEXT_CALL, "text_files": {name: "x"}})
    assert {path.partition(".")[0] for path, _ in problems(outcome)} == {"text_files"}
    assert list(sandbox.requests) == []
