"""Attack 94: a stored template goes out unseen, because the call also has a body or a subject, if only an empty one."""

from __future__ import annotations

from typing import Any

import pytest

from maton_mailgun.catalogue import arguments, rows
from maton_mailgun.errors import BadArguments
from maton_mailgun.sandbox.account.seed import TEMPLATE

from .bench import DOMAIN, Desk
from .test_variables import ANN, asked, on_screen, squeezed, version

pytestmark = pytest.mark.anyio

SOURCE = '<p>Pay 1,000 EUR <a href="https://evil.example/pay">here</a></p>'
CALL = {"domain": DOMAIN, "to": [ANN], "from": "Us <us@mg.example.com>", "subject": "Hi", "template": TEMPLATE}
READY = f"From: us@mg.example.com\nTo: {ANN}\nSubject: Hi\nMIME-Version: 1.0\nContent-Type: {{}}\n\n{{}}\n"
TWO_BODIES = "The message has HTML of its own beside the template's: which of the two goes out is not documented."
TWO_SUBJECTS = "The subject is empty, and the template has one: which of the two goes out is not documented."


def ready(kind: str, body: str) -> dict[str, Any]:
    return {"domain": DOMAIN, "to": [ANN], "template": TEMPLATE, "message": READY.format(kind, body)}


@pytest.mark.parametrize(
    ("tool", "call", "warnings"),
    [
        ("send_message", {**CALL, "html": ""}, set()),
        ("send_message", {**CALL, "html": "", "amp_html": ""}, set()),
        ("send_message", {**CALL, "html": "", "text": ""}, set()),
        ("send_mime_message", ready("text/html; charset=utf-8", ""), set()),
        ("send_mime_message", ready("text/plain; charset=utf-8", "Hello"), set()),
        ("send_mime_message", ready("text/html; charset=utf-8", "<p>Hello</p>"), {TWO_BODIES}),
    ],
)
async def test_attack_94_a_template_is_shown_whatever_stands_beside_it(
    desk: Desk, tool: str, call: dict[str, Any], warnings: set[str]
) -> None:
    version(desk)["template"] = SOURCE
    async with desk.open() as house:
        record = await asked(house, call, tool)
    assert squeezed(SOURCE) in on_screen(record)
    assert "evil.example" in record.preview["message"]["link_hosts"]
    assert {TWO_BODIES} & {*record.preview["warnings"]} == warnings
    assert desk.writes() == []


@pytest.mark.parametrize(
    ("tool", "call"),
    [
        ("send_message", {**CALL, "subject": ""}),
        ("send_mime_message", {**ready("text/plain; charset=utf-8", "x"), "headers": {}}),
    ],
)
async def test_attack_94_an_empty_subject_does_not_hide_the_template_s(
    desk: Desk, tool: str, call: dict[str, Any]
) -> None:
    version(desk)["headers"] = {"Subject": "Pay now 1,000"}
    if "message" in call:
        call = {**call, "message": call["message"].replace("Subject: Hi", "Subject: ")}
    async with desk.open() as house:
        record = await asked(house, call, tool)
    (sender,) = [part for part in record.preview["sections"] if part["heading"] == "Sender"]
    assert [row["value"] for row in sender["rows"] if row["label"] == "Subject"] == [
        "from the template: “Pay now 1,000”"
    ]
    assert TWO_SUBJECTS in record.preview["warnings"]
    assert desk.writes() == []


@pytest.mark.parametrize(
    "more", [{"variables": {"a\ud800": "b"}}, {"variables": {"a": "\ud800"}}, {"headers": {"X-\ud800": "b"}}]
)
def test_half_a_character_in_any_name_is_refused_with_words(more: dict[str, Any]) -> None:
    """No client can write one to JSON; the command line takes it in from JSON's escapes."""
    with pytest.raises(BadArguments) as refused:
        arguments.check(rows.load()["send_message"], {**CALL, "subject": "x", **more})
    (problem,) = {(one.path, one.wrong) for one in refused.value.problems}
    assert problem in {
        ("variables.a\\ud800", "is not a name Mailgun takes"),
        ("variables.a", "has a NUL or a broken character"),
        ("headers.X-\\ud800", "is not a name Mailgun takes"),
    }
