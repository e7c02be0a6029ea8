"""A host name of this machine for one start of the server.

What a browser keeps for an origin outlives the program that served it: cached scripts (RFC 9111) and service workers
of whatever listened on the same port before would run with the page's rights. An origin that nobody could know before
has neither.
"""

from __future__ import annotations

import secrets
import socket
import sys

LOOPBACK = "127.0.0.1"


def own_host() -> str:
    """`<random>.localhost`, which is loopback always (RFC 6761, 6.3): Chromium, Firefox and what is built on them know
    that without asking anybody. Safari asks the system, so on a Mac the system must know it too; else 127.0.0.1."""
    name = f"{secrets.token_hex(10)}.localhost"  # guard: 140-own-host
    return name if sys.platform != "darwin" or _resolves(name) else LOOPBACK


def _resolves(name: str) -> bool:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return {str(address[0]) for *_, address in found} <= {LOOPBACK, "::1"}
