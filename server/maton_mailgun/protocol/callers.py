"""Who sends a request, by the token that it carries: the server's own, or one of an authorization server.

OAuth is the SDK's: its settings, its middleware and its metadata (RFC 9728); what a token is held to is in
`access_tokens`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl
from starlette.authentication import AuthCredentials
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from maton_mailgun.errors import CallError
from maton_mailgun.measures import Measures
from maton_mailgun.principal import of_subject
from maton_mailgun.protocol.access_tokens import PROPOSE, READ, SCOPES, AccessTokens
from maton_mailgun.protocol.server import Visitor, local_visitor
from maton_mailgun.protocol.signing_keys import KeysUnavailable, SigningKeys
from maton_mailgun.setting_values import OAuth

TITLE = "Mailgun through Maton"


def principal_of(token: str) -> str:
    """Who calls with this token, in words that do not tell the token."""
    return f"http:{hashlib.sha256(token.encode()).hexdigest()[:12]}"


class Callers:
    """Lets in who has a token that counts; everybody where none is asked for.

    Args:
        token: The server's own token.
        oauth: The authorization server whose tokens count beside it.
        resource: The address of MCP here, as clients know it.
    """

    def __init__(self, token: str | None, oauth: OAuth | None, resource: str) -> None:
        self._token = token.encode() if token else None
        self._own = principal_of(token) if token else None
        self._signed: BearerAuthBackend | None = None
        self._metadata_url: AnyHttpUrl | None = None
        self._everybody = local_visitor(None)
        self.metadata: Route | None = None
        """Where clients find the authorization server."""
        if oauth is not None:
            self._trust(oauth, resource)

    def _trust(self, oauth: OAuth, resource: str) -> None:
        # From texts: an address without a path keeps being one, and clients compare issuers letter by letter.
        settings = AuthSettings.model_validate(
            {
                "issuer_url": oauth.issuer,
                "resource_server_url": resource,
                "required_scopes": [READ],
                # The verifier does, against the audience that the operator named.
                "validate_token_resource": False,
            }
        )
        assert settings.resource_server_url is not None  # noqa: S101 - for types
        self._signed = BearerAuthBackend(AccessTokens(oauth, SigningKeys(oauth.keys_url)))
        self._metadata_url = build_resource_metadata_url(settings.resource_server_url)
        (self.metadata,) = create_protected_resource_routes(
            settings.resource_server_url, [settings.issuer_url], list(SCOPES), TITLE
        )

    @property
    def needed(self) -> bool:
        """Whether a request needs a token at all."""
        return self._token is not None or self._signed is not None

    def who(self, request: Any) -> Visitor:
        """Who makes a request that was let in."""
        return self.visitor(request.scope if request is not None else {})

    def visitor(self, scope: Mapping[str, Any]) -> Visitor:
        """The same, from what the server knows of the request."""
        if not self.needed:
            return self._everybody
        user = scope.get("user")
        if not isinstance(user, AuthenticatedUser):
            raise CallError("Nobody is known to make this call.", "Call again.")
        token = user.access_token
        if self._own is not None and token.client_id == self._own and token.subject is None:
            return Visitor(self._own)
        if token.subject is None or token.claims is None:
            raise CallError("Nobody is known to make this call.", "Call again.")
        return Visitor(of_subject(token.claims["iss"], token.subject), may_propose=PROPOSE in user.scopes)

    async def let_in(self, scope: Scope, receive: Receive, send: Send, within: ASGIApp, measures: Measures) -> None:
        """Go on with `within` as whom the token names, or answer that it does not count."""
        if not self.needed:
            await within(scope, receive, send)
            return
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(given) == 1 and self._is_own(given[0]):
            self._enter(scope, AccessToken(token="", client_id=self._own or "", scopes=list(SCOPES)))
        elif self._signed is None:
            measures.turned_away("token")
            await _unauthorized()(scope, receive, send)
            return
        elif len(given) == 1:
            try:
                found = await self._signed.authenticate(HTTPConnection(scope))
            except KeysUnavailable:
                measures.turned_away("keys")
                told = {"error": "temporarily_unavailable", "message": "The keys of the sign-in cannot be had now."}
                await JSONResponse(told, 503, {"Retry-After": "10"})(scope, receive, send)
                return
            if found is not None:
                scope["auth"], scope["user"] = found
        if "user" not in scope:
            measures.turned_away("token")
        elif READ not in scope["auth"].scopes:
            measures.turned_away("scope")
        inner = AuthContextMiddleware(within)
        await RequireAuthMiddleware(inner, [READ], self._metadata_url)(scope, receive, send)

    def _is_own(self, authorization: bytes) -> bool:
        if self._token is None:
            return False
        scheme, _, credentials = authorization.partition(b" ")
        # Compared first: the time taken does not depend on the scheme either.
        return hmac.compare_digest(credentials.strip(), self._token) and scheme.lower() == b"bearer"

    def _enter(self, scope: Scope, token: AccessToken) -> None:
        scope["auth"], scope["user"] = AuthCredentials(token.scopes), AuthenticatedUser(token)


def _unauthorized() -> JSONResponse:
    return JSONResponse(
        {"error": "unauthorized", "message": "Send the server's token: Authorization: Bearer <token>."},
        401,
        {"WWW-Authenticate": 'Bearer realm="maton-mailgun"'},
    )
