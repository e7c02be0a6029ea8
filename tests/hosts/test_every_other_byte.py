"""Whatever stands in a host's file, only our entry changes; and what was installed goes without a trace."""

from __future__ import annotations

import json
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maton_mailgun.hosts import json_text, toml_text
from maton_mailgun.hosts.configuration import HostDocument
from maton_mailgun.hosts.edits import NotEditable, applied
from maton_mailgun.hosts.entry import INPUT, HostEntry, server
from maton_mailgun.hosts.host_file import installing, make, uninstalling
from maton_mailgun.hosts.known import BY_NAME

from .texts import Written, documents, toml_files

REAL = HostEntry("mailgun", "/opt/py/bin/python", ("-I", "-m", "maton_mailgun"))

pytestmark = pytest.mark.slow
SANDBOX = HostEntry(
    "mailgun", "/opt/py/bin/python", ("-I", "-m", "maton_mailgun", "serve", "--sandbox"), needs_key=False
)
FEW = settings(max_examples=40, deadline=None)
"""Where files are written and synced."""
BOM = st.sampled_from([b"", b"\xef\xbb\xbf"])


@contextmanager
def folder() -> Iterator[Path]:
    """A directory of one example."""
    made = Path(tempfile.mkdtemp())
    try:
        yield made
    finally:
        shutil.rmtree(made)


def install(name: str, entry: HostEntry, path: Path, home: Path) -> None:
    """Plan it and make it, as the command does after a yes."""
    make(installing(BY_NAME[name], entry, path), entry.name, home, BY_NAME[name])


def uninstall(name: str, path: Path, home: Path) -> None:
    """The same the other way round."""
    make(uninstalling(BY_NAME[name], "mailgun", path, home), "mailgun", home, BY_NAME[name])


@given(documents())
def test_a_file_is_read_as_it_was_meant(written: Written) -> None:
    node = json_text.read(written.text)
    assert node is not None
    assert node.value == written.said


@given(documents())
def test_a_new_entry_takes_no_byte_away(written: Written) -> None:
    wanted = server(BY_NAME["cursor"], REAL)
    edits = json_text.put(written.text, ("mcpServers", "mailgun"), wanted)
    assert [edit for edit in edits if edit.start != edit.end] == []
    after = json_text.read(applied(written.text, edits))
    assert after is not None
    servers = {**written.said.get("mcpServers", {}), "mailgun": wanted}
    assert after.value == {**written.said, "mcpServers": servers}


@FEW
@given(documents("servers"), BOM)
def test_an_entry_brought_up_to_date_changes_no_byte_outside_of_it(written: Written, bom: bytes) -> None:
    host = BY_NAME["zed"]
    with folder() as at:
        path, home = at / "file", at / "home"
        path.write_bytes(bom + written.text.replace('"servers"', '"context_servers"').encode())
        install("zed", SANDBOX, path, home)
        before = path.read_bytes()
        change = installing(host, HostEntry(*_fields(REAL), key="k"), path)
    node = json_text.read(before.removeprefix(bom).decode())
    assert node is not None
    assert change.after is not None
    (servers,) = [item.node for item in node.items if item.key == "context_servers"]
    (ours,) = [item.node for item in servers.items if item.key == "mailgun"]
    text = before.removeprefix(bom).decode()
    head, tail = bom + text[: ours.start].encode(), text[ours.end :].encode()
    assert (change.after[: len(head)], change.after[len(change.after) - len(tail) :]) == (head, tail)


def _fields(entry: HostEntry) -> tuple[str, str, tuple[str, ...]]:
    return entry.name, entry.command, entry.args


