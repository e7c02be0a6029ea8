"""Attack 186: somebody has the database or an export of the audit, without the key, and tries what a request held."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from maton_mailgun.approval.binding import canonical
from maton_mailgun.approval.binding.envelope import canonical_of
from maton_mailgun.approval.lifecycle.services import Services
from maton_mailgun.approval.store import audit
from maton_mailgun.exchange import Prepared

from .bench import APPROVE, DOMAIN, LETTER, Desk, House, Person, decide, structured

pytestmark = pytest.mark.anyio
PASSWORD = "summer-2026"
GUESSABLE: dict[str, dict[str, Any]] = {
    "update_credential_password": {"domain": DOMAIN, "login": "postmaster", "password": PASSWORD},
    "create_credential": {"domain": DOMAIN, "login": "desk", "password": PASSWORD},
    "update_domain": {"domain": DOMAIN, "smtp_password": PASSWORD},
    "add_unsubscribe": {"domain": DOMAIN, "address": "ann@example.net"},
    "delete_bounce": {"domain": DOMAIN, "address": "gone@example.net"},
}
"""Calls whose one unknown is a weak password, or one of the people an attacker has in mind."""


@contextmanager
def earlier_version() -> Iterator[None]:
    """As it was when digests had no key."""

    def plain(_: Services, prepared: Prepared) -> tuple[str, str]:
        digest = canonical.plain_digest(canonical_of(prepared))
        return digest, ""

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Services, "digests", plain)
        yield


async def left_lying(desk: Desk, house: House) -> str:
    """All there is of the installation but its key, and what a model is told."""
    files = [path.read_bytes() for path in desk.home.rglob("*") if path.is_file() and path.name != "keys.json"]
    exported = [line async for line in audit.export(house.gate.store)]
    return "\n".join([*(one.decode("latin-1") for one in files), *exported])


@pytest.mark.parametrize("tool", GUESSABLE)
async def test_attack_186_no_guess_can_be_tried_without_the_key(desk: Desk, tool: str) -> None:
    async with desk.open() as house, house.client() as client:
        asked = structured(await client.call_tool(tool, GUESSABLE[tool]))
        await decide(house, asked["approval_id"], approve=False)
        prepared = await house.engine.prepare(tool, GUESSABLE[tool])
        guessed = canonical.plain_digest(canonical_of(prepared))
        found = await left_lying(desk, house)
    assert asked["digest"] in found
    assert guessed not in found
    assert guessed.removeprefix("sha256:") not in json.dumps(asked)


async def test_attack_186_two_installations_call_one_request_differently_and_one_calls_it_the_same(
    desk: Desk,
) -> None:
    digests = []
    for lost in (False, False, True):
        if lost:
            (desk.home / "keys.json").unlink()
        async with desk.open() as house:
            digests.append(house.gate.services.digests(await house.engine.prepare("send_message", LETTER))[0])
    assert digests[0] == digests[1] != digests[2]


# Migration: what earlier versions asked keeps its digest ----------------------------------------------------------


async def test_attack_186_what_an_earlier_version_asked_is_joined_decided_and_carried_out_once(desk: Desk) -> None:
    with earlier_version():
        async with desk.open() as house, house.client() as client:
            asked = structured(await client.call_tool("send_message", LETTER))
    assert asked["digest"].startswith("sha256:")
    async with desk.open() as house, house.client(Person(desk.clock, APPROVE)) as client:
        done = structured(await client.call_tool("send_message", LETTER))
        assert (done["approval_id"], done["executed"]) == (asked["approval_id"], True)
        assert (await house.only()).digest == asked["digest"]
        assert (await audit.verify(house.gate.store)).ok
    assert len(desk.writes()) == 1


async def test_attack_186_three_rejections_count_whatever_version_asked(desk: Desk) -> None:
    with earlier_version():
        async with desk.open() as house, house.client() as client:
            for _ in range(2):
                asked = structured(await client.call_tool("send_message", LETTER))
                await decide(house, asked["approval_id"], approve=False)
                desk.clock.let_pass(10)
    async with desk.open() as house, house.client() as client:
        asked = structured(await client.call_tool("send_message", LETTER))
        assert asked["digest"].startswith("hmac-sha256:")
        assert len(asked["preview"]["history"]) == 2
        await decide(house, asked["approval_id"], approve=False)
        refused = await client.call_tool("send_message", LETTER)
    assert "rejected exactly this 3 times" in structured(refused)["error"]["message"]


async def test_attack_186_a_stored_call_that_is_not_what_was_approved_is_stale_in_either_form(desk: Desk) -> None:
    """A schema that changed since: the stored text is another one under a key and without."""
    for version in (earlier_version, None):
        with earlier_version() if version else pytest.MonkeyPatch.context():
            async with desk.open() as house, house.client() as client:
                asked = structured(await client.call_tool("send_message", {**LETTER, "subject": f"{version}"}))
        async with desk.open() as house:
            kept = house.gate.services.operations["send_message"].schema
            kept["description"] = "another"
            try:
                record = await decide(house, asked["approval_id"])
            finally:
                del kept["description"]
            assert (record.state, "schema changed" in str(record.reason)) == ("stale", True)
    assert desk.writes() == []


# 188: a doubt does not grow old -----------------------------------------------------------------------------------


async def test_attack_188_an_outcome_that_is_not_known_is_told_and_not_repeated_unasked_however_old(
    desk: Desk,
) -> None:
    policy = desk.home / "policy.toml"
    policy.write_text('[[rule]]\nname = "all"\ntools = ["*"]\ndecision = "allow"\n')
    policy.chmod(0o600)
    desk.arm("drop_before")
    async with desk.open() as house, house.client() as client:
        first = structured(await client.call_tool("send_message", LETTER))
        await decide(house, first["approval_id"])
        assert await house.state(first["approval_id"]) == "unknown"
    desk.clock.let_pass(4 * 86_400.0)
    async with desk.open(policy=policy) as house, house.client() as client:
        again = structured(await client.call_tool("send_message", LETTER))
        assert again["status"] == "approval_required"
        assert "outcome is not known" in str(again["preview"]["history"])
    assert len(desk.writes()) == 1
