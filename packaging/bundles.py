"""Builds the extension bundle for Claude Desktop, `maton-mailgun-VERSION.mcpb`, into a directory.

    python packaging/bundles.py bundles
    python packaging/bundles.py bundles --registry-name io.github.OWNER/maton-mailgun

The second one also writes server.json for the MCP registry (github.com/modelcontextprotocol/registry), under the name
that its publisher has proved to own.

A bundle is a zip archive with a manifest (github.com/modelcontextprotocol/mcpb, MANIFEST.md, version 0.4). It holds the
package itself; what the package needs is named in exactly the versions of `requirements/runtime.txt`, and the host's uv
fetches it. The key is a sensitive setting, which the host keeps in the system's key store. The same tree gives the same
bytes.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from maton_mailgun import __version__
from maton_mailgun.catalogue.rows import load
from maton_mailgun.config import Settings
from maton_mailgun.protocol.approval_schemas import TOOLS
from maton_mailgun.protocol.server import tools as wire_tools
from maton_mailgun.protocol.tool_digest import tool_digest
from maton_mailgun.runtime import engine

ROOT = Path(__file__).resolve().parent.parent
NAME = "maton-mailgun"
ENTRY_POINT = "server/main.py"
PLACES = {
    "server/maton_mailgun": "server/maton_mailgun",
    "tools": "server/maton_mailgun/_data/tools",
    "schemas": "server/maton_mailgun/_data/schemas",
    "plugins/claude-code/skills": "server/maton_mailgun/_data/skills",
}
"""Directory of the tree -> where its files are in the bundle."""
_MAIN = """import sys

from maton_mailgun.__main__ import main

sys.exit(main())
"""
_OLDEST = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip archive can name: the tree's own moments differ from clone to clone."""


def about() -> dict[str, Any]:
    """What pyproject.toml says of the project."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def manifest() -> dict[str, Any]:
    """The bundle's manifest."""
    project = about()
    tools = [{"name": one.name, "description": one.about} for one in load().only(None, read_only=False).values()]
    tools += [{"name": one["name"], "description": one["description"]} for one in TOOLS]
    return {
        "manifest_version": "0.4",
        "name": NAME,
        "display_name": "Mailgun through Maton",
        "version": __version__,
        "description": project["description"],
        "long_description": "Works a whole Mailgun account through the Maton gateway. Reads run at once; every write "
        "is shown to a person first, and runs only after their yes.",
        "author": {"name": project["authors"][0]["name"]},
        "license": project["license"],
        "keywords": project["keywords"],
        "server": {
            "type": "uv",
            "entry_point": ENTRY_POINT,
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--directory", "${__dirname}", ENTRY_POINT],
                "env": {
                    "MATON_API_KEY": "${user_config.api_key}",
                    "MATON_MAILGUN_READ_ONLY": "${user_config.read_only}",
                },
            },
        },
        "tools": tools,
        "_meta": {NAME: {"tools_digest": tool_digest(wire_tools(engine(Settings())))}},
        "tools_generated": True,
        "compatibility": {
            "platforms": ["darwin", "win32", "linux"],
            "runtimes": {"python": project["requires-python"]},
        },
        "user_config": {
            "api_key": {
                "type": "string",
                "title": "Maton API key",
                "description": "From maton.ai/settings, where Mailgun is connected too.",
                "sensitive": True,
                "required": True,
            },
            "read_only": {
                "type": "boolean",
                "title": "Only read",
                "description": "Offers no tool that writes.",
                "default": False,
                "required": False,
            },
        },
    }


def pinned() -> list[str]:
    """What the package needs, in the versions that were tested, each with the systems that need it."""
    lines = (ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8").splitlines()
    return [line.removesuffix("\\").strip() for line in lines if re.match(r"[A-Za-z0-9]", line)]


def files() -> Iterator[tuple[str, bytes]]:
    """Every file of the bundle, in the order of their names."""
    made = {
        "manifest.json": json.dumps(manifest(), indent=2, ensure_ascii=False) + "\n",
        "pyproject.toml": _project(),
        ENTRY_POINT: _MAIN,
    }
    found = {name: text.encode() for name, text in made.items()}
    found |= {name: (ROOT / name).read_bytes() for name in ("LICENSE", "README.md")}
    for folder, inside in PLACES.items():
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                found[f"{inside}/{path.relative_to(ROOT / folder).as_posix()}"] = path.read_bytes()
    yield from sorted(found.items())


def build(directory: Path) -> Path:
    """Write the bundle. Returns its path."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{NAME}-{__version__}.mcpb"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files():
            entry = zipfile.ZipInfo(name, _OLDEST)
            entry.create_system, entry.external_attr, entry.compress_type = 3, 0o100644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return path


def _project() -> str:
    needs = "".join(f"  {json.dumps(one)},\n" for one in pinned())
    return (
        f'[project]\nname = "{NAME}-bundle"\nversion = "{__version__}"\n'
        f'requires-python = "{about()["requires-python"]}"\ndependencies = [\n{needs}]\n\n[tool.uv]\npackage = false\n'
    )


def registered(name: str) -> dict[str, Any]:
    """What the MCP registry is told: this very version on the index of Python packages, and the key as a secret."""
    return {
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
        "name": name,
        "title": "Mailgun through Maton",
        "description": about()["description"],
        "version": __version__,
        "_meta": {
            "io.modelcontextprotocol.registry/publisher-provided": {
                "tools_digest": tool_digest(wire_tools(engine(Settings())))
            }
        },
        "packages": [
            {
                "registryType": "pypi",
                "identifier": NAME,
                "version": __version__,
                "runtimeHint": "uvx",
                "transport": {"type": "stdio"},
                "environmentVariables": [
                    {
                        "name": "MATON_API_KEY",
                        "description": "The Maton key, from maton.ai/settings",
                        "isRequired": True,
                        "isSecret": True,
                    }
                ],
            }
        ],
    }


def main() -> int:
    """Build and print what was built. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Builds the extension bundle, and what the MCP registry is told.")
    parser.add_argument("directory", type=Path, help="where it is put, such as bundles")
    parser.add_argument("--registry-name", metavar="NAME", help="also write server.json, under this name")
    arguments = parser.parse_args()
    sys.stdout.write(f"{build(arguments.directory)}\n")
    if arguments.registry_name:
        path = arguments.directory / "server.json"
        path.write_text(
            json.dumps(registered(arguments.registry_name), indent=2) + "\n", encoding="utf-8", newline="\n"
        )
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
