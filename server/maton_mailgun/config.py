"""Settings: environment and flags to one frozen object. The only reader of the environment."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from maton_mailgun.errors import SetupError

ApprovalMode = Literal["client", "operator", "relay"]
LogLevel = Literal["debug", "info", "warning", "error"]

HTTP_TOKEN_LENGTH = 32
DEFAULT_URL = "https://api.maton.ai"
SANDBOX_KEY = "sandbox-maton-key"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_UNFILLED = re.compile(r"\$\{[A-Za-z][\w.:-]{0,80}\}|\A\$[A-Za-z_]\w{0,80}\Z|\A%[A-Za-z_]\w{0,80}%\Z", re.ASCII)
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"", "0", "false", "no", "off"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the operator decides. Secrets are left out of `repr`."""

    api_key: str | None = field(default=None, repr=False)
    key_unfilled: str | None = None
    """What stands for the key where the host did not put the key in its place, such as `${MATON_API_KEY}`."""
    token_command: tuple[str, ...] = field(default=(), repr=False)
    """Program and arguments that print a token; not run where there is a key."""
    token_path: tuple[str, ...] = ()
    """Where its program is looked for."""
    api_url: str = DEFAULT_URL
    connection_id: str | None = None
    home: Path = Path()
    toolsets: tuple[str, ...] | None = None
    discovery: bool = False
    """Whether tools are found and called through two, instead of listed."""
    read_only: bool = False
    approval: ApprovalMode = "client"
    policy: Path | None = None
    attachments: Path | None = None
    database_url: str | None = field(default=None, repr=False)
    log_level: LogLevel = "warning"
    sandbox: bool = False
    proxy: str | None = field(default=None, repr=False)
    reveal_secrets_to_model: bool = False
    pending_minutes: float = 15.0
    keep_days: float = 90.0
    """How long finished approvals are kept."""
    page: bool = True
    """Whether the approval page may be opened in the user's browser."""
    preload: bool = False
    """Whether a server over stdio loads what calls need before the first of them comes."""
    http_token: str | None = field(default=None, repr=False)
    """What clients of the HTTP server must send; needed where other machines can reach it."""
    http_url: str | None = None
    """`https://host`: where the HTTP server is reached from outside."""

    @property
    def has_key(self) -> bool:
        """Whether there is a key, or a command that gives one."""
        return self.api_key is not None or bool(self.token_command)


NAMES: Mapping[str, str] = {
    "MATON_API_KEY": "The Maton key, from maton.ai/settings.",
    "MATON_TOKEN_COMMAND": "A command that prints a token, such as `maton token`; run without a shell, and again when "
    "its token is old or refused. `MATON_API_KEY` wins over it.",
    "MATON_API_URL": f"The gateway, {DEFAULT_URL} unless set; plain http only on this machine.",
    "MATON_CONNECTION_ID": "The Mailgun connection to use when there are several.",
    "MATON_MAILGUN_HOME": "State directory: approvals, audit, keys. Default: the operating system's place for it.",
    "MATON_MAILGUN_TOOLSETS": "Comma-separated toolsets to offer, each with every tool it has; `all` for all of them, "
    "`everyday` for the fifteen tools that most jobs need. "
    "Unless set, the tools that are not marked *named* under Tools.",
    "MATON_MAILGUN_DISCOVERY": "`true` lists two tools, `find_tools` and `call_tool`, through which all others are "
    "found and called; approvals are asked as ever.",
    "MATON_MAILGUN_READ_ONLY": "`true` offers no tool that writes.",
    "MATON_MAILGUN_APPROVAL": "`client` (default), `operator` (only the page or the terminal counts) or `relay`.",
    "MATON_MAILGUN_POLICY": "Path of the policy file (TOML).",
    "MATON_MAILGUN_ATTACHMENTS": "The directory attachments may be read from; none unless set.",
    "MATON_MAILGUN_DATABASE_URL": "`postgresql://…` for several replicas; SQLite in the home unless set.",
    "MATON_MAILGUN_LOG_LEVEL": "`debug`, `info`, `warning` (default) or `error`.",
    "MATON_MAILGUN_REVEAL_SECRETS_TO_MODEL": "`true` puts generated passwords and connect links into results.",
    "MATON_MAILGUN_PENDING_MINUTES": "How long a question stays open, 15 unless set (1 to 1440).",
    "MATON_MAILGUN_KEEP_DAYS": "How many days finished approvals are kept, 90 unless set (1 to 36500).",
    "MATON_MAILGUN_PAGE": "`false` never opens the approval page in a browser.",
    "MATON_MAILGUN_PRELOAD": "`true` loads what calls need when the client has said nothing for a second, so that its "
    "first call is quick; unless set, the first call loads it, and a server that is never called stays small.",
    "MATON_MAILGUN_HTTP_TOKEN": "What clients of `serve --http` must send as bearer token, at least 32 characters; "
    "required on an address that other machines can reach.",
    "MATON_MAILGUN_HTTP_URL": "Where `serve --http` is reached from outside, such as `https://mcp.example.com`; "
    "needed behind a proxy.",
}
"""Every environment variable that is read, with its meaning: the table in docs/reference.md comes from here."""


