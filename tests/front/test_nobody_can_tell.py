"""A client cannot tell whether it speaks with the front or with the server: every byte of every answer is the same."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maton_mailgun.catalogue.operation import EVERY_TOOLSET, EVERYDAY
from maton_mailgun.catalogue.rows import load
from maton_mailgun.config import SANDBOX_KEY, ApprovalMode

from .both import PLAIN, at_once, front_and_server, heard, server_alone, step_by_step
from .sayings import APPS, CONVERSATIONS, ENVELOPE, OTHER_LISTS, VERSIONS, message, said

EXAMPLES = int(os.environ.get("MATON_MAILGUN_TEST_TALKS", "40"))
_TALKS = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
TOOLSETS = (*load().toolsets, EVERYDAY, EVERY_TOOLSET)


def _greeted(version: str, **capabilities: Any) -> list[bytes]:
    info = {
        "protocolVersion": version,
        "capabilities": {"elicitation": {}, **capabilities},
        "clientInfo": {"name": "x", "version": "1"},
    }
    return [said(message("initialize", info, id=0)), said(message("notifications/initialized"))]


LISTS = ("tools/list", *OTHER_LISTS)
LEGACY = [
    *_greeted("2025-11-25"),
    said(message("ping", id="p")),
    *(said(message(method, id=number)) for number, method in enumerate(LISTS, start=1)),
]
MODERN = [
    said(message(method, {"_meta": ENVELOPE}, id=number)) for number, method in enumerate(("server/discover", *LISTS))
]
SHOW_APPS = (
    [*_greeted("2025-11-25", **APPS), *LEGACY[2:]],
    [
        said(message(method, {"_meta": {**ENVELOPE, "io.modelcontextprotocol/clientCapabilities": APPS}}, id=number))
        for number, method in enumerate(("server/discover", *LISTS))
    ],
)
CALL = said(message("tools/call", {"name": "get_domain", "arguments": {}}, id=2))


@_TALKS
@given(CONVERSATIONS)
def test_a_client_that_waits_for_each_answer_hears_the_same(lines: list[bytes]) -> None:
    alone, _ = heard(server_alone, step_by_step(lines))
    both, _ = heard(front_and_server, step_by_step(lines))
    assert both == alone


@_TALKS
@given(CONVERSATIONS, st.lists(st.integers(1, 300), max_size=8))
def test_a_client_that_says_all_at_once_in_any_pieces_hears_the_same(lines: list[bytes], pieces: list[int]) -> None:
    alone, _ = heard(server_alone, at_once(lines, pieces))
    both, _ = heard(front_and_server, at_once(lines, pieces))
    assert sorted(both) == sorted(alone)


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("discovery", [False, True])
@pytest.mark.parametrize("approval", ["client", "relay"])
@pytest.mark.parametrize("toolsets", [None, *((name,) for name in TOOLSETS)])
def test_every_choice_of_tools_is_listed_the_same_in_both_eras_and_the_server_is_not_needed_for_it(
    toolsets: tuple[str, ...] | None, approval: ApprovalMode, discovery: bool, read_only: bool
) -> None:
    chosen = replace(PLAIN, toolsets=toolsets, approval=approval, discovery=discovery, read_only=read_only)
    for lines in (LEGACY, MODERN):
        alone, _ = heard(server_alone, step_by_step(lines), chosen)
        both, begun = heard(front_and_server, step_by_step(lines), chosen)
        assert (both, begun) == (alone, None)


@pytest.mark.parametrize(
    "choice",
    [
        {},
        {"approval": "relay"},
        {"discovery": True, "approval": "relay"},
        {"toolsets": ("messages", "events")},
        {"toolsets": (EVERY_TOOLSET,)},
        {"read_only": True},
    ],
)
def test_who_shows_apps_is_told_the_same_in_both_eras_and_the_server_is_not_needed_for_it(
    choice: dict[str, Any],
) -> None:
    chosen = replace(PLAIN, **choice)
    for lines in SHOW_APPS:
        alone, _ = heard(server_alone, step_by_step(lines), chosen)
        both, begun = heard(front_and_server, step_by_step(lines), chosen)
        assert (both, begun) == (alone, None)
        told = b'"io.modelcontextprotocol/ui":{}' in both[0]
        assert told == (not choice.get("read_only", False))


@pytest.mark.parametrize("read_only", [False, True])
def test_the_sandbox_lists_its_outbox_the_same(read_only: bool) -> None:
    chosen = replace(PLAIN, sandbox=True, read_only=read_only, api_key=SANDBOX_KEY, api_url="http://127.0.0.1")
    for lines in (LEGACY, MODERN):
        alone, _ = heard(server_alone, step_by_step(lines), chosen)
        both, begun = heard(front_and_server, step_by_step(lines), chosen)
        assert (both, begun) == (alone, None)
        assert any(b"maton-mailgun://sandbox/outbox" in line for line in both)


@settings(max_examples=EXAMPLES // 4, deadline=None)
@given(st.lists(st.sampled_from(TOOLSETS), min_size=2, unique=True), st.booleans())
def test_any_toolsets_together_are_listed_the_same(toolsets: Sequence[str], read_only: bool) -> None:
    chosen = replace(PLAIN, toolsets=tuple(toolsets), read_only=read_only)
    alone, _ = heard(server_alone, step_by_step(MODERN), chosen)
    both, begun = heard(front_and_server, step_by_step(MODERN), chosen)
    assert (both, begun) == (alone, None)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_earlier_version_is_greeted_without_the_server(version: str) -> None:
    for capabilities in ({}, APPS):
        lines = [*_greeted(version, **capabilities), *(said(message(method, {}, id=method)) for method in LISTS)]
        alone, _ = heard(server_alone, step_by_step(lines))
        both, begun = heard(front_and_server, step_by_step(lines))
        assert (both, begun) == (alone, None)
        assert any(b"ui://maton-mailgun" in line for line in both) == bool(capabilities)


@pytest.mark.parametrize("began", [LEGACY, MODERN], ids=["legacy", "modern"])
def test_the_first_call_goes_to_the_server_with_the_conversation_so_far(began: list[bytes]) -> None:
    meta = {"_meta": ENVELOPE} if began is MODERN else {}
    call = said(message("tools/call", {"name": "get_domain", "arguments": {}, **meta}, id=2))
    both, begun = heard(front_and_server, step_by_step([*began, call]))
    assert begun is not None
    assert ([line for line, _ in begun.said], begun.rest) == (began, call + b"\n")
    alone, _ = heard(server_alone, step_by_step([*began, call]))
    assert both == alone


@pytest.mark.parametrize("began", SHOW_APPS, ids=["legacy", "modern"])
def test_who_shows_apps_reads_ours_of_the_server_behind_the_front(began: list[bytes]) -> None:
    meta = {"_meta": {**ENVELOPE, "io.modelcontextprotocol/clientCapabilities": APPS}} if began is SHOW_APPS[1] else {}
    read = said(message("resources/read", {"uri": "ui://maton-mailgun/approval.html", **meta}, id="r"))
    both, begun = heard(front_and_server, step_by_step([*began, read]))
    assert begun is not None
    alone, _ = heard(server_alone, step_by_step([*began, read]))
    assert both == alone
    assert b"text/html;profile=mcp-app" in both[-2]


@pytest.mark.parametrize("size", [1, 7, 4_096])
def test_no_byte_is_lost_however_it_is_cut(size: int) -> None:
    lines = [*LEGACY, CALL, said(message("tools/list", id=3)), CALL]
    whole = sum(len(line) + 1 for line in lines)
    alone, _ = heard(server_alone, step_by_step(lines))
    both, _ = heard(front_and_server, at_once(lines, [size] * (whole // size)))
    assert sorted(both) == sorted(alone)


def test_a_client_that_writes_much_and_reads_late_is_not_left_waiting() -> None:
    lines = [*_greeted("2025-11-25"), *(said(message("ping", id=number)) for number in range(20_000))]
    both, begun = heard(front_and_server, at_once(lines, []))
    assert (len(both), begun) == (20_002, None)
    assert both[-2] == b'{"jsonrpc":"2.0","id":19999,"result":{}}'


def test_answers_that_a_client_has_not_taken_yet_come_before_those_of_the_server() -> None:
    lists = [said(message("tools/list", id=number)) for number in range(20)]
    lines = [*_greeted("2025-11-25"), *lists, CALL]
    alone, _ = heard(server_alone, step_by_step(lines))
    both, begun = heard(front_and_server, at_once(lines, []))
    assert begun is not None
    assert begun.unsent
    assert both == alone
