"""Streamable HTTP: what a second of a core answers of each kind, by clients of both eras.

    python bench/kinds.py [--connections 64] [--seconds 2]

Reads go to a plain service in another process, which answers at once; what its client costs is in them, and most of it.
Prints figures and has no gate: `streamable.py` holds the call that needs no service.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from importlib.util import find_spec
from typing import Any

from service import SERVICE
from streamable import META, load, serving

_PLAINLY = """
async def main():
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""
_READ = {"name": "list_ips", "arguments": {"connection_id": "78b5a036-c621-40c2-b74b-276195735af2"}}
_REFUSED = {"name": "list_ips", "arguments": {"dedicated": "no"}}
_KNOWN = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
_KINDS = "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"


@contextmanager
def plain_service() -> Iterator[str]:
    """Its address."""
    process = subprocess.Popen([sys.executable, "-c", SERVICE + _PLAINLY], stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{int((process.stdout or sys.stdin).readline())}"
    finally:
        process.kill()
        process.communicate()


def posted(port: int, headers: str, method: str, params: dict[str, Any] | None) -> bytes:
    """One request."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, **({"params": params} if params else {})})
    head = f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{_KINDS}{headers}Content-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()


def modern(port: int, method: str, params: dict[str, Any]) -> bytes:
    """One of a 2026-07-28 client."""
    headers = f"MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {method}\r\n"
    headers += f"Mcp-Name: {params['name']}\r\n" if "name" in params else ""
    return posted(port, headers, method, {**params, "_meta": META})


def session(port: int) -> str:
    """The id of a session of an earlier client."""
    connection = HTTPConnection("127.0.0.1", port)
    said = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": _KNOWN})
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    connection.request("POST", "/mcp", said, headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.getheader("Mcp-Session-Id") or ""


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    print(f"HTTP parser: {'httptools' if find_spec('httptools') else 'h11'}")
    with plain_service() as upstream, serving(MATON_API_URL=upstream, MATON_API_KEY="bench") as server:
        port = server[1]
        # A session for each connection: within one, requests have ids of their own.
        headers = [
            f"MCP-Protocol-Version: 2025-11-25\r\nMcp-Session-Id: {session(port)}\r\n"
            for _ in range(arguments.connections)
        ]
        kinds: dict[str, tuple[str, dict[str, Any], bytes]] = {
            "ping": ("ping", {}, b'"result":{}'),
            "a call that is refused": ("tools/call", _REFUSED, b'"isError":true'),
            "a read": ("tools/call", _READ, b"192.0.2.10"),
            "tools/list": ("tools/list", {}, b"list_ips"),
        }
        for era in ("2026-07-28", "2025-11-25"):
            for name, (method, params, expected) in kinds.items():
                if era == "2026-07-28" and method == "ping":
                    continue  # It is no method there.

                def sent(number: int, era: str = era, method: str = method, params: dict[str, Any] = params) -> bytes:
                    if era == "2026-07-28":
                        return modern(port, method, params)
                    return posted(port, headers[number], method, params)

                one = asyncio.run(load(server, "/mcp", expected, arguments.connections, arguments.seconds, sent=sent))
                print(f"{era}, {name:<24}{one.of_a_core or one.rate:6.0f} a second of a core   {one.rate:6.0f} a second"
                      f"   p99 {one.slowest_of_a_core:6.1f} ms of it", flush=True)  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
