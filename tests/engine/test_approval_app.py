"""What hosts that show apps are told, read and handed, in both eras; all others see what they always saw."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import mcp_types as types
import pytest
from mcp import Client
from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp.shared.exceptions import MCPError

from catalogue.files import WRITES
from maton_mailgun.approval.channels import view
from maton_mailgun.approval.channels.shown_in_app import MOST, shown_in_app
from maton_mailgun.approval.lifecycle.decide import Decision
from maton_mailgun.approval.store.failures import StoreError
from maton_mailgun.approval.store.record import Record
from maton_mailgun.call import Engine
from maton_mailgun.protocol import approval_app
from maton_mailgun.protocol.approval_app import SHOWN, URI, document
from maton_mailgun.protocol.resources import SHOWN as SHOWN_AT
from maton_mailgun.protocol.round_trips import APP_TYPE, APPS
from maton_mailgun.protocol.server import Visitor, build
from maton_mailgun.sandbox import Sandbox
from page.records import a_domain_deletion, a_record, a_send

from .doubles import CALLER, DOMAIN, KEY, Says, Scripted, engine_over

pytestmark = pytest.mark.anyio
SKILLS = {"io.modelcontextprotocol/skills": {"directoryRead": True}}
"""What everybody is told."""
ERAS = pytest.mark.parametrize("era", ["auto", "legacy"])
MAIL = {
    "domain": DOMAIN,
    "from": f"Desk <desk@{DOMAIN}>",
    "to": ["ada@example.net"],
    "subject": "Hi",
    "text": "Dear Ada",
}
SHOWS_APPS = {"mimeTypes": ["text/html;profile=mcp-app"]}


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return engine_over(httpx2.ASGITransport(app=Sandbox(api_keys=(KEY,)).app), home)


def client_of(
    engine: Engine, era: str, declared: dict[str, Any] | None = SHOWS_APPS, principal: str = CALLER.principal
) -> Client:
    """A client that declares the extension with these settings, or does not."""
    extensions = [] if declared is None else [advertise("io.modelcontextprotocol/ui", declared)]
    return Client(build(engine, who=lambda _: Visitor(principal)), mode=era, extensions=extensions)


def shown_of(result: types.CallToolResult) -> dict[str, Any]:
    """What a host hands to the app."""
    found: dict[str, Any] = (result.meta or {})[SHOWN]
    return found


async def read(client: Client, approval_id: str) -> dict[str, Any]:
    """What the app reads by itself."""
    (only,) = (await client.read_resource(SHOWN_AT.format(approval_id=approval_id), cache_mode="bypass")).contents
    assert isinstance(only, types.TextResourceContents)
    found: dict[str, Any] = json.loads(only.text)
    return found


def test_the_extension_has_the_names_of_the_protocol() -> None:
    assert (APPS, APP_TYPE) == (EXTENSION_ID, APP_MIME_TYPE)


@ERAS
@pytest.mark.parametrize(
    "declared", [None, {}, {"mimeTypes": []}, {"mimeTypes": ["text/html"]}, {"mimeTypes": APP_TYPE}]
)
async def test_who_does_not_show_apps_is_told_and_handed_nothing_of_them(
    era: str, declared: dict[str, Any] | None, engine: Engine
) -> None:
    async with client_of(engine, era, declared) as client:
        listed = await client.list_tools()
        answered = await client.call_tool("send_message", MAIL)
        assert client.server_capabilities.extensions == SKILLS
        for uri in (URI, SHOWN_AT.format(approval_id=(answered.structured_content or {})["approval_id"])):
            with pytest.raises(MCPError, match="There is no such resource"):
                await client.read_resource(uri)
    assert [tool.meta for tool in listed.tools if tool.meta] == []
    assert SHOWN not in (answered.meta or {})
    await engine.aclose()


@ERAS
async def test_who_shows_apps_is_told_which_calls_it_stands_beside_and_that_no_app_may_call_a_tool(
    era: str, engine: Engine
) -> None:
    async with client_of(engine, era) as client, client_of(engine, era, None) as other:
        listed, plain = await client.list_tools(), await other.list_tools()
        resources, others = await client.list_resources(), await other.list_resources()
        assert client.server_capabilities.extensions == {**SKILLS, APPS: {}}
    bound = {"resourceUri": URI, "visibility": ["model"]}
    assert {tool.name: (tool.meta or {})["ui"] for tool in listed.tools} == {
        tool.name: bound if tool.name in {*WRITES, "replace_approval"} else {"visibility": ["model"]}
        for tool in plain.tools
    }
    assert [tool.model_copy(update={"meta": None}) for tool in listed.tools] == plain.tools
    assert resources.resources == others.resources


@ERAS
async def test_the_app_is_one_document_that_loads_nothing(era: str, engine: Engine) -> None:
    async with client_of(engine, era) as client:
        (only,) = (await client.read_resource(URI)).contents
    nowhere: dict[str, list[str]] = {
        "connectDomains": [],
        "resourceDomains": [],
        "frameDomains": [],
        "baseUriDomains": [],
    }
    assert only == types.TextResourceContents(
        uri=URI, mime_type=APP_TYPE, text=document(), _meta={"ui": {"csp": nowhere, "prefersBorder": True}}
    )
    assert len(document()) < 20_000
    for sign in ('http-equiv="refresh', "src=", "href=", "@import", "url(", "innerHTML", "eval(", "fetch("):
        assert sign not in document()


@ERAS
async def test_a_call_that_asks_is_handed_what_the_person_is_shown_and_the_model_is_told_the_same_as_ever(
    era: str, engine: Engine
) -> None:
    async with client_of(engine, era) as client, client_of(engine, era, None) as other:
        result, plain = await client.call_tool("send_message", MAIL), await other.call_tool("send_message", MAIL)
    told, also = dict(result.structured_content or {}), dict(plain.structured_content or {})
    assert told == also
    shown = shown_of(result)
    kept = (
        "approval_id",
        "state",
        "final",
        "title",
        "heading",
        "effect",
        "warnings",
        "left",
        "decide",
        "superseded_by",
    )
    assert {key: shown[key] for key in kept} == {
        "approval_id": told["approval_id"],
        "state": "pending",
        "final": False,
        "title": "Send a message",
        "heading": "Hi",
        "effect": "Once sent, the message cannot be recalled.",
        "warnings": told["warnings"],
        "left": "",
        "decide": told["decide"],
        "superseded_by": None,
    }
    assert [part["heading"] for part in shown["parts"]] == [
        "Who",
        "Message",
        "About this request",
        "History",
        "Technical details",
    ]
    assert shown["parts"][0]["rows"] == [
        {"label": "To", "value": "<ada@example.net>", "flags": ["external", "first time"]}
    ]
    assert shown["parts"][1]["rows"] == [
        {"label": "From", "value": f"Desk <desk@{DOMAIN}>"},
        {"label": "Plain text", "value": "Dear Ada", "block": True},
    ]
    await engine.aclose()


@ERAS
async def test_reading_it_anew_shows_how_it_ended_and_changes_nothing(era: str, engine: Engine) -> None:
    async with client_of(engine, era) as client:
        result = await client.call_tool("send_message", MAIL)
        approval_id = shown_of(result)["approval_id"]
        gate = await engine.gate()
        before = await gate.get(approval_id)
        waiting = await read(client, approval_id)
        assert await gate.get(approval_id) == before
        yes = Decision(approve=True, level="operator", channel="page", decider="Ada, by passphrase")
        await gate.decide(approval_id, yes)
        await gate.wait(approval_id, 10, lambda record: record.state == "succeeded")
        ended = await read(client, approval_id)
    same = {"now", "expires_at"}
    assert {key: value for key, value in waiting.items() if key not in same} == {
        key: value for key, value in shown_of(result).items() if key not in same
    }
    assert (ended["state"], ended["final"], ended["word"], ended["decide"]) == ("succeeded", True, "Done", [])
    assert ended["said"][0] == {"label": "Decided by", "value": "Ada, by passphrase"}
    assert ended["version"] > waiting["version"]
    await engine.aclose()


@ERAS
async def test_what_was_put_in_its_place_is_shown_and_is_led_to(era: str, engine: Engine) -> None:
    async with client_of(engine, era) as client:
        first = shown_of(await client.call_tool("send_message", MAIL))["approval_id"]
        changed = {**MAIL, "subject": "Hello"}
        replaced = await client.call_tool("replace_approval", {"approval_id": first, "arguments": changed})
        old = await read(client, first)
    shown = shown_of(replaced)
    assert (shown["heading"], shown["state"]) == ("Hello", "pending")
    assert (old["state"], old["superseded_by"]) == ("superseded", shown["approval_id"])
    await engine.aclose()


@ERAS
async def test_reads_refused_calls_and_what_is_asked_about_approvals_get_nothing_beside_them(
    era: str, engine: Engine
) -> None:
    async with client_of(engine, era) as client:
        approval_id = shown_of(await client.call_tool("send_message", MAIL))["approval_id"]
        answers = [
            await client.call_tool("list_domains", {}),
            await client.call_tool("send_message", {}),
            await client.call_tool("get_approval", {"approval_id": approval_id}),
        ]
    assert [SHOWN in (answer.meta or {}) for answer in answers] == [False] * 3
    await engine.aclose()


async def test_an_answer_stands_though_nothing_can_be_drawn_beside_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any, **__: Any) -> None:
        raise StoreError("the database is gone")

    monkeypatch.setattr(approval_app, "read", fails)
    async with client_of(engine, "auto") as client:
        result = await client.call_tool("send_message", MAIL)
    assert (result.structured_content or {})["status"] == "approval_required"
    assert SHOWN not in (result.meta or {})
    await engine.aclose()


@ERAS
async def test_where_nothing_is_ever_asked_there_is_no_app(era: str) -> None:
    async with client_of(engine_over(Scripted([Says(200, {})]), read_only=True), era) as client:
        listed = await client.list_tools()
        assert client.server_capabilities.extensions == SKILLS
        with pytest.raises(MCPError):
            await client.read_resource(URI)
    assert [tool.meta for tool in listed.tools if tool.meta] == []


# What is drawn --------------------------------------------------------------------------------------------------------


def texts(part: Any, under: str = "") -> Iterator[tuple[str, str]]:
    """Each text of a JSON value with the name it stands under."""
    if isinstance(part, dict):
        for name, inner in part.items():
            yield from texts(inner, name)
    elif isinstance(part, list):
        for inner in part:
            yield from texts(inner, under)
    elif isinstance(part, str) and part:
        yield under, part


@pytest.mark.parametrize("made", [a_record, a_send, a_domain_deletion])
def test_everything_that_the_page_shows_stands_in_it(made: Callable[[], Record]) -> None:
    record = made()
    detail = view.detail(record, reveals=False)
    drawn = "\n".join(text for _, text in texts(shown_in_app(record, [], 0.0)))
    # Names of kinds are told in words, and what the page does not draw either is no part of it.
    apart = {
        "kind",
        "risk",
        "operation",
        "action",
        "content_type",
        "cid",
        "level",
        "link_hosts",
        "principal",
        "rendered_by",
        "whom",
    }
    assert {(name, text) for name, text in texts(detail) if name not in apart and text not in drawn} == set()


def test_what_does_not_fit_is_counted_and_said() -> None:
    record = a_send(3_000)
    shown = shown_in_app(record, [], 0.0)
    rows = [row for part in shown["parts"] for row in part["rows"]]
    assert sum(len(row["value"]) for row in rows) <= MOST
    assert shown["parts"][0]["heading"] == "Who"
    assert shown["left"].endswith("rows are not here; all of it is on the approval page and in the terminal.")
    number = int(shown["left"].partition(" rows")[0].rpartition(" ")[2].replace(",", ""))
    assert number + len(rows) > 3_000


def test_a_long_value_is_cut_and_that_is_said() -> None:
    record = a_send()
    message = {**record.preview["message"], "text": "x" * (2 * MOST)}
    shown = shown_in_app(replace(record, preview={**record.preview, "message": message}), [], 0.0)
    assert shown["left"].startswith("1 value is not whole and ")
