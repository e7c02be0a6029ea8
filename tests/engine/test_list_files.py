"""Entries of a list from a file: what is read is asked about and sent, and only from where files may be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maton_mailgun.wire.list_files import _entries

from .doubles import Says, Scripted, approved, called, engine_over

LIST = "team@mg.example.com"
ADDED = {"list": {"address": LIST}, "message": "Mailing list has been updated"}
FIELDS: dict[str, Any] = {"address": {}, "name": {}}
pytestmark = pytest.mark.anyio


async def sent(folder: Path, content: bytes, **more: Any) -> list[Any]:
    (folder / "people.csv").write_bytes(content)
    transport = Scripted([Says(body=ADDED)])
    engine = engine_over(transport, folder / "home", attachments=folder)
    outcome = await approved(engine, "add_mailing_list_members", list_address=LIST, members_file="people.csv", **more)
    await engine.aclose()
    assert outcome.content["executed"] is True, outcome.content
    (request,) = [one for one in transport.arrived if one.method == "POST"]
    fields = parse_qs(request.content.decode())
    assert set(fields) == {"members"}
    found: list[Any] = json.loads(fields["members"][0])
    return found


async def refusal(folder: Path, content: bytes, **call: Any) -> list[tuple[str, str]]:
    (folder / "people.csv").write_bytes(content)
    transport = Scripted([Says(body=ADDED)])
    engine = engine_over(transport, folder / "home", **({"attachments": folder} | call.pop("settings", {})))
    given_ = {"list_address": LIST, "members_file": "people.csv", **call}
    outcome = await called(engine, "add_mailing_list_members", **given_)
    await engine.aclose()
    assert transport.arrived == []
    found = outcome.content["error"]["problems"]
    return [(one["path"], one["wrong"]) for one in found]


async def test_a_csv_file_becomes_members_with_its_columns(tmp_path: Path) -> None:
    text = '\ufeffaddress,name,subscribed,vars\r\na@x.example,"Doe, Ann",no,"{""n"": 1}"\r\n\r\nb@x.example,,,\r\n'
    assert await sent(tmp_path, text.encode()) == [
        {"address": "a@x.example", "name": "Doe, Ann", "subscribed": False, "vars": {"n": 1}},
        {"address": "b@x.example"},
    ]


async def test_a_json_file_becomes_members(tmp_path: Path) -> None:
    rows = [{"address": "a@x.example", "vars": {"n": [1, None]}, "subscribed": True}, {"address": "b@x.example"}]
    assert await sent(tmp_path, json.dumps(rows).encode()) == rows


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"name\r\nAnn\r\n", ("members[0]", "address is missing")),
        (b"address,email\r\n", ("members_file", "has a column “email”")),
        (b"address,address\r\n", ("members_file", "has no column, or two of one name")),
        (b"", ("members_file", "has no column, or two of one name")),
        (b"address\r\na@x.example,b@x.example\r\n", ("members_file", "has more cells than columns in line 2")),
        (b"address\r\n\xff\r\n", ("members_file", "is not UTF-8")),
        (b'address\r\n"a@x.example\r\n', ("members_file", "is no CSV: unexpected end of data")),
        (b'{"address": "a@x.example"}', ("members_file", "is no list")),
        (b'[{"address": "a@x.example"}', ("members_file", "is not JSON")),
        (b"[" * 100_000, ("members_file", "is not JSON")),
        (b'["a@x.example"]', ("members[0]", "is text")),
        (b"address\r\n", ("members", "is empty")),
        (b"address\r\nno address\r\n", ("members[0].address", "has no @")),
        (b"address,subscribed\r\na@x.example,maybe\r\n", ("members[0].subscribed", "is text")),
    ],
)
async def test_what_cannot_be_read_is_named_before_anybody_is_asked(
    tmp_path: Path, content: bytes, told: tuple[str, str]
) -> None:
    path, wrong = (await refusal(tmp_path, content))[0]
    assert (path, wrong[: len(told[1])]) == told


async def test_attack_28_a_list_is_read_from_the_one_directory_alone(tmp_path: Path) -> None:
    folder = tmp_path / "allowed"
    folder.mkdir()
    (tmp_path / "outside.csv").write_bytes(b"address\r\na@x.example\r\n")
    (folder / "link.csv").symlink_to(tmp_path / "outside.csv")
    for path in ("../outside.csv", str(tmp_path / "outside.csv"), "link.csv", "missing.csv", "."):
        ((where, _),) = await refusal(folder, b"", members_file=path)
        assert where == "members_file"
    assert await refusal(folder, b"", settings={"attachments": None}) == [
        ("members_file", "no directory for attachments is set here")
    ]


async def test_members_and_a_file_of_members_do_not_go_together(tmp_path: Path) -> None:
    told = await refusal(tmp_path, b"address\r\na@x.example\r\n", members=[{"address": "b@x.example"}])
    assert told == [("members", "cannot go together with members_file")]


_TEXTS = st.text("aé,\"' \n;@", min_size=1, max_size=9)


@given(st.lists(st.fixed_dictionaries({"address": _TEXTS, "name": _TEXTS}), max_size=8))
def test_what_a_csv_writer_writes_is_read_as_it_was(rows: list[dict[str, str]]) -> None:
    import csv
    import io

    held = io.StringIO(newline="")
    writer = csv.DictWriter(held, FIELDS)
    writer.writeheader()
    writer.writerows(rows)
    assert _entries(held.getvalue().encode(), FIELDS) == rows
