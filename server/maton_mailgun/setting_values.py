"""What the values of settings mean: words of the environment to values, or what would be right."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from maton_mailgun.errors import SetupError

HTTP_TOKEN_LENGTH = 32
MOST_WORKERS = 64
"""Processes of one HTTP server."""
CALLS_PER_MINUTE = 600
"""Of each person who signs in, unless the operator says otherwise."""
DEFAULT_URL = "https://api.maton.ai"
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_UNFILLED = re.compile(r"\$\{[A-Za-z][\w.:-]{0,80}\}|\A\$[A-Za-z_]\w{0,80}\Z|\A%[A-Za-z_]\w{0,80}%\Z", re.ASCII)
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[!-~\u00a1-\uffff]+")
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"", "0", "false", "no", "off"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """An authorization server whose access tokens count."""

    issuer: str
    audience: str
    keys_url: str


def unfilled(value: str) -> str | None:
    """The place for a value that a host should have filled in and passed on as it is written; None where there is none.

    Hosts write these as `${NAME}`, `${env:NAME}`, `${user_config.name}`, `$NAME` or `%NAME%`.
    """
    found = _UNFILLED.search(value.strip())
    return found[0] if found else None


def held_key(value: str) -> str | None:
    """A Maton key as it is sent; None where there is none. Raises SetupError."""
    key = value.strip()
    if not key:
        return None
    if not key.isascii() or any(character.isspace() or not character.isprintable() for character in key):
        raise SetupError("MATON_API_KEY holds blanks or characters no key has. Copy it again from maton.ai/settings.")
    return key


def command_words(name: str, value: str) -> tuple[str, ...]:
    """Program and arguments, as a shell splits them. Raises SetupError."""
    try:
        return tuple(shlex.split(value))
    except ValueError:
        # Its words may hold a secret.
        raise SetupError(f"{name} cannot be split into words: a quotation mark has no other one.") from None


def notify_words(value: str) -> tuple[str, ...]:
    """Addresses, or the words of a command. Neither stands in what is said of a wrong one: both may hold a secret."""
    words = tuple(value.split())
    if not words or "://" not in words[0]:
        return command_words("MATON_MAILGUN_NOTIFY", value)
    for number, word in enumerate(words, start=1):
        if not _ADDRESS.fullmatch(word):
            raise SetupError(
                f"Word {number} of MATON_MAILGUN_NOTIFY is no address. Give addresses as apprise has them, such as "
                "ntfys://ntfy.sh/TOPIC, with blanks between, or a command."
            )
    return words


def http_token(value: str) -> str | None:
    """A bearer token that is long enough; None where there is none. Raises SetupError."""
    token = value.strip()
    if not token:
        return None
    if len(token) < HTTP_TOKEN_LENGTH or not token.isascii() or not token.isprintable() or " " in token:
        raise SetupError(
            f"MATON_MAILGUN_HTTP_TOKEN must have at least {HTTP_TOKEN_LENGTH} characters, ASCII without blanks. "
            "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return token


def origin(value: str) -> str | None:
    """Scheme and host that a server is known by; None where none is given. Raises SetupError."""
    url = value.strip().rstrip("/")
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or f"{parts.scheme}://{parts.netloc}" != url:
        raise SetupError("MATON_MAILGUN_HTTP_URL must be scheme and host alone, such as https://mcp.example.com.")
    if parts.username or parts.password:
        raise SetupError("MATON_MAILGUN_HTTP_URL must not hold a user name or password.")
    # A browser leaves out the port that goes without saying, in its Host and its Origin.
    return url.lower().removesuffix({"https": ":443", "http": ":80"}[parts.scheme])


def calls_per_minute(env: Mapping[str, str]) -> int | None:
    """How many calls each person may make a minute; None where nothing is counted. Raises SetupError."""
    value = env.get("MATON_MAILGUN_CALLS_PER_MINUTE", "").strip()
    if not value:
        return CALLS_PER_MINUTE if env.get("MATON_MAILGUN_OAUTH_ISSUER", "").strip() else None
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= 1_000_000):
        raise SetupError(f"MATON_MAILGUN_CALLS_PER_MINUTE is {value!r}. Use a number from 1 to 1000000.")
    return int(value)


def number_of_workers(name: str, value: str) -> int:
    """How many processes share the port of the HTTP server, 1 where none is given. Raises SetupError."""
    value = value.strip() or "1"
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= MOST_WORKERS):
        raise SetupError(f"{name} is {value!r}. Use a number from 1 to {MOST_WORKERS}.")
    return int(value)


def oauth(env: Mapping[str, str]) -> OAuth | None:
    """The authorization server, where one is named. Raises SetupError."""
    names = [f"MATON_MAILGUN_OAUTH_{part}" for part in ("ISSUER", "AUDIENCE", "KEYS")]
    issuer, audience, keys = (env.get(name, "").strip() for name in names)
    if not (issuer or audience or keys):
        return None
    at = origin(env.get("MATON_MAILGUN_HTTP_URL", ""))
    audience = audience or (f"{at}/mcp" if at else "")
    for name, value in zip(names, (issuer, audience, keys), strict=True):
        if not value:
            raise SetupError(f"{name} is missing: access tokens are held to issuer, audience and keys.")
    for name, url in ((names[0], issuer), (names[2], keys)):
        parts = urlsplit(url)
        secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        if not secure or not parts.hostname or parts.username or parts.password or parts.fragment:
            raise SetupError(f"{name} must be an https address (http only for 127.0.0.1 or localhost).")
    return OAuth(issuer=issuer, audience=audience, keys_url=keys)


def listed_names(value: str | None) -> tuple[str, ...] | None:
    """Names with commas between; None where there are none."""
    names = tuple(part.strip() for part in (value or "").split(",") if part.strip())
    return names or None


def path_of(value: str | None) -> Path | None:
    """A path, with `~` as a shell has it; None where there is none."""
    return Path(value.strip()).expanduser() if value and value.strip() else None


def switch(name: str, value: str) -> bool:
    """Yes or no. Raises SetupError."""
    word = value.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise SetupError(f"{name} is {value!r}. Use true or false.")


def one_of(name: str, env: Mapping[str, str], allowed: tuple[str, ...]) -> Any:
    """One of these words, the first if nothing is said. Raises SetupError."""
    word = env.get(name, "").strip().lower() or allowed[0]
    if word not in allowed:
        raise SetupError(f"{name} is {word!r}. Use one of {', '.join(allowed)}.")
    return word


def number_of(env: Mapping[str, str], name: str, *, usual: float, most: int, unit: str) -> float:
    """A number from 1 to `most`, `usual` where none is given. Raises SetupError."""
    value = env.get(name, "")
    try:
        number = float(value) if value.strip() else usual
    except ValueError:
        number = 0.0
    if not 1 <= number <= most:
        raise SetupError(f"{name} is {value!r}. Use a number of {unit} from 1 to {most}.")
    return number


def checked_url(url: str) -> str:
    """The key travels to this host with every request, so plain http is for this machine alone."""
    parts = urlsplit(url)
    if parts.username or parts.password or parts.query or parts.fragment or not parts.hostname:
        raise SetupError(f"MATON_API_URL must be a plain address such as {DEFAULT_URL}.")
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return url.rstrip("/")
    raise SetupError("MATON_API_URL must start with https:// (http:// only for 127.0.0.1 or localhost).")
