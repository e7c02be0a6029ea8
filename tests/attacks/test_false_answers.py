"""Whoever answers in the service's place (a sign-in page, a proxy, another service) never makes a write look done."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.approval.preview import standing
from maton_mailgun.catalogue.rows import load
from maton_mailgun.exchange import Caller, FormAnswer, Question
from maton_mailgun.sandbox import Sandbox

from .bench import DOMAIN, KEY, ME, Clock, Desk, House

pytestmark = pytest.mark.anyio

CALLS: dict[str, Any] = {
    name: calls["minimal"]
    for name, calls in json.loads(
        (Path(__file__).parents[1] / "catalogue" / "examples.json").read_text(encoding="utf-8")
    ).items()
    if load()[name].writes
}
SIGN_IN = "<!doctype html><title>Hotel WLAN</title><form>Room <input name=room> Password <input type=password></form>"
FALSE: dict[str, Any] = {
    "a sign-in page": SIGN_IN,
    "an empty body": "",
    "an error": {"error": "login required"},
    "a complaint beside a message": {"message": "added created deleted removed updated", "id": "@", "error": "no"},
    "another service": {"hello": 1},
    "a sign-in page in JSON": {"message": "Please sign in", "url": "https://portal.example.net/"},
    "an empty list": [],
    "an empty object": {},
    "plain text": "Queued. Thank you.",
    "a text in JSON": '"deleted"',
    "nothing in JSON": "null",
    "half an answer": '{"id": "<1@mg.example.com>", "message": "Queued',
    "empty places": {"message": "", "id": "", "domain": {}, "list": None, "member": [], "route": {"id": ""}},
}


async def told_after_yes(house: House, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What a caller is told whose person says yes."""
    caller = Caller(ME, "a client", can_ask=True)
    asked = await house.engine.call(name, arguments, caller)
    assert isinstance(asked, Question), asked
    house.clock.let_pass(5.0)
    yes = FormAnswer(asked.approval_id, asked.digest, asked.asked_at, "accept", {"decision": "approve"}, asked.shown)
    told = await house.engine.call(name, arguments, caller, yes)
    assert not isinstance(told, Question)
    return told.content


async def with_what_it_names(house: House, desk: Desk, name: str, call: dict[str, Any]) -> dict[str, Any]:
    """The call about a message that there is, where it is shown before anybody is asked."""
    if "storage_key" not in call:
        return call
    await told_after_yes(house, "send_message", CALLS["send_message"])
    (key,) = desk.sandbox.account.domains[DOMAIN].messages
    return {**call, "storage_key": key}


def made(desk: Desk, method: str, place: str) -> list[dict[str, Any]]:
    """The requests of one kind that arrived."""
    return [one for one in desk.sandbox.requests if one["method"] == method and re.search(place, one["path"])]


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
async def test_attack_60_no_answer_in_the_place_of_the_service_reads_as_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    # Whether its target is there is not what this is about: somebody is asked.
    monkeypatch.setattr(standing, "refused", lambda *_: "")
    told = {}
    method = load()[name].method
    place = re.sub(r"\{[^}]*\}", "[^/?]+", load()[name].path)
    for number, (what, body) in enumerate(FALSE.items()):
        clock = Clock()
        home = tmp_path / str(number)
        home.mkdir(mode=0o700)
        desk = Desk(home, Sandbox(clock=clock), clock)
        async with desk.open() as house:
            call = await with_what_it_names(house, desk, name, CALLS[name])
            before = len(made(desk, method, place))
            desk.arm("html_404", match={"method": "GET", "path_regex": "/credentials"}, times=100)
            desk.arm("mailgun_401", fault={"status": 200, "body": body}, match={"method": method, "path_regex": place})
            content = await told_after_yes(house, name, call)
            told[what] = (content["status"], content["executed"], (await house.only(limit=1)).state)
        assert len(made(desk, method, place)) == before + 1
    assert told == dict.fromkeys(FALSE, ("outcome_unknown", "unknown", "unknown"))


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 299])
async def test_attack_60_a_send_that_a_captive_portal_took_was_not_sent_and_is_not_told_as_sent(
    desk: Desk, status: int
) -> None:
    """The portal answers for everybody, look-ups included."""
    portal = {"status": status, "body": SIGN_IN, "content_type": "text/html"}
    async with desk.open() as house:
        desk.arm("mailgun_401", fault=portal, match={"method": "POST"})
        desk.arm("mailgun_401", fault=portal, match={"path_regex": "events.message-id"}, times=99)
        letter = CALLS["send_message"]
        content = await told_after_yes(house, "send_message", letter)
    assert (content["status"], content["executed"]) == ("outcome_unknown", "unknown")
    assert content["error"] == {
        "kind": "outcome_unknown",
        "who": "network",
        "message": f"The gateway answered {status} with something that is not the service's answer to this: Hotel WLAN "
        "Room Password.",
        "next": content["error"]["next"],
        "http_status": status,
        "may_have_happened": True,
    }
    assert KEY not in json.dumps(content)
    assert desk.sandbox.messages == []


@pytest.mark.parametrize("name", CALLS)
async def test_attack_60_the_service_own_answer_proves_it(desk: Desk, name: str) -> None:
    """The sandbox's answers, which are held to the published contract elsewhere, satisfy what the rows name."""
    arguments = {**CALLS[name], **IN_THE_SEED.get(name, {})}
    async with desk.open() as house:
        for first, given in BEFORE.get(name, ()):
            await told_after_yes(house, first, given)
        arguments = await with_what_it_names(house, desk, name, arguments)
        content = await told_after_yes(house, name, arguments)
    assert (content["status"], content["executed"]) == ("executed", True), content
    found_by_looking = content["result"] == {"found_by": "looking it up afterwards"}
    assert found_by_looking == (name == "delete_connection")


LIST = "developers@mg.example.com"
MEMBER = {"list_address": LIST, "member_address": "alice@example.com"}
IN_THE_SEED: dict[str, dict[str, Any]] = {
    "update_mailing_list": {"list_address": LIST},
    "delete_mailing_list": {"list_address": LIST},
    "add_mailing_list_member": {"list_address": LIST},
    "add_mailing_list_members": {"list_address": LIST},
    "update_mailing_list_member": MEMBER,
    "delete_mailing_list_member": MEMBER,
    "delete_bounce": {"address": "gone@example.net"},
    "delete_unsubscribe": {"address": "quiet@example.net"},
    "delete_complaint": {"address": "angry@example.net"},
    "delete_whitelist": {"address": "example.com"},
    "create_webhook": {"webhook_type": "opened"},
}
BEFORE: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "delete_tag": [("send_message", {**CALLS["send_message"], "tags": ["newsletter"]})],
    "delete_credential": [("create_credential", CALLS["create_credential"])],
    "update_credential_password": [("create_credential", CALLS["create_credential"])],
}
