"""What one tool call costs beside the bare HTTP client, one after another and 16 at once, and a warm tools/list.

    python bench/calls.py [--rounds 40] [--calls 50]

The service is a small HTTPS server in a process of its own that always gives the same answer; the server is ours over
stdio, without the pace it keeps with the real gateway. Each round measures the bare client, which keeps its
connections, and the server in turn; ratios are of the quickest of many short rounds, which nobody else disturbed. Exits
1 where a gate is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

import httpx2
from peer import Peer, holds, peer, verdict
from service import service

SEQUENTIAL_LIMIT, CONCURRENT_LIMIT, LIST_LIMIT = 1.6, 0.65, 1.6
AT_ONCE = 16
CONNECTION = "78b5a036-c621-40c2-b74b-276195735af2"
UNPACED = str(Path(__file__).parent / "unpaced.py")


async def bare(client: httpx2.AsyncClient, url: str, calls: int, at_once: int) -> float:
    """Seconds for that many GETs by the bare client."""

    async def one() -> None:
        reply = await client.get(f"{url}/mailgun/v3/ips")
        reply.json()

    return await _timed(one, calls, at_once)


async def _timed(one: Callable[[], Awaitable[None]], calls: int, at_once: int) -> float:
    left = iter(range(calls))

    async def worker() -> None:
        for _ in left:
            await one()

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(at_once)))
    return time.perf_counter() - began


def ours(server: Peer, calls: int, at_once: int) -> float:
    """Seconds for that many tool calls, always that many of them on their way."""
    call = {"name": "list_ips", "arguments": {"connection_id": CONNECTION}}
    began = time.perf_counter()
    for _ in range(at_once):
        server.send("tools/call", call)
    for number in range(calls):
        line = server.line()
        if b'"status":"ok"' not in line:
            raise SystemExit(f"the call failed: {line!r}")
        if number + at_once < calls:
            server.send("tools/call", call)
    return time.perf_counter() - began


def listing(server: Peer, calls: int) -> float:
    """Milliseconds for one warm tools/list."""
    began = time.perf_counter()
    for _ in range(calls):
        server.ask("tools/list")
    return (time.perf_counter() - began) / calls * 1000


def main() -> int:
    """Print the figures; 1 where a gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--calls", type=int, default=50)
    arguments = parser.parse_args()
    rounds, calls = arguments.rounds, arguments.calls
    headers = {"Authorization": "Bearer bench-key", "Maton-Connection": CONNECTION, "Accept": "application/json"}
    loop = asyncio.new_event_loop()
    measured: dict[tuple[str, int], list[float]] = {}
    with ExitStack() as stack:
        url, pem = stack.enter_context(service())
        client = httpx2.AsyncClient(headers=headers, verify=ssl.create_default_context(cafile=str(pem)))
        ours_only = {"MATON_API_URL": url, "MATON_MAILGUN_HOME": str(pem.parent), "SSL_CERT_FILE": str(pem)}
        server = stack.enter_context(peer((sys.executable, "-P", UNPACED), **ours_only))
        server.initialize()
        listing(server, 1)
        ours(server, 50, AT_ONCE)
        loop.run_until_complete(bare(client, url, 50, AT_ONCE))
        for _ in range(rounds):
            for at_once in (1, AT_ONCE):
                taken = loop.run_until_complete(bare(client, url, calls, at_once))
                measured.setdefault(("bare", at_once), []).append(taken)
                measured.setdefault(("ours", at_once), []).append(ours(server, calls, at_once))
        lists = min(listing(server, 20) for _ in range(rounds))
        loop.run_until_complete(client.aclose())
    quickest = {which: min(taken) / calls * 1000 for which, taken in measured.items()}
    for (who, at_once), each in quickest.items():
        print(f"{who:<5} {at_once:>2} at once   {each:6.2f} ms a call   {1000 / each:6.0f} a second")
    sequential = quickest["ours", 1] / quickest["bare", 1]
    concurrent = quickest["bare", AT_ONCE] / quickest["ours", AT_ONCE]
    to_list = lists / quickest["bare", 1]
    print(f"a call to the bare client: {sequential:.2f}  {verdict(sequential, SEQUENTIAL_LIMIT)}")
    print(f"throughput {AT_ONCE} at once: {concurrent:.2f}  {verdict(concurrent, CONCURRENT_LIMIT, at_least=True)}")
    print(f"warm tools/list ({lists:.2f} ms) to the bare client: {to_list:.2f}  {verdict(to_list, LIST_LIMIT)}")
    good = holds(sequential, SEQUENTIAL_LIMIT) and holds(concurrent, CONCURRENT_LIMIT, at_least=True)
    return int(not (good and holds(to_list, LIST_LIMIT)))


if __name__ == "__main__":
    sys.exit(main())
