"""Settings: environment and flags to one frozen object. The only reader of the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from maton_mailgun.errors import SetupError
from maton_mailgun.setting_values import (
    DEFAULT_URL,
    LOOPBACK,
    OAuth,
    calls_per_minute,
    checked_url,
    command_words,
    held_key,
    http_token,
    listed_names,
    notify_words,
    number_of,
    number_of_workers,
    oauth,
    one_of,
    origin,
    path_of,
    switch,
    unfilled,
)

ApprovalMode = Literal["client", "operator", "relay"]
LogLevel = Literal["debug", "info", "warning", "error"]

SANDBOX_KEY = "sandbox-maton-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the operator decides. Secrets are left out of `repr`."""

    api_key: str | None = field(default=None, repr=False)
    key_unfilled: str | None = None
    """What stands for the key where the host did not put the key in its place, such as `${MATON_API_KEY}`."""
    token_command: tuple[str, ...] = field(default=(), repr=False)
    """Program and arguments that print a token; not run where there is a key."""
    notify: tuple[str, ...] = field(default=(), repr=False)
    """Who is told that an approval waits: addresses of apprise, or program and arguments."""
    command_path: tuple[str, ...] = ()
    """Where programs of these commands are looked for."""
    people_keys: Path | None = None
    """The file that gives each person who signs in a Maton key of their own."""
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

    oauth: OAuth | None = None
    """Whose access tokens the HTTP server takes."""
    calls_per_minute: int | None = None
    """Requests that each principal may make a minute over HTTP; no limit where it is None."""
    workers: int = 1
    """Processes that share the port of the HTTP server."""
    metrics: str | None = None
    """`HOST:PORT`: where the HTTP server gives numbers to Prometheus."""

    @property
    def has_key(self) -> bool:
        """Whether there is a key, a command that gives one, or a file of them."""
        return self.api_key is not None or bool(self.token_command) or self.people_keys is not None


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
    "MATON_MAILGUN_NOTIFY": "Who is told that an approval waits: addresses of apprise, with blanks between (ntfy, "
    "Slack, Teams, Telegram, mail and more; needs the extra `notify`), or a command that reads the notice on standard "
    "input.",
    "MATON_MAILGUN_PRELOAD": "`true` loads what calls need when the client has said nothing for a second, so that its "
    "first call is quick; unless set, the first call loads it, and a server that is never called stays small.",
    "MATON_MAILGUN_HTTP_TOKEN": "What clients of `serve --http` must send as bearer token, at least 32 characters; "
    "required on an address that other machines can reach.",
    "MATON_MAILGUN_HTTP_URL": "Where `serve --http` is reached from outside, such as `https://mcp.example.com`; "
    "needed behind a proxy.",
    "MATON_MAILGUN_OAUTH_ISSUER": "The authorization server whose access tokens `serve --http` takes, exactly as its "
    "tokens name it (`iss`). They need the scope `read`, and `propose` to propose writes; only the page and the "
    "terminal approve then.",
    "MATON_MAILGUN_OAUTH_AUDIENCE": "Whom its tokens must be for (`aud`); `MATON_MAILGUN_HTTP_URL` with `/mcp` unless "
    "set.",
    "MATON_MAILGUN_OAUTH_KEYS": "Where its public keys are (JWKS), an https address.",
    "MATON_MAILGUN_KEYS": "A TOML file with a Maton key or token command for each person who signs in, instead of one "
    "key for all; nobody else may be able to read it.",
    "MATON_MAILGUN_CALLS_PER_MINUTE": "How many requests each principal may make a minute over HTTP, by each process; "
    "600 for people who sign in, and no limit otherwise, unless set.",
    "MATON_MAILGUN_WORKERS": "How many processes `serve --http` answers with, on one port: 1 unless set, 2 to 64 where "
    "one core is not enough. Not with `--sandbox`, and not on Windows.",
    "MATON_MAILGUN_METRICS": "`HOST:PORT` where `serve --http` answers Prometheus at `/metrics`, apart from MCP and "
    "without a token, so keep it to your own network; needs the extra `metrics`. None unless set.",
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
        api_key=None if left else held_key(env.get("MATON_API_KEY", "")),
        key_unfilled=left,
        token_command=command_words("MATON_TOKEN_COMMAND", env.get("MATON_TOKEN_COMMAND", "")),
        notify=notify_words(env.get("MATON_MAILGUN_NOTIFY", "")),
        command_path=_command_path(env),
        people_keys=path_of(env.get("MATON_MAILGUN_KEYS")),
        api_url=env.get("MATON_API_URL", "").strip() or DEFAULT_URL,
        connection_id=env.get("MATON_CONNECTION_ID", "").strip() or None,
        home=Path(home).expanduser() if home else _default_home(),
        toolsets=listed_names(env.get("MATON_MAILGUN_TOOLSETS")),
        discovery=switch("MATON_MAILGUN_DISCOVERY", env.get("MATON_MAILGUN_DISCOVERY", "")),
        read_only=switch("MATON_MAILGUN_READ_ONLY", env.get("MATON_MAILGUN_READ_ONLY", "")),
        approval=one_of("MATON_MAILGUN_APPROVAL", env, ("client", "operator", "relay")),
        policy=path_of(env.get("MATON_MAILGUN_POLICY")),
        attachments=path_of(env.get("MATON_MAILGUN_ATTACHMENTS")),
        database_url=env.get("MATON_MAILGUN_DATABASE_URL", "").strip() or None,
        log_level=one_of("MATON_MAILGUN_LOG_LEVEL", env, ("warning", "debug", "info", "error")),
        reveal_secrets_to_model=switch(
            "MATON_MAILGUN_REVEAL_SECRETS_TO_MODEL", env.get("MATON_MAILGUN_REVEAL_SECRETS_TO_MODEL", "")
        ),
        pending_minutes=number_of(env, "MATON_MAILGUN_PENDING_MINUTES", usual=15.0, most=1440, unit="minutes"),
        keep_days=number_of(env, "MATON_MAILGUN_KEEP_DAYS", usual=90.0, most=36_500, unit="days"),
        page=switch("MATON_MAILGUN_PAGE", env.get("MATON_MAILGUN_PAGE", "").strip() or "true"),
        preload=switch("MATON_MAILGUN_PRELOAD", env.get("MATON_MAILGUN_PRELOAD", "")),
        http_token=http_token(env.get("MATON_MAILGUN_HTTP_TOKEN", "")),
        http_url=origin(env.get("MATON_MAILGUN_HTTP_URL", "")),
        oauth=oauth(env),
        calls_per_minute=calls_per_minute(env),
        metrics=env.get("MATON_MAILGUN_METRICS", "").strip() or None,
        workers=number_of_workers("MATON_MAILGUN_WORKERS", env.get("MATON_MAILGUN_WORKERS", "")),
    )
    settings = replace(settings, **{name: value for name, value in flags.items() if value is not None})
    if settings.oauth is not None and settings.approval != "operator":  # guard: 337-operator
        # Whoever holds a token would answer the forms of its own calls.
        if env.get("MATON_MAILGUN_APPROVAL", "").strip():
            raise SetupError("With MATON_MAILGUN_OAUTH_ISSUER, MATON_MAILGUN_APPROVAL can only be operator.")
        settings = replace(settings, approval="operator")
    if settings.people_keys is not None and (settings.oauth is None or settings.api_key or settings.token_command):
        raise SetupError(
            "MATON_MAILGUN_KEYS gives a key to each person who signs in: it needs MATON_MAILGUN_OAUTH_ISSUER, and no "
            "key for everybody (MATON_API_KEY, MATON_TOKEN_COMMAND) beside it."
        )
    if settings.sandbox:
        settings = replace(
            settings, api_key=SANDBOX_KEY, key_unfilled=None, token_command=(), people_keys=None,
            api_url="http://127.0.0.1", connection_id=None,
        )  # fmt: skip
    return replace(settings, api_url=checked_url(settings.api_url), proxy=_proxy(settings.api_url))


