"""What a person waits for before they are asked: from the call of a send to the question, beyond the network.

    python bench/preview.py [--rounds 12] [--delay 50] [--recipients 10]

The service is a small HTTPS server that takes its time for each answer; the server is ours over stdio, within its own
limit of requests a second. Each round asks for the reads of a preview by the bare client, all at once, and then for the
proposal itself: what that takes longer is ours.

Two are told apart: the first of a process, a second after a read, which opens the store; and one that is the very first
call of its process, right after the list of tools. That one waits for the server to be loaded, as any first call does:
what a read takes there is taken off, too. Exits 1 where a gate is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import httpx2
from peer import AS_INSTALLED, Peer, holds, peer, verdict
from service import slow_service

BEYOND_LIMIT, FIRST_LIMIT, AT_ONCE_LIMIT, READS_LIMIT = 120.0, 120.0, 160.0, 7
CONNECTION = "78b5a036-c621-40c2-b74b-276195735af2"
DOMAIN = "mg.example.com"
READS = (
    f"domains/{DOMAIN}", f"domains/{DOMAIN}/tracking", "lists/pages", f"{DOMAIN}/bounces", f"{DOMAIN}/complaints",
    f"{DOMAIN}/unsubscribes", f"{DOMAIN}/events",
)  # fmt: skip
_A_SECOND = 1.05
"""After which the gateway's limit is as it was."""


async def bare(client: httpx2.AsyncClient, url: str) -> float:
    """Milliseconds for the reads of one preview, all at once."""
    began = time.perf_counter()
    await asyncio.gather(*(client.get(f"{url}/mailgun/v3/{path}") for path in READS))
    return (time.perf_counter() - began) * 1000


def proposal(server: Peer, number: int, recipients: int) -> float:
    """Milliseconds from the call to the question."""
    began = time.perf_counter()
    told = server.call(
        "send_message", domain=DOMAIN, to=[f"person{one}@example.net" for one in range(recipients)],
        subject=f"Number {number}", text="A paragraph as people write them. " * 20, html="<p>A paragraph.</p>" * 20,
        connection_id=CONNECTION, **{"from": f"us@{DOMAIN}"},
    )["structuredContent"]  # fmt: skip
    taken = (time.perf_counter() - began) * 1000
    if told.get("status") != "approval_required":
        raise SystemExit(f"nobody was asked: {told}")
    server.call("cancel_approval", approval_id=told["approval_id"])
    return taken


def first_calls(url: str, pem: Path, recipients: int) -> tuple[float, float, float]:
    """Milliseconds of a read right after the list, of a proposal a second later, and, in another process, of a proposal
    right after the list."""
    with peer(AS_INSTALLED, MATON_API_URL=url, SSL_CERT_FILE=str(pem)) as server:
        server.initialize()
        server.ask("tools/list")
        began = time.perf_counter()
        server.call("get_domain", domain=DOMAIN, connection_id=CONNECTION)
        read = (time.perf_counter() - began) * 1000
        time.sleep(_A_SECOND)
        after = proposal(server, 0, recipients)
    with peer(AS_INSTALLED, MATON_API_URL=url, SSL_CERT_FILE=str(pem)) as server:
        server.initialize()
        server.ask("tools/list")
        return read, after, proposal(server, 0, recipients)


def asked(client: httpx2.AsyncClient, loop: asyncio.AbstractEventLoop, url: str) -> int:
    """How many requests the service has had."""
    counted: int = json.loads(loop.run_until_complete(client.get(f"{url}/count")).content)
    return counted


def main() -> int:
    """Print the figures; 1 where a gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--delay", type=float, default=50.0, help="milliseconds that each answer takes")
    parser.add_argument("--starts", type=int, default=7, help="processes of each kind whose first calls are measured")
    parser.add_argument("--recipients", type=int, default=10)
    arguments = parser.parse_args()
    loop = asyncio.new_event_loop()
    beyond: list[float] = []
    with ExitStack() as stack:
        url, pem = stack.enter_context(slow_service(arguments.delay / 1000, CONNECTION))
        client = httpx2.AsyncClient(verify=ssl.create_default_context(cafile=str(pem)))
        server = stack.enter_context(peer(AS_INSTALLED, MATON_API_URL=url, SSL_CERT_FILE=str(pem)))
        server.initialize()
        server.ask("tools/list")
        server.call("get_domain", domain=DOMAIN, connection_id=CONNECTION)
        loop.run_until_complete(bare(client, url))
        networks = []
        for number in range(arguments.rounds + 1):
            time.sleep(_A_SECOND)
            networks.append(loop.run_until_complete(bare(client, url)))
            before = asked(client, loop, url)
            taken = proposal(server, number, arguments.recipients)
            reads = asked(client, loop, url) - before - 1
            if number:
                beyond.append(taken - networks[-1])
        loop.run_until_complete(client.aclose())
        starts = [first_calls(url, pem, arguments.recipients) for _ in range(arguments.starts)]
    # The quickest of several: whatever else the machine does falls on one half of a pair alone.
    read, after, at_once = (min(one[which] for one in starts) for which in range(3))
    first, very_first = after - min(networks), at_once - read - min(networks)
    median = statistics.median(beyond)
    good = [
        holds(median, BEYOND_LIMIT),
        holds(first, FIRST_LIMIT),
        holds(very_first, AT_ONCE_LIMIT),
        # The list of connections is looked up once a minute.
        reads <= READS_LIMIT + 1,
    ]
    told = "ok" if good[-1] else "MISSED"
    print(f"reads for {arguments.recipients} recipients: {reads}  {told} (gate <= {READS_LIMIT})")
    print(f"proposal beyond the network: {median:.0f} ms  {verdict(median, BEYOND_LIMIT)}")
    print(f"the first of a process, after a read: {first:.0f} ms  {verdict(first, FIRST_LIMIT)}")
    print(f"as the very first call, beyond a read as that: {very_first:.0f} ms  {verdict(very_first, AT_ONCE_LIMIT)}")
    return int(not all(good))


if __name__ == "__main__":
    sys.exit(main())
