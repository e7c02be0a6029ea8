"""Which assistants there are, where each keeps its MCP servers, and what it makes of an entry, as each documents."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from maton_mailgun.config import process_environment

KEY = "MATON_API_KEY"
Scope = Literal["user", "project"]
_NAME = r"([A-Za-z_][A-Za-z0-9_]*)"
_BRACED = re.compile(rf"\$\{{{_NAME}(?::-([^}}]*))?\}}")
_ENV = re.compile(rf"\$\{{env:{_NAME}\}}")
_SHELL = re.compile(rf"\$(?:{_NAME}|\{{{_NAME}\}})")
_FEW = ("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "LANG", "LC_ALL", "TMPDIR", "TZ")
_FEW_ON_WINDOWS = (
    "APPDATA", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATH", "PATHEXT", "PROCESSOR_ARCHITECTURE", "SYSTEMDRIVE",
    "SYSTEMROOT", "TEMP", "TMP", "USERNAME", "USERDOMAIN", "USERPROFILE",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the place of a host's file depends on."""

    home: Path
    folder: Path
    """The project: where the command was given."""
    environ: Mapping[str, str]
    platform: str
    """As `sys.platform`."""

    def application_data(self) -> Path:
        """Where programs with windows keep their files for a user."""
        if self.platform == "darwin":
            return self.home / "Library" / "Application Support"
        if self.platform == "win32":
            return self._named("APPDATA", self.home / "AppData" / "Roaming")
        return self.settings()

    def settings(self) -> Path:
        """The user's folder for settings (freedesktop.org, XDG Base Directory Specification)."""
        return self._named("XDG_CONFIG_HOME", self.home / ".config")

    def _named(self, variable: str, otherwise: Path) -> Path:
        named = self.environ.get(variable, "")
        return Path(named) if named and Path(named).is_absolute() else otherwise


def here() -> Surroundings:
    """This user, in this folder."""
    return Surroundings(Path.home(), Path.cwd(), process_environment(), sys.platform)


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One assistant."""

    title: str
    places: Mapping[Scope, Callable[[Surroundings], Path]]
    """Its file for each scope that it has; the first is taken unless the person names one."""
    servers: str
    """The key under which servers stand."""
    form: Literal["json", "toml"] = "json"
    reference: str | None = None
    """How the entry's environment refers to a variable of the host's own; None where it cannot."""
    replaces: re.Pattern[str] | None = None
    """What it replaces by the value of a variable, which is its first group that matched."""
    passes_on: bool = False
    """Whether variables are passed on by a list of their names (`env_vars`)."""
    asks: bool = False
    """Whether the host can ask for the key itself and keep it (`inputs`)."""
    few: bool = False
    """Whether a server gets only a few variables of the host's own, or all of them."""
    full_path: bool = False
    """Whether a program is named by its full path: the desktop that starts the host knows no PATH of a shell."""
    next_step: Mapping[Scope, str] = field(default_factory=dict)
    """What the person does next, in the host's own words."""
    without_key: str = ""
    """What else to do where the host cannot supply a key."""

    def then(self, scope: Scope, *, key: bool) -> str:
        """What the person does next.

        Args:
            scope: Where the entry is.
            key: Whether the entry needs one.
        """
        return (
            f"{self.next_step[scope]} It asks for the key once and keeps it."
            if self.asks and key
            else self.next_step[scope]
        )

    @property
    def supplies_key(self) -> bool:
        """Whether an entry without the key in it can work."""
        return self.reference is not None or self.passes_on or self.asks

    def passed(self, surroundings: Surroundings) -> dict[str, str]:
        """The variables of its own that it gives to a server that names none."""
        if not self.few:
            return dict(surroundings.environ)
        few = _FEW_ON_WINDOWS if surroundings.platform == "win32" else _FEW
        return {name: surroundings.environ[name] for name in few if name in surroundings.environ}

    def filled(self, value: str, environ: Mapping[str, str]) -> str:
        """A value of an entry's environment as the server gets it; what is not set stays as it is written."""
        if self.replaces is None:
            return value

        def replaced(found: re.Match[str]) -> str:
            names = [group for group in found.groups() if group is not None]
            default = found[2] if self.replaces is _BRACED else None
            return environ.get(names[0], found[0] if default is None else default)

        return self.replaces.sub(replaced, value)


def _claude_desktop(at: Surroundings) -> Path:
    """The folder that Claude Desktop has made for itself; a package from the Microsoft Store has another."""
    name = "claude_desktop_config.json"
    usual = at.application_data() / "Claude"
    if at.platform == "win32" and not usual.is_dir():
        local = Path(at.environ.get("LOCALAPPDATA", "") or at.home / "AppData" / "Local")
        for pattern in ("Claude-Data/[Cc]laude*", "Packages/Claude_*/LocalCache/Roaming/Claude"):
            for folder in sorted(local.glob(pattern)):
                return folder / name
    return usual / name


def _claude_code(at: Surroundings) -> Path:
    named = at.environ.get("CLAUDE_CONFIG_DIR", "")
    return (Path(named) if named else at.home) / ".claude.json"


def _codex(at: Surroundings) -> Path:
    named = at.environ.get("CODEX_HOME", "")
    return (Path(named) if named else at.home / ".codex") / "config.toml"


def _zed(at: Surroundings) -> Path:
    folder = at.application_data() / "Zed" if at.platform == "win32" else at.home / ".config" / "zed"
    return (at.settings() / "zed" if at.platform == "linux" else folder) / "settings.json"


