"""What a host does with a skill that a server has, held to the extension's page at each step.

`github.com/modelcontextprotocol/ext-skills`, specification/stable/skills. None of it knows our code: the front matter
is read with a whole reader of YAML, digests are counted anew.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest
import yaml
from mcp.shared.exceptions import MCPError

from .host import Era, Host

EXTENSION = "io.modelcontextprotocol/skills"
ENTRY = "skill://maton-mailgun/SKILL.md"


def loaded_as_a_host_does(host: Host, era: Era) -> dict[str, str]:
    """Find the skill, load it and follow every reference of it. Returns its files by their addresses."""
    listed = host.ask("skills/list")
    (skill,) = listed["skills"]
    got = host.ask("skills/get", uri=skill["uri"])
    assert got["skill"] == skill
    for result in (listed, got):
        kept = {key: result.get(key) for key in ("resultType", "ttlMs", "cacheScope")}
        modern = {"resultType": "complete", "ttlMs": 3_600_000, "cacheScope": "public"}
        assert kept == (modern if era == "modern" else dict.fromkeys(modern))
    assert skill["uri"] == ENTRY
    assert skill["uri"].split("/")[-2] == skill["frontmatter"]["name"]
    held = {one["uri"]: one for one in skill["resources"]}
    assert len(held) == len(skill["resources"])
    assert sum(one["size"] for one in held.values()) < 16 * 1024 * 1024
    read = {ENTRY: _verified(host, held[ENTRY])}
    assert yaml.safe_load(read[ENTRY].split("---\n")[1]) == skill["frontmatter"]
    root = ENTRY.removesuffix("/SKILL.md")
    for reference in re.findall(r"\]\(([^)]+)\)", read[ENTRY]):
        read[f"{root}/{reference}"] = _verified(host, held[f"{root}/{reference}"])
    assert read.keys() == held.keys()
    return read


def walked(host: Host) -> dict[str, str]:
    """Every file below the skill's folder with what kind it is, found folder by folder."""
    found, folders = {}, [ENTRY.removesuffix("/SKILL.md")]
    while folders:
        for one in host.ask("resources/directory/read", uri=folders.pop())["resources"]:
            if one["mimeType"] == "inode/directory":
                folders.append(one["uri"])
            else:
                found[one["uri"]] = one["mimeType"]
    return found


def refused(host: Host, method: str, uri: str) -> int:
    """The code with which an address is refused."""
    with pytest.raises(MCPError) as problem:
        host.read(uri) if method == "resources/read" else host.ask(method, uri=uri)
    return problem.value.error.code


def _verified(host: Host, held: dict[str, Any]) -> str:
    """What a file holds, if it is what the entry says."""
    read = host.read(held["uri"])
    content = read.text.encode()
    assert (read.mime_type, str(read.uri)) == ("text/markdown", held["uri"])
    assert {"digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "size": len(content)} == {
        "digest": held["digest"],
        "size": held["size"],
    }
    return read.text
