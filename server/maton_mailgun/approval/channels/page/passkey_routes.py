"""Where a browser makes a new passkey: on this machine over a link alone, elsewhere for who is signed in besides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from maton_mailgun.approval.binding.passkeys import PasskeyError
from maton_mailgun.approval.channels.page.passkey_door import OfferedPasskeys, Registrar, Signing
from maton_mailgun.approval.channels.page.sessions import Session
from maton_mailgun.approval.channels.page.sign_in import PageRefusal, SignIn

_OPTIONS, _TAKE = "/api/passkey/options", "/api/passkey"


def registrar_routes(door: SignIn, signing: Signing, registrar: Registrar) -> list[Route]:
    """For the one person that was agreed upon in the terminal of this process."""

    async def options(request: Request) -> Response:
        given = await door.body(request)
        with _refusing():
            return JSONResponse(registrar.options(given.get("token"), signing.origin(request)))

    async def take(request: Request) -> Response:
        given = await door.body(request)
        with _refusing():
            registrar.take(given.get("token"), signing.origin(request), given.get("credential"))
        return JSONResponse({"person": registrar.person})

    return [Route(_OPTIONS, options, methods=["POST"]), Route(_TAKE, take, methods=["POST"])]


def offered_routes(
    signed_in: Callable[..., Route], door: SignIn, signing: Signing, offered: OfferedPasskeys
) -> list[Route]:
    """For people who are signed in, each for what was agreed upon of them.

    Args:
        signed_in: Makes a route that only a session reaches.
    """

    async def options(request: Request, session: Session) -> Response:
        given = await door.body(request)
        with _refusing():
            return JSONResponse(await offered.options(given.get("token"), signing.origin(request), session.person))

    async def take(request: Request, session: Session) -> Response:
        given = await door.body(request)
        origin, credential = signing.origin(request), given.get("credential")
        with _refusing():
            return JSONResponse({"person": await offered.take(given.get("token"), origin, session.person, credential)})

    return [signed_in(_OPTIONS, options, "POST"), signed_in(_TAKE, take, "POST")]


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except PasskeyError as problem:
        raise PageRefusal(409, "changed", str(problem)) from None
