"""What rows say about lists of entries, and how a row that says it wrongly stops the start."""

from __future__ import annotations

import re
from typing import Any

import pytest

from catalogue.files import ROWS, SCHEMAS
from maton_mailgun.catalogue.rows import read
from maton_mailgun.errors import SetupError

ROW = """title = "Notes"
about = "Notes."
[tools.put_notes]
title = "Put notes"
about = "Puts notes."
access = "create"
request = "POST /v3/notes"
body = "json"
body_is = "notes"
each = {each}
target = "notes"
effect = "Puts notes."
undo = "Can be removed."
success = {{ message = ["stored"] }}
"""
SCHEMA = (
    '{"type": "object", "required": ["notes"], "properties": {"notes": {"type": "array", "items": {"type": "object", '
    '"properties": {"address": {"type": "string"}, "other": {"type": "string"}}, "required": ["address"]}}}}'
)


def catalogue(each: str) -> Any:
    return read({"notes": ROW.format(each=each)}, {"put_notes": SCHEMA})["put_notes"]


def test_a_row_names_the_fields_of_entries() -> None:
    assert catalogue('{ notes = { address = "plain" } }').each == {"notes": {"address": "plain"}}


@pytest.mark.parametrize(
    ("each", "told"),
    [
        ('{ nots = { address = "plain" } }', "each names nots (did you mean notes?)"),
        ('{ notes = { adress = "plain" } }', "each.notes.adress is no field of its items"),
        ('{ notes = { other = "plain" } }', "each.notes.other is an address, which every one of its items needs"),
        ('{ notes = { address = "plane" } }', "= 'plane' is not known (did you mean plain?)"),
    ],
)
def test_a_misspelt_field_of_entries_stops_the_start(each: str, told: str) -> None:
    with pytest.raises(SetupError, match=re.escape(told)):
        catalogue(each)


@pytest.mark.parametrize("tool", [name for name, row in ROWS.items() if "each" in row])
def test_a_list_of_entries_holds_at_least_one_and_at_most_as_many_as_the_service_takes(tool: str) -> None:
    for name in ROWS[tool]["each"]:
        shape = SCHEMAS[tool]["properties"][name]
        assert (shape["minItems"], shape["maxItems"]) == (1, 1000)
        assert shape["items"]["additionalProperties"] is False
