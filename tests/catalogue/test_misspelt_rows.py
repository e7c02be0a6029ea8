"""A row that misspells anything stops the start, with the file, the tool, the key, and what would be right."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import get_args

import pytest

from maton_mailgun.approval.preview.registry import HOLDS, PREVIEWS, WATCHES
from maton_mailgun.catalogue.operation import PreviewName
from maton_mailgun.catalogue.rows import read
from maton_mailgun.errors import SetupError

READ = """
[tools.get_note]
title = "Get a note"
about = "One note."
access = "read"
request = "GET /v3/{domain}/notes/{note_id}"
"""
LIST = """
[tools.list_notes]
title = "List notes"
about = "All notes."
access = "read"
request = "GET /v3/{domain}/notes"
paging = "skip"
"""
WRITE = """
[tools.update_note]
title = "Change a note"
about = "Replaces the text of a note."
access = "change"
request = "PUT /v3/{domain}/notes/{note_id}"
body = "form"
encode = { due = "date" }
ahead = { due = 7 }
lines = ["text"]
target = "note {note_id} of {domain}"
effect = "Replaces the text of note {note_id} by {text}."
undo = "Can be changed back with update_note."
before = "get_note"
compare = { text = "note.text" }
facts = [{ label = "Notes now", read = "list_notes", pick = "total_count" }]
success = { "note.id" = [], message = ["updated"] }
settle = "matches"
"""
HEAD = 'title = "Notes"\nabout = "Notes of a domain."\n'


def _schema(*names: str, required: int = 2) -> str:
    described = {name: {"type": "string", "minLength": 1} for name in names}
    return json.dumps({"type": "object", "properties": described, "required": names[:required]})


SCHEMAS = {
    "get_note": _schema("domain", "note_id"),
    "list_notes": _schema("domain", "limit", "cursor", required=1),
    "update_note": _schema("domain", "note_id", "text", "due"),
}


def _refused(old: str, new: str) -> str:
    text = HEAD + READ + LIST + WRITE
    assert old in text
    with pytest.raises(SetupError) as refused:
        read({"notes": text.replace(old, new, 1)}, SCHEMAS)
    return str(refused.value)


def test_the_rows_to_begin_with_are_a_catalogue() -> None:
    assert list(read({"notes": HEAD + READ + LIST + WRITE}, SCHEMAS)) == ["get_note", "list_notes", "update_note"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('before = "get', 'befor = "get', "befor is no key of a row (did you mean before?)"),
        ("settle =", "setle =", "setle is no key of a row (did you mean settle?)"),
        ("paging =", "pageing =", "pageing is no key of a row (did you mean paging?)"),
        ("body =", "bodi =", "bodi is no key of a row (did you mean body?)"),
        ("success =", "succes =", "succes is no key of a row (did you mean success?)"),
        ("facts =", "fact =", "fact is no key of a row (did you mean facts?)"),
        ("compare =", "compared =", "compared is no key of a row (did you mean compare?)"),
        ("lines =", "path_arguments =", "path_arguments is no key of a row"),
        ("lines =", "schema =", "schema is no key of a row"),
        ("pick =", "pik =", "facts[0]: pik is no key (did you mean pick?); there are label, pick, read"),
    ],
)
def test_a_misspelt_key_is_no_key(old: str, new: str, told: str) -> None:
    said = _refused(old, new)
    assert said.startswith("tools/notes.toml: [tools.")
    assert told in said


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('before = "get_note"', 'before = "get_notes"', "before = 'get_notes' is no tool (did you mean get_note?)"),
        ('before = "get_note"', 'before = "GET v3/x"', "before = 'GET v3/x' does not have its form"),
        ('before = "get_note"', 'before = "update_note"', "before = 'update_note' is no tool that reads"),
        (
            'before = "get_note"',
            'before = "GET /v3/{domain}/notes/{note}"',
            "before needs note, which is no argument that every call has",
        ),
        ('before = "get_note"\n', "", "settle = 'matches' needs before, to compare with"),
        ('settle = "matches"', 'settle = "match"', "settle = 'match' is not known (did you mean matches?)"),
        ('settle = "matches"', 'settle = "exists"', "settle = 'exists' needs settle_read"),
        ('settle = "matches"', 'settle = "events"', "settle = 'events' is for tools that send"),
        ('settle = "matches"', 'settle_pick = "id"', "settle_pick goes with settle = 'events'"),
        (
            'settle = "matches"',
            'settle_like = { subject = "Subject" }',
            "settle_like and settle_not are for tools that send",
        ),
        (
            'settle = "matches"',
            'settle_not = { "storage.key" = "text" }',
            "settle_like and settle_not are for tools that",
        ),
        ('settle = "matches"', 'message_id = "h:Message-Id"', "message_id, a field for the id of the message"),
        ('access = "change"', 'access = "send"', "message_id, a field for the id of the message"),
        ('settle = "matches"', "assumed = { due = true }", "assumed.due has no place in compare"),
        ('settle = "matches"', 'consent = { due = "Ask." }', "consent.due has no place in compare"),
        ('settle = "matches"', 'copies = ["txt"]', "copies names txt (did you mean text?)"),
        ('paging = "skip"', 'paging = "skips"', "paging = 'skips' is not known (did you mean skip?)"),
        ('paging = "skip"', 'columns = { id = "id" }', "columns are for lists, which say how they are paged"),
        (
            'paging = "skip"',
            'paging = "skip"\ncolumns = { id = "note id" }',
            "columns.id = 'note id' does not have its form",
        ),
        ('paging = "skip"', 'options_of = "get_noet"', "options_of = 'get_noet' is no tool (did you mean get_note?)"),
        ('paging = "skip"', 'options_of = "list_notes"', "options_of is for the options of another tool"),
        ('body = "form"', 'body = "from"', "body = 'from' is not known (did you mean form?)"),
        ('paging = "skip"', 'preview = "message"', "preview is for tools that write"),
        ('settle = "matches"', 'preview = "massage"', "preview = 'massage' is not known (did you mean message?)"),
        ('read = "list_notes"', 'read = "list_note"', "facts[0].read = 'list_note' is no tool"),
        ('pick = "total_count"', 'pick = "total count"', "facts[0].pick = 'total count' does not have its form"),
        ('label = "Notes now", ', "", "facts[0].label is missing"),
        ('message = ["updated"]', 'message = "updated"', "success.message = 'updated': input should be a valid tuple"),
        ('message = ["updated"]', 'message = ["Updated"]', "success.message[0] = 'Updated' does not have its form"),
        ('"note.id" = []', '"note id" = []', "success.note id = 'note id' does not have its form"),
        ('due = "date"', 'due = "dat"', "encode.due = 'dat' is not known (did you mean date?)"),
        ('due = "date"', 'duo = "date"', "encode names duo (did you mean due?)"),
        ("due = 7", 'due = "7"', "ahead.due = '7': input should be a valid integer"),
        ('lines = ["text"]', 'lines = "text"', "lines = 'text': input should be a valid tuple"),
        ('lines = ["text"]', 'lines = ["texts"]', "lines names texts (did you mean text?)"),
        ('settle = "matches"', "asynchronous = 1", "asynchronous = 1: input should be a valid boolean"),
        ("success =", "# success =", "a tool that writes needs success"),
        ("by {text}", "by {txt}", "effect names txt (did you mean text?)"),
        ("undo =", "# undo =", "undo is missing"),
        ('compare = { text = "note.text" }', 'compare = { text = "note text" }', "compare.text = 'note text'"),
        ('compare = { text = "note.text" }', "compare = {}", "settle = 'matches' needs compare"),
        ('access = "change"', 'access = "chang"', "access = 'chang' is not known (did you mean change?)"),
        ('request = "PUT /v3', 'request = "PUTS /v3', "is not METHOD /path"),
        ('title = "Change a note"\n', "", "title is missing"),
    ],
)
def test_a_misspelt_value_is_told_with_what_there_is(old: str, new: str, told: str) -> None:
    said = _refused(old, new)
    assert said.startswith("tools/notes.toml: [tools.")
    assert told in said


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HEAD + "tools = 5", "tools holds tables"),
        (HEAD.replace("about", "abut") + READ, "abut is no key of this file"),
        (HEAD + "[tools.Get-Note]", "a tool is named in small letters"),
        (HEAD + "[tools]\nget_note = 5", "[tools.get_note] is no table"),
        (HEAD + READ + LIST + WRITE + "\n[tools.more]\ntitle=''", "schemas/more.json is missing"),
        (HEAD + READ + "\n= 5", "is not TOML"),
        (HEAD + READ, "schemas/list_notes.json has no row"),
    ],
)
def test_a_file_that_is_no_toolset_is_told(text: str, told: str) -> None:
    with pytest.raises(SetupError) as refused:
        read({"notes": text}, SCHEMAS)
    assert told in str(refused.value)


def test_the_previews_that_a_row_may_name_are_those_that_there_are() -> None:
    named = set(get_args(PreviewName))
    assert named == set(PREVIEWS)
    assert {*WATCHES, *HOLDS} <= named


def test_a_row_is_not_validated_before_the_catalogue_is_read() -> None:
    """The command line knows the model of a row long before it needs one."""
    code = "import maton_mailgun.catalogue.rows as rows; print(rows._adapter.cache_info().currsize)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "0\n"