def load(environ: Mapping[str, str] | None = None, **flags: Any) -> Settings:
    """Read the settings.

    Args:
        environ: Where to read from; the process environment by default.
        flags: Command line values by field name; one that is not None beats the environment.

    Raises:
        SetupError: A value is not usable; names the setting and what would be right.
    """
    env = os.environ if environ is None else environ
    for name in env:
        if name.startswith("MATON_MAILGUN_") and name not in NAMES:
            raise SetupError(f"{name} is not a setting. Settings are: {', '.join(NAMES)}.")
    for name in NAMES:
        if name != "MATON_API_KEY" and (left := unfilled(env.get(name, ""))):
            raise SetupError(
                f"{name} is {left}: your host did not replace it. Write the value itself into the host's "
                "configuration, or leave the setting out."
            )
    home = env.get("MATON_MAILGUN_HOME", "").strip()
    left = unfilled(env.get("MATON_API_KEY", ""))
    settings = Settings(
        api_key=None if left else _key(env.get("MATON_API_KEY", "")),
        key_unfilled=left,
        token_command=_command(env.get("MATON_TOKEN_COMMAND", "")),
        token_path=tuple(env.get("PATH", "").split(os.pathsep)) if env.get("MATON_TOKEN_COMMAND") else (),
        api_url=env.get("MATON_API_URL", "").strip() or DEFAULT_URL,
        connection_id=env.get("MATON_CONNECTION_ID", "").strip() or None,
        home=Path(home).expanduser() if home else _default_home(),
        toolsets=_listed(env.get("MATON_MAILGUN_TOOLSETS")),
        discovery=_switch("MATON_MAILGUN_DISCOVERY", env.get("MATON_MAILGUN_DISCOVERY", "")),
        read_only=_switch("MATON_MAILGUN_READ_ONLY", env.get("MATON_MAILGUN_READ_ONLY", "")),
        approval=_one("MATON_MAILGUN_APPROVAL", env, ("client", "operator", "relay")),
        policy=_path(env.get("MATON_MAILGUN_POLICY")),
        attachments=_path(env.get("MATON_MAILGUN_ATTACHMENTS")),
        database_url=env.get("MATON_MAILGUN_DATABASE_URL", "").strip() or None,
        log_level=_one("MATON_MAILGUN_LOG_LEVEL", env, ("warning", "debug", "info", "error")),
        reveal_secrets_to_model=_switch(
            "MATON_MAILGUN_REVEAL_SECRETS_TO_MODEL", env.get("MATON_MAILGUN_REVEAL_SECRETS_TO_MODEL", "")
        ),
        pending_minutes=_minutes(env.get("MATON_MAILGUN_PENDING_MINUTES", "")),
        keep_days=_days(env.get("MATON_MAILGUN_KEEP_DAYS", "")),
        page=_switch("MATON_MAILGUN_PAGE", env.get("MATON_MAILGUN_PAGE", "").strip() or "true"),
        preload=_switch("MATON_MAILGUN_PRELOAD", env.get("MATON_MAILGUN_PRELOAD", "")),
        http_token=_token(env.get("MATON_MAILGUN_HTTP_TOKEN", "")),
        http_url=_origin(env.get("MATON_MAILGUN_HTTP_URL", "")),
    )
    settings = replace(settings, **{name: value for name, value in flags.items() if value is not None})
    if settings.sandbox:
        settings = replace(
            settings, api_key=SANDBOX_KEY, key_unfilled=None, token_command=(), api_url="http://127.0.0.1",
            connection_id=None,
        )  # fmt: skip
    return replace(settings, api_url=_checked_url(settings.api_url), proxy=_proxy(settings.api_url))


DATABASE = "approvals.sqlite"
"""The store in the state directory, where no database is set."""


def state_home(settings: Settings) -> Path:
    """The state directory in use; the built-in sandbox keeps its approvals apart from real ones."""
    return settings.home / "sandbox" if settings.sandbox else settings.home


