"""Previews of the real reader, over a real socket, from an account that was not written to please them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from effects_table import examples, files
from fake_account import propose, tools

from maton_mailgun.approval.preview.account_reader import AccountReader
from maton_mailgun.approval.preview.look import Look, make
from maton_mailgun.approval.preview.proposal import Proposal
from maton_mailgun.config import Settings
from maton_mailgun.sandbox import RunningSandbox, Sandbox, serve
from maton_mailgun.wire.gateway import Gateway
from maton_mailgun.wire.request import build

KEY = "sandbox-maton-key"
CONNECTION = "78b5a036-c621-40c2-b74b-276195735af2"
WRITES = [name for name in tools() if tools()[name].writes]
D = "mg.example.com"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with serve(Sandbox()) as running:
        yield running


@asynccontextmanager
async def reader(running: RunningSandbox) -> AsyncIterator[tuple[Gateway, AccountReader]]:
    gateway = Gateway(Settings(api_key=KEY, api_url=running.url))
    try:
        yield gateway, AccountReader(gateway, tools(), CONNECTION)
    finally:
        await gateway.aclose()


def look(running: RunningSandbox, proposal: Proposal, first: tuple[str, Mapping[str, Any]] | None = None) -> Look:
    async def run() -> Look:
        async with reader(running) as (gateway, account):
            if first is not None:
                request = build(tools()[first[0]], first[1])
                assert (await gateway.write(request, CONNECTION, "send")).status == 200
            return await make(replace(proposal, read=account, now=running.sandbox.now() + 1))

    return asyncio.run(run())


@pytest.mark.parametrize("tool", WRITES)
def test_everything_a_preview_wants_to_know_can_be_read(sandbox: RunningSandbox, tool: str) -> None:
    for name, arguments in examples()[tool].items():
        found = look(sandbox, propose(tool, arguments, files=files(tool, arguments)))
        # A change that names the appointment by its number and not by the message: then there is none to compare with.
        unread = ["could not check what it changes or cancels: the earlier invitation was not read"]
        by_number = tool == "send_invitation" and name in ("changed", "cancelled")
        assert found.preview["unchecked"] == (unread if by_number else [])


def test_no_preview_writes_anything(sandbox: RunningSandbox) -> None:
    before = len(sandbox.sandbox.requests)
    for tool in WRITES:
        arguments = examples()[tool]["full"]
        look(sandbox, propose(tool, arguments, files=files(tool, arguments)))
    seen = list(sandbox.sandbox.requests)[before:]
    assert seen
    assert {record["method"] for record in seen} == {"GET"}


def test_a_send_is_told_who_is_suppressed_known_and_a_list(sandbox: RunningSandbox) -> None:
    letter = {"domain": D, "from": f"a@{D}", "subject": "Hello", "text": "Hi"}
    everyone = ["gone@example.net", "quiet@example.net", "angry@example.net", "known@example.org", f"developers@{D}"]
    found = look(
        sandbox,
        propose("send_message", {**letter, "bcc": everyone, "to": ["new@example.org"]}),
        first=("send_message", {**letter, "to": ["known@example.org"]}),
    )
    flags = {one["address"]: one["flags"] for one in found.preview["recipients"]}
    assert flags["gone@example.net"] == ["external", "first time", "bounced before"]
    assert flags["quiet@example.net"] == ["external", "first time", "unsubscribed"]
    assert flags["angry@example.net"] == ["external", "first time", "complained"]
    assert flags["new@example.org"] == ["external", "first time"]
    assert flags["known@example.org"][1].startswith("last mail ")
    assert flags[f"developers@{D}"][-1].startswith("mailing list in bcc: ")
    assert found.preview["unchecked"] == []


@pytest.mark.parametrize("number", [4, 10, 100])
def test_a_send_to_many_costs_at_most_seven_reads(sandbox: RunningSandbox, number: int) -> None:
    """Maton lets 10 requests a second through: more would eat up the five seconds that all reads have together."""
    everyone = [f"person{index}@example.org" for index in range(number)]
    letter = {"domain": D, "from": f"a@{D}", "to": everyone, "subject": "Hello", "text": "Hi"}
    before = len(sandbox.sandbox.requests)
    look(sandbox, propose("send_message", letter))
    paths = [request["path"].partition("?")[0] for request in list(sandbox.sandbox.requests)[before:]]
    assert len(paths) <= 7
    assert sorted(path.removeprefix("/mailgun") for path in paths) == [
        "/v3/domains/mg.example.com",
        "/v3/domains/mg.example.com/tracking",
        "/v3/lists/pages",
        "/v3/mg.example.com/bounces",
        "/v3/mg.example.com/complaints",
        "/v3/mg.example.com/events",
        "/v3/mg.example.com/unsubscribes",
    ]
