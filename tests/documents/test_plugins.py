"""What assistants install from the repository: up to date, of one name and version, without a key, and taken by
what knows the formats."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from clients.environments import node_packages, validators
from maton_mailgun import __version__
from maton_mailgun.hosts.entry import ours
from maton_mailgun.hosts.known import BY_NAME

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = {
    "claude-code": "plugins/claude-code/.claude-plugin/plugin.json",
    "codex": "plugins/codex/.codex-plugin/plugin.json",
    "cursor": "plugins/cursor/.cursor-plugin/plugin.json",
    "gemini": "gemini-extension.json",
}
SERVERS = {
    "claude-code": PLUGINS["claude-code"],
    "codex": "plugins/codex/.mcp.json",
    "cursor": "plugins/cursor/mcp.json",
    "gemini": PLUGINS["gemini"],
}


SKILL = {
    name: (ROOT / name).read_bytes()
    for name in ("SKILL.md", *(path.relative_to(ROOT).as_posix() for path in (ROOT / "references").iterdir()))
}


def skill_in(folder: Path) -> dict[str, bytes]:
    """Every file of the skill below a plugin, or below the extension."""
    place = folder / "skills" / "maton-mailgun"
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def read(name: str) -> dict[str, Any]:
    """A file of the repository."""
    found: dict[str, Any] = json.loads((ROOT / name).read_text(encoding="utf-8"))
    return found


def test_they_are_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "packaging" / "plugins.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("host", PLUGINS)
def test_name_and_version_are_those_of_the_package(host: str) -> None:
    said = read(PLUGINS[host])
    assert (said["name"], said["version"]) == ("maton-mailgun", __version__)


@pytest.mark.parametrize("host", SERVERS)
def test_the_server_is_this_version_and_gets_its_key_from_the_host(host: str) -> None:
    """As `install` would write it for the host, but for Claude Code, which keeps the key of a plugin itself."""
    (entry,) = read(SERVERS[host])["mcpServers"].values()
    how: dict[str, Any] = {"env": {"MATON_API_KEY": BY_NAME[host].reference}}
    if host == "codex":
        how = {"env_vars": ["MATON_API_KEY"]}
    elif host == "claude-code":
        how = {"env": {"MATON_API_KEY": "${user_config.api_key}"}}
    assert entry == {"command": "uvx", "args": [f"maton-mailgun=={__version__}"], **how}
    assert ours(entry)


def test_keys_are_asked_for_as_secrets() -> None:
    assert read(PLUGINS["claude-code"])["userConfig"]["api_key"]["sensitive"] is True
    assert [(one["envVar"], one["sensitive"]) for one in read(PLUGINS["gemini"])["settings"]] == [
        ("MATON_API_KEY", True)
    ]


@pytest.mark.parametrize(
    ("marketplace", "manifest"),
    [(".claude-plugin", ".claude-plugin/plugin.json"), (".cursor-plugin", ".cursor-plugin/plugin.json")],
)
def test_a_marketplace_leads_to_its_plugin_with_the_skill(marketplace: str, manifest: str) -> None:
    (listed,) = read(f"{marketplace}/marketplace.json")["plugins"]
    folder = ROOT / listed["source"]
    assert json.loads((folder / manifest).read_text(encoding="utf-8"))["name"] == listed["name"]
    assert skill_in(folder) == SKILL


def test_the_extension_for_gemini_has_the_skill_beside_it_and_costs_no_conversation_its_words() -> None:
    assert skill_in(ROOT) == SKILL
    assert "contextFileName" not in read(PLUGINS["gemini"])


def test_a_recipe_that_is_gone_is_found_and_removed(tmp_path: Path) -> None:
    """Else it would go on being installed."""
    for name in ("SKILL.md", "pyproject.toml", "packaging/plugins.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    command = [sys.executable, str(tmp_path / "packaging" / "plugins.py")]
    subprocess.run(command, check=True, timeout=60)
    left = "plugins/codex/skills/maton-mailgun/references/letters.md"
    (tmp_path / left).write_text("of another time", encoding="utf-8")
    done = subprocess.run([*command, "--check"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, f"{left} is out of date. Run: python packaging/plugins.py\n")
    subprocess.run(command, check=True, timeout=60)
    assert skill_in(tmp_path / "plugins" / "codex") == SKILL


@pytest.fixture(scope="module")
def known_formats(request: pytest.FixtureRequest) -> dict[str, list[str]]:
    return validators(request.config.cache.mkdir("clients"))


def held(programs: dict[str, list[str]], place: Path, *words: str) -> tuple[int, str]:
    """What a validator says, without anything of whoever runs the tests."""
    program, *more = words
    done = subprocess.run(
        [*programs[program], *more, str(place)], capture_output=True, text=True, encoding="utf-8", timeout=60,
        check=False, env={"PATH": os.defpath, "HOME": str(place.parent)},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


AGNIX, SKILLSAW = ("agnix", "--strict"), ("skillsaw", "lint", "--no-progress")
HELD = [
    *((AGNIX, name) for name in ("plugins/codex", "plugins/cursor", "plugins/claude-code", "gemini-extension.json")),
    *((SKILLSAW, name) for name in ("plugins/codex", "plugins/cursor", "plugins/claude-code")),
]


@pytest.mark.clients
@pytest.mark.parametrize(("words", "name"), HELD, ids=[f"{words[0]}-{Path(name).name}" for words, name in HELD])
def test_what_knows_the_format_finds_nothing_wrong(
    known_formats: dict[str, list[str]], words: tuple[str, ...], name: str, tmp_path: Path
) -> None:
    place = tmp_path / Path(name).name
    if (ROOT / name).is_dir():
        shutil.copytree(ROOT / name, place)
    else:
        shutil.copy(ROOT / name, tmp_path)
        shutil.copytree(ROOT / "skills", tmp_path / "skills")
    status, said = held(known_formats, place, *words)
    assert status == 0, said


@pytest.mark.clients
@pytest.mark.parametrize("host", ["codex", "cursor", "gemini"])
def test_and_it_would_find_what_is_wrong(known_formats: dict[str, list[str]], host: str, tmp_path: Path) -> None:
    """Else the test above could not fail."""
    path = tmp_path / PLUGINS[host]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**read(PLUGINS[host]), "name": "Not A Name", "mcpServers": 7}), encoding="utf-8")
    place = path if host == "gemini" else path.parent.parent
    status, said = held(known_formats, place, *AGNIX)
    assert (status, "error" in said) == (1, True), said


@pytest.mark.long
@pytest.mark.clients
@pytest.mark.node
def test_claude_code_itself_takes_marketplace_and_plugin(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    _, more = node_packages(request.config.cache.mkdir("clients"), ("@anthropic-ai/claude-code",))
    programs = [*Path(more["NODE_PATH"]).glob("@anthropic-ai/claude-code-*/claude")]
    if not programs:
        pytest.skip("there is no Claude Code for this system")
    for folder in (ROOT, ROOT / "plugins" / "claude-code"):
        done = subprocess.run(
            [str(programs[0]), "plugin", "validate", str(folder)], capture_output=True, text=True, timeout=120,
            check=False, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        )  # fmt: skip
        assert (done.returncode, "warning" in done.stdout) == (0, False), done.stdout + done.stderr
