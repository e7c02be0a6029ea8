"""Whether a start is so plain that nothing can stop it.

What a setting means, and the words for a wrong one, are `config`'s. Here only those values are known that it takes for
certain; with any other the server starts at once, and says what it has to say.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
"""As in `typing`, whose import takes longer than all of this."""
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_TRUE, _FALSE = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")
_SWITCHES = ("DISCOVERY", "READ_ONLY", "REVEAL_SECRETS_TO_MODEL", "PAGE", "PRELOAD")
_NUMBERS = {"PENDING_MINUTES": 1_440, "KEEP_DAYS": 36_500}
"""Each is from 1 to this."""
_SERVER_ALONE = (
    *("POLICY", "DATABASE_URL", "HTTP_TOKEN", "HTTP_URL", "KEYS", "METRICS", "CALLS_PER_MINUTE", "WORKERS"),
    *("OAUTH_ISSUER", "OAUTH_AUDIENCE", "OAUTH_KEYS"),
)
"""What only the server can read. In a database that others share may wait what this start has to take up."""
_ADDRESS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-")
_DATABASE = "approvals.sqlite"


class PlainStart:
    """What a plain start decides."""

    __slots__ = ("database", "discovery", "keep_days", "preload", "read_only", "relay", "sandbox", "toolsets")

    def __init__(
        self, toolsets: tuple[str, ...] | None, database: str, keep_days: float, switches: Mapping[str, bool]
    ) -> None:
        self.toolsets = toolsets
        self.keep_days = keep_days
        self.database = database
        """Where approvals are kept, if there are any."""
        self.read_only = switches["READ_ONLY"]
        self.discovery = switches["DISCOVERY"]
        self.relay = switches["RELAY"]
        self.preload = switches["PRELOAD"]
        self.sandbox = switches["SANDBOX"]


def plain_start(
    argv: Sequence[str], environ: Mapping[str, str], names: Collection[str], toolsets: Collection[str]
) -> PlainStart | None:
    """What a start decides, or None where it is not plain.

    Args:
        argv: The arguments of the command line.
        environ: The environment.
        names: Every setting there is.
        toolsets: Every toolset there is.
    """
    flags = _flags(argv)
    if flags is None or any(name.startswith("MATON_MAILGUN_") and name not in names for name in environ):
        return None
    given = {name: environ.get(name, "").strip() for name in names}
    # A host may have left a place of its own unfilled: `${NAME}`, `$NAME` or `%NAME%`.
    if any("$" in text or "%" in text or text.startswith("~") for text in given.values()):
        return None
    ours = {name.removeprefix("MATON_MAILGUN_"): text for name, text in given.items()}
    home = _home(environ, ours["HOME"])
    if home is None or not _known(given, ours):
        return None
    switches = {name: ours[name].lower() in _TRUE for name in _SWITCHES}
    switches |= {name: True for name, on in flags.items() if on is True and name in switches}
    switches["RELAY"] = ours["APPROVAL"].lower() == "relay"
    switches["SANDBOX"] = "SANDBOX" in flags
    wanted = _listed(str(flags.get("TOOLSETS", ours["TOOLSETS"])))
    if not set(wanted or ()) <= set(toolsets):
        return None
    place = os.path.join(home, "sandbox") if switches["SANDBOX"] else home
    return PlainStart(wanted, os.path.join(place, _DATABASE), float(ours["KEEP_DAYS"] or 90), switches)


def _flags(argv: Sequence[str]) -> dict[str, str | bool] | None:
    """The flags of `serve` over stdio, written out; None where there is anything else."""
    if not argv:
        return {} if not os.isatty(0) else None
    if argv[0] != "serve":
        return None
    found: dict[str, str | bool] = {}
    rest = list(argv[1:])
    while rest:
        flag = rest.pop(0)
        if flag in ("--sandbox", "--read-only", "--discovery"):
            found[flag[2:].upper().replace("-", "_")] = True
        elif flag == "--toolsets" and rest and not rest[0].startswith("-") and _listed(rest[0]):
            found["TOOLSETS"] = rest.pop(0)
        elif flag.startswith("--toolsets=") and _listed(flag.partition("=")[2]):
            found["TOOLSETS"] = flag.partition("=")[2]
        else:
            return None
    return found


def _known(given: Mapping[str, str], ours: Mapping[str, str]) -> bool:
    """Whether every setting has a value that is taken for certain."""
    return (
        not any(ours[name] for name in _SERVER_ALONE)
        and all(ours[name].lower() in _TRUE + _FALSE for name in _SWITCHES)
        and ours["APPROVAL"].lower() in ("", "client", "operator", "relay")
        # At the others the server says more of what it does than stays the same.
        and ours["LOG_LEVEL"].lower() in ("", "warning", "error")
        and all(not ours[name] or _number(ours[name], most) for name, most in _NUMBERS.items())
        and not any(sign in given["MATON_TOKEN_COMMAND"] for sign in "'\"\\#")
        and _is_notify(ours["NOTIFY"])
        and _is_key(given["MATON_API_KEY"])
        and _is_address(given["MATON_API_URL"])
    )


def _number(text: str, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= most


def _is_key(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _is_notify(text: str) -> bool:
    """Whether it is unset, addresses that are plain, or a command that names none and quotes nothing."""
    if not text.isascii() or any(sign in text for sign in "'\"\\#"):
        return False
    words = text.split()
    if "://" not in text:
        return True
    schemes, rests = zip(*(word.partition("://")[::2] for word in words), strict=True)
    return all(one.isalpha() for one in schemes) and all(one.isprintable() and one for one in rests)


def _is_address(text: str) -> bool:
    """Whether it is unset, or a plain address by https, or by http on this machine."""
    scheme, _, rest = text.partition("://")
    host, colon, port = rest.partition(":")
    if colon and not _number(port, 65_535):
        return False
    if scheme == "http":
        return host in ("127.0.0.1", "localhost")
    return not text or (scheme == "https" and bool(host) and _ADDRESS.issuperset(host) and host[0].isalnum())


def _listed(text: str) -> tuple[str, ...] | None:
    return tuple(part.strip() for part in text.split(",") if part.strip()) or None


def _home(environ: Mapping[str, str], given: str) -> str | None:
    """The state directory, as `platformdirs` has it where none is named; None where that is not plain."""
    if given:
        return given
    user, shared = environ.get("HOME", ""), environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(user) or "ANDROID_DATA" in environ or (shared and not os.path.isabs(shared)):
        return None
    if sys.platform == "linux":
        return os.path.join(shared or os.path.join(user, ".local", "state"), "maton-mailgun")
    if sys.platform == "darwin" and not shared:
        return os.path.join(user, "Library", "Application Support", "maton-mailgun")
    return None
