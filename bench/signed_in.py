"""What it costs a server that people sign in: calls a second of one core with an access token, and without any.

    python bench/signed_in.py [--connections 64] [--seconds 3] [--rounds 3]

Both are the call of `streamable.py`, round by round, so that both meet the same load of the machine. The token is an
ES256 one, the dearest to check of those in use. Exits 1 where signing in costs more than the gate allows.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt.algorithms import ECAlgorithm
from peer import holds, verdict
from streamable import load, serving

LEAST_SHARE = 0.8
"""Of the calls without a token."""
_AUDIENCE = "https://mcp.example.com/mcp"
_KEY = generate_private_key(SECP256R1())


@contextmanager
def keys() -> Iterator[str]:
    """The address of the public key."""
    public = {**json.loads(ECAlgorithm.to_jwk(_KEY.public_key())), "kid": "bench", "alg": "ES256"}
    said = json.dumps({"keys": [public]}).encode()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


def main() -> int:
    """Print the figures; 1 where the gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    expected = b'"isError":true'
    plain: list[float] = []
    signed: list[float] = []
    with keys() as issuer:
        said = {"iss": issuer, "aud": _AUDIENCE, "sub": "ann", "scope": "read", "exp": int(time.time()) + 3600}
        token = jwt.encode(said, _KEY, algorithm="ES256", headers={"kid": "bench", "typ": "at+jwt"})
        oauth = {
            "MATON_MAILGUN_OAUTH_ISSUER": issuer,
            "MATON_MAILGUN_OAUTH_AUDIENCE": _AUDIENCE,
            "MATON_MAILGUN_OAUTH_KEYS": f"{issuer}/jwks",
            "MATON_MAILGUN_CALLS_PER_MINUTE": "1000000",
        }
        with serving() as open_to_all, serving(**oauth) as with_sign_in:
            for _ in range(arguments.rounds):
                for server, given, found in ((open_to_all, None, plain), (with_sign_in, token, signed)):
                    one = load(server, "/mcp", expected, arguments.connections, arguments.seconds, given)
                    measured = asyncio.run(one)
                    found.append(measured.of_a_core or measured.rate)
    without, having = statistics.median(plain), statistics.median(signed)
    print(f"calls a second of one core: {without:.0f} without a token, {having:.0f} with one")
    share = statistics.median(one / other for one, other in zip(signed, plain, strict=True))
    print(f"share: {share:.2f}  {verdict(share, LEAST_SHARE, at_least=True)}")
    return int(not holds(share, LEAST_SHARE, at_least=True))


if __name__ == "__main__":
    sys.exit(main())
