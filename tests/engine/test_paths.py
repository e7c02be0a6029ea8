"""A value in a path names exactly one resource, or the call is refused before anything is sent.

Mailgun's collection DELETEs wipe everything: a value that collapses to the collection is the worst accident there is.
"""

from __future__ import annotations

from typing import Any

import pytest

from catalogue.files import EXAMPLES
from maton_mailgun.catalogue.codecs import segment
from maton_mailgun.wire.request import build

from .doubles import DOMAIN, Says, Scripted, called, catalogue, engine_over, error, problems

pytestmark = pytest.mark.anyio

WITH_PATH = [(name, argument) for name, row in catalogue().items() for argument in row.path_arguments]
REFUSED = {
    "": "is empty",
    " ": "is empty",
    "\u3000": "is empty",
    ".": "is a dot segment, which would name another resource",
    "..": "is a dot segment, which would name another resource",
    "a\nb": "has control characters",
    "a\r\nX-Header: b": "has control characters",
    "a\x00b": "has control characters",
    "a\x7fb": "has control characters",
    "a\x85b": "has control characters",
}


def _arguments(tool: str, argument: str, value: str) -> dict[str, Any]:
    return {**EXAMPLES[tool]["minimal"], argument: value}


@pytest.mark.parametrize("value", REFUSED, ids=repr)
def test_a_segment_that_would_name_another_resource_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"empty|dot segment|control characters"):
        segment(value)


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ("user+tag@example.net", "user%2Btag%40example.net"),
        ("a/b", "a%2Fb"),
        ("x%2Fy", "x%252Fy"),
        ("%2e%2e", "%252e%252e"),
        ("../v3/domains", "..%2Fv3%2Fdomains"),
        ("a\\b", "a%5Cb"),
        ("a?b#c", "a%3Fb%23c"),
        ("50% off & more", "50%25%20off%20%26%20more"),
        ("grüße", "gr%C3%BC%C3%9Fe"),
        ("日本", "%E6%97%A5%E6%9C%AC"),
        ("2001:db8::1", "2001%3Adb8%3A%3A1"),
        ("...", "..."),
        ("~tilde-_.", "~tilde-_."),
        ("a\u2028b", "a%E2%80%A8b"),
    ],
)
def test_every_other_value_is_one_encoded_segment(value: str, encoded: str) -> None:
    assert segment(value) == encoded


@pytest.mark.parametrize(("tool", "argument"), WITH_PATH)
async def test_no_tool_sends_anything_for_a_refused_path_value(tool: str, argument: str) -> None:
    """Attack 30, for every path value of every tool."""
    transport = Scripted([Says(500)])
    engine = engine_over(transport)
    for value in REFUSED:
        outcome = await called(engine, tool, **_arguments(tool, argument, value))
        assert outcome.is_error
        assert error(outcome)["kind"] == "bad_arguments"
        assert argument in {path for path, _ in problems(outcome)}
    assert transport.arrived == []


@pytest.mark.parametrize(("tool", "argument"), WITH_PATH)
def test_no_value_adds_a_segment_to_a_path(tool: str, argument: str) -> None:
    row = catalogue()[tool]
    for value in ("a/b", "../..", "x%2Fy", "a\\b", "a?b", "a#b", "a;b"):
        path = build(row, _arguments(tool, argument, value)).path
        assert path.count("/") == row.path.count("/")
        assert not {"?", "#", "\\"} & set(path)
        assert not {".", ".."} & set(path.split("/"))


@pytest.mark.parametrize("login", ["@mg.example.com", "..@mg.example.com", ".@mg.example.com"])
async def test_a_login_whose_local_part_names_all_logins_is_refused(login: str) -> None:
    """Only the local part goes into the path; an empty one would delete every login of the domain."""
    transport = Scripted([Says(500)])
    outcome = await called(engine_over(transport), "delete_credential", domain=DOMAIN, login=login)
    assert error(outcome)["kind"] == "bad_arguments"
    assert transport.arrived == []


async def test_what_was_encoded_is_what_goes_on_the_wire() -> None:
    transport = Scripted([Says(body={"address": "a"})] * 5)
    await called(engine_over(transport), "get_bounce", domain="mg.example.com", address="ü+%/'~@example.net")
    (request,) = (one for one in transport.arrived if b"/bounces/" in one.url.raw_path)
    assert request.url.raw_path == b"/mailgun/v3/mg.example.com/bounces/%C3%BC%2B%25%2F%27~%40example.net"
