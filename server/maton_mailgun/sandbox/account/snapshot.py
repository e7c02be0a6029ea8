"""The state as JSON and back, by the types of its dataclasses."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from maton_mailgun.sandbox.account.eventlog import Event, EventLog
from maton_mailgun.sandbox.account.mailgun_account import MailgunAccount
from maton_mailgun.sandbox.account.state import State
from maton_mailgun.sandbox.account.tables import Table
from maton_mailgun.sandbox.maton.connection import Connection
from maton_mailgun.sandbox.web.calls import Record

FORMAT = 1


def to_json(value: Any) -> Any:
    """JSON values of a dataclass, table, log, set, bytes, or of containers of them."""
    if isinstance(value, EventLog):
        return [to_json(event) for event in value.everything.events]
    if isinstance(value, Table):
        return dict(value.items())
    if is_dataclass(value):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return b64encode(value).decode() if isinstance(value, bytes) else value


def _log(value: Iterable[Any]) -> EventLog:
    log = EventLog()
    for item in value:
        log.add(from_json(Event, item))
    return log


def from_json(kind: Any, value: Any) -> Any:
    """The value of type `kind` that `to_json` turned into `value`."""
    if kind is EventLog:
        return _log(value)
    if kind is Table:
        return Table(value.items())
    if kind is bytes:
        return b64decode(value)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{name: from_json(hints[name], item) for name, item in value.items()})  # type: ignore[operator]
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return None if value is None else from_json(next(part for part in parts if part is not type(None)), value)
    if origin is list:
        return [from_json(parts[0], item) for item in value]
    if origin is tuple:
        return tuple(from_json(part, item) for part, item in zip(parts, value, strict=True))
    if origin is dict:
        return {key: from_json(parts[1], item) for key, item in value.items()}
    return value


def dump(sandbox: State) -> Record:
    """Everything a sandbox keeps between runs."""
    return {
        "format": FORMAT,
        "advance": sandbox.advance,
        "connections": to_json(sandbox.connections),
        "account": to_json(sandbox.account),
    }


def load(sandbox: State, state: object) -> None:
    """Puts a dumped state in place. Raises ValueError when it cannot be one."""
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise ValueError(f"not a sandbox state of format {FORMAT}")
    try:
        account = from_json(MailgunAccount, state["account"])
        connections = {key: from_json(Connection, item) for key, item in state["connections"].items()}
        advance = float(state["advance"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"not a sandbox state: {error}") from error
    sandbox.account, sandbox.connections, sandbox.advance = account, connections, advance
    sandbox.settings = account.settings
