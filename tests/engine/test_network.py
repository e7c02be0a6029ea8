"""The connections below the HTTP client, over real sockets: what comes whole, what is told as never sent."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path

import httpcore2
import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from engine.doubles import KEY, MAIN, Waits
from maton_mailgun.config import Settings
from maton_mailgun.errors import NotSent
from maton_mailgun.wire.gateway import Gateway
from maton_mailgun.wire.network import AsyncioNetwork
from maton_mailgun.wire.request import Request

pytestmark = pytest.mark.anyio
READ = Request("mailgun", "GET", "/v3/routes")
WRITE = Request("mailgun", "POST", "/v3/routes", form=(("priority", "0"),))
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
LARGE = bytes(range(256)) * 20_000


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(minutes=1))
        .not_valid_after(datetime.now(UTC) + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "test.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(key.private_bytes(*form) + made.public_bytes(serialization.Encoding.PEM))
    return path


@contextmanager
def other_side(serve: Callable[[socket.socket], None], times: int = 8) -> Iterator[int]:
    """The port of a server that treats each connection so."""

    def each(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            serve(connection)

    def accept() -> None:
        with suppress(OSError):
            for _ in range(times):
                threading.Thread(target=each, args=(listening.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, daemon=True).start()
        yield int(listening.getsockname()[1])


def over_tls(pem: Path, serve: Callable[[ssl.SSLSocket], None]) -> Callable[[socket.socket], None]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    def secured(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            serve(wrapped)

    return secured


async def connected(port: int, trusted: Path | None = None) -> httpcore2.AsyncNetworkStream:
    stream = await AsyncioNetwork().connect_tcp("127.0.0.1", port, timeout=5.0)
    if trusted is None:
        return stream
    return await stream.start_tls(ssl.create_default_context(cafile=trusted), "127.0.0.1", 5.0)


def gateway(url: str, waits: Waits) -> Gateway:
    return Gateway(Settings(api_key=KEY, api_url=url), sleep=waits, jitter=lambda: 0.5)


def _closed(connection: socket.socket) -> None:
    connection.recv(65_536)


def _torn_off(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _not_tls(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize("ends", [_closed, _torn_off, _not_tls])
async def test_a_handshake_that_fails_is_certain_to_have_sent_nothing(ends: Callable[[socket.socket], None]) -> None:
    waits = Waits()
    with other_side(ends) as port, pytest.raises(NotSent, match="ConnectError"):
        await gateway(f"https://127.0.0.1:{port}", waits).write(WRITE, MAIN, "create")
    assert waits.seconds == [0.5, 1.0, 2.0], "and so is tried again"


async def test_a_certificate_that_nobody_vouches_for_gets_nothing(pem: Path) -> None:
    received: list[bytes] = []
    waits = Waits()
    take = over_tls(pem, lambda line: received.append(line.recv(1)))
    with other_side(take) as port, pytest.raises(NotSent, match="ConnectError"):
        await gateway(f"https://127.0.0.1:{port}", waits).write(WRITE, MAIN, "create")
    assert not any(received)


async def test_a_handshake_that_nobody_answers_ends_in_time() -> None:
    with other_side(lambda line: [*iter(lambda: line.recv(65_536), b"")].clear()) as port:
        stream = await connected(port)
        with pytest.raises(httpcore2.ConnectTimeout):
            await stream.start_tls(ssl.create_default_context(), "127.0.0.1", 0.01)


async def test_a_port_that_nobody_listens_at_is_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(httpcore2.ConnectError):
        await AsyncioNetwork().connect_tcp("127.0.0.1", port, timeout=5.0)


async def test_an_idle_connection_that_was_closed_is_not_used_again() -> None:
    requests: list[bytes] = []

    def once(connection: socket.socket) -> None:
        requests.append(connection.recv(65_536))
        connection.sendall(ANSWER)

    waits = Waits()
    with other_side(once) as port:
        ours = gateway(f"http://127.0.0.1:{port}", waits)
        for _ in range(3):
            assert (await ours.read(READ, MAIN)).status == 200
            await _until_closed(ours)
        await ours.aclose()
    assert (len(requests), waits.seconds) == (3, []), "no attempt failed first"


async def _until_closed(ours: Gateway) -> None:
    """Until the end of the pooled connection is there to be seen, in the system at least."""
    pool = ours._pooled._pool  # type: ignore[union-attr]
    async with asyncio.timeout(5):
        while not all(one.has_expired() for one in pool.connections):  # noqa: ASYNC110 - nothing says when
            await asyncio.sleep(0)


def trust(pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have gateways take this certificate; what they took before is read once in a process."""
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    monkeypatch.setattr("maton_mailgun.wire.gateway._tls", httpx2.create_ssl_context)


