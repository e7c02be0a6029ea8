"""README, docs/, SKILL and their neighbours, held to the code."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from attacks.guards import GUARDS
from maton_mailgun import errors
from maton_mailgun.approval.policy.file import load_policy
from maton_mailgun.catalogue import files as data
from maton_mailgun.catalogue import rows as catalogue
from maton_mailgun.cli.parser import build
from maton_mailgun.config import NAMES, Settings
from maton_mailgun.hosts.entry import HostEntry, as_text
from maton_mailgun.hosts.known import BY_NAME
from maton_mailgun.protocol.approval_schemas import TOOLS
from maton_mailgun.runtime import engine

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ENTRY = (ROOT / "SKILL.md").read_text(encoding="utf-8")
RECIPES = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "references").glob("*.md"))}
SKILL = "".join((ENTRY, *RECIPES.values()))
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
TEXTS = (README, SKILL, *PAGES.values())
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("", "docs", "examples", "bench", "tests", "references", "evals")
    for path in (ROOT / folder).glob("*.md")
)
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
        "packaging/reference.py",
        "packaging/shared_arguments.json",
    ):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("schemas", "examples", "docs", "references"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def test_generated_tables_are_up_to_date() -> None:
    done = run_docs(ROOT, "--check")
    assert (done.returncode, done.stderr) == (0, "")


def test_stale_table_is_found_with_the_command_that_mends_it(tree: Path) -> None:
    skill = tree / "references" / "tools.md"
    skill.write_text(RECIPES["tools"].replace("| messages |", "| letters |"), encoding="utf-8")
    stale = run_docs(tree, "--check")
    assert (stale.returncode, stale.stderr) == (
        1,
        "references/tools.md out of date. Run: python packaging/docs.py\n",
    )
    assert run_docs(tree).returncode == 0
    assert (run_docs(tree, "--check").returncode, skill.read_text(encoding="utf-8")) == (0, RECIPES["tools"])


def test_every_setting_is_documented_and_no_other_is_named() -> None:
    named = set(re.findall(r"\bMATON_[A-Z_]+[A-Z]\b", "".join(TEXTS)))
    assert named == set(NAMES)
    assert [name for name in NAMES if f"| `{name}` |" not in PAGES["reference"]] == []


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
    assert [name for name in tools if f"| `{name}` |" not in PAGES["tools"]] == []
    assert [name for name in tools if f"\n### {name}\n" not in PAGES["tools"]] == []
    assert [name for name in tools if f"`{name}`" not in SKILL] == []
    kinds = {kind.kind for kind in _subclasses(errors.CallError)}
    assert [kind for kind in sorted(kinds) if f"`{kind}`" not in SKILL] == []
    unexplained = kinds - {"outcome_unknown"}  # stands there as people see it
    assert [kind for kind in sorted(unexplained) if f"`{kind}`" not in PAGES["troubleshooting"]] == []


def test_promise_of_the_gate_stands_in_the_readme_word_for_word() -> None:
    quoted = " ".join(line.removeprefix("> ") for line in README.splitlines() if line.startswith("> "))
    assert quoted == " ".join(PROMISE)


def test_readme_says_how_many_tools_there_are() -> None:
    usual = len(engine(Settings()).catalogue)
    more = len(catalogue.load()) - usual
    said = f"{usual} operations are tools of their own, {more} more where their toolset is named"
    assert f"{said}, and {len(TOOLS)} tools are about approvals." in " ".join(README.split())


def test_readme_is_read_in_minutes() -> None:
    assert README.count("\n") <= 250


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the demo prints, without what differs from run to run."""
    command = [sys.executable, "-P", "-m", "maton_mailgun", "demo", "--yes"]
    folder = tmp_path_factory.mktemp("demo")
    return _steady(
        subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=True, cwd=folder).stdout
    )


@pytest.mark.slow
def test_demo_in_the_documents_is_what_the_demo_prints(demo: str) -> None:
    transcript = next(block for block in blocks(PAGES["start"], "text") if "send_message" in block)
    real = set(demo.splitlines())
    shown = [line for line in _steady(transcript).splitlines() if "…" not in line and "[approve/reject]" not in line]
    assert [line for line in shown if line not in real] == []
    assert len(shown) > 20


@pytest.mark.slow
def test_the_picture_of_the_demo_says_word_for_word_what_the_demo_prints(demo: str) -> None:
    drawn = ElementTree.fromstring((ROOT / "docs" / "pictures" / "demo.svg").read_text(encoding="utf-8"))  # noqa: S314
    lines = [" ".join(line.itertext()) for line in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert _words(_steady("\n".join(lines))) == _words(demo.partition("\nNext: ")[0])


@pytest.mark.parametrize(("name", "most"), [("demo.svg", 200_000), ("page.png", 150_000)])
def test_pictures_are_small_and_are_shown(name: str, most: int) -> None:
    assert 10_000 < (ROOT / "docs" / "pictures" / name).stat().st_size < most
    assert f"](docs/pictures/{name})" in README


def test_host_configurations_in_the_documents_are_what_install_prints() -> None:
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGES["hosts"], re.DOTALL | re.MULTILINE))
    for host in BY_NAME.values():
        entry = HostEntry("mailgun", "uvx", ("maton-mailgun",), None if host.supplies_key else "your Maton key")
        assert blocks(sections[host.title], host.form) == [as_text(host, entry)]


