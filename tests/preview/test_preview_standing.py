"""What a write is called where its target is there already, and what nobody is asked about, as it is sure to fail."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from effects_table import examples, files
from fake_account import FakeAccount, propose, tools

from maton_mailgun.approval.preview.document import Preview
from maton_mailgun.approval.preview.heading import heading
from maton_mailgun.approval.preview.look import Look, make
from maton_mailgun.approval.preview.proposal import ReadAnswer

D, L = "mg.example.com", "team@mg.example.com"
LOOKED_AT = sorted(name for name, one in tools().items() if one.writes and one.before and one.access != "send")
CREATED = [name for name in LOOKED_AT if tools()[name].access == "create"]
NAMED = re.compile(r"\b(?:" + "|".join(name for name in tools() if "_" in name) + r")\b")


def look(tool: str, given: Mapping[str, Any], answers: Mapping[str, Any] | None = None) -> Look:
    return asyncio.run(make(propose(tool, given, FakeAccount(answers or {}), files=files(tool, dict(given)))))


def before(tool: str, given: Mapping[str, Any]) -> str:
    return FakeAccount.request(str(tools()[tool].before), given)


def gone(message: str = "Route not found", **more: Any) -> ReadAnswer:
    return ReadAnswer(404, {"message": message, **more})


@pytest.mark.parametrize("tool", [name for name in LOOKED_AT if name not in CREATED])
def test_a_change_of_what_is_not_there_is_put_before_nobody(tool: str) -> None:
    given = examples()[tool]["full"]
    words: dict[str, Any] = {"type": "Not Found", "code": 404} if tools()[tool].service == "maton" else {}
    logins = f"GET /v3/domains/{D}/credentials?limit=1000"
    found = look(tool, given, {before(tool, given): gone(**words), logins: {"items": [], "total_count": 0}})
    assert found.refused.endswith((" does not exist.", f"There is no SMTP login alice@{D}."))
    # Advice that names tools on offer, or none.
    assert set(NAMED.findall(found.instead)) <= set(tools())
    assert NAMED.search(found.instead)


@pytest.mark.parametrize("tool", CREATED)
def test_a_creation_of_what_is_there_is_refused_or_called_what_it_does(tool: str) -> None:
    given = {**examples()[tool]["full"], **({"upsert": True} if tool == "add_mailing_list_member" else {})}
    found = look(tool, given, {before(tool, given): {"message": "It is there"}})
    if tools()[tool].there == "refused":
        assert found.refused.endswith(" exists already, and the service refuses another.")
        assert NAMED.search(found.instead)
        return
    preview = Preview.of(found.preview)
    assert found.refused == ""
    assert preview.action == "change"
    assert re.match(r"(Replace|Change|Add to) ", preview.title)
    assert preview.title.partition(" ")[0] == heading(preview).partition(" ")[0]
    assert look(tool, given).preview["title"] == tools()[tool].title


def test_attack_380_an_entry_that_is_overwritten_is_called_so() -> None:
    given = {"domain": D, "address": "bob@example.net", "code": "554"}
    there = {"address": "bob@example.net", "code": "550", "error": "", "created_at": "Sun, 26 Jan 2025 07:29:04 UTC"}
    preview = Preview.of(look("add_bounce", given, {before("add_bounce", given): there}).preview)
    assert (preview.title, heading(preview), preview.action, preview.effect, preview.undo) == (
        "Replace a bounce",
        f"Replace bounce entry of bob@example.net at {D}",
        "change",
        f"Replaces what the bounce list of {D} says of bob@example.net: the code becomes 554. Mailgun drops all mail "
        f"from {D} to this address, as now.",
        "What it holds now is lost, and would have to be written again.",
    )


@pytest.mark.parametrize(("upsert", "refused"), [(True, False), (False, True), (None, True)])
def test_somebody_who_is_on_a_list_is_added_again_only_to_be_overwritten(upsert: bool | None, refused: bool) -> None:
    given = {"list_address": L, "address": "eve@example.net", **({"upsert": upsert} if upsert is not None else {})}
    member = {"member": {"address": "eve@example.net", "name": "", "vars": {}, "subscribed": True}}
    found = look("add_mailing_list_member", given, {before("add_mailing_list_member", given): member})
    assert bool(found.refused) is refused
    if not refused:
        assert heading(Preview.of(found.preview)) == f"Change eve@example.net on mailing list {L}"


@pytest.mark.parametrize(
    ("tool", "given", "read", "refused"),
    [
        (
            "add_mailing_list_member",
            {"list_address": L, "address": "eve@example.net"},
            f"GET /v3/lists/{L.replace('@', '%40')}",
            f"eve@example.net on mailing list {L} cannot be: what it is to be a part of does not exist.",
        ),
        (
            "create_template_version",
            {"domain": D, "template_name": "welcome", "tag": "v2", "template": "Hi"},
            f"GET /v3/{D}/templates/welcome",
            f"New version v2 of template welcome of {D} cannot be: what it is to be a part of does not exist.",
        ),
        (
            "send_message",
            {"domain": D, "from": f"a@{D}", "to": ["bob@example.net"], "subject": "Hi", "text": "Hi"},
            f"GET /v3/domains/{D}",
            f"{D} is no domain of this account.",
        ),
    ],
)
def test_what_would_be_a_part_of_nothing_is_put_before_nobody(
    tool: str, given: dict[str, Any], read: str, refused: str
) -> None:
    found = look(tool, given, {read: gone("Domain not found")})
    assert found.refused == refused
    assert NAMED.search(found.instead)


def test_a_login_that_is_there_already_is_put_before_nobody() -> None:
    logins = {"items": [{"mailbox": f"alice@{D}"}], "total_count": 1}
    given = {"domain": D, "login": "Alice"}
    found = look("create_credential", given, {f"GET /v3/domains/{D}/credentials?limit=1000": logins})
    assert found.refused == f"There is an SMTP login Alice@{D} already."


@pytest.mark.parametrize(
    "answer",
    [
        ReadAnswer(404, "404 page not found"),
        ReadAnswer(404, {"message": "Not found"}),
        ReadAnswer(404, {"message": "no Route matched with those values"}),
        gone("Connection x not found", type="Not Found", code=404),
        ReadAnswer(404, None),
    ],
    ids=lambda answer: json.dumps(answer.data),
)
def test_an_answer_of_somebody_else_proves_nothing(answer: ReadAnswer) -> None:
    given = {"route_id": "4f3b"}
    found = look("delete_route", given, {before("delete_route", given): answer})
    assert found.refused == ""
    assert found.warnings == ["Route 4f3b does not exist: the service will probably refuse this."]
