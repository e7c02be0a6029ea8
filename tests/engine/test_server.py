"""The protocol's side: what is listed and how, what an unknown name gets, what a cancelled call leaves behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import httpx2
import mcp_types as types
import pytest
from jsonschema import Draft202012Validator
from mcp import Client
from mcp.shared.exceptions import MCPError

from catalogue.files import DEFAULT, EXAMPLES, ROWS, SCHEMAS, TOOLSETS, WRITES
from maton_mailgun.call import Engine
from maton_mailgun.errors import SetupError
from maton_mailgun.protocol.server import build
from maton_mailgun.sandbox import Sandbox

from .doubles import DOMAIN, Says, Scripted, engine_over
from .inside import in_process

pytestmark = pytest.mark.anyio

ERAS = ("auto", "legacy")
APPROVAL_TOOLS = ["get_approval", "list_approvals", "replace_approval", "cancel_approval"]
READS = [name for name in DEFAULT if name not in WRITES]


async def _unused(*_: Any) -> Any:
    raise AssertionError("nobody is asked here")


def _client(engine: Engine, era: str = "auto") -> Client:
    return Client(build(engine), mode=era)


async def _listed(engine: Engine, era: str = "auto") -> list[types.Tool]:
    async with _client(engine, era) as client:
        return (await client.list_tools()).tools


async def _names(**settings: Any) -> list[str]:
    return [tool.name for tool in await _listed(engine_over(Scripted([Says(200, {})]), **settings))]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("named", "asks", "flagged"),
    [
        pytest.param("mcp", {"sampling_callback": _unused}, False, id="agent-framework"),
        pytest.param("mcp", {}, True, id="no capability"),
        pytest.param("mcp", {"sampling_callback": _unused, "elicitation_callback": _unused}, True, id="one more"),
        pytest.param("desk", {"sampling_callback": _unused}, True, id="another name"),
    ],
)
async def test_an_error_is_flagged_but_where_that_would_keep_its_words_from_the_model(
    era: str, named: str, asks: dict[str, Any], flagged: bool
) -> None:
    """Microsoft's Agent Framework hands its model "Error: Function failed." in place of a result that is flagged."""
    server, info = build(engine_over(Scripted([Says(200, {})]))), types.Implementation(name=named, version="1")
    async with Client(server, mode=era, client_info=info, **asks) as client:
        done = await client.call_tool("list_bounces", {})
    assert done.is_error is flagged
    assert done.structured_content is not None
    assert (done.structured_content["status"], done.structured_content["error"]["kind"]) == ("error", "bad_arguments")


@pytest.mark.parametrize("era", ERAS)
async def test_the_list_is_the_catalogue_in_its_order_every_time(era: str) -> None:
    engine = engine_over(Scripted([Says(200, {})]), toolsets=None)
    async with _client(engine, era) as client:
        first = await client.list_tools(cache_mode="bypass")
        second = await client.list_tools(cache_mode="bypass")
    assert [tool.name for tool in first.tools] == [*DEFAULT, *APPROVAL_TOOLS]
    assert first == second
    assert first.next_cursor is None


async def test_both_eras_are_shown_the_same_tools() -> None:
    engine = engine_over(Scripted([Says(200, {})]))
    assert await _listed(engine, "auto") == await _listed(engine, "legacy")


async def test_a_tool_is_shown_as_its_row_and_schema_say() -> None:
    for tool in (await _listed(engine_over(Scripted([Says(200, {})]), toolsets=("all",))))[: len(ROWS)]:
        row = ROWS[tool.name]
        assert (tool.title, tool.description) == (
            row["title"],
            " ".join([row["about"], *([row["billed"]] if "billed" in row else [])]),
        )
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is (row["access"] == "read")
        assert tool.annotations.destructive_hint is (row["access"] in ("change", "delete", "send"))


async def test_a_listed_schema_has_every_argument_but_the_undocumented_one_and_takes_what_the_check_takes() -> None:
    for tool in (await _listed(engine_over(Scripted([Says(200, {})]), toolsets=("all",))))[: len(ROWS)]:
        listed, check = tool.input_schema, SCHEMAS[tool.name]
        assert list(listed["properties"]) == [name for name in check["properties"] if name != "native_send"]
        assert listed.get("required") == check.get("required")
        moments = {name for name, shape in check["properties"].items() if "anyOf" in shape}
        assert {name for name in moments if listed["properties"][name]["type"] != "string"} == set()
        for example in EXAMPLES[tool.name].values():
            given = {name: str(value) if name in moments else value for name, value in example.items()}
            assert [error.message for error in Draft202012Validator(listed).iter_errors(given)] == []


