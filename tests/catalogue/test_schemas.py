"""The published schemas: what clients and model providers accept, and what calls they let through."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from maton_mailgun.protocol.approval_schemas import RELAY, TOOLS

from .files import EXAMPLES, ROWS, SCHEMAS, examples, properties

MAXIMA = {1000: "list_domains list_routes list_credentials list_bounces list_unsubscribes list_complaints"}
MAXIMA[1000] += " list_whitelists"
MAXIMA |= {300: "list_events", 100: "list_templates list_mailing_lists list_mailing_list_members list_tags"}
MAXIMA[100] += " list_template_versions"

FORMS = {
    "deliver_within": ({"1h30m", "30m", "24h"}, {"", "90", "1.5h", "h", "30 m"}),
    "deliverytime_optimize_period": ({"24h", "72h"}, {"24", "1d"}),
    "time_zone_localize": ({"09:00", "02:30PM", "02:30pm"}, {"9", "9:00", "noon"}),
    "secondary_dkim": ({"example.com/s1"}, {"example.com", "/s1", "a/b/c"}),
    "archive_to": ({"https://archive.example.com/mail"}, {"archive.example.com", "ftp://example.com/x"}),
}
UNPORTABLE = {"$ref", "$defs", "oneOf", "allOf", "not", "if", "patternProperties", "propertyNames", "format"}
"""Keywords that some model provider refuses or ignores."""
DATE = [{"type": "string"}, {"type": "integer"}]
"""The one use of `anyOf`: a list of types in `type` is refused by more providers than this."""


def accepts(name: str, arguments: dict[str, Any]) -> bool:
    return Draft202012Validator(SCHEMAS[name]).is_valid(arguments)


def full(name: str) -> dict[str, Any]:
    return copy.deepcopy(EXAMPLES[name]["full"])


def subschemas(shape: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield shape
    for inner in (*shape.get("properties", {}).values(), shape.get("items"), shape.get("additionalProperties")):
        if isinstance(inner, dict):
            yield from subschemas(inner)


def wrong_values(shape: dict[str, Any]) -> list[Any]:
    """Values that a property of this shape must refuse."""
    kinds: dict[str, Any] = {"string": 7, "integer": "7", "boolean": "yes", "array": "one", "object": "{}"}
    if "enum" in shape:
        return ["no such value", None]
    if "anyOf" in shape:
        return [True, 1.5, [], None]
    kind = shape["type"]
    wrong = [kinds[kind], None]
    if "minLength" in shape:
        wrong.append("x" * (shape["minLength"] - 1))
    if "maxLength" in shape:
        wrong.append("x" * (shape["maxLength"] + 1))
    if "minimum" in shape:
        wrong.append(shape["minimum"] - 1)
    if "maximum" in shape:
        wrong.append(shape["maximum"] + 1)
    if "minItems" in shape:
        wrong.append([])
    if kind == "array":
        wrong.append([{}])
        item = "https://a.example.com" if "pattern" in shape["items"] else "a@example.com"
        wrong += [[item] * (shape["maxItems"] + 1)] if "maxItems" in shape else []
        wrong += [["x" * (shape["items"]["maxLength"] + 1)]] if "maxLength" in shape["items"] else []
    return wrong


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_valid_and_a_closed_object_without_root_combinators(name: str) -> None:
    schema = SCHEMAS[name]
    Draft202012Validator.check_schema(schema)
    assert set(schema) <= {"type", "properties", "required", "additionalProperties"}
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert set(schema.get("required", ())) <= set(schema["properties"])


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_uses_only_words_that_model_providers_take(name: str) -> None:
    """One `o:tag` among the property names makes a provider refuse the whole request."""
    assert [argument for argument in properties(name) if not re.fullmatch(r"[a-zA-Z0-9_]{1,64}", argument)] == []
    shapes = list(subschemas(SCHEMAS[name]))
    assert [found for shape in shapes for found in UNPORTABLE & set(shape)] == []
    assert [shape for shape in shapes if isinstance(shape.get("type"), list)] == []
    assert [shape for shape in shapes if shape.get("anyOf", DATE) != DATE] == []


def test_no_schema_asks_for_a_header_so_the_server_looks_for_none() -> None:
    """The server hands out no schema to hold headers to (SEP-2243, `x-mcp-header`); one that asks needs that back."""
    every = [*SCHEMAS.values(), *(tool["inputSchema"] for tool in (*TOOLS, RELAY))]
    shapes = [shape for schema in every for shape in subschemas(schema)]
    assert [shape for shape in shapes if "x-mcp-header" in shape] == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_an_enum_holds_texts_and_says_so(name: str) -> None:
    """A list with a boolean or a number, or without type, makes a provider refuse every tool or turn it round."""
    enums = [shape for shape in subschemas(SCHEMAS[name]) if "enum" in shape]
    assert [shape for shape in enums if shape.get("type") != "string"] == []
    assert [shape for shape in enums if not all(isinstance(word, str) for word in shape["enum"])] == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_argument_is_described_in_a_few_words(name: str) -> None:
    for argument, shape in properties(name).items():
        assert 1 <= len(shape["description"].split()) <= 16, argument
        assert not shape["description"].endswith("."), argument


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_mailgun_tool_takes_an_optional_connection_last(name: str) -> None:
    if ROWS[name]["request"].split()[1].startswith("maton:"):
        assert ("connection_id" in properties(name)) == name.startswith(("get_", "delete_"))
        return
    assert list(properties(name))[-1] == "connection_id"
    assert "connection_id" not in SCHEMAS[name].get("required", ())


@pytest.mark.parametrize("name", SCHEMAS)
def test_paging_is_limit_and_cursor_everywhere(name: str) -> None:
    arguments = set(properties(name))
    assert arguments & {"page", "skip", "p"} == set()
    assert ("cursor" in arguments) == ("paging" in ROWS[name])
    if "cursor" in arguments:
        assert "limit" in arguments


@pytest.mark.parametrize("maximum", MAXIMA)
def test_a_page_is_no_larger_than_the_service_allows(maximum: int) -> None:
    found = {name for name, row in ROWS.items() if "paging" in row and row.get("page_most", 100) == maximum}
    assert found == set(MAXIMA[maximum].split())


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if "paging" in row])
def test_a_caller_may_ask_for_as_many_items_of_any_list(name: str) -> None:
    limit = properties(name)["limit"]
    assert (limit["type"], limit["minimum"], limit["maximum"]) == ("integer", 1, 1_000)


@pytest.mark.parametrize(("name", "example"), examples())
def test_an_example_call_is_accepted(name: str, example: str) -> None:
    assert [error.message for error in Draft202012Validator(SCHEMAS[name]).iter_errors(EXAMPLES[name][example])] == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_examples_of_a_tool_use_every_argument(name: str) -> None:
    """A cursor only exists once a page was read."""
    used = {argument for call in EXAMPLES[name].values() for argument in call}
    assert used == set(properties(name)) - {"cursor"}


@pytest.mark.parametrize(("name", "example"), examples())
def test_an_example_call_keeps_the_rules_between_arguments(name: str, example: str) -> None:
    given = set(EXAMPLES[name][example])
    row = ROWS[name]
    assert all(given & set(group) for group in row.get("one_of", ()))
    assert not any(set(pair) <= given for pair in row.get("not_both", ()))
    assert all(needed in given for argument, needed in row.get("needs", {}).items() if argument in given)


@pytest.mark.parametrize("name", SCHEMAS)
def test_an_unknown_argument_is_refused_and_so_is_an_approval_by_argument(name: str) -> None:
    for extra in ({"approved": True}, {"confirm": True}, {"o:tag": ["a"]}):
        assert not accepts(name, {**full(name), **extra})


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_minimal_call_is_minimal(name: str) -> None:
    minimal = EXAMPLES[name]["minimal"]
    for argument in SCHEMAS[name].get("required", ()):
        assert not accepts(name, {key: value for key, value in minimal.items() if key != argument}), argument


@pytest.mark.parametrize(
    ("name", "argument"), [(name, argument) for name in SCHEMAS for argument in SCHEMAS[name]["properties"]]
)
def test_a_value_of_the_wrong_kind_or_size_is_refused(name: str, argument: str) -> None:
    accepted = [
        wrong for wrong in wrong_values(properties(name)[argument]) if accepts(name, full(name) | {argument: wrong})
    ]
    assert accepted == []


@pytest.mark.parametrize("argument", FORMS)
@pytest.mark.parametrize("name", ["send_message", "send_mime_message"])
def test_texts_with_an_exact_form_are_held_to_it(name: str, argument: str) -> None:
    right, wrong = FORMS[argument]
    assert {text for text in right | wrong if accepts(name, full(name) | {argument: text})} == right


def test_a_stats_duration_counts_hours_days_or_months() -> None:
    tried = {"24h", "7d", "1m", "1w", "7", "d", ""}
    assert {text for text in tried if accepts("get_stats", full("get_stats") | {"duration": text})} == {
        "24h",
        "7d",
        "1m",
    }


def test_webhook_types_are_those_of_the_service() -> None:
    types = [
        "accepted",
        "delivered",
        "opened",
        "clicked",
        "unsubscribed",
        "complained",
        "permanent_fail",
        "temporary_fail",
    ]
    for name in ("create_webhook", "get_webhook", "update_webhook", "delete_webhook"):
        assert properties(name)["webhook_type"]["enum"] == types
