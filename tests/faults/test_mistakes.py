"""A mistake in the catalogue does not stay hidden: the sandbox refuses the request, or shows its wrong effect.

Each test puts one wrong thing into a row and makes the call that the row describes. The same calls without the mistake
are in `RIGHT`: they show that it is the mistake that makes the difference.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.catalogue.operation import Catalogue
from maton_mailgun.catalogue.rows import load
from maton_mailgun.exchange import Outcome
from maton_mailgun.sandbox import RunningSandbox

from .bad_day import carried_out

DOMAIN = "mg.example.com"
ROUTE = "6797c62f6ee0a9fcb1ec5eee"
RIGHT: Mapping[str, dict[str, Any]] = {
    "add_unsubscribe": {"domain": DOMAIN, "address": "new@example.net", "tag": "newsletter"},
    "add_bounce": {"domain": DOMAIN, "address": "new@example.net", "created_at": "2025-01-26T07:29:04Z"},
    "update_route": {"route_id": ROUTE, "actions": ["stop()"]},
    "create_route": {"expression": "catch_all()", "actions": ['forward("a@example.com")', "stop()"]},
    "create_webhook": {
        "domain": DOMAIN,
        "webhook_type": "opened",
        "urls": ["https://a.example.com/", "https://b.example.com/"],
    },
    "create_domain": {"name": "new.example.com", "wildcard": True},
    "list_ips": {"dedicated": True},
    "list_mailing_lists": {},
    "delete_bounce": {"domain": DOMAIN, "address": "gone@example.net"},
    "send_message": {
        "domain": DOMAIN,
        "from": "me@mg.example.com",
        "to": ["a@example.net", "b@example.net"],
        "subject": "Hi",
        "text": "Hello",
    },
    "get_stats": {"domain": DOMAIN, "events": ["accepted", "failed"]},
}


def _with(tool: str, **mistake: Any) -> Catalogue:
    catalogue = load()
    return Catalogue({**catalogue, tool: replace(catalogue[tool], **mistake)}, catalogue.toolsets)


def _call(running: RunningSandbox, home: Path, tool: str, catalogue: Catalogue) -> Outcome:
    async def no_wait(seconds: float) -> None:
        raise AssertionError(f"the engine wanted to try again after {seconds} seconds")

    return asyncio.run(carried_out(running, home, catalogue, tool, RIGHT[tool], no_wait))


def _last(running: RunningSandbox, method: str) -> dict[str, Any]:
    record: dict[str, Any] = [record for record in running.sandbox.requests if record["method"] == method][-1]
    return record


@pytest.mark.parametrize("tool", RIGHT)
def test_without_a_mistake_the_call_is_accepted_and_no_field_ignored(
    tool: str, running: RunningSandbox, tmp_path: Path
) -> None:
    catalogue = load()
    outcome = _call(running, tmp_path, tool, catalogue)
    assert outcome.content["status"] in ("ok", "executed"), outcome.content
    record = _last(running, catalogue[tool].method)
    assert (record["status"], record["acted"], record["ignored"]) == (200, True, [])


REFUSED: tuple[tuple[str, dict[str, Any], int, str], ...] = (
    # a wrong wire name where the field is needed
    ("create_webhook", {"wire": {"urls": "url"}}, 400, "Missing parameter 'id'"),
    ("create_route", {"wire": {}}, 400, "Missing mandatory parameter: action"),
    ("send_message", {"wire": {"to": "recipients"}}, 400, "to parameter is missing"),
    # a wrong encoding
    ("add_bounce", {"body": "json"}, 400, "Invalid format for parameter address"),
    ("add_bounce", {"encode": {}}, 400, "created_at"),
    ("send_message", {"addresses": {}, "encode": {"to": "json"}}, 400, "to parameter is not a valid address"),
    ("create_route", {"encode": {"actions": "comma"}}, 400, "Invalid route action"),
    ("create_domain", {"encode": {"wildcard": "yes_no"}}, 400, "wildcard"),
    ("list_ips", {"encode": {"dedicated": "yes_no"}}, 400, "dedicated"),
    ("get_stats", {"encode": {"events": "comma"}}, 400, "Invalid event type"),
    # a wrong verb
    ("update_route", {"method": "POST"}, 405, "Method Not Allowed"),
    ("create_route", {"method": "PUT"}, 405, "Method Not Allowed"),
    ("delete_bounce", {"method": "PATCH"}, 405, "Method Not Allowed"),
    # a wrong path
    ("list_mailing_lists", {"path": "/v3/lists/"}, 404, "There is nothing at this address"),
    ("create_domain", {"path": "/domains"}, 404, "There is nothing at this address"),
)


@pytest.mark.parametrize(
    ("tool", "mistake", "status", "words"),
    REFUSED,
    ids=[f"{tool} {' '.join(f'{key}={value}' for key, value in mistake.items())}" for tool, mistake, *_ in REFUSED],
)
def test_mistake_is_refused(
    tool: str, mistake: dict[str, Any], status: int, words: str, running: RunningSandbox, tmp_path: Path
) -> None:
    catalogue = _with(tool, **mistake)
    outcome = _call(running, tmp_path, tool, catalogue)
    error = outcome.content["error"]
    assert (outcome.is_error, error["http_status"]) == (True, status)
    assert words in error["message"]
    assert _last(running, catalogue[tool].method)["acted"] is False


def test_tags_in_a_form_unsubscribe_from_everything(running: RunningSandbox, tmp_path: Path) -> None:
    """The published contract calls the field `tags`. Recorded in March 2026: it is ignored."""
    outcome = _call(running, tmp_path, "add_unsubscribe", _with("add_unsubscribe", wire={"tag": "tags"}))
    assert outcome.content["status"] == "executed"
    assert _last(running, "POST")["ignored"] == ["tags"]
    stored = running.sandbox.account.domains[DOMAIN].unsubscribes.get("new@example.net")
    assert stored is not None
    assert stored["tags"] == ["*"]


def test_actions_under_the_name_of_the_answer_change_nothing(running: RunningSandbox, tmp_path: Path) -> None:
    """`action` goes in, `actions` comes out."""
    before = list(running.sandbox.account.routes[ROUTE]["actions"])
    outcome = _call(running, tmp_path, "update_route", _with("update_route", wire={}))
    assert outcome.content["status"] == "executed"
    assert _last(running, "PUT")["ignored"] == ["actions"]
    assert running.sandbox.account.routes[ROUTE]["actions"] == before


def test_reading_where_a_deletion_is_meant_leaves_the_entry(running: RunningSandbox, tmp_path: Path) -> None:
    _call(running, tmp_path, "delete_bounce", _with("delete_bounce", method="GET"))
    assert not [record for record in running.sandbox.requests if record["method"] == "DELETE"]
    assert "gone@example.net" in running.sandbox.account.domains[DOMAIN].bounces


def test_an_unlisted_option_is_reported_as_ignored(running: RunningSandbox, tmp_path: Path) -> None:
    """Mailgun takes what it knows and says nothing of the rest; the record of the request does."""
    outcome = _call(running, tmp_path, "send_message", _with("send_message", fixed={"o:test-mode": "yes"}))
    assert outcome.content["status"] == "executed"
    assert _last(running, "POST")["ignored"] == ["o:test-mode"]
    assert running.sandbox.messages[-1]["test_mode"] is False