@pytest.mark.parametrize(("toolsets", "most"), [(None, 36_000), (("all",), 57_000)])
async def test_the_list_costs_a_model_no_more_characters_than_it_may(toolsets: Any, most: int) -> None:
    """Each tool's name, description and schema as compact JSON: what hosts hand to a model of a tool."""
    told = [
        {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema}
        for tool in await _listed(engine_over(Scripted([Says(200, {})]), toolsets=toolsets))
    ]
    assert sum(len(json.dumps(one, ensure_ascii=False, separators=(",", ":"))) for one in told) <= most


async def test_lists_may_be_kept_by_clients() -> None:
    async with _client(engine_over(Scripted([Says(200, {})]))) as client:
        listed = await client.list_tools()
        discovered = await client.session.discover()
    assert [(found.ttl_ms, found.cache_scope) for found in (listed, discovered)] == [(3_600_000, "public")] * 2


@pytest.mark.parametrize("era", ERAS)
async def test_the_instructions_explain_the_gate(era: str) -> None:
    async with _client(engine_over(Scripted([Says(200, {})])), era) as client:
        told = client.instructions or ""
    for words in (
        "asks a person",
        "NOT EXECUTED",
        "get_approval",
        "You cannot approve",
        "OUTCOME UNKNOWN",
        "never repeat",
    ):
        assert words in told
    assert len(told) < 1_200


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("name", ["no_such_tool", "", "approve", "relay_approval", "list_domains ", "../list_domains"])
async def test_an_unknown_tool_is_a_protocol_error(name: str, era: str) -> None:
    async with _client(engine_over(Scripted([Says(200, {})])), era) as client:
        with pytest.raises(MCPError) as refused:
            await client.call_tool(name, {})
    assert refused.value.error.code == types.INVALID_PARAMS


async def test_toolsets_narrow_the_list() -> None:
    assert await _names(toolsets=("routes", "ips")) == [
        name for toolset in ("ips", "routes") for name in TOOLSETS[toolset]["tools"]
    ] + APPROVAL_TOOLS  # fmt: skip


async def test_a_named_toolset_has_every_tool_of_it_and_all_has_them_all() -> None:
    assert "match_route" not in await _names(toolsets=None)
    assert "match_route" in await _names(toolsets=("routes",))
    assert "get_stored_message" not in await _names(toolsets=None)
    assert "get_stored_message" in await _names(toolsets=("messages",))
    assert await _names(toolsets=("all",)) == [*ROWS, *APPROVAL_TOOLS]
    assert await _names(toolsets=("routes", "all")) == [*ROWS, *APPROVAL_TOOLS]
    assert await _names(toolsets=("all",), read_only=True) == [name for name in ROWS if name not in WRITES]


async def test_an_unknown_toolset_stops_the_start() -> None:
    with pytest.raises(SetupError, match=r"There is no toolset mails. Toolsets are: connections, "):
        engine_over(Scripted([Says(200, {})]), toolsets=("routes", "mails"))


async def test_read_only_offers_no_write_and_nothing_about_approvals() -> None:
    assert await _names(toolsets=None, read_only=True) == READS


async def test_what_is_not_offered_cannot_be_called(tmp_path: Path) -> None:
    transport = Scripted([Says(200, {})])
    for settings, name in (({"read_only": True}, "delete_bounce"), ({"toolsets": ("ips",)}, "list_domains")):
        async with _client(engine_over(transport, tmp_path, **settings)) as client:
            with pytest.raises(MCPError) as refused:
                await client.call_tool(name, {"domain": DOMAIN, "address": "a@example.net"})
        assert refused.value.error.code == types.INVALID_PARAMS
    assert transport.arrived == []


async def test_relaying_is_offered_only_where_the_operator_switched_it_on() -> None:
    assert (await _names(approval="relay"))[-1] == "relay_approval"


