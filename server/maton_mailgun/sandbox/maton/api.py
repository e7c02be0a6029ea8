"""Maton: the bearer key, the connections, and the proxy in front of Mailgun.

Bodies where nothing was recorded have the documented shape with words of our own: assert on status and shape.
"""

from __future__ import annotations

from dataclasses import replace

from maton_mailgun.sandbox.account.state import State
from maton_mailgun.sandbox.mailgun import operations as mailgun
from maton_mailgun.sandbox.mailgun.times import iso_micro
from maton_mailgun.sandbox.maton.connection import APPS, METHODS, STATES, Connection, connect_url, default_connection
from maton_mailgun.sandbox.web.calls import Call, HttpAnswer, Record, encode, ok
from maton_mailgun.sandbox.web.forms import is_mailguns

_REQUESTS_A_SECOND = 10


def error(status: int, message: str) -> HttpAnswer:
    """Maton's documented error shape."""
    return HttpAnswer(status, encode({"error": {"message": message, "code": status}}))


def not_found(connection_id: str) -> HttpAnswer:
    """The recorded body for a connection that does not exist."""
    text = f"Connection {connection_id} not found"
    return HttpAnswer(404, encode({"message": text, "type": "Not Found", "code": 404}))


def _bearer(call: Call) -> str:
    scheme, _, key = call.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def answer(sandbox: State, call: Call) -> tuple[HttpAnswer, str | None]:
    """Maton's answer and the id of the connection that served it, if one did."""
    if is_mailguns(call.headers.get("host", "")):
        # Mailgun's own hosts know nothing of the gateway's paths, nor of its keys.
        return mailgun.answer(sandbox.account, call, key_is_good=False), None
    if _bearer(call) not in sandbox.api_keys:
        return error(401, "Invalid API key"), None
    if sandbox.settings.maton_rate_limit and not _within_limit(sandbox):
        return error(429, "Rate limit exceeded"), None
    if call.segments[0] == "connections":
        return _connections(sandbox, call), None
    return _proxied(sandbox, call)


def _within_limit(sandbox: State) -> bool:
    recent = sandbox.recent_calls
    while recent and recent[0] <= sandbox.now() - 1:
        recent.popleft()
    if len(recent) >= _REQUESTS_A_SECOND:
        return False
    recent.append(sandbox.now())
    return True


def _proxied(sandbox: State, call: Call) -> tuple[HttpAnswer, str | None]:
    app = call.segments[0]
    if app not in APPS:
        return error(400, f"Invalid app name '{app}'"), None
    wanted = call.headers.get("maton-connection", "").strip()
    if wanted:
        connection = sandbox.connections.get(wanted)
        if connection is None:
            return not_found(wanted), None
        if connection.app != app or connection.status != "ACTIVE":
            return error(400, f"Connection {wanted} is not an active connection for app '{app}'"), None
    else:
        connection = default_connection(sandbox.connections.values(), app, sandbox.settings.default_connection)
        if connection is None:
            return error(400, f"No active connection found for app '{app}'"), None
    if app != "mailgun":
        return error(400, f"The sandbox answers for Mailgun only, not for '{app}'"), connection.connection_id
    hidden = ("authorization", "host", "maton-connection")
    inner = replace(
        call,
        raw_path=call.raw_path.removeprefix("/" + app) or "/",
        segments=call.segments[1:],
        headers={name: value for name, value in call.headers.items() if name not in hidden},
        origin=None,
    )
    good = connection.mailgun_key in sandbox.mailgun_keys
    return mailgun.answer(sandbox.account, inner, key_is_good=good), connection.connection_id


def _connections(sandbox: State, call: Call) -> HttpAnswer:
    match call.method, call.segments[1:]:
        case "GET", ():
            return _list(sandbox, call)
        case "POST", ():
            return _create(sandbox, call)
        case (("GET" | "DELETE"), (connection_id,)) if connection_id:
            connection = sandbox.connections.get(connection_id)
            if connection is None:
                return not_found(connection_id)
            if call.method == "GET":
                return ok({"connection": connection.shown()})
            del sandbox.connections[connection_id]
            return ok({})
    return error(404, "Not Found")


def _list(sandbox: State, call: Call) -> HttpAnswer:
    """Newest last. `limit` 30 unless given, 0 means all."""
    filters = {name: call.query.first(name) for name in ("app", "status", "method")}
    for name, known in (("status", STATES), ("method", METHODS)):
        if filters[name] and filters[name] not in known:
            return error(400, f"Invalid {name} '{filters[name]}'")
    limit = call.query.first("limit") or "30"
    if not limit.isdigit():
        return error(400, f"Invalid limit '{limit}'")
    found = [
        connection.shown()
        for connection in sandbox.connections.values()
        if all(value in (None, getattr(connection, name)) for name, value in filters.items())
    ]
    return ok({"connections": found[: int(limit) or None]})


def _create(sandbox: State, call: Call) -> HttpAnswer:
    """Every call makes another PENDING connection. The answer is flat, unlike the one to a GET."""
    body: Record = call.json if isinstance(call.json, dict) else {}
    app, method = body.get("app"), body.get("method")
    if not isinstance(app, str) or not app:
        return error(400, "Missing 'app' in a JSON body")
    if app not in APPS:
        return error(400, f"Invalid app name '{app}'")
    if method is not None and method not in METHODS:
        return error(400, f"Invalid method '{method}'")
    connection = add_connection(sandbox, {"app": app, "method": method, "status": "PENDING"})
    shown = connection.shown()
    return ok({name: shown[name] for name in ("connection_id", "status", "url", "app")})


def add_connection(sandbox: State, given: Record) -> Connection:
    """Puts a connection into the account; missing parts are made up."""
    now = iso_micro(sandbox.now())
    connection = Connection(
        connection_id=str(given.get("connection_id") or sandbox.account.mint.uuid()),
        status=str(given.get("status") or "ACTIVE"),
        creation_time=str(given.get("creation_time") or now),
        last_updated_time=str(given.get("last_updated_time") or now),
        url=connect_url("sandbox-" + sandbox.account.mint.hexadecimal(32)),
        app=str(given.get("app") or "mailgun"),
        method=given.get("method") or "API_KEY",
        metadata=dict(given.get("metadata") or {}),
        mailgun_key=str(given.get("mailgun_key") or next(iter(sandbox.mailgun_keys), "")),
    )
    sandbox.connections[connection.connection_id] = connection
    return connection