@pytest.mark.parametrize("text", [README, PAGES["start"], PAGES["hosts"]], ids=["README", "start", "hosts"])
def test_every_host_has_its_command_as_it_must_be_typed(text: str) -> None:
    """With --with-key exactly where the host has no other way to a key."""
    typed = re.findall(r"`(maton-mailgun install [a-z-]+ --write[^`]*)`", text)
    named = {(read.host, read.with_key) for read in (build().parse_args(one.split()[1:]) for one in typed)}
    assert named == {(name, not host.supplies_key) for name, host in BY_NAME.items()}


def test_policy_in_the_readme_is_one(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(next(block for block in blocks(README, "toml") if "[[rule]]" in block), encoding="utf-8")
    policy = load_policy(path, tools=tuple(catalogue.load()))
    assert [rule.name for rule in policy.rules] == ["internal notes", "no domain deletes"]


def test_every_error_in_troubleshooting_is_one_that_is_told() -> None:
    """The words between backticks in the first column stand in a text of the code, one behind the other."""
    told = "\0".join(_told(path) for path in sorted((ROOT / "server" / "maton_mailgun").rglob("*.py")))
    first = [line.split(" | ")[0] for line in PAGES["troubleshooting"].splitlines() if line.startswith("| `")]
    quoted = [words for cell in first for words in re.findall(r"`([^`]+)`", cell)]
    assert [words for words in quoted if words not in told] == []
    assert len(quoted) > 50


def test_the_numbers_of_the_readme_are_no_more_than_there_is() -> None:
    every_change = (ROOT / "tests" / "visibility" / "test_every_change.py").read_text(encoding="utf-8")
    (guards,) = re.findall(r"more than (\d+) lines that withstand an attack", README)
    assert int(guards) < len(GUARDS)
    (changes,) = re.findall(r"([\d,]+) changes of one thing", README)
    assert f"USUAL = {changes.replace(',', '_')}\n" in every_change


@pytest.mark.parametrize("command", re.findall(r"`\.venv/bin/python (?:-m pytest -q )?(tests/\S+)`", README))
def test_what_proves_the_promise_is_there(command: str) -> None:
    assert (ROOT / command).exists()


def test_commands_in_the_documents_exist() -> None:
    rows = [row for row in PAGES["reference"].splitlines() if row.startswith("| `maton-mailgun ")]
    first_words = {row.split("`")[1].split()[1] for row in rows}
    for text in (*TEXTS, *(path.read_text(encoding="utf-8") for path in (ROOT / "tools").glob("*.toml"))):
        named = re.findall(r"(?:^|`|\.venv/bin/|run )maton-mailgun ([a-z]+)", text, re.MULTILINE)
        assert [name for name in named if name not in first_words] == []


def test_skill_has_the_documented_form() -> None:
    _, front, _ = ENTRY.split("---\n", 2)
    fields: dict[str, Any] = yaml.safe_load(front)
    assert set(fields) <= {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}
    assert fields["name"] == "maton-mailgun"
    assert len(fields["description"]) <= 1024
    assert len(fields["compatibility"]) <= 500


def test_skill_is_read_a_little_at_a_time() -> None:
    """The entry where it is about mail, a recipe when its job comes; four characters are a token."""
    assert (ENTRY.count("\n") <= 80, len(ENTRY) <= 4 * 1_200) == (True, True)
    long = {name: len(text) for name, text in RECIPES.items() if len(text) > 4 * 650 or text.count("\n") > 60}
    assert long == {}


def test_entry_leads_to_every_recipe_and_no_recipe_leads_deeper() -> None:
    """References are one level deep (agentskills.io/specification, "File references")."""
    assert set(re.findall(r"\]\(references/([a-z]+)\.md\)", ENTRY)) == set(RECIPES)
    named = {name for text in RECIPES.values() for name in re.findall(r"\]\(([^)]+)\)", text)}
    assert named <= {f"{name}.md" for name in RECIPES}


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


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_between_documents_lead_somewhere(name: str) -> None:
    text = re.sub(r"^```.*?^```$", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for path, anchor in re.findall(r"\]\((?!https?://)([^)#]*)(?:#([^)]*))?\)", text):
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), path
        headings = re.findall(rb"^#+ (.+)$", target.read_bytes() if anchor else b"", re.MULTILINE)
        assert not anchor or anchor in {
            re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in map(bytes.decode, headings)
        }


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
    """Without what differs from run to run, and from user to user."""
    for what, instead in (
        (r"\(\d+\.\d s\)", "(TIME)"),
        (r"<?[0-9a-f]{32}@", "<ID@"),
        (r"(127\.0\.0\.1):\d+", r"\1:PORT"),
    ):
        text = re.sub(what, instead, text)
    return re.sub("“local:[^”]*”", "“local:USER”", text)


def _words(text: str) -> list[str]:
    """The words, without the frames that are drawn around them."""
    return re.sub(r"[─│╭╮╰╯]|^  (?:\+--|\|)", " ", text, flags=re.MULTILINE).split()


def _told(path: Path) -> str:
    """The texts of a module that are no docstrings; what is filled in separates them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    silent |= {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            found.append("".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            found.append(node.value)
    return "\0".join(found)