def page_directory() -> Path | None:
    """Where a browser is handed the link to the approval page; None where the user has no home."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return home / "maton-mailgun-page" if home.is_absolute() else None


def pager() -> tuple[str, dict[str, str]]:
    """The person's pager, empty where they named none, and what it is given of the environment: no key of ours; `less`
    runs no command for what it shows, and leaves it on the screen unless they set it up otherwise."""
    others = {name: text for name, text in os.environ.items() if not name.startswith("MATON_")}
    return os.environ.get("PAGER", ""), {"LESS": "FX", **others, "LESSSECURE": "1"}


def process_environment() -> Mapping[str, str]:
    """All of it: an assistant's entry is proved with what the assistant would hand on."""
    return dict(os.environ)


def display_environment() -> Mapping[str, str]:
    """What tells whether a graphical browser can be opened here."""
    return {name: os.environ[name] for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER") if os.environ.get(name)}


def unfilled(value: str) -> str | None:
    """The place for a value that a host should have filled in and passed on as it is written; None where there is none.

    Hosts write these as `${NAME}`, `${env:NAME}`, `${user_config.name}`, `$NAME` or `%NAME%`.
    """
    found = _UNFILLED.search(value.strip())
    return found[0] if found else None


def _key(value: str) -> str | None:
    key = value.strip()
    if not key:
        return None
    if not key.isascii() or any(character.isspace() or not character.isprintable() for character in key):
        raise SetupError("MATON_API_KEY holds blanks or characters no key has. Copy it again from maton.ai/settings.")
    return key


def _command(value: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(value))
    except ValueError:
        # Its words may hold a secret.
        raise SetupError("MATON_TOKEN_COMMAND cannot be split into words: a quotation mark has no other one.") from None


def _token(value: str) -> str | None:
    token = value.strip()
    if not token:
        return None
    if len(token) < HTTP_TOKEN_LENGTH or not token.isascii() or not token.isprintable() or " " in token:
        raise SetupError(
            f"MATON_MAILGUN_HTTP_TOKEN must have at least {HTTP_TOKEN_LENGTH} characters, ASCII without blanks. "
            "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return token


def _origin(value: str) -> str | None:
    url = value.strip().rstrip("/")
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or f"{parts.scheme}://{parts.netloc}" != url:
        raise SetupError("MATON_MAILGUN_HTTP_URL must be scheme and host alone, such as https://mcp.example.com.")
    if parts.username or parts.password:
        raise SetupError("MATON_MAILGUN_HTTP_URL must not hold a user name or password.")
    return url.lower()


def _default_home() -> Path:
    from platformdirs import user_state_path

    return user_state_path("maton-mailgun", appauthor=False)


def _listed(value: str | None) -> tuple[str, ...] | None:
    names = tuple(part.strip() for part in (value or "").split(",") if part.strip())
    return names or None


def _path(value: str | None) -> Path | None:
    return Path(value.strip()).expanduser() if value and value.strip() else None


def _switch(name: str, value: str) -> bool:
    word = value.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise SetupError(f"{name} is {value!r}. Use true or false.")


def _one(name: str, env: Mapping[str, str], allowed: tuple[str, ...]) -> Any:
    word = env.get(name, "").strip().lower() or allowed[0]
    if word not in allowed:
        raise SetupError(f"{name} is {word!r}. Use one of {', '.join(allowed)}.")
    return word


def _minutes(value: str) -> float:
    try:
        minutes = float(value) if value.strip() else 15.0
    except ValueError:
        minutes = 0.0
    if not 1 <= minutes <= 1440:
        raise SetupError(f"MATON_MAILGUN_PENDING_MINUTES is {value!r}. Use a number of minutes from 1 to 1440.")
    return minutes


def _days(value: str) -> float:
    try:
        days = float(value) if value.strip() else 90.0
    except ValueError:
        days = 0.0
    if not 1 <= days <= 36_500:
        raise SetupError(f"MATON_MAILGUN_KEEP_DAYS is {value!r}. Use a number of days from 1 to 36500.")
    return days


def _checked_url(url: str) -> str:
    """The key travels to this host with every request, so plain http is for this machine alone."""
    parts = urlsplit(url)
    if parts.username or parts.password or parts.query or parts.fragment or not parts.hostname:
        raise SetupError(f"MATON_API_URL must be a plain address such as {DEFAULT_URL}.")
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return url.rstrip("/")
    raise SetupError("MATON_API_URL must start with https:// (http:// only for 127.0.0.1 or localhost).")


def _proxy(url: str) -> str | None:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in _LOOPBACK or proxy_bypass(host):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")
