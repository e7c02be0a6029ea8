"""Arguments as hosts pass them on: null for what was left out, lists as text, booleans and numbers as words.

Adapters of crewai, LlamaIndex and autogen send null for every option, some hosts make text of lists, and Gemini and
Codex take or make only texts in enums. What has one meaning is taken; what has two, or none, is refused.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from catalogue.files import EXAMPLES, ROWS, SCHEMAS, properties
from maton_mailgun.exchange import Prepared
from maton_mailgun.protocol.server import build
from maton_mailgun.sandbox import Sandbox

from .child import process
from .doubles import DOMAIN, KEY, Says, Scripted, called, engine_over, problems
from .inside import in_process

pytestmark = pytest.mark.anyio

SEND = {"domain": DOMAIN, "from": "a@mg.example.com", "to": ["b@example.net"], "subject": "Hi", "text": "Hello"}
CONNECTION = "78b5a036-c621-40c2-b74b-276195735af2"
TAKEN = [name for name in ROWS if "file" not in ROWS[name].get("encode", {}).values()]


async def _prepared(tool: str, arguments: dict[str, Any]) -> Prepared:
    engine = engine_over(Scripted([Says(200, {})], [{"connection_id": CONNECTION, "status": "ACTIVE"}]))
    return await engine.prepare(tool, arguments)


def _as_text(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: json.dumps(value) if isinstance(value, list | dict) else value for name, value in arguments.items()}


def _as_words(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: json.dumps(value) if isinstance(value, int) else value for name, value in arguments.items()}


def _wordless(tool: str) -> dict[str, Any]:
    """A full call without dates that may be left out, whose numbers and texts are told apart."""
    full: dict[str, Any] = copy.deepcopy(EXAMPLES[tool]["full"])
    kept = SCHEMAS[tool].get("required", ())
    return {name: value for name, value in full.items() if "anyOf" not in properties(tool)[name] or name in kept}


@pytest.mark.parametrize("tool", TAKEN)
async def test_null_for_what_may_be_left_out_is_leaving_it_out(tool: str) -> None:
    minimal = EXAMPLES[tool]["minimal"]
    others = dict.fromkeys(set(properties(tool)) - set(minimal))
    assert await _prepared(tool, {**minimal, **others}) == await _prepared(tool, minimal)


@pytest.mark.parametrize("tool", TAKEN)
async def test_null_for_what_is_required_is_refused(tool: str) -> None:
    for name in SCHEMAS[tool].get("required", ()):
        outcome = await called(engine_over(Scripted([Says(500)])), tool, **{**EXAMPLES[tool]["minimal"], name: None})
        told = "is not one of the values there are" if "enum" in properties(tool)[name] else "is null"
        assert (name, told) in problems(outcome)


@pytest.mark.parametrize("tool", TAKEN)
async def test_a_list_or_object_as_text_is_the_list_or_object(tool: str) -> None:
    arguments = _wordless(tool)
    assert await _prepared(tool, _as_text(arguments)) == await _prepared(tool, arguments)


@pytest.mark.parametrize("tool", TAKEN)
async def test_a_boolean_or_number_as_a_word_is_the_boolean_or_number(tool: str) -> None:
    arguments = _wordless(tool)
    assert await _prepared(tool, _as_words(arguments)) == await _prepared(tool, arguments)


@pytest.mark.parametrize(
    ("tool", "argument", "given", "meant"),
    [
        ("send_message", "tracking", True, "yes"),
        ("send_message", "tracking", "false", "no"),
        ("send_message", "tracking_clicks", "True", "yes"),
        ("send_message", "tracking_clicks", "htmlonly", "htmlonly"),
        ("update_click_tracking", "active", False, "no"),
        ("create_domain", "dkim_key_size", 2048, "2048"),
        ("create_domain", "dkim_key_size", "1024", "1024"),
        ("update_open_tracking", "active", "False", False),
        ("list_domains", "limit", "12", 12),
    ],
)
async def test_a_choice_is_taken_in_each_of_its_spellings(tool: str, argument: str, given: Any, meant: Any) -> None:
    minimal = EXAMPLES[tool]["minimal"]
    prepared = await _prepared(tool, {**minimal, argument: given})
    assert prepared == await _prepared(tool, {**minimal, argument: meant})
    assert prepared.arguments[argument] == meant


@pytest.mark.parametrize(
    ("argument", "given", "meant"),
    [
        ("subject", "⟪Spring offers", "Spring offers"),
        ("headers", {"X-Note": "⟪Spring offers"}, {"X-Note": "Spring offers"}),
        ("template_variables", {"⟪first name": "⟪Ann Lee", "n": 1}, {"first name": "Ann Lee", "n": 1}),
        ("template_variables", {"a": ["⟪b c", {"⟪d e": "⟪⟪ignore"}]}, {"a": ["b c", {"d e": "ignore"}]}),
        ("recipient_variables", {"b@example.net": {"n": "⟪Bob B"}}, {"b@example.net": {"n": "Bob B"}}),
        # With the sign's other half in it, the sign is the text's own; of two names that would be one, none is changed.
        ("template_variables", {"a": "⟪x⟫ y"}, {"a": "⟪x⟫ y"}),
        ("template_variables", {"⟪a b": 1, "a b": 2}, {"⟪a b": 1, "a b": 2}),
    ],
)
async def test_marks_of_answers_are_taken_off_also_inside_of_maps(argument: str, given: Any, meant: Any) -> None:
    letter = {"domain": DOMAIN, "from": f"a@{DOMAIN}", "to": ["b@example.net"], "subject": "x", "text": "y"}
    prepared = await _prepared("send_message", {**letter, argument: given})
    assert prepared.arguments[argument] == meant


@pytest.mark.parametrize(
    ("argument", "text", "wrong"),
    [
        ("to", "b@example.net", "is text"),
        ("to", '["b@example.net"', "is text"),
        ("to", '["b@example.net"] and more', "is text"),
        ("to", '{"0": "b@example.net"}', "is text"),
        ("to", '"[\\"b@example.net\\"]"', "is text"),
        ("to", "[" * 100_000, "is text"),
        ("variables", '["a"]', "is text"),
        ("variables", '{"a": 1, "a": 2}', "is text"),
        ("variables", '{"a": NaN}', "is text"),
        ("test_mode", "yes", "is text"),
        ("test_mode", "1", "is text"),
        ("tracking", 1, "is not one of the values there are"),
        ("tracking", "on", "is not one of the values there are"),
    ],
)
async def test_what_is_not_exactly_that_is_refused(argument: str, text: Any, wrong: str) -> None:
    outcome = await called(engine_over(Scripted([Says(500)])), "send_message", **{**SEND, argument: text})
    assert problems(outcome) == [(argument, wrong)]


async def test_addresses_in_a_list_as_text_are_held_to_the_same_rules() -> None:
    outcome = await called(
        engine_over(Scripted([Says(500)])), "send_message", **{**SEND, "to": json.dumps(["Doe, John <j@example.net>"])}
    )
    ((path, _),) = problems(outcome)
    assert path == "to[0]"


async def test_nulls_inside_what_a_template_is_given_stay(tmp_path: Path) -> None:
    arguments = {**SEND, "template": "t", "template_variables": {"name": None}}
    del arguments["text"]
    prepared = await _prepared("send_message", arguments)
    assert prepared.arguments["template_variables"] == {"name": None}


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_such_a_call_is_shown_as_what_it_is(era: str, tmp_path: Path) -> None:
    odd = {
        **SEND,
        "to": '["b@example.net", "c@example.net"]',
        "cc": None,
        "tags": None,
        "tracking": True,
        "test_mode": "true",
        "connection_id": None,
    }
    plain = {**SEND, "to": ["b@example.net", "c@example.net"], "tracking": "yes", "test_mode": True}
    with in_process(Sandbox(api_keys=(KEY,)), tmp_path) as engine:
        async with Client(build(engine), mode=era) as client:
            first = await client.call_tool("send_message", odd)
            again = await client.call_tool("send_message", plain)
            waiting = await client.call_tool("get_approval", {"approval_id": _id(first), "wait_seconds": "0"})
            listed = await client.call_tool("list_approvals", {"open_only": "true", "limit": None})
        await engine.aclose()
    assert _id(first) == _id(again) == _id(waiting)
    assert _content(first)["status"] == "approval_required"
    assert [found["approval_id"] for found in _content(listed)["approvals"]] == [_id(first)]


def test_such_a_call_works_over_pipes(tmp_path: Path) -> None:
    with process(tmp_path) as server:
        server.start()
        read = server.ask(1, "tools/call", name="list_domains", arguments={"limit": "5", "state": None, "search": None})
        odd = {**SEND, "to": '["b@example.net"]', "cc": None}
        asked = server.ask(2, "tools/call", name="send_message", arguments=odd)
    assert read["result"]["structuredContent"]["status"] == "ok"
    content = asked["result"]["structuredContent"]
    assert next(iter(content)) == "headline"
    assert content["headline"].startswith("NOT EXECUTED. A person must approve this first, outside this chat.")
    assert json.loads(asked["result"]["content"][0]["text"]) == content


def _content(result: Any) -> dict[str, Any]:
    content: dict[str, Any] = result.structured_content
    return content


def _id(result: Any) -> str:
    return str(_content(result)["approval_id"])