@pytest.mark.parametrize("name", ["cursor", "vscode"])
@FEW
@given(data=st.data())
def test_installed_and_uninstalled_leaves_the_very_same_bytes(name: str, data: st.DataObject) -> None:
    written, bom = data.draw(documents(BY_NAME[name].servers)), data.draw(BOM)
    steps = data.draw(st.lists(st.sampled_from([REAL, SANDBOX]), min_size=1, max_size=3))
    with folder() as at:
        path, home = at / "deep" / "file", at / "home"
        path.parent.mkdir()
        path.write_bytes(before := bom + written.text.encode())
        path.chmod(0o640)
        for step in steps:
            install(name, step, path, home)
            assert path.read_bytes() != before
        uninstall(name, path, home)
        assert (path.read_bytes(), path.stat().st_mode & 0o777) == (before, 0o640)
        assert [one for one in at.rglob("*") if one.is_file()] == [path]


@given(documents("servers"))
def test_without_memory_of_it_an_entry_is_taken_out_alone(written: Written) -> None:
    """What others wrote stays to the letter, comments too; blanks and commas around the entry go with it."""
    host = BY_NAME["vscode"]
    after = HostDocument.of(host, written.text.encode()).with_entry("mailgun", server(host, REAL))
    bare = HostDocument.of(host, after).without_entry("mailgun")
    node = json_text.read(bare.decode())
    assert node is not None
    said = {"servers": {}, "inputs": [], **written.said}
    assert {"servers": {}, "inputs": [], **node.value} == said
    assert _letters(bare.decode()) == _letters(written.text)


def _letters(text: str) -> str:
    """A text without blanks and commas, and without empty things that may have been made to hold ours."""
    left = "".join(sign for sign in text if sign not in " \t\r\n,")
    return left.replace('"servers":{}', "").replace('"inputs":[]', "")


@FEW
@given(documents(), st.sampled_from(["before", "behind"]))
def test_what_others_wrote_meanwhile_survives_uninstalling(written: Written, where: str) -> None:
    host = BY_NAME["cursor"]
    with folder() as at:
        path, home = at / "file", at / "home"
        path.write_bytes(written.text.encode())
        install("cursor", REAL, path, home)
        text = path.read_bytes().decode()
        later = applied(text, json_text.put(text, ("mcpServers", "later"), {"command": "later"}))
        path.write_bytes((f"// mine\n{later}" if where == "before" else f"{later}\n// mine").encode())
        uninstall("cursor", path, home)
        left = HostDocument.of(host, path.read_bytes())
    servers = {**written.said.get("mcpServers", {}), "later": {"command": "later"}}
    assert (left.said, "// mine" in left.text) == ({**written.said, "mcpServers": servers}, True)


@FEW
@given(toml_files(), st.sampled_from([REAL, SANDBOX]), st.sampled_from([REAL, SANDBOX]))
def test_toml_is_left_as_it_is_but_for_our_table(text: str, first: HostEntry, then: HostEntry) -> None:
    host = BY_NAME["codex"]
    with folder() as at:
        path, home = at / "config.toml", at / "home"
        path.write_bytes(text.encode())
        install("codex", first, path, home)
        assert path.read_bytes().startswith(text.encode())
        install("codex", then, path, home)
        after = path.read_bytes().decode()
        assert after.startswith(text)
        said = tomllib.loads(text)
        servers = {**said.get("mcp_servers", {}), "mailgun": server(host, then)}
        assert tomllib.loads(after) == {**said, "mcp_servers": servers}
        uninstall("codex", path, home)
        assert path.read_bytes() == text.encode()


@given(toml_files(), toml_files())
def test_a_toml_table_is_taken_out_from_between_others(text: str, later: str) -> None:
    added = applied(text, toml_text.put_table(text, ("mcp_servers", "mailgun"), {"command": "x", "args": ["a"]}))
    tables = later[later.index("[") :] if "[" in later and not later.startswith("model") else ""
    added += tables
    try:
        toml_text.read(added)
    except NotEditable:
        return  # a table stands in both
    bare = applied(added, toml_text.take_table(added, ("mcp_servers", "mailgun")))
    said = toml_text.read(added)
    del said["mcp_servers"]["mailgun"]
    assert {"mcp_servers": {}, **toml_text.read(bare)} == {"mcp_servers": {}, **said}
    assert bare.startswith(text.rstrip("\n"))
    assert bare.endswith(tables)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_file_that_was_made_for_it_goes_with_its_folders(name: str, tmp_path: Path) -> None:
    path, home = tmp_path / "a" / "b" / "file", tmp_path / "home"
    install(name, REAL, path, home)
    install(name, SANDBOX, path, home)
    uninstall(name, path, home)
    assert [one for one in tmp_path.rglob("*") if one != home] == []


