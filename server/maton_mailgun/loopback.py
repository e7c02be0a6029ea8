"""An address on this machine that is nobody else's: a host name for one start, on both loopbacks.

What a browser keeps for an origin outlives the program that served it: cached scripts (RFC 9111) and service workers
of whatever listened on the same port before would run with the page's rights. An origin that nobody could know before
has neither. And names of this machine lead to ::1 as well as to 127.0.0.1 (RFC 6761, 6.3): who listens on one of them
only shares its name with whoever takes the other.
"""

from __future__ import annotations

import errno
import secrets
import socket
import sys
from typing import Any

V4, V6 = "127.0.0.1", "::1"
_TRIES = 20
_NO_IPV6 = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.EINVAL})


def own_host() -> str:
    """`<random>.localhost`, which is loopback always (RFC 6761, 6.3): Chromium, Firefox and what is built on them know
    that without asking anybody. Safari asks the system, so on a Mac the system must know it too; else 127.0.0.1."""
    name = f"{secrets.token_hex(10)}.localhost"  # guard: 140-own-host
    return name if sys.platform != "darwin" or _resolves(name) else V4


def listen(port: int = 0) -> list[socket.socket]:
    """Sockets that wait for connections on 127.0.0.1 and, where this machine has it, on ::1, at the same port.

    Args:
        port: 0 takes one that is free on both.

    Raises:
        OSError: The port is taken on one of them.
    """
    for left in reversed(range(_TRIES if port == 0 else 1)):
        first = bound(V4, port)
        try:
            beside = other(V4, first.getsockname()[1])
        except OSError:
            first.close()
            if not left:
                raise
            continue
        return [first, *beside]
    raise AssertionError("unreachable")


def other(host: str, port: int, *, shared: bool = False) -> list[socket.socket]:
    """A socket on the other loopback than `host`, at the same port; none where this machine has no such one.

    Raises:
        OSError: Somebody else has it.
    """
    try:
        return [bound(V6 if host == V4 else V4, port, shared=shared)]  # guard: 153-both
    except OSError as problem:
        if problem.errno in _NO_IPV6:
            return []
        raise


def bound(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket that waits for connections on one address.

    Args:
        shared: Whether `another` may wait on the same; nobody else may, as far as this process can see to it.

    Raises:
        OSError: It cannot.
    """
    if shared and port and sys.platform != "win32":
        # A port that is shared could be taken twice without a word, by two servers that know nothing of each other.
        bound(host, port).close()
    return _waiting(socket.AF_INET6 if ":" in host else socket.AF_INET, (host, port), shared=shared)


def another(one: socket.socket) -> socket.socket:
    """A further socket on the address of a shared one: the system spreads connections over all of them.

    Raises:
        OSError: It cannot.
    """
    return _waiting(one.family, one.getsockname(), shared=True)


def _waiting(family: int, address: tuple[Any, ...], *, shared: bool) -> socket.socket:
    # Named as TCP: asyncio spares only such connections Nagle's delay, which is 40 ms an answer where it strikes.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform == "win32":
            # Or another program could listen on the same port and be given what is ours.
            made.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
        made.listen(512)
    except OSError:
        made.close()
        raise
    return made


def _resolves(name: str) -> bool:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return {str(address[0]) for *_, address in found} <= {V4, V6}
