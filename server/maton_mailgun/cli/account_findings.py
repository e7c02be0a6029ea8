"""What `doctor` finds out by asking: the key, the gateway, its clock, the connections and their domains. Reads only."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from maton_mailgun.call import Engine
from maton_mailgun.cli.findings import Finding
from maton_mailgun.config import Settings
from maton_mailgun.errors import CallError, KeyMissing
from maton_mailgun.exchange import Caller, Outcome
from maton_mailgun.mail.text import count, quoted, short
from maton_mailgun.wire.columns import rows_of
from maton_mailgun.wire.people_keys import people_of

_MOST_CONNECTIONS = 5
_MOST_NAMES = 5
_SKEW_SECONDS = 60.0
"""What a clock may be off by: a yes stays good for minutes, and events are looked up by when they were."""
_ACTIVE = {"status": "ACTIVE"}
_CALLER = Caller("doctor", "doctor")
_EU = (
    "Domains of Mailgun's EU region (api.eu.mailgun.net) cannot be reached through this gateway: if yours are there, "
    "nothing here will find them."
)
_RIGHT: Mapping[str, str] = {
    "maton_key_missing": "Create a key at maton.ai/settings and set MATON_API_KEY, or try everything with --sandbox.",
    "maton_key_rejected": "Create a new key at maton.ai/settings and set MATON_API_KEY to it.",
    "maton_refused": "Try again in some minutes; if it stays so, Maton must say why.",
    "no_connection": "Connect Mailgun at maton.ai.",
    "connection_unknown": "Set MATON_CONNECTION_ID to an active connection, as maton.ai lists them.",
    "mailgun_key_rejected": "Connect Mailgun anew at maton.ai: what the connection holds no longer opens the account.",
    "rate_limited": "Wait a minute, then run this again.",
    "unreachable": "Check the network, the proxy (HTTPS_PROXY) and MATON_API_URL, then run this again.",
    "answer_unreadable": "Check MATON_API_URL: what answers there is not Maton's gateway.",
    "service_failed": "Try again in some minutes.",
}
"""What a person can do about each kind of error; the error's own words are for a model."""
_ELSE = "Run this again; if it stays so, report it with what stands here."
_TOKEN = "Run that command in a terminal: it must print a token alone, and may want a sign-in first (maton login)."  # noqa: S105 - words


async def account(built: Engine) -> list[Finding]:
    """The key and what it opens, found out with a few reads; closes the engine."""
    settings = built.settings
    try:
        if (people := people_of(settings)) is not None:
            # Each opens an account of its own, which only its person may look at.
            held = f"{count(len(people.people()), 'person', 'people')} with a key of their own in MATON_MAILGUN_KEYS"
            return [Finding("good", "Maton key", held)]
        if settings.api_key is None and settings.token_command:
            return await _commanded(built)
        if settings.key_unfilled:
            missing = KeyMissing(settings.key_unfilled)
            return [Finding("bad", "Maton key", missing.message, "Write the key itself into the host's configuration.")]
        if settings.api_key is None:
            return [Finding("bad", "Maton key", "MATON_API_KEY is not set", _RIGHT["maton_key_missing"])]
        return [_key(settings), *await _gateway(built, await _asked(built, "list_connections", _ACTIVE))]
    finally:
        await built.aclose()


async def _asked(built: Engine, tool: str, arguments: Mapping[str, Any]) -> Outcome:
    outcome = await built.call(tool, arguments, _CALLER)
    if not isinstance(outcome, Outcome):
        raise TypeError("a read was answered with a question")
    return outcome


def _key(settings: Settings) -> Finding:
    if not settings.token_command:
        return Finding("good", "Maton key", "set")
    right = "Leave one of the two out: MATON_TOKEN_COMMAND is not run."
    return Finding("warn", "Maton key", "MATON_API_KEY is set, and wins over MATON_TOKEN_COMMAND", right)


async def _commanded(built: Engine) -> list[Finding]:
    """The same where the key comes from a command, which is run here."""
    outcome = await _asked(built, "list_connections", _ACTIVE)
    error = outcome.content.get("error", {})
    if error.get("kind") == KeyMissing.kind:
        return [Finding("bad", "Maton key", str(error["message"]), _TOKEN)]
    found = [Finding("good", "Maton key", "MATON_TOKEN_COMMAND gave a token")]
    if left := built.settings.key_unfilled:
        right = "Write the key itself, or leave MATON_API_KEY out."
        found = [Finding("warn", "Maton key", f"MATON_API_KEY is {left}: MATON_TOKEN_COMMAND is run instead", right)]
    return [*found, *await _gateway(built, outcome)]


