"""The answers that were made beforehand, by `packaging/first_answers.py`, and whether they are still true.

The file holds a head, which is JSON, and then a line for each part: its name, a tab, and the bytes as the server would
write them. A list is put together of the parts of its items.
"""

from __future__ import annotations

import json
import os
import sys
from binascii import crc32

from maton_mailgun import __version__
from maton_mailgun.front.first_lines import Told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ERAS = ("legacy", "modern")
"""Clients that begin with `initialize`, and those that say their version with every request."""
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "first_answers.txt")


class FirstAnswers:
    """What the file holds.

    Raises:
        OSError, ValueError, KeyError: It is not there, or is not what was written.
    """

    def __init__(self) -> None:
        with open(FILE, "rb") as file:
            head, *lines = file.read().split(b"\n")
        self.head: dict[str, Any] = json.loads(head)
        self._parts = dict(line.split(b"\t", 1) for line in lines if line)

    def true(self) -> bool:
        """Whether they were made of what is here, by this version and with these libraries."""
        return (
            self.head["version"] == __version__
            and all(_is_here(name, version) for name, version in self.head["made_with"].items())
            and self.head["made_of"] == checksum()
        )

    def told(
        self,
        toolsets: tuple[str, ...] | None,
        *,
        read_only: bool,
        discovery: bool,
        relay: bool,
        sandbox: bool,
        apps: bool,
    ) -> Told:
        """What a client is told; `apps` where it shows them, which makes no difference where nothing is asked."""
        apps = apps and not read_only
        own: dict[str, list[str]] = self.head["own"]
        last = [] if read_only else own["approvals"] + (own["relay"] if relay else [])
        tools = self._offered(toolsets if toolsets or not discovery else ("all",), read_only=read_only)
        shown = {
            "tools/list": (own["finding"] if discovery else tools) + last,
            "resources/list": ([] if read_only else own["read"]) + (own["sandbox"] if sandbox else []) + own["ever"],
            "resources/templates/list": ([] if read_only else own["templates"]) + own["recipes"],
            "skills/list": own["ever"],
            "prompts/list": [name for name, needs in self.head["prompts"].items() if set(needs) <= set(tools)],
        }
        legacy, modern = (
            {method: self._list(era, method, names, apps=apps) for method, names in shown.items()} for era in ERAS
        )
        kind = f"{'.found' if discovery else ''}{'.apps' if apps else ''}"
        greetings = {version: self._part(f"initialize.{version}{kind}") for version in self.head["versions"]}
        return Told(greetings, self._part(f"discover{kind}"), (legacy, modern))

    def _list(self, era: str, method: str, names: list[str], *, apps: bool) -> bytes:
        kind = f"{era}.{method}"
        parts = [self._part(f"{kind}.{name}") for name in names]
        if apps and method == "tools/list":
            # Each ends with what apps have to know of it, which is one of two things.
            ends = {name: self._part(f"{name}.apps") for name in ("bound", "unbound")}
            bound = set(self.head["bound"])
            pairs = zip(names, parts, strict=True)
            parts = [part[:-1] + ends["bound" if name in bound else "unbound"] for name, part in pairs]
            kind += ".apps"
        return self._part(f"{kind}.before") + b",".join(parts) + self._part(f"{kind}.after")

    def _offered(self, toolsets: tuple[str, ...] | None, *, read_only: bool) -> list[str]:
        """The operations of these toolsets, in the order of the catalogue."""
        choices: dict[str, list[str]] = self.head["choices"]
        wanted = {name for choice in toolsets or ("",) for name in choices[choice]}
        left_out = set(self.head["writes"]) if read_only else set()
        return [name for name in choices["all"] if name in wanted and name not in left_out]

    def _part(self, name: str) -> bytes:
        return self._parts[name.encode()]


def checksum() -> int:
    """Of every row, schema, prompt and recipe, as they are here.

    Raises:
        OSError: They cannot be read as files.
    """
    packaged = os.path.join(_PACKAGE, "_data")
    root = packaged if os.path.isdir(packaged) else os.path.dirname(os.path.dirname(_PACKAGE))
    found = 0
    for folder in ("tools", "schemas"):
        place = os.path.join(root, folder)
        for name in sorted(os.listdir(place)):
            if name.endswith((".toml", ".json")):
                found = _with(found, os.path.join(place, name))
    skill = root if os.path.isdir(os.path.join(root, "references")) else os.path.join(root, "skills", "maton-mailgun")
    found = _with(found, os.path.join(skill, "SKILL.md"))
    for name in sorted(os.listdir(os.path.join(skill, "references"))):
        found = _with(found, os.path.join(skill, "references", name))
    return _with(found, os.path.join(_PACKAGE, "protocol", "prompts.toml"))


def _with(found: int, path: str) -> int:
    with open(path, "rb", buffering=0) as file:
        return crc32(file.read(), crc32(os.path.basename(path).encode(), found))


def _is_here(library: str, version: str) -> bool:
    """Whether a library that would be loaded has this version: what it writes may be different in another."""
    for place in sys.path:
        if os.path.isdir(os.path.join(place, library)):
            return os.path.isdir(os.path.join(place, f"{library}-{version}.dist-info"))
    return False
