"""Two tools instead of the whole list: what fits some words is found, and a call through them is the same call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from mcp import Client
from mcp.client.session import ClientRequestContext
from mcp.shared.exceptions import MCPError

from catalogue.files import ROWS, TOOLSETS
from maton_mailgun.config import Settings
from maton_mailgun.protocol import discovery
from maton_mailgun.protocol.server import build
from maton_mailgun.runtime import engine as made_engine
from maton_mailgun.sandbox import Sandbox

from .doubles import DOMAIN, catalogue
from .inside import in_process

pytestmark = pytest.mark.anyio
ERAS = ("auto", "legacy")
APPROVAL_TOOLS = ["get_approval", "list_approvals", "replace_approval", "cancel_approval"]
LETTER = {"domain": DOMAIN, "from": f"a@{DOMAIN}", "to": ["ann@example.net"], "subject": "Hello", "text": "Ten?"}
EVERYDAY = (
    "list_domains list_events get_mailing_list list_mailing_list_members add_mailing_list_member "
    "update_mailing_list_member send_message get_stats list_bounces get_bounce delete_bounce list_unsubscribes "
    "list_complaints list_templates get_template"
)


def content(result: Any) -> dict[str, Any]:
    assert isinstance(result, types.CallToolResult)
    found: dict[str, Any] | None = result.structured_content
    assert found is not None
    return found


async def test_only_two_tools_and_those_about_approvals_are_listed(sandbox: Sandbox) -> None:
    with in_process(sandbox, discovery=True) as engine:
        async with Client(build(engine)) as client:
            tools = (await client.list_tools()).tools
            assert client.instructions is not None
            assert client.instructions.startswith("Tools are found with find_tools")
    assert [tool.name for tool in tools] == ["find_tools", "call_tool", *APPROVAL_TOOLS]
    assert sum(len(tool.model_dump_json()) for tool in tools) < 4_000


@pytest.mark.parametrize(
    ("words", "tool"),
    [
        ("send an email", "send_message"),
        ("why did a mail bounce", "list_bounces"),
        ("add people to a mailing list", "add_mailing_list_member"),
        ("what happened to a message", "list_events"),
        ("statistics", "get_stats"),
        ("unsubscribed addresses", "list_unsubscribes"),
        ("change webhook", "update_webhook"),
        ("rule for inbound mail", "create_route"),
        ("DNS records of a domain", "get_domain"),
        ("verify domain", "verify_domain"),
        ("roll a template version back", "update_template_version"),
        ("SMTP login password", "update_credential_password"),
        ("read a stored message", "get_stored_message"),
        ("Allowlist an address", "add_whitelist"),
        ("which mailgun accounts", "list_connections"),
    ],
)
def test_what_is_to_be_done_finds_its_tool(words: str, tool: str) -> None:
    assert tool in [one["name"] for one in discovery.found(catalogue(), words)["tools"]]


@pytest.mark.parametrize("tool", ROWS)
def test_every_tool_is_found_by_its_title_and_told_as_the_list_would(tool: str) -> None:
    found = {one["name"]: one for one in discovery.found(catalogue(), ROWS[tool]["title"])["tools"]}
    assert found[tool]["asks_a_person"] is (ROWS[tool]["access"] != "read")
    assert found[tool]["description"].startswith(ROWS[tool]["about"])
    assert found[tool]["inputSchema"]["type"] == "object"


def test_words_that_fit_nothing_get_the_names_of_all_tools() -> None:
    assert discovery.found(catalogue(), "zzz") == {"status": "ok", "tools": [], "all_tools": list(ROWS)}


@pytest.mark.parametrize("era", ERAS)
async def test_a_read_is_called_through_it(era: str, sandbox: Sandbox) -> None:
    with in_process(sandbox, discovery=True) as engine:
        async with Client(build(engine), mode=era) as client:
            direct = await engine.read(await engine.prepare("list_domains", {"limit": 2}))
            found = content(await client.call_tool("call_tool", {"name": "list_domains", "arguments": {"limit": 2}}))
    assert found == direct


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("decision", ["approve", "reject"])
async def test_a_write_through_it_is_asked_about_and_carried_out_as_ever(
    era: str, decision: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    asked: list[str] = []

    async def answer(context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
        asked.append(params.message)
        return types.ElicitResult(action="accept", content={"decision": decision})

    with in_process(sandbox, tmp_path, discovery=True) as engine:
        async with Client(build(engine), mode=era, elicitation_callback=answer) as client:
            result = content(await client.call_tool("call_tool", {"name": "send_message", "arguments": LETTER}))
        await engine.aclose()
    assert result["status"] == ("executed" if decision == "approve" else "rejected")
    assert len(sandbox.messages) == (decision == "approve")
    (question,) = asked
    assert "ann@example.net" in question


@pytest.mark.parametrize("name", ["get_approval", "relay_approval", "call_tool", "find_tools", "no_such", ""])
async def test_nothing_but_an_operation_is_called_through_it(name: str, sandbox: Sandbox, tmp_path: Path) -> None:
    with in_process(sandbox, tmp_path, discovery=True, approval="relay") as engine:
        async with Client(build(engine)) as client:
            result = await client.call_tool("call_tool", {"name": name, "arguments": {}})
    assert isinstance(result, types.CallToolResult)
    assert (result.is_error, content(result)["error"]["kind"]) == (True, "unknown_tool")


@pytest.mark.parametrize("given", [{}, {"name": 7}, {"name": "list_domains", "arguments": 5}, {"name": "x", "more": 1}])
async def test_a_call_that_is_none_is_told_what_would_be_right(given: dict[str, Any], sandbox: Sandbox) -> None:
    with in_process(sandbox, discovery=True) as engine:
        async with Client(build(engine)) as client:
            result = await client.call_tool("call_tool", given)
    assert content(result)["error"]["kind"] == "bad_arguments"


@pytest.mark.parametrize("era", ERAS)
async def test_a_name_that_was_copied_with_its_mark_is_the_same_tool(
    era: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """In the modern era the state of its question is sealed: a yes to it counts."""

    async def answer(context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
        return types.ElicitResult(action="accept", content={"decision": "approve"})

    with in_process(sandbox, tmp_path, discovery=True) as engine:
        async with Client(build(engine), mode=era, elicitation_callback=answer) as client:
            result = content(await client.call_tool("call_tool", {"name": "⟪send_message", "arguments": LETTER}))
        await engine.aclose()
    assert (result["status"], len(sandbox.messages)) == ("executed", 1)


async def test_what_is_not_listed_is_not_called_by_its_own_name(sandbox: Sandbox) -> None:
    with in_process(sandbox, discovery=True) as engine:
        async with Client(build(engine)) as client:
            with pytest.raises(MCPError):
                await client.call_tool("list_domains", {})


def test_with_discovery_every_toolset_is_there_unless_some_are_named() -> None:
    assert list(made_engine(Settings(discovery=True)).catalogue) == list(ROWS)
    named = made_engine(Settings(discovery=True, toolsets=("ips",))).catalogue
    assert list(named) == list(TOOLSETS["ips"]["tools"])


def test_everyday_is_the_fifteen_tools_that_most_jobs_need() -> None:
    assert list(made_engine(Settings(toolsets=("everyday",))).catalogue) == EVERYDAY.split()
    wider = made_engine(Settings(toolsets=("everyday", "ips"))).catalogue
    assert set(wider) == {*EVERYDAY.split(), *TOOLSETS["ips"]["tools"]}


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


def test_the_tools_of_discovery_are_plain_json() -> None:
    assert json.loads(json.dumps(discovery.TOOLS)) == [dict(tool) for tool in discovery.TOOLS]