async def test_a_connection_that_stays_open_is_used_again_over_tls(pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connections: list[object] = []

    def answering(line: ssl.SSLSocket) -> None:
        connections.append(line)
        while line.recv(65_536):
            line.sendall(ANSWER)

    trust(pem, monkeypatch)
    with other_side(over_tls(pem, answering)) as port:
        ours = gateway(f"https://127.0.0.1:{port}", Waits())
        for _ in range(3):
            assert (await ours.read(READ, MAIN)).status == 200
        await ours.aclose()
    assert len(connections) == 1


@pytest.mark.parametrize("secured", [False, True], ids=["clear", "TLS"])
async def test_what_is_large_comes_whole_however_slowly_it_is_read(pem: Path, secured: bool) -> None:
    def send(line: socket.socket) -> None:
        line.sendall(LARGE)

    with other_side(over_tls(pem, send) if secured else send) as port:
        stream = await connected(port, pem if secured else None)
        found = sha256()
        while piece := await stream.read(1_000, 5.0):
            found.update(piece)
    assert found.digest() == sha256(LARGE).digest()


@pytest.mark.parametrize("secured", [False, True], ids=["clear", "TLS"])
async def test_what_is_large_goes_out_whole_however_slowly_it_is_taken(pem: Path, secured: bool) -> None:
    def take(line: socket.socket) -> None:
        found, left = sha256(), len(LARGE)
        while left and (piece := line.recv(1_000)):
            found.update(piece)
            left -= len(piece)
        line.sendall(found.digest())

    with other_side(over_tls(pem, take) if secured else take) as port:
        stream = await connected(port, pem if secured else None)
        await stream.write(LARGE, 5.0)
        assert await stream.read(100, 5.0) == sha256(LARGE).digest()


async def test_a_side_that_takes_nothing_is_waited_for_no_longer_than_said() -> None:
    done = threading.Event()
    with other_side(lambda _: (done.wait(5), None)[1]) as port:
        stream = await connected(port)
        with pytest.raises(httpcore2.WriteTimeout):
            await stream.write(LARGE * 4, 0.01)
        with pytest.raises(httpcore2.ReadTimeout):
            await stream.read(100, 0.01)
        done.set()


async def test_an_end_is_told_from_a_connection_that_was_torn_off() -> None:
    for ends, expected in ((_closed, None), (_torn_off, httpcore2.ReadError)):
        with other_side(ends) as port:
            stream = await connected(port)
            await stream.write(b"x", 5.0)
            if expected is None:
                assert await stream.read(100, 5.0) == b""
            else:
                with pytest.raises(expected):
                    await stream.read(100, 5.0)
            await stream.aclose()
            with pytest.raises(httpcore2.WriteError):
                await stream.write(b"y", 5.0)


async def test_a_proxy_is_gone_through_with_tls_to_the_service_itself(
    pem: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []

    def answering(line: ssl.SSLSocket) -> None:
        while line.recv(65_536):
            line.sendall(ANSWER)

    def tunnel(connection: socket.socket) -> None:
        seen.append(connection.recv(65_536))
        with socket.create_connection(("127.0.0.1", port)) as there:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            threading.Thread(target=_copied, args=(there, connection), daemon=True).start()
            _copied(connection, there)

    trust(pem, monkeypatch)
    with other_side(over_tls(pem, answering)) as port, other_side(tunnel) as through:
        settings = Settings(api_key=KEY, api_url=f"https://127.0.0.1:{port}", proxy=f"http://127.0.0.1:{through}")
        ours = Gateway(settings, sleep=Waits())
        for _ in range(2):
            assert (await ours.read(READ, MAIN)).status == 200
        await ours.aclose()
    assert [request.split(b"\r\n")[0] for request in seen] == [f"CONNECT 127.0.0.1:{port} HTTP/1.1".encode()]
    assert KEY.encode() not in b"".join(seen)


def _copied(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65_536):
            sink.sendall(piece)
