"""README, SKILL and their neighbours, held to the code."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from maton_mailgun import errors
from maton_mailgun.approval.policy.file import load_policy
from maton_mailgun.catalogue import files as data
from maton_mailgun.catalogue import rows as catalogue
from maton_mailgun.config import NAMES
from maton_mailgun.hosts.entry import HostEntry, as_text
from maton_mailgun.hosts.known import BY_NAME
from maton_mailgun.protocol.approval_schemas import TOOLS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SKILL = (ROOT / "SKILL.md").read_text(encoding="utf-8")
PROMISE = (
    "Nothing is written until a person has seen the target and the effect and said yes.",
    "What runs is exactly what was shown.",
    "One yes is at most one write.",
    "Every doubtful outcome is shown, never retried behind your back.",
)


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language, without indentation."""
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    return [re.sub(r"^   ", "", block, flags=re.MULTILINE) if block.startswith("   ") else block for block in found]


def run_docs(root: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """Run the generator in a tree."""
    command = [sys.executable, str(root / "packaging" / "docs.py"), *flags]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the documents and their generator."""
    (tmp_path / "packaging").mkdir()
    for name in (
        "README.md",
        "SKILL.md",
        "packaging/docs.py",
        "packaging/first_answers.py",
        "packaging/shared_arguments.json",
    ):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("schemas", "examples", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def test_generated_tables_are_up_to_date() -> None:
    done = run_docs(ROOT, "--check")
    assert (done.returncode, done.stderr) == (0, "")


def test_stale_table_is_found_with_the_command_that_mends_it(tree: Path) -> None:
    skill = tree / "SKILL.md"
    skill.write_text(SKILL.replace("| messages |", "| letters |"), encoding="utf-8")
    stale = run_docs(tree, "--check")
    assert (stale.returncode, stale.stderr) == (1, "SKILL.md out of date. Run: python packaging/docs.py\n")
    assert run_docs(tree).returncode == 0
    assert (run_docs(tree, "--check").returncode, skill.read_text(encoding="utf-8")) == (0, SKILL)


def test_every_setting_is_documented_and_no_other_is_named() -> None:
    named = set(re.findall(r"\bMATON_[A-Z_]+[A-Z]\b", README + SKILL))
    assert named == set(NAMES)


@pytest.mark.parametrize(
    ("tool", "argument"),
    [
        ("get_bounce", "connection_id"),
        ("list_routes", "cursor"),
        ("send_message", "delivery_time"),
        ("send_mime_message", "tracking"),
    ],
)
def test_an_argument_that_tools_share_is_written_in_one_place(tree: Path, tool: str, argument: str) -> None:
    schema = tree / "schemas" / f"{tool}.json"
    was = schema.read_text(encoding="utf-8")
    schema.write_text(re.sub(rf'("{argument}": ).*}}', r'\1{"type": "string"}', was), encoding="utf-8")
    stale = run_docs(tree, "--check")
    assert (stale.returncode, stale.stderr) == (1, f"{tool}.json out of date. Run: python packaging/docs.py\n")
    assert run_docs(tree).returncode == 0
    assert schema.read_text(encoding="utf-8") == was


def test_a_shared_argument_that_one_of_its_tools_lacks_is_told(tree: Path) -> None:
    schema = tree / "schemas" / "send_mime_message.json"
    schema.write_text(schema.read_text(encoding="utf-8").replace('"dkim":', '"dkmi":'), encoding="utf-8")
    done = run_docs(tree, "--check")
    assert done.returncode != 0
    assert "send_mime_message.json has no dkim" in done.stderr


def test_an_argument_that_must_be_given_is_its_tools_own() -> None:
    shared = json.loads((ROOT / "packaging" / "shared_arguments.json").read_text(encoding="utf-8"))
    own = json.loads((ROOT / "schemas" / "get_connection.json").read_text(encoding="utf-8"))["properties"]
    assert own["connection_id"] != shared["where it may be left out"]["connection_id"]


def test_every_tool_and_error_is_documented() -> None:
    tools = [*catalogue.load(), *(tool["name"] for tool in TOOLS)]
    assert [name for name in tools if f"| `{name}` |" not in README] == []
    assert [name for name in tools if f"`{name}`" not in SKILL] == []
    kinds = {kind.kind for kind in _subclasses(errors.CallError)}
    assert [kind for kind in sorted(kinds) if f"`{kind}`" not in SKILL] == []


def test_promise_of_the_gate_stands_in_the_readme_word_for_word() -> None:
    quoted = " ".join(line.removeprefix("> ") for line in README.splitlines() if line.startswith("> "))
    assert quoted == " ".join(PROMISE)


@pytest.mark.slow
def test_demo_in_the_readme_is_what_the_demo_prints(tmp_path: Path) -> None:
    transcript = next(block for block in blocks(README, "text") if "send_message" in block)
    command = [sys.executable, "-P", "-m", "maton_mailgun", "demo", "--yes"]
    printed = subprocess.run(
        command, capture_output=True, encoding="utf-8", timeout=60, check=True, cwd=tmp_path
    ).stdout
    real = set(_steady(printed).splitlines())
    shown = [line for line in _steady(transcript).splitlines() if "…" not in line and "[approve/reject]" not in line]
    assert [line for line in shown if line not in real] == []
    assert len(shown) > 20


def test_host_configurations_in_the_readme_are_what_install_prints() -> None:
    entry = HostEntry("mailgun", "uvx", ("maton-mailgun",))
    shown = [json.loads(re.sub(r"^//.*$", "", block, flags=re.MULTILINE)) for block in blocks(README, "jsonc")]
    assert shown == [json.loads(as_text(BY_NAME[name], entry)) for name in ("claude-code", "vscode")]
    codex = tomllib.loads(as_text(BY_NAME["codex"], entry))
    assert codex in [tomllib.loads(block) for block in blocks(README, "toml")]
    for name in ("cursor", "gemini"):
        assert f'"{BY_NAME[name].reference}"' in README


def test_policy_in_the_readme_is_one(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(next(block for block in blocks(README, "toml") if "[[rule]]" in block), encoding="utf-8")
    policy = load_policy(path, tools=tuple(catalogue.load()))
    assert [rule.name for rule in policy.rules] == ["internal notes", "no domain deletes", "careful"]


def test_commands_in_the_documents_exist() -> None:
    known = {row.split("`")[1].split(" ", 1)[1] for row in README.splitlines() if row.startswith("| `maton-mailgun ")}
    first_words = {name.split()[0] for name in known}
    for text in (README, SKILL, *(path.read_text(encoding="utf-8") for path in (ROOT / "tools").glob("*.toml"))):
        named = re.findall(r"(?:^|`|\.venv/bin/|run )maton-mailgun ([a-z]+)", text, re.MULTILINE)
        assert [name for name in named if name not in first_words] == []


def test_skill_has_the_documented_form() -> None:
    _, front, body = SKILL.split("---\n", 2)
    fields: dict[str, Any] = yaml.safe_load(front)
    assert set(fields) <= {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}
    assert fields["name"] == "maton-mailgun"
    assert len(fields["description"]) <= 1024
    assert len(fields["compatibility"]) <= 500
    assert body.count("\n") < 500


def test_skill_names_only_tools_that_exist() -> None:
    tools = {*catalogue.load(), *(tool["name"] for tool in TOOLS)}
    verbs = "list|create|get|delete|send|update|add|cancel"
    named = set(re.findall(rf"`((?:{verbs})_[a-z_]+)`", SKILL))
    assert named <= tools


def test_walk_through_in_contributing_is_a_row_that_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (row,), (schema,) = blocks(text, "toml"), blocks(text, "json")
    # It says that there is a tool to read a note with.
    read = """[tools.get_note]
    title = "Get a note"
    about = "One note."
    access = "read"
    request = "GET /v3/{domain}/notes/{note_id}"
    """
    files = {
        "tools": {"notes": f'title = "Notes"\nabout = "Notes."\n{read}\n{row}'},
        "schemas": {"get_note": schema, "update_note": schema},
    }
    monkeypatch.setattr(data, "texts", lambda folder, suffix: files[folder])
    assert list(catalogue.load.__wrapped__()) == ["get_note", "update_note"]


def test_map_for_agents_is_short_and_names_what_exists() -> None:
    text = (ROOT / "AGENTS.md").read_text(encoding="utf-8")
    assert text.count("\n") < 100
    package = ROOT / "server" / "maton_mailgun"
    folder = package
    for row in (line for line in text.splitlines() if line.startswith("| `")):
        for name in re.findall(r"`([^`<]+)`", row.split("|")[1]):
            path = package / name.removeprefix("…/") if name.startswith("…/") else ROOT / name
            folder = path.parent if name.startswith("…/") else folder
            assert path.exists() or (folder / name).exists(), name


def test_license_and_changelog_are_there() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(path.name for path in ROOT.glob("*.md")))
def test_links_between_documents_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for path, anchor in re.findall(r"\]\((?!https?://)([^)#]*)(?:#([^)]*))?\)", text):
        target = ROOT / (path or name)
        assert target.exists(), path
        headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
        assert not anchor or anchor in {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}


def test_what_counts_as_a_hole_is_said_once_and_found_from_where_people_look() -> None:
    security = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    counts = security.partition("## What counts")[2].partition("\n## ")[0]
    for said in ("without a person's yes", "not what was shown", "Two writes for one yes", "A secret in any output"):
        assert said in counts
    for name in ("README.md", "CONTRIBUTING.md"):
        assert "](SECURITY.md)" in (ROOT / name).read_text(encoding="utf-8")
    assert re.findall(r"[\w.]+@[\w.]+", security) == []
    proof = next(command for command in re.findall(r"`python (\S+)`", security))
    assert (ROOT / proof).exists()


def test_no_file_says_on_which_machine_or_from_which_registry_it_was_made() -> None:
    hosts = ("pypi" + ".org", "python" + "hosted.org", "registry." + "npmjs", "index" + "-url =")
    homes = (
        "/home" + "/(?!ann/)",
        "/Us" + "ers/",
        "/ro" + "ot/",
        r"[A-Z]:\\Us" + "ers",
        "/tm" + r"p/\w",
        "/wo" + "rk/",
    )
    pattern = re.compile("|".join([*(re.escape(host) for host in hosts), *homes]))
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False).stdout.decode()
    if not listed:
        pytest.skip("not a checkout with git: which files are the project's own is not known")
    texts = {name: (ROOT / name).read_bytes().decode(errors="replace") for name in listed.rstrip("\0").split("\0")}
    assert {name: found[0] for name, text in texts.items() if (found := pattern.search(text))} == {}


def _subclasses(kind: type[errors.CallError]) -> set[type[errors.CallError]]:
    return {one for below in kind.__subclasses__() for one in (below, *_subclasses(below))}


def _steady(text: str) -> str:
    """Without what differs from run to run."""
    return re.sub(r"<?[0-9a-f]{32}@", "<ID@", re.sub(r"\(\d+\.\d s\)", "(TIME)", text))
