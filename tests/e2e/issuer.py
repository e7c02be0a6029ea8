"""An authorization server on a port: metadata, keys, and tokens for machine clients, as far as MCP clients need it."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt.algorithms import ECAlgorithm

AUDIENCE = "https://mcp.example.com/mcp"


class Issuer:
    """One authorization server. Each key has a name; `current` signs, and all of them are published."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {}
        self.asked = 0
        """How often its keys were asked for."""
        self.broken = False
        self.url = ""
        self.rotate("one")

    def rotate(self, kid: str) -> None:
        """Sign with a new key from now on, and publish no other."""
        self.keys = {kid: generate_private_key(SECP256R1())}
        self.current = kid

    def published(self) -> dict[str, Any]:
        found = []
        for kid, key in self.keys.items():
            public = json.loads(ECAlgorithm.to_jwk(key.public_key()))
            found.append({**public, "kid": kid, "use": "sig", "alg": "ES256"})
        return {"keys": found}

    def token(self, subject: str = "ann", scope: str = "read propose", **claims: Any) -> str:
        """A token as it gives one out; a claim that is None is left out."""
        now = int(time.time())
        said = {
            "iss": self.url, "aud": AUDIENCE, "sub": subject, "client_id": "desk", "scope": scope, "iat": now,
            "exp": now + 600, "jti": f"{subject}-{now}", **claims,
        }  # fmt: skip
        said = {name: value for name, value in said.items() if value is not None}
        headers = {"kid": self.current, "typ": "at+jwt"}
        return jwt.encode(said, self.keys[self.current], algorithm="ES256", headers=headers)


@contextmanager
def issuing() -> Iterator[Issuer]:
    issuer = Issuer()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/jwks":
                issuer.asked += 1
                self._say(500 if issuer.broken else 200, issuer.published())
            elif self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/jwks")
                self.end_headers()
            elif self.path.startswith("/.well-known/oauth-authorization-server"):
                self._say(200, {
                    "issuer": issuer.url, "authorization_endpoint": f"{issuer.url}/authorize",
                    "token_endpoint": f"{issuer.url}/token", "response_types_supported": ["code"],
                    "grant_types_supported": ["client_credentials"],
                    "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                })  # fmt: skip
            else:
                self._say(404, {})

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            client = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode().partition(":")[0]
            scope = form.get("scope", ["read"])[0]
            token = issuer.token(client, scope, aud=form["resource"][0])
            self._say(200, {"access_token": token, "token_type": "Bearer", "expires_in": 600, "scope": scope})

        def _say(self, status: int, body: dict[str, Any]) -> None:
            said = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    issuer.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
