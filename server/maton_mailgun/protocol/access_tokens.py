"""Access tokens of the operator's authorization server: signed JWTs as of RFC 9068, held to what RFC 8725 asks."""

from __future__ import annotations

import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import jwt
from mcp.server.auth.provider import AccessToken

from maton_mailgun.protocol.signing_keys import KINDS, SigningKeys
from maton_mailgun.setting_values import OAuth

log = logging.getLogger(__name__)

READ, PROPOSE = "read", "propose"
SCOPES = (READ, PROPOSE)
"""What a token may allow: to read, and to propose writes. None approves."""
LEEWAY_SECONDS = 30
"""By which clocks may differ."""
SEEN_SECONDS = 30.0
"""For which a token that counted is not looked at again: agents send the same one with every request."""
MOST_SEEN = 2000
MOST_CHARACTERS = 8192
MOST_SUBJECT = 255
_TYPES = {"at+jwt", "application/at+jwt", "jwt", None}
"""What a token may say that it is: others are signed by the same server for something else (RFC 8725, 3.11)."""


class AccessTokens:
    """The SDK's token verifier, over the keys of one issuer.

    Args:
        trusted: Whose tokens count, and for whom they must be.
        keys: Its public keys.
    """

    def __init__(self, trusted: OAuth, keys: SigningKeys, *, clock: Callable[[], float] = time.time) -> None:
        self._trusted = trusted
        self._keys = keys
        self._clock = clock
        self._seen: OrderedDict[bytes, tuple[AccessToken, float]] = OrderedDict()

    async def verify_token(self, token: str) -> AccessToken | None:
        """What a token says, or None where it does not count.

        Raises:
            KeysUnavailable: That cannot be said now.
        """
        if len(token) > MOST_CHARACTERS:
            return None
        digest, now = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest(), self._clock()
        known, until = self._seen.get(digest, (None, 0.0))
        if now < until:  # guard: 342-until
            return known
        access = await self._verified(token)
        if access is not None:
            self._seen[digest] = (access, min(now + SEEN_SECONDS, float(access.expires_at or 0)))
            while len(self._seen) > MOST_SEEN:
                self._seen.popitem(last=False)
        return access

    async def _verified(self, token: str) -> AccessToken | None:
        try:
            header = jwt.get_unverified_header(token)
            algorithm, kid = str(header.get("alg")), header.get("kid")
            named = str(header["typ"]).lower() if "typ" in header else None
            if algorithm not in KINDS or not (kid is None or isinstance(kid, str)):
                return None
            if named not in _TYPES:  # guard: 332-type
                return None
            key = await self._keys.find(kid, algorithm)
            if key is None:
                return None
            # A tenth of a millisecond (measured); a thread for it costs twice as much.
            claims = self._claims(token, dict(key), algorithm)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as problem:
            # Why is for the operator alone: whoever tries tokens learns nothing from it.
            log.info("an access token does not count", extra={"why": type(problem).__name__})
            return None
        return _access(claims)

    def _claims(self, token: str, key: dict[str, Any], algorithm: str) -> dict[str, Any]:
        found: dict[str, Any] = jwt.decode(
            token,
            jwt.PyJWK(key, algorithm=algorithm),
            algorithms=[algorithm],
            audience=self._trusted.audience,
            issuer=self._trusted.issuer,
            leeway=LEEWAY_SECONDS,
            options={
                "require": ["exp", "iss", "aud", "sub"],
                "verify_aud": True,  # guard: 333-audience
                "verify_iss": True,  # guard: 333-issuer
                "enforce_minimum_key_length": True,
            },
        )
        return found


def _access(claims: dict[str, Any]) -> AccessToken | None:
    subject = claims["sub"]
    if not 0 < len(subject) <= MOST_SUBJECT or not subject.isprintable():
        return None
    client = next((claims[name] for name in ("client_id", "azp", "cid") if isinstance(claims.get(name), str)), "")
    return AccessToken(
        token="",  # which nobody needs any more
        client_id=client,
        scopes=_scopes(claims),
        expires_at=int(claims["exp"]) + LEEWAY_SECONDS,
        subject=subject,
        claims={"iss": claims["iss"]},
    )


def _scopes(claims: dict[str, Any]) -> list[str]:
    """What it allows: `scope` as one text (RFC 9068), or `scp`, which some servers write, as a list too."""
    said = claims.get("scope", claims.get("scp"))
    words = said.split() if isinstance(said, str) else said if isinstance(said, list) else []
    return [word for word in SCOPES if word in words]