_BUNDLE = "install the extension bundle (maton-mailgun-VERSION.mcpb), which keeps it in the system's key store"

BY_NAME: Mapping[str, Host] = {
    # code.claude.com/docs/en/mcp: `.mcp.json` in the project, `~/.claude.json` for the user; ${VAR} and ${VAR:-default}
    # in command, args and env; servers of a project wait for approval.
    "claude-code": Host(
        title="Claude Code",
        places={"project": lambda at: at.folder / ".mcp.json", "user": _claude_code},
        servers="mcpServers",
        reference=f"${{{KEY}}}",
        replaces=_BRACED,
        next_step={
            "project": "Start claude in this folder and approve the server when it asks; /mcp shows it.",
            "user": "Start claude anew; /mcp shows it.",
        },
    ),
    # modelcontextprotocol.io/docs/develop/connect-local-servers: the file by system, and a complete restart.
    # modelcontextprotocol.io/docs/tools/debugging: servers get USER, HOME, PATH and the like only; nothing is replaced.
    # modelcontextprotocol.io/docs/develop/build-server: "You may need to put the full path to the uv executable".
    "claude-desktop": Host(
        title="Claude Desktop",
        places={"user": _claude_desktop},
        servers="mcpServers",
        few=True,
        full_path=True,
        next_step={"user": "Quit Claude Desktop wholly, not its window alone, and start it again."},
        without_key=f"put the key into the file with --with-key, or {_BUNDLE}",
    ),
    # developers.openai.com/codex/mcp: ~/.codex/config.toml, .codex/config.toml of a trusted project; env_vars names
    # variables to pass on, others than a few are not (github.com/openai/codex, codex-rs/rmcp-client/src/utils.rs).
    "codex": Host(
        title="Codex",
        places={"user": _codex, "project": lambda at: at.folder / ".codex" / "config.toml"},
        servers="mcp_servers",
        form="toml",
        passes_on=True,
        few=True,
        next_step={
            "user": 'Start codex anew; /mcp shows it. With approval_policy = "never" Codex itself refuses tools that '
            "delete: leave it at on-request.",
            "project": "Start codex in this folder and trust it, or the file is not read; /mcp shows the server. With "
            'approval_policy = "never" Codex itself refuses tools that delete: leave it at on-request.',
        },
    ),
    # cursor.com/docs/context/mcp: ~/.cursor/mcp.json, .cursor/mcp.json; ${env:NAME} in command, args, env.
    "cursor": Host(
        title="Cursor",
        places={
            "user": lambda at: at.home / ".cursor" / "mcp.json",
            "project": lambda at: at.folder / ".cursor" / "mcp.json",
        },
        servers="mcpServers",
        reference=f"${{env:{KEY}}}",
        replaces=_ENV,
        next_step={
            "user": "Cursor loads it by itself: switch it on in its settings, under Tools & MCP.",
            "project": "Open this folder in Cursor and switch the server on in its settings, under Tools & MCP.",
        },
    ),
    # geminicli.com/docs/tools/mcp-server: ~/.gemini/settings.json, .gemini/settings.json; $VAR and ${VAR}; servers are
    # connected in trusted folders alone.
    "gemini": Host(
        title="Gemini CLI",
        places={
            "user": lambda at: at.home / ".gemini" / "settings.json",
            "project": lambda at: at.folder / ".gemini" / "settings.json",
        },
        servers="mcpServers",
        reference=f"${KEY}",
        replaces=_SHELL,
        next_step={
            "user": "Start gemini in a folder that it trusts (/permissions); /mcp shows the server.",
            "project": "Start gemini in this folder and trust it (/permissions); /mcp shows the server.",
        },
    ),
    # code.visualstudio.com/docs/copilot/reference/mcp-configuration: .vscode/mcp.json, mcp.json of the user's profile
    # beside the settings (docs/configure/settings); inputs are asked for once and kept; ${env:NAME} too.
    "vscode": Host(
        title="VS Code",
        places={
            "project": lambda at: at.folder / ".vscode" / "mcp.json",
            "user": lambda at: at.application_data() / "Code" / "User" / "mcp.json",
        },
        servers="servers",
        asks=True,
        replaces=_ENV,
        next_step={
            "project": "Open this folder in VS Code, trust it, and press Start above the entry.",
            "user": "Run MCP: List Servers in VS Code and start it there.",
        },
    ),
    # docs.windsurf.com/windsurf/cascade/mcp: ~/.codeium/windsurf/mcp_config.json and no other; ${env:NAME} in env.
    "windsurf": Host(
        title="Windsurf",
        places={"user": lambda at: at.home / ".codeium" / "windsurf" / "mcp_config.json"},
        servers="mcpServers",
        reference=f"${{env:{KEY}}}",
        replaces=_ENV,
        next_step={"user": "Press refresh among the MCP servers of Cascade. It takes 100 tools in all."},
    ),
    # zed.dev/docs/ai/mcp: context_servers of the settings; zed.dev/docs/configuring-zed: their places;
    # zed.dev/docs/worktree-trust: a project's servers start once it is trusted. Nothing is replaced in an entry
    # (github.com/zed-industries/zed/issues/60459).
    "zed": Host(
        title="Zed",
        places={"user": _zed, "project": lambda at: at.folder / ".zed" / "settings.json"},
        servers="context_servers",
        next_step={
            "user": "Zed loads it by itself: the dot beside it in the settings of the agent panel is green.",
            "project": "Open this folder in Zed and trust it, or the server is not started.",
        },
        without_key="put the key into the file with --with-key",
    ),
}
"""By the name that the command line has for each."""