PAGE_PREFIX = "/approvals"
"""Where the approval page is beside MCP over HTTP."""
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
    return os.environ.get("PAGER", ""), {"LESS": "FX", **environment_of_others(), "LESSSECURE": "1"}


def count_together_in(folder: str | None) -> None:
    """Say to the library of Prometheus, which looks when it is loaded, where processes count together; None to none."""
    if folder is None:
        del os.environ["PROMETHEUS_MULTIPROC_DIR"]
    else:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder


def environment_of_others() -> dict[str, str]:
    """The environment without any setting of ours, for programs that need none: among them is the key."""
    return {
        name: text
        for name, text in os.environ.items()
        if not name.startswith("MATON_")  # guard: 324-no-key
    }


def editor() -> tuple[str, dict[str, str]]:
    """The person's editor, empty where they named none, and what it is given of the environment: no key of ours."""
    others = {name: text for name, text in os.environ.items() if not name.startswith("MATON_")}
    return os.environ.get("VISUAL") or os.environ.get("EDITOR", ""), others


def process_environment() -> Mapping[str, str]:
    """All of it: an assistant's entry is proved with what the assistant would hand on."""
    return dict(os.environ)


def display_environment() -> Mapping[str, str]:
    """What tells whether a graphical browser can be opened here."""
    return {name: os.environ[name] for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER") if os.environ.get(name)}


def _command_path(env: Mapping[str, str]) -> tuple[str, ...]:
    if not any(env.get(name) for name in ("MATON_TOKEN_COMMAND", "MATON_MAILGUN_KEYS", "MATON_MAILGUN_NOTIFY")):
        return ()
    return tuple(env.get("PATH", "").split(os.pathsep))


def _default_home() -> Path:
    from platformdirs import user_state_path

    return user_state_path("maton-mailgun", appauthor=False)


def _proxy(url: str) -> str | None:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in LOOPBACK or proxy_bypass(host):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")
