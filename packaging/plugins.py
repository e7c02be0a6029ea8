"""Writes what assistants install from the repository itself: plugins for Claude Code, Codex and Cursor, each with the
server and the skill, the files by which marketplaces find them, and the extension for Gemini CLI.

    python packaging/plugins.py            rewrite them
    python packaging/plugins.py --check    only say whether they are as they must be

Formats: code.claude.com/docs/en/plugins-reference and plugin-marketplaces, developers.openai.com/codex/plugins/build,
cursor.com/docs/reference/plugins, geminicli.com/docs/extensions/reference. Each starts this very version from the index
of Python packages with `uvx`, and holds no key: the host asks for it, or hands on the variable.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from maton_mailgun import __version__
from maton_mailgun.catalogue.files import skill

ROOT = Path(__file__).resolve().parent.parent
NAME, SERVER, KEY = "maton-mailgun", "mailgun", "MATON_API_KEY"
SKILLS = tuple(f"{place}skills/{NAME}" for place in ("plugins/claude-code/", "plugins/codex/", "plugins/cursor/", ""))
"""Where the skill lies for each of them; Gemini CLI looks beside its extension's file."""
_TITLE = "Maton API key"
_WHERE = "From maton.ai/settings, where Mailgun is connected too."


def texts() -> dict[str, str]:
    """Every file that is written, by its place in the repository."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    owner = {"name": project["authors"][0]["name"]}
    about = {
        "name": NAME,
        "version": __version__,
        "description": project["description"],
        "author": owner,
        "license": project["license"],
        "keywords": project["keywords"],
    }
    files: dict[str, Any] = {
        "plugins/claude-code/.claude-plugin/plugin.json": {
            **about,
            "userConfig": {
                "api_key": {
                    "type": "string",
                    "title": _TITLE,
                    "description": _WHERE,
                    "sensitive": True,
                    "required": True,
                }
            },
            "mcpServers": _servers(env={KEY: "${user_config.api_key}"}),
        },
        ".claude-plugin/marketplace.json": {
            "name": NAME,
            "description": project["description"],
            "owner": owner,
            "plugins": [{"name": NAME, "source": "./plugins/claude-code", "description": project["description"]}],
        },
        "plugins/codex/.codex-plugin/plugin.json": {**about, "skills": "./skills/", "mcpServers": "./.mcp.json"},
        "plugins/codex/.mcp.json": {"mcpServers": _servers(env_vars=[KEY])},
        "plugins/cursor/.cursor-plugin/plugin.json": {**about, "displayName": "Mailgun through Maton"},
        "plugins/cursor/mcp.json": {"mcpServers": _servers(env={KEY: f"${{env:{KEY}}}"})},
        ".cursor-plugin/marketplace.json": {
            "name": NAME,
            "owner": owner,
            "plugins": [{"name": NAME, "source": "plugins/cursor", "description": project["description"]}],
        },
        "gemini-extension.json": {
            "name": NAME,
            "version": __version__,
            "description": project["description"],
            "mcpServers": _servers(env={KEY: f"${KEY}"}),
            "settings": [{"name": _TITLE, "description": _WHERE, "envVar": KEY, "sensitive": True}],
        },
    }
    made = {name: json.dumps(content, indent=2, ensure_ascii=False) + "\n" for name, content in files.items()}
    return made | {f"{place}/{name}": content.decode() for place in SKILLS for name, content in skill().items()}


def _servers(**more: Any) -> Mapping[str, Any]:
    return {SERVER: {"command": "uvx", "args": [f"{NAME}=={__version__}"], **more}}


def main() -> int:
    """Rewrite or check. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Plugins and extensions that stand in the repository.")
    parser.add_argument("--check", action="store_true", help="change nothing; 1 if something is out of date")
    wanted = texts()
    stale = {name: text for name, text in wanted.items() if not _is(ROOT / name, text)}
    gone = [name for name in _there() if name not in wanted]
    if parser.parse_args().check:
        told = sorted([*stale, *gone])
        sys.stderr.write("".join(f"{name} is out of date. Run: python packaging/plugins.py\n" for name in told))
        return 1 if told else 0
    for name in gone:
        (ROOT / name).unlink()
    for name, text in stale.items():
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_text(text, encoding="utf-8", newline="\n")
    return 0


def _there() -> list[str]:
    """Every file where the skill lies: a recipe that is gone must not go on being installed."""
    files = (path for place in SKILLS for path in (ROOT / place).rglob("*") if path.is_file())
    return sorted(path.relative_to(ROOT).as_posix() for path in files)


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
