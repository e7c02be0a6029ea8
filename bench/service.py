"""A small HTTPS service in a process of its own, for measuring what stands in front of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_SERVED = """
async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1])
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""
"""Serves `Answering` under the certificate of the first argument, and prints its port."""

SERVICE = """
import asyncio, json, ssl, sys

BODY = json.dumps({"items": ["192.0.2.10", "192.0.2.11"], "total_count": 2}).encode()
HEAD = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(BODY)

class Answering(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.received = transport, b""

    def data_received(self, data):
        self.received += data
        while b"\\r\\n\\r\\n" in self.received:
            _, _, self.received = self.received.partition(b"\\r\\n\\r\\n")
            self.transport.write(HEAD + BODY)
"""

SLOW_SERVICE = """
import asyncio, json, ssl, sys

DELAY, CONNECTION, counted = float(sys.argv[2]), sys.argv[3], 0
HEAD = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n"
ACTIVE = {"connection_id": CONNECTION, "app": "mailgun", "status": "ACTIVE"}

def answer(target):
    if target == b"/count":
        return counted
    path = target.split(b"?")[0].rsplit(b"/", 1)[-1]
    if path == b"connections":
        return {"connections": [ACTIVE]}
    if path == b"mg.example.com":
        return {"domain": {"name": "mg.example.com", "state": "active", "type": "custom", "is_disabled": False}}
    if path == b"tracking":
        return {"tracking": {kind: {"active": False} for kind in ("open", "click", "unsubscribe")}}
    return {"items": [], "paging": {}}

class Answering(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.received = transport, b""

    def data_received(self, data):
        global counted
        self.received += data
        while b"\\r\\n\\r\\n" in self.received:
            head, _, self.received = self.received.partition(b"\\r\\n\\r\\n")
            counted += 1
            target = head.split(b" ", 2)[1]
            text = json.dumps(answer(target)).encode()
            after = 0.0 if target == b"/count" else DELAY
            asyncio.get_running_loop().call_later(after, self.transport.write, HEAD % len(text) + text)
"""


def certificate(path: Path) -> None:
    """Write a key and a certificate for 127.0.0.1 that vouches for itself, good for an hour."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(hours=1)
        )
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(secret + made.public_bytes(pem))


@contextmanager
def service() -> Iterator[tuple[str, Path]]:
    """The URL of a service that answers every GET alike, and the certificate it is known by."""
    with _running(SERVICE + _SERVED) as running:
        yield running


@contextmanager
def slow_service(delay: float, connection_id: str) -> Iterator[tuple[str, Path]]:
    """As `service`, of one that answers as Mailgun does for a new domain, that many seconds after it was asked; it says
    at `/count` how often it was."""
    with _running(SLOW_SERVICE + _SERVED, str(delay), connection_id) as running:
        yield running


@contextmanager
def _running(source: str, *arguments: str) -> Iterator[tuple[str, Path]]:
    with TemporaryDirectory() as folder:
        pem = Path(folder) / "service.pem"
        certificate(pem)
        command = [sys.executable, "-c", source, str(pem), *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            if process.stdout is None:
                raise SystemExit("no pipe to the service")
            yield f"https://127.0.0.1:{int(process.stdout.readline())}", pem
        finally:
            process.kill()
            process.communicate()
