"""Attack 360: whoever stands in between (a proxy, say) puts an answer of its own before the handshake, so that it is
taken for a part of what came under TLS."""

from __future__ import annotations

import socket
import ssl
import threading

import httpcore2
import pytest

from maton_mailgun.wire.network import AsyncioNetwork

FORGED = b'HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{"message": "Queued."}'


@pytest.mark.anyio
async def test_attack_360_what_came_in_clear_is_never_read_as_what_came_under_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_forge, args=(listening,), daemon=True).start()
        stream = await AsyncioNetwork().connect_tcp("127.0.0.1", listening.getsockname()[1], timeout=5.0)
        assert await stream.read(1, 5.0) == b"\n", "as after the answer of a proxy: more has come by then"
        with pytest.raises(httpcore2.ConnectError, match="before the handshake"):
            await stream.start_tls(ssl.create_default_context(), "127.0.0.1", 0.2)


def _forge(listening: socket.socket) -> None:
    connection, _ = listening.accept()
    with connection:
        connection.sendall(b"\n" + FORGED)
        connection.recv(1)