@pytest.mark.parametrize("era", ERAS)
async def test_a_result_is_the_same_as_text_and_as_structure(era: str) -> None:
    async with _client(engine_over(Scripted([Says(200, {"items": ["ü"]})])), era) as client:
        result = await client.call_tool("list_ips", None)
    assert isinstance(result, types.CallToolResult)
    assert result.structured_content == json.loads(_text(result))
    assert _text(result).endswith('"result":{"items":["⟪ü"]}}')


@pytest.mark.parametrize("era", ERAS)
async def test_a_failure_is_a_result_the_model_can_read(era: str) -> None:
    async with _client(engine_over(Scripted([Says(404, {"message": "Domain not found"})])), era) as client:
        result = await client.call_tool("get_domain", {"domain": "nowhere.example.com"})
    assert isinstance(result, types.CallToolResult)
    assert result.is_error
    assert result.structured_content is not None
    assert result.structured_content["error"]["next"].startswith("Check the name with list_domains.")


async def test_without_a_key_tools_are_listed_and_each_call_says_what_to_set() -> None:
    async with _client(engine_over(Scripted([Says(500)]), api_key=None, toolsets=None)) as client:
        assert len((await client.list_tools()).tools) == 65
        result = await client.call_tool("list_domains", {})
    assert isinstance(result, types.CallToolResult)
    assert result.is_error
    assert "MATON_API_KEY" in _text(result)


@pytest.mark.parametrize(
    ("tool", "arguments", "kind"),
    [
        ("get_approval", {}, "bad_arguments"),
        ("get_approval", {"approval_id": "1"}, "bad_arguments"),
        ("get_approval", {"approval_id": "apr_" + "0" * 32, "approve": True}, "bad_arguments"),
        ("get_approval", {"approval_id": "apr_" + "0" * 32, "wait_seconds": 56}, "bad_arguments"),
        ("list_approvals", {"limit": 101}, "bad_arguments"),
        ("get_approval", {"approval_id": "apr_" + "0" * 32}, "refused"),
        ("cancel_approval", {"approval_id": "apr_" + "0" * 32}, "refused"),
    ],
)
async def test_the_approval_tools_hold_their_callers_to_their_schemas_too(
    tool: str, arguments: dict[str, Any], kind: str, tmp_path: Path
) -> None:
    engine = engine_over(Scripted([Says(500)]), tmp_path)
    async with _client(engine) as client:
        result = await client.call_tool(tool, arguments)
    await engine.aclose()
    assert isinstance(result, types.CallToolResult)
    assert result.structured_content is not None
    assert result.structured_content["error"]["kind"] == kind


class _Stuck(Scripted):
    """Never answers Mailgun's endpoints."""

    def __init__(self) -> None:
        super().__init__([Says(200, {})])
        self.entered, self.left = anyio.Event(), anyio.Event()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/connections":
            return await super().handle_async_request(request)
        self.entered.set()
        try:
            await anyio.sleep_forever()
        finally:
            self.left.set()
        raise AssertionError


@pytest.mark.parametrize("era", ERAS)
async def test_a_cancelled_read_stops_and_the_server_goes_on(era: str) -> None:
    transport = _Stuck()
    with anyio.fail_after(10):
        async with _client(engine_over(transport), era) as client:
            async with anyio.create_task_group() as group:
                group.start_soon(client.call_tool, "list_domains", {})
                await transport.entered.wait()
                group.cancel_scope.cancel()
            await transport.left.wait()
            result = await client.call_tool("list_connections", {})
    assert isinstance(result, types.CallToolResult)
    assert not result.is_error


async def test_sixteen_calls_at_once_each_get_their_own_answer() -> None:
    sandbox = Sandbox()
    answers: dict[str, str] = {}
    with in_process(sandbox) as engine:
        async with _client(engine) as client, anyio.create_task_group() as group:

            async def ask(name: str) -> None:
                result = await client.call_tool("get_domain", {"domain": name})
                assert isinstance(result, types.CallToolResult)
                answers[name] = (result.structured_content or {})["result"]["domain"]["name"]

            for _ in range(4):
                for name in sandbox.account.domains:
                    group.start_soon(ask, name)
    assert answers == {name: name for name in sandbox.account.domains}


def _text(result: types.CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, types.TextContent)
    return block.text
