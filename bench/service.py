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

async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1])
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
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
    with TemporaryDirectory() as folder:
        pem = Path(folder) / "service.pem"
        certificate(pem)
        process = subprocess.Popen([sys.executable, "-c", SERVICE, str(pem)], stdout=subprocess.PIPE, text=True)
        try:
            if process.stdout is None:
                raise SystemExit("no pipe to the service")
            yield f"https://127.0.0.1:{int(process.stdout.readline())}", pem
        finally:
            process.kill()
            process.communicate()
