"""The agent skill over MCP, by the extension `io.modelcontextprotocol/skills` (SEP-2640).

As its page has it (github.com/modelcontextprotocol/ext-skills, specification/stable/skills): each file is a resource
under `skill://`, read as any other; `skills/list` and `skills/get` tell the front matter and a digest of every file,
`resources/directory/read` what lies in a folder. Everybody is served the same files, and no other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Any

import mcp_types as types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from maton_mailgun.catalogue.files import RECIPES, SKILL, SKILL_NAME, skill

EXTENSION = "io.modelcontextprotocol/skills"
SETTINGS = {"directoryRead": True}
LIST, GET, DIRECTORY = "skills/list", "skills/get", "resources/directory/read"
MIME = "text/markdown"
_ROOT = f"skill://{SKILL_NAME}"
ENTRY, RECIPE = f"{_ROOT}/{SKILL}", f"{_ROOT}/{RECIPES}/{{recipe}}.md"
TEMPLATES: tuple[Mapping[str, Any], ...] = (
    {
        "uriTemplate": RECIPE,
        "name": "recipe",
        "title": "Recipe of the skill",
        "description": "How one kind of job is done with these tools.",
        "mimeType": MIME,
    },
)
Context = ServerRequestContext[Any, Any]


@cache
def files() -> Mapping[str, bytes]:
    """Every file by its address."""
    return {f"{_ROOT}/{name}": content for name, content in skill().items()}


def text(uri: str) -> str | None:
    """What stands in a file; None where no file of the skill has this address."""
    content = files().get(uri)
    return None if content is None else content.decode()


def recipes() -> list[str]:
    """The names that the template takes."""
    before, _, after = RECIPE.partition("{recipe}")
    return [uri.removeprefix(before).removesuffix(after) for uri in files() if uri.startswith(before)]


def listed() -> Mapping[str, Any]:
    """The one file that `resources/list` has: it names all others."""
    front = _front_matter(files()[ENTRY].decode())
    return {
        "uri": ENTRY,
        "name": front["name"],
        "title": "The agent skill",
        "description": front["description"],
        "mimeType": MIME,
    }


@cache
def entry() -> Mapping[str, Any]:
    """What the extension calls a Skill: address, front matter, and every file with digest and size in bytes."""
    return {
        "uri": ENTRY,
        "frontmatter": _front_matter(files()[ENTRY].decode()),
        "resources": [
            {"uri": uri, "digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "size": len(content)}
            for uri, content in files().items()
        ],
    }


def _front_matter(content: str) -> dict[str, str]:
    """The fields before the text: each on one line, or folded (`>-`) over lines that are set in.

    No more of YAML than our own file has, which a test holds to a whole reader of it.
    """
    found: dict[str, str] = {}
    name = ""
    for line in content.split("---\n", 2)[1].splitlines():
        if line.startswith("  "):
            found[name] = f"{found[name]} {line.strip()}".strip()
        else:
            name, _, value = line.partition(": ")
            found[name] = value.removeprefix(">-")
    return found


def _children(uri: str) -> list[Mapping[str, Any]]:
    """What lies in a folder. Raises MCPError where there is none of this address."""
    folders = {_ROOT: [*files()], f"{_ROOT}/{RECIPES}": [one for one in files() if one != ENTRY]}
    if uri not in folders:
        raise MCPError(code=types.INVALID_PARAMS, message="There is no such directory.")
    found: dict[str, Mapping[str, Any]] = {}
    for file in folders[uri]:
        name, deeper, _ = file.removeprefix(f"{uri}/").partition("/")
        kind = "inode/directory" if deeper else MIME
        found[name] = {"uri": f"{uri}/{name}", "name": name, "mimeType": kind}
    return [listed() if one["uri"] == ENTRY else one for one in found.values()]


async def _declared(ctx: Context, call_next: CallNext) -> HandlerResult:
    """Earlier versions of the protocol have no place for extensions, and the library leaves them out there; clients of
    these versions look for them all the same, where the extension's first text has them: in the answer to `initialize`.
    """
    result = await call_next(ctx)
    if ctx.method == "initialize" and isinstance(result, dict):
        able = result["capabilities"]
        able["extensions"] = {**able.get("extensions", {}), EXTENSION: {**SETTINGS}}
    return result


class Skills:
    """The handlers of the extension's methods.

    Args:
        modern: From which protocol version on results say how long they may be kept.
        ttl_ms: For how long that is.
    """

    def __init__(self, modern: str, ttl_ms: int) -> None:
        self._modern = modern
        self._kept = {"ttlMs": ttl_ms, "cacheScope": "public"}

    def extend(self, server: Server[Any]) -> None:
        """Have a server declare the extension and answer its methods."""
        server.extensions[EXTENSION] = {**SETTINGS}
        server.middleware.append(_declared)
        server.add_request_handler(LIST, types.PaginatedRequestParams, self.list)
        server.add_request_handler(GET, types.ReadResourceRequestParams, self.get)
        server.add_request_handler(DIRECTORY, types.ReadResourceRequestParams, self.read_directory)

    async def list(self, ctx: Context, params: types.PaginatedRequestParams) -> dict[str, Any]:
        """The one skill there is, on one page."""
        return self._told(ctx, {"skills": [entry()]}, kept=True)

    async def get(self, ctx: Context, params: types.ReadResourceRequestParams) -> dict[str, Any]:
        """The skill, if it is the one that is meant."""
        if params.uri != ENTRY:
            raise MCPError(code=types.INVALID_PARAMS, message=f"No such skill is served: there is {ENTRY} alone.")
        return self._told(ctx, {"skill": entry()}, kept=True)

    async def read_directory(self, ctx: Context, params: types.ReadResourceRequestParams) -> dict[str, Any]:
        """What lies in a folder of the skill, on one page."""
        return self._told(ctx, {"resources": _children(params.uri)}, kept=False)

    def _told(self, ctx: Context, result: dict[str, Any], *, kept: bool) -> dict[str, Any]:
        if ctx.protocol_version < self._modern:
            return result
        return {"resultType": "complete", **result, **(self._kept if kept else {})}