def edited(name: str, text: str, wanted: dict[str, Any] | None = None) -> str:
    """A text with our entry in it."""
    made = server(BY_NAME[name], REAL) if wanted is None else wanted
    return HostDocument.of(BY_NAME[name], text.encode()).with_entry("mailgun", made).decode()


ENTRY = '"mailgun": {"command": "c", "args": []}'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '{\n  "mcpServers": {\n    "mailgun": {\n      "command": "c",\n      "args": []\n    }\n  }\n}\n'),
        ("{}", '{\n  "mcpServers": {\n    "mailgun": {\n      "command": "c",\n      "args": []\n    }\n  }\n}'),
        ('{"a": 1e2}', '{"a": 1e2, "mcpServers": {' + ENTRY + "}}"),
        ('{"mcpServers": {"o": [1, 2]}}', '{"mcpServers": {"o": [1, 2], ' + ENTRY + "}}"),
        (
            '{\r\n\t"mcpServers": {\r\n\t\t"o": [ 1,2 ], // mine\r\n\t},\r\n}',
            '{\r\n\t"mcpServers": {\r\n\t\t"o": [ 1,2 ], // mine\r\n\t\t"mailgun": {\r\n\t\t\t"command": "c",\r\n'
            '\t\t\t"args": []\r\n\t\t},\r\n\t},\r\n}',
        ),
    ],
)
def test_entry_looks_like_its_neighbours(before: str, after: str) -> None:
    assert edited("cursor", before, {"command": "c", "args": []}) == after


def test_question_for_the_key_is_asked_once_and_goes_with_the_last_who_asks() -> None:
    host = BY_NAME["vscode"]
    text = edited("vscode", '{"inputs": [{"id": "x"}]}')
    assert json.loads(text)["inputs"] == [{"id": "x"}, INPUT]
    twice = HostDocument.of(host, text.encode()).with_entry("second", server(host, REAL))
    assert json.loads(twice)["inputs"] == [{"id": "x"}, INPUT]
    one = HostDocument.of(host, twice).without_entry("mailgun")
    assert json.loads(one)["inputs"] == [{"id": "x"}, INPUT]
    assert json.loads(HostDocument.of(host, one).without_entry("second")) == {"inputs": [{"id": "x"}], "servers": {}}


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("cursor", '{"mcpServers": {}, "mcpServers": {"a": {}}}', "stands in it twice"),
        ("cursor", '{"mcpServers": []}', "not what Cursor documents"),
        ("cursor", "[]", "no object"),
        ("cursor", "{'mcpServers': {}}", "line 1, a key in double quotes is missing"),
        ("cursor", '{\n"a": 01}', "line 2, a value is missing or not JSON"),
        ("cursor", '{"a": 1} {}', "something stands after its end"),
        ("cursor", '{"a": 1 "b": 2}', "a comma or } is missing"),
        ("cursor", "[" * 200 + "]" * 200, "nested too deeply"),
        ("vscode", '{"inputs": {}}', "not what VS Code documents"),
        ("codex", "model = ", "not TOML"),
        ("codex", 'mcp_servers = { other = { command = "x" } }\n', "not TOML"),
    ],
)
def test_file_that_cannot_be_changed_for_certain_is_refused_with_the_reason(name: str, content: str, why: str) -> None:
    with pytest.raises(NotEditable, match="(?s).*" + why.replace("}", r"\}")):
        edited(name, content)
