"""Every tool from a real MCP client, over stdio, through the gateway, against the sandbox on a real port.

What arrives is held to the documented request of each operation; no write arrives without a person's yes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from mcp.client.stdio import StdioServerParameters

from catalogue.files import EXAMPLES, ROWS, WRITES, examples

from .account import Account
from .comparing import documented, shape
from .host import Era, Host, content, draws_what_it_asks, headline, host, text
from .wire import SEVERAL, WIRE

READS = [name for name in ROWS if name not in WRITES]


def test_every_tool_and_every_example_has_a_documented_request() -> None:
    documented_calls = {**WIRE, **SEVERAL}
    assert {tool: set(calls) for tool, calls in documented_calls.items()} == {
        tool: set(calls) for tool, calls in EXAMPLES.items()
    }


def test_a_client_of_all_toolsets_is_offered_every_operation_and_the_approval_tools(approving: Host) -> None:
    names = [tool.name for tool in approving.tools()]
    assert names[: len(ROWS)] == list(ROWS)
    assert names[len(ROWS) :] == ["get_approval", "list_approvals", "replace_approval", "cancel_approval"]


@pytest.mark.parametrize(("tool", "example"), [pair for pair in examples() if pair[0] in WIRE and pair[0] in READS])
def test_a_read_makes_the_documented_request(tool: str, example: str, approving: Host, account: Account) -> None:
    account.prepare(tool)
    asked_before = len(approving.asked)
    result = approving.call(tool, EXAMPLES[tool][example])
    assert not result.is_error, text(result)
    assert content(result)["status"] == "ok"
    expected = WIRE[tool][example]
    assert [shape(request, expected) for request in account.reads()] == [documented(expected)]
    assert account.writes() == []
    assert len(approving.asked) == asked_before


@pytest.mark.parametrize(("tool", "example"), [pair for pair in examples() if pair[0] in SEVERAL])
def test_a_read_at_several_places_makes_the_documented_requests_and_no_other(
    tool: str, example: str, approving: Host, account: Account
) -> None:
    account.prepare(tool)
    result = approving.call(tool, EXAMPLES[tool][example])
    assert not result.is_error, text(result)
    expected = {f"{one.path} {sorted(one.query.items())}": one for one in SEVERAL[tool][example]}
    arrived = account.reads()
    lines = {f"{one['path'].partition('?')[0]} {sorted(map(tuple, one['query']))}": one for one in arrived}
    assert sorted(lines) == sorted(expected)
    assert len(arrived) == len(expected)
    assert [shape(lines[line], one) for line, one in expected.items()] == [documented(one) for one in expected.values()]
    assert account.writes() == []


@pytest.mark.parametrize(("tool", "example"), [pair for pair in examples() if pair[0] in WRITES])
def test_an_approved_write_makes_the_documented_request_once(
    tool: str, example: str, approving: Host, account: Account
) -> None:
    account.prepare(tool)
    asked_before = len(approving.asked)
    result = approving.call(tool, EXAMPLES[tool][example])
    assert not result.is_error, text(result)
    assert (content(result)["status"], content(result)["executed"]) == ("executed", True)
    expected = WIRE[tool][example]
    assert [shape(request, expected) for request in account.writes()] == [documented(expected)]
    (question,) = approving.asked[asked_before:]
    path = expected.path.removeprefix("/mailgun")
    ordinary = path.endswith(("/messages", "/messages.mime"))
    # Of an ordinary message the domain says it all. A long line is folded between words.
    assert ("via mg.example.com" if ordinary else f"{expected.method} {path}") in " ".join(question.split())


class _ByEra:
    """One server process per era, with a person who does not approve."""

    def __init__(self, modern: Host, legacy: Host) -> None:
        self._hosts = {"modern": modern, "legacy": legacy}

    def __getitem__(self, era: Era) -> Host:
        return self._hosts[era]


@pytest.fixture(scope="module")
def rejecting(process: Callable[[], StdioServerParameters]) -> Iterator[_ByEra]:
    with host(process(), "rejects") as modern, host(process(), "rejects", "legacy") as legacy:
        yield _ByEra(modern, legacy)


@pytest.fixture(scope="module")
def unable_to_ask(process: Callable[[], StdioServerParameters]) -> Iterator[_ByEra]:
    with host(process(), "absent") as modern, host(process(), "absent", "legacy") as legacy:
        yield _ByEra(modern, legacy)


@pytest.mark.slow
@pytest.mark.parametrize("era", ["modern", "legacy"])
@pytest.mark.parametrize("tool", WRITES)
def test_a_rejected_write_never_leaves(tool: str, era: Era, rejecting: _ByEra, account: Account) -> None:
    account.prepare(tool)
    client = rejecting[era]
    asked_before = len(client.asked)
    result = client.call(tool, EXAMPLES[tool]["full"])
    assert account.writes() == []
    assert headline(result).startswith("NOT EXECUTED.")
    shown = content(result)
    assert (shown["status"], shown["executed"], shown["reason"]) == ("rejected", False, "not today")
    assert len(client.asked) == asked_before + 1


@pytest.mark.slow
@pytest.mark.parametrize("era", ["modern", "legacy"])
@pytest.mark.parametrize("tool", WRITES)
def test_a_write_of_a_client_that_cannot_ask_waits_and_never_leaves(
    tool: str, era: Era, unable_to_ask: _ByEra, account: Account
) -> None:
    account.prepare(tool)
    client = unable_to_ask[era]
    result = client.call(tool, EXAMPLES[tool]["full"])
    assert headline(result).startswith("NOT EXECUTED.")
    waiting = content(result)
    assert (waiting["status"], waiting["executed"], result.is_error) == ("approval_required", False, False)
    looked = client.call("get_approval", {"approval_id": waiting["approval_id"]})
    assert content(looked)["status"] == "approval_required"
    withdrawn = client.call("cancel_approval", {"approval_id": waiting["approval_id"]})
    assert (content(withdrawn)["status"], content(withdrawn)["executed"]) == ("cancelled", False)
    assert account.writes() == []


@pytest.fixture(scope="module")
def approving_earlier(process: Callable[[], StdioServerParameters]) -> Iterator[Host]:
    """A client from before 2026-07-28 whose person approves everything."""
    with host(process(), era="legacy") as connected:
        yield connected


@pytest.mark.slow
@pytest.mark.parametrize("tool", WRITES)
def test_an_earlier_client_is_asked_in_the_middle_of_the_call(
    tool: str, approving_earlier: Host, account: Account
) -> None:
    account.prepare(tool)
    asked_before = len(approving_earlier.asked)
    result = approving_earlier.call(tool, EXAMPLES[tool]["minimal"])
    assert content(result)["status"] == "executed", text(result)
    expected = WIRE[tool]["minimal"]
    assert [shape(request, expected) for request in account.writes()] == [documented(expected)]
    assert len(approving_earlier.asked) == asked_before + 1


def test_approved_in_an_argument_is_refused_and_nothing_leaves(approving: Host, account: Account) -> None:
    """Attack 1: a model that says yes to itself."""
    for tool in WRITES:
        account.prepare("")
        asked_before = len(approving.asked)
        result = approving.call(tool, {**EXAMPLES[tool]["full"], "approved": True})
        assert result.is_error
        assert content(result)["error"]["kind"] == "bad_arguments"
        assert account.writes() == []
        assert len(approving.asked) == asked_before


@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_a_host_that_shows_apps_draws_what_waits(
    era: Era, process: Callable[[], StdioServerParameters], account: Account
) -> None:
    account.prepare("send_message")
    with host(process(), "absent", era, apps=True) as client:
        shown = draws_what_it_asks(client, EXAMPLES["send_message"]["full"])
    assert (shown["state"], [way["channel"] for way in shown["decide"]]) == ("pending", ["cli"])
    assert account.writes() == []
