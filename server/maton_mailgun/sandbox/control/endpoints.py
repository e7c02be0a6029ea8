"""The sandbox's own paths, `/_sandbox/...`: see what arrived, arm faults, flip states. No key is asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from maton_mailgun.sandbox.account import seed, snapshot
from maton_mailgun.sandbox.account.state import State
from maton_mailgun.sandbox.control.faults import PRESETS, parse_fault
from maton_mailgun.sandbox.control.inbound import arrive, post_news
from maton_mailgun.sandbox.control.injection import inject, inject_what_is_due
from maton_mailgun.sandbox.mailgun.messages.delivery import deliver_what_is_due
from maton_mailgun.sandbox.mailgun.times import iso_micro
from maton_mailgun.sandbox.maton.api import add_connection
from maton_mailgun.sandbox.maton.connection import STATES
from maton_mailgun.sandbox.web.calls import Record, parse_json
from maton_mailgun.sandbox.web.forms import own_origin

_SETTINGS: dict[str, type] = {
    "default_connection": str,
    "smtp_password_in_answers": bool,
    "maton_rate_limit": bool,
    "delivery_delay": float,
    "signing_key": str,
}

Endpoint = Callable[[Request], Awaitable[Response]]


def _problem(text: str, status: int = 400) -> Response:
    return JSONResponse({"problem": text}, status)


async def _body(request: Request) -> Any:
    """The JSON of the body, None when it is empty. Raises ValueError for anything else."""
    raw = await request.body()
    return parse_json(raw) if raw.strip() else None


async def _object(request: Request) -> Record:
    body = await _body(request)
    if not isinstance(body, dict):
        raise ValueError("send a JSON object")  # noqa: TRY004 - the caller's input, not a type of ours
    return body


def _explained(endpoint: Endpoint) -> Endpoint:
    """Turns a ValueError of an endpoint into a 400 that says what was wrong."""

    async def wrapped(request: Request) -> Response:
        try:
            return await endpoint(request)
        except (ValueError, TypeError) as error:
            return _problem(str(error))

    return wrapped


class Control:
    """Endpoints over one sandbox."""

    def __init__(self, sandbox: State) -> None:
        self._sandbox = sandbox

    async def requests(self, _: Request) -> Response:
        return JSONResponse({"requests": self._sandbox.requests})

    async def messages(self, _: Request) -> Response:
        return JSONResponse({"messages": self._sandbox.messages})

    async def faults(self, _: Request) -> Response:
        return JSONResponse({"faults": [fault.shown() for fault in self._sandbox.faults], "kinds": list(PRESETS)})

    async def arm(self, request: Request) -> Response:
        fault = parse_fault(await _object(request))
        self._sandbox.faults.append(fault)
        return JSONResponse(fault.shown())

    async def disarm(self, _: Request) -> Response:
        self._sandbox.faults.clear()
        return JSONResponse({"faults": []})

    async def reset(self, request: Request) -> Response:
        """Back to the seed; with `{"seed": false}` to nothing; with a dumped state to that state."""
        body = await _body(request)
        if body is None:
            seed.reset(self._sandbox)
        elif isinstance(body, dict) and set(body) == {"seed"}:
            seed.reset(self._sandbox, seed=bool(body["seed"]))
        else:
            seed.reset(self._sandbox, seed=False)
            snapshot.load(self._sandbox, body)
        return JSONResponse({"reset": True})

    async def state(self, _: Request) -> Response:
        return JSONResponse(snapshot.dump(self._sandbox))

    async def add_connection(self, request: Request) -> Response:
        body = await _object(request)
        if body.get("status", "ACTIVE") not in STATES:
            raise ValueError(f"status is one of {', '.join(STATES)}")
        return JSONResponse(add_connection(self._sandbox, body).shown())

    async def change_connection(self, request: Request) -> Response:
        """Flips a connection's status, as a person on Maton's page would, or gives it another Mailgun key."""
        connection = self._sandbox.connections.get(request.path_params["connection_id"])
        if connection is None:
            return _problem("no such connection", 404)
        body = await _object(request)
        if body.get("status", connection.status) not in STATES:
            raise ValueError(f"status is one of {', '.join(STATES)}")
        connection.status = body.get("status", connection.status)
        connection.mailgun_key = str(body.get("mailgun_key", connection.mailgun_key))
        connection.last_updated_time = iso_micro(self._sandbox.now())
        return JSONResponse(connection.shown())

    async def event(self, request: Request) -> Response:
        body = await _object(request)
        self._sandbox.account.now = self._sandbox.now()
        injected = inject(self._sandbox.account, body)
        post_news(self._sandbox, own_origin(request))
        return JSONResponse(injected)

    async def inbound(self, request: Request) -> Response:
        """Mail arrives: routes run, forwards are posted, what is stored can be read."""
        return JSONResponse(await arrive(self._sandbox, request))

    async def callbacks(self, _: Request) -> Response:
        """What was posted to webhooks and routes, or refused."""
        return JSONResponse({"callbacks": list(self._sandbox.callbacks.outcomes)})

    async def clock(self, request: Request) -> Response:
        """Moves the sandbox's clock forward; what becomes due is delivered at its own time."""
        self._sandbox.advance += float((await _object(request)).get("advance", 0))
        self._sandbox.account.now = self._sandbox.now()
        deliver_what_is_due(self._sandbox.account)
        inject_what_is_due(self._sandbox.account)
        post_news(self._sandbox, own_origin(request))
        return JSONResponse({"now": self._sandbox.now()})

    async def settings(self, request: Request) -> Response:
        body = await _object(request) if request.method == "POST" else {}
        settings = self._sandbox.settings
        for name, value in body.items():
            if name not in _SETTINGS:
                raise ValueError(f"unknown setting '{name}', known are: {', '.join(_SETTINGS)}")
            _check_type(name, value)
            if name == "default_connection" and value not in ("oldest", "newest"):
                raise ValueError("'default_connection' is 'oldest' or 'newest'")
        for name, value in body.items():
            setattr(settings, name, value)
        return JSONResponse({name: getattr(settings, name) for name in _SETTINGS})


def _check_type(name: str, value: object) -> None:
    """Raises TypeError for a setting of the wrong type; a whole number will do for seconds."""
    kind = _SETTINGS[name]
    if not isinstance(value, (int, float) if kind is float else kind):
        raise TypeError(f"'{name}' is a {kind.__name__}")


def control_routes(sandbox: State) -> list[Route]:
    """The routes of `/_sandbox/...`."""
    control = Control(sandbox)
    table: list[tuple[str, str, Endpoint]] = [
        ("GET", "requests", control.requests),
        ("GET", "messages", control.messages),
        ("GET", "faults", control.faults),
        ("POST", "faults", control.arm),
        ("DELETE", "faults", control.disarm),
        ("POST", "reset", control.reset),
        ("GET", "state", control.state),
        ("POST", "connections", control.add_connection),
        ("POST", "connections/{connection_id}", control.change_connection),
        ("POST", "events", control.event),
        ("POST", "inbound", control.inbound),
        ("GET", "callbacks", control.callbacks),
        ("POST", "clock", control.clock),
        ("GET", "settings", control.settings),
        ("POST", "settings", control.settings),
    ]
    routes = [Route(f"/_sandbox/{path}", _explained(endpoint), methods=[method]) for method, path, endpoint in table]
    known = ", ".join(f"{method} /_sandbox/{path}" for method, path, _ in table)

    async def unknown(request: Request) -> Response:
        return _problem(f"{request.method} {request.url.path} is not a control path; known are: {known}", 404)

    return [*routes, Route("/_sandbox/{rest:path}", unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])]
