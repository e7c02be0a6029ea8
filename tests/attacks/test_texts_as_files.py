"""A text or base64 of a call becomes a file with the name that was shown, and with no place on any disk."""

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
@pytest.mark.parametrize(("argument", "content"), [("text_files", "x"), ("base64_files", "eA==")])
async def test_attack_219_a_name_of_a_text_that_leads_elsewhere_or_reads_otherwise_is_refused(
    name: str, argument: str, content: str
) -> None:
    sandbox = Sandbox()
    engine = engine_over(httpx2.ASGITransport(app=sandbox.app))
    outcome = await called(engine, "send_message", **{**TEXT_CALL, argument: {name: content}})
    assert {path.partition(".")[0] for path, _ in problems(outcome)} == {argument}
    assert list(sandbox.requests) == []


@pytest.mark.parametrize(
    "content",
    [
        "",
        " ",
        "eA=",
        "eA",
        "eA==eA==",  # two files, of which some decoders read the first
        "eB==",  # spare bits: the same byte in another spelling
        "e-_A",  # another alphabet
        "eA= =",
        "e!A==",
        "data:application/pdf;base64,eA==",
        "eA==\u2028",
    ],
)
async def test_attack_228_what_decoders_read_differently_is_no_file(content: str) -> None:
    """The hash that a person is shown must be the one of what every reader gets."""
    sandbox = Sandbox()
    engine = engine_over(httpx2.ASGITransport(app=sandbox.app))
    outcome = await called(engine, "send_message", **{**TEXT_CALL, "base64_files": {"a.pdf": content}})
    assert problems(outcome) == [("base64_files.a.pdf", "is no base64 of a file")]
    assert list(sandbox.requests) == []
