"""Attacks 338 and 339: people with Maton keys of their own on one server; nobody works with another's."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client

from maton_mailgun.config import load
from maton_mailgun.errors import SetupError
from maton_mailgun.principal import of_subject
from maton_mailgun.protocol.server import Visitor, build
from maton_mailgun.sandbox import Sandbox
from maton_mailgun.setting_values import OAuth
from maton_mailgun.wire.people_keys import PeopleKeys

from .bench import LETTER, Desk, House, decide, structured

pytestmark = pytest.mark.anyio
ISSUER = "https://login.example.com"
ANN, BOB = of_subject(ISSUER, "ann"), of_subject(ISSUER, "bob")
KEYS = {"ann": "key-of-ann", "bob": "key-of-bob"}


def written(path: Path, **keys: str) -> Path:
    path.write_text("".join(f'[[person]]\nsubject = "{name}"\nkey = "{key}"\n' for name, key in keys.items()))
    path.chmod(0o600)
    return path


@dataclass
class Wire(httpx2.AsyncBaseTransport):
    """Each key leads to an account of its own; `sent` is every request with the key it came with."""

    accounts: dict[str, Sandbox]
    sent: list[tuple[str, str, str]] = field(default_factory=list)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        key = request.headers["authorization"].removeprefix("Bearer ")
        self.sent.append((key, request.method, request.url.path))
        return await httpx2.ASGITransport(app=self.accounts[key].app).handle_async_request(request)

    def used(self) -> set[str]:
        return {key for key, _, _ in self.sent}

    def writes(self) -> list[str]:
        return [key for key, method, _ in self.sent if method != "GET"]


@pytest.fixture
def wire() -> Wire:
    return Wire({key: Sandbox(api_keys=(key,)) for key in (*KEYS.values(), "key-of-eve")})


@asynccontextmanager
async def serving(desk: Desk, wire: Wire, keys: Path) -> AsyncIterator[House]:
    trusted = OAuth(issuer=ISSUER, audience=f"{ISSUER}/mcp", keys_url=f"{ISSUER}/jwks")
    async with desk.open(api_key=None, people_keys=keys, oauth=trusted, approval="operator") as house:
        house.engine.gateway._given = wire
        yield house


@asynccontextmanager
async def of(house: House, principal: str) -> AsyncIterator[Client]:
    async with Client(build(house.engine, who=lambda _: Visitor(principal))) as client:
        yield client


async def called(house: House, principal: str, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    async with of(house, principal) as client:
        return structured(await client.call_tool(tool, arguments))


async def test_everybody_works_with_their_own_key(desk: Desk, wire: Wire, tmp_path: Path) -> None:
    async with serving(desk, wire, written(tmp_path / "keys.toml", **KEYS)) as house:
        for principal, key in ((ANN, "key-of-ann"), (BOB, "key-of-bob")):
            wire.sent.clear()
            assert (await called(house, principal, "list_domains", {}))["status"] == "ok"
            proposed = await called(house, principal, "send_message", LETTER)
            record = await decide(house, proposed["approval_id"])
            assert (await house.gate.run(record.id)).state == "succeeded"
            assert (wire.used(), wire.writes()) == ({key}, [key])


async def test_attack_338_who_has_no_entry_gets_nothing_of_others(desk: Desk, wire: Wire, tmp_path: Path) -> None:
    async with serving(desk, wire, written(tmp_path / "keys.toml", **KEYS)) as house:
        for stranger in (of_subject(ISSUER, "eve"), of_subject("https://other.example", "ann"), "local:tester", "ann"):
            for tool, arguments in (("list_domains", {}), ("list_connections", {}), ("send_message", LETTER)):
                told = await called(house, stranger, tool, arguments)
                assert told["error"]["kind"] == "person_key_missing"
                assert not any(key in str(told) for key in KEYS.values())
    assert wire.sent == []


async def test_attack_338_a_yes_is_carried_out_with_the_key_it_was_proposed_with_or_not_at_all(
    desk: Desk, wire: Wire, tmp_path: Path
) -> None:
    """The operator gives ann another key between question and yes: her mail must not leave by another account."""
    keys = written(tmp_path / "keys.toml", **KEYS)
    async with serving(desk, wire, keys) as house:
        proposed = await called(house, ANN, "send_message", LETTER)
        written(keys, ann="key-of-eve", bob="key-of-bob")
        record = await decide(house, proposed["approval_id"])
        now = await house.gate.run(record.id)
        assert (now.state, wire.writes()) == ("approved", [])
        written(keys, **KEYS)
        assert (await house.gate.run(record.id)).state == "succeeded"
        assert wire.writes() == ["key-of-ann"]


async def test_attack_338_who_is_taken_out_of_the_file_is_out_at_once(desk: Desk, wire: Wire, tmp_path: Path) -> None:
    keys = written(tmp_path / "keys.toml", **KEYS)
    async with serving(desk, wire, keys) as house:
        proposed = await called(house, ANN, "send_message", LETTER)
        written(keys, bob="key-of-bob")
        assert (await called(house, ANN, "list_domains", {}))["error"]["kind"] == "person_key_missing"
        record = await decide(house, proposed["approval_id"])
        assert (await house.gate.run(record.id)).state == "approved"
        # A file that cannot be used any more lets nobody work with what was read before.
        keys.write_text("[[person]\n")
        assert (await called(house, BOB, "list_domains", {}))["error"]["kind"] == "person_key_missing"
    assert wire.writes() == []


@pytest.mark.skipif(os.name != "posix", reason="Windows has no modes")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602])
def test_attack_339_a_file_that_others_may_read_is_not_taken(mode: int, tmp_path: Path) -> None:
    keys = written(tmp_path / "keys.toml", **KEYS)
    assert set(PeopleKeys(keys, ISSUER).people()) == {ANN, BOB}
    keys.chmod(mode)
    with pytest.raises(SetupError, match="MATON_MAILGUN_KEYS"):
        PeopleKeys(keys, ISSUER).people()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "must hold"),
        ('key = "secret-key"', "must hold"),
        ("[[person]]\nkey = 'secret-key'", "subject is missing"),
        ("[[person]]\nsubject = 'ann'", "either key or token_command"),
        ("[[person]]\nsubject = 'ann'\nkey = 'secret-key'\ntoken_command = ['x']", "either key or token_command"),
        ("[[person]]\nsubject = 'ann'\nkey = 'secret key'", "blanks"),
        ("[[person]]\nsubject = 'ann'\nkey = 7", "must be text"),
        ("[[person]]\nsubject = 'ann'\ntoken_command = 'echo secret-key'", "list of words"),
        ("[[person]]\nsubject = 'ann'\nkey = 'secret-key'\nkye = 'x'", "nothing else"),
        ("[[person]]\nsubject='ann'\nkey='secret-key'\n[[person]]\nsubject='ann'\nkey='secret-key'", "already"),
        ("[[person]]\nsubject = 'ann\nkey = 'secret-key'", "not TOML"),
    ],
)
def test_attack_339_a_broken_file_is_refused_and_not_quoted(content: str, said: str, tmp_path: Path) -> None:
    keys = tmp_path / "keys.toml"
    keys.write_text(content)
    keys.chmod(0o600)
    with pytest.raises(SetupError, match=said) as told:
        PeopleKeys(keys, ISSUER).people()
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    "beside",
    [{"MATON_API_KEY": "key-for-all"}, {"MATON_TOKEN_COMMAND": "print-it"}, {"MATON_MAILGUN_OAUTH_ISSUER": ""}],
)
def test_attack_338_a_file_of_keys_and_a_key_for_all_exclude_each_other(beside: dict[str, str], tmp_path: Path) -> None:
    env = {
        "MATON_MAILGUN_HOME": str(tmp_path),
        "MATON_MAILGUN_KEYS": str(written(tmp_path / "keys.toml", **KEYS)),
        "MATON_MAILGUN_OAUTH_ISSUER": ISSUER,
        "MATON_MAILGUN_OAUTH_AUDIENCE": f"{ISSUER}/mcp",
        "MATON_MAILGUN_OAUTH_KEYS": f"{ISSUER}/jwks",
    }
    assert load(env).has_key
    with pytest.raises(SetupError, match=r"MATON_MAILGUN_(KEYS|OAUTH_ISSUER)"):
        load({**env, **beside})


@pytest.mark.skipif(os.name != "posix", reason="the command of this test is a shell script")
async def test_a_person_may_have_a_command_for_tokens_and_a_connection(desk: Desk, wire: Wire, tmp_path: Path) -> None:
    command = tmp_path / "token"
    command.write_text("#!/bin/sh\necho key-of-ann\n")
    command.chmod(0o700)
    keys = tmp_path / "keys.toml"
    keys.write_text(f'[[person]]\nsubject = "ann"\ntoken_command = ["{command}"]\nconnection_id = "absent"\n')
    keys.chmod(0o600)
    async with serving(desk, wire, keys) as house:
        assert (await called(house, ANN, "list_connections", {}))["status"] == "ok"
        assert (await called(house, ANN, "list_domains", {}))["error"]["kind"] == "connection_unknown"
    assert wire.used() == {"key-of-ann"}