def refused(about: str, where: str, outcome: Outcome) -> Finding:
    """A read that failed, with what a person can do about it."""
    error = outcome.content.get("error", {})
    said = f"{where}: {short(str(error.get('message', '')), 600)}"
    return Finding("bad", about, said, _RIGHT.get(str(error.get("kind")), _ELSE))


async def _gateway(built: Engine, outcome: Outcome) -> list[Finding]:
    settings = built.settings
    where = "the built-in sandbox" if settings.sandbox else settings.api_url
    if outcome.is_error:
        return [refused("gateway", where, outcome)]
    found = [Finding("good", "gateway", f"{where} answers and takes the key"), *await _clock(built)]
    connections = outcome.content.get("result", {}).get("connections", [])
    ids = [str(connection.get("connection_id", "")) for connection in connections]
    found += _connections(ids, settings.connection_id)
    used = [settings.connection_id] if settings.connection_id in ids else ids
    for one in used[:_MOST_CONNECTIONS]:
        found += await _domains(built, str(one), named=len(used) > 1)
    return found


def _connections(ids: list[str], chosen: str | None) -> Iterator[Finding]:
    listed = ", ".join(short(one, 80) for one in ids)
    if not ids:
        yield Finding("bad", "connections", "no active Mailgun connection", _RIGHT["no_connection"])
    elif chosen and chosen not in ids:
        right = f"Set MATON_CONNECTION_ID to one of {listed}."
        yield Finding("bad", "connections", "MATON_CONNECTION_ID is not an active one", right)
    elif len(ids) > 1 and not chosen:
        right = f"Set MATON_CONNECTION_ID to one of {listed}; else the assistant asks which is meant."
        yield Finding("warn", "connections", f"{len(ids)} active and none chosen", right)
    else:
        yield Finding("good", "connections", f"{chosen or ids[0]} is used")


async def _clock(built: Engine) -> list[Finding]:
    """How far this machine's clock is from the gateway's, where that says what time it is (RFC 9110, 6.6.1)."""
    try:
        prepared = await built.prepare("list_connections", _ACTIVE)
        before = time.time()
        reply = await built.reads.fetch(prepared)
        after = time.time()
    except CallError:
        return []
    try:
        there = parsedate_to_datetime(reply.headers.get("date", "")).timestamp()
    except ValueError:
        return []
    return [clock(there, before, after)]


def clock(there: float, before: float, after: float) -> Finding:
    """What to think of a clock: `there` is a whole second between two moments here, all in Unix seconds."""
    off = before - (there + 1) if before > there + 1 else after - there if after < there else 0.0
    if abs(off) <= _SKEW_SECONDS:
        return Finding("good", "time", "this machine's clock agrees with the gateway's")
    which = "ahead of" if off > 0 else "behind"
    return Finding(
        "warn", "time", f"this machine's clock is at least {count(round(abs(off)), 'second')} {which} the gateway's",
        "Let the system set its clock: scheduled times, and how long a yes is good for, go by it.",
    )  # fmt: skip


async def _domains(built: Engine, connection_id: str, *, named: bool) -> list[Finding]:
    """The domains of a connection, by how they stand."""
    about = f"domains of {short(connection_id, 80)}" if named else "domains"
    outcome = await _asked(
        built, "list_domains", {"connection_id": connection_id, "limit": 1000, "fields": "name,state"}
    )
    if outcome.is_error:
        return [refused(about, "not listed", outcome)]
    result = outcome.content.get("result", {})
    by_state = dict(_by_state(result))
    if not any(by_state.values()):
        return [Finding("warn", about, "none", f"Add one in Mailgun. {_EU}")]
    told = "; ".join(f"{len(names):,} {short(state, 40)}" for state, names in by_state.items())
    if not (waiting := by_state.get("unverified", [])):
        return [Finding("good", about, told)]
    some = ", ".join(quoted(name, 100) for name in waiting[:_MOST_NAMES])
    more = f" and {len(waiting) - _MOST_NAMES:,} more" if len(waiting) > _MOST_NAMES else ""
    return [Finding("warn", about, told, f"Not verified: {some}{more}. Set the DNS records that Mailgun names.")]


def _by_state(result: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """State -> names, from columns and rows; what all rows share stands once beside them."""
    rows = rows_of(result)
    for state in dict.fromkeys(str(row.get("state", "?")) for row in rows):
        yield state, [str(row.get("name", "?")) for row in rows if str(row.get("state", "?")) == state]
