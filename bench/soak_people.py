"""Who is at work in soak.py: agents of both protocol eras, one person at the approval page, and what they remember."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

_CALL_SECONDS = 60.0
_TRIES = 40
"""Of one proposal, with a pause between: a replica is away for some seconds."""
_READS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("list_domains", {}),
    ("get_domain", {"domain": "mg.example.com"}),
    ("list_events", {"domain": "mg.example.com", "limit": 5}),
    ("list_approvals", {"limit": 5}),
)


@dataclass
class Ledger:
    """What agents and the person know they did; compared with the database and the upstream at the end."""

    subjects: dict[str, str] = field(default_factory=dict)
    """Approval -> the subject of its message."""
    yes: set[str] = field(default_factory=set)
    """Approvals whose yes was acknowledged."""
    yes_perhaps: set[str] = field(default_factory=set)
    """Approvals whose yes was sent, and the answer to it lost."""
    no: set[str] = field(default_factory=set)
    """Approvals whose no was acknowledged."""
    told: dict[str, str] = field(default_factory=dict)
    """Approval -> the last status its agent was told."""
    counts: Counter[str] = field(default_factory=Counter)


class Agent:
    """A client that reads, proposes a message, follows it, and goes to the other replica when one is gone.

    Args:
        number: Its own.
        legacy: Whether it speaks 2025-11-25, which keeps a session.
        addresses: Where the replicas are.
    """

    def __init__(self, number: int, *, legacy: bool, addresses: list[str], ledger: Ledger, pause: float) -> None:
        self._legacy = legacy
        self._addresses = addresses
        self._ledger = ledger
        self._pause = pause
        self._random = random.Random(number)  # noqa: S311 - which replica, which read
        self._name = f"{'earlier' if legacy else 'modern'}-{number}"
        self._made = 0
        self._open: str | None = None
        """The subject whose proposal has no answer yet: it is proposed again until it has."""

    async def work(self, until: float) -> None:
        """Do one thing after another until then; what breaks on the way is counted, and tried again."""
        while time.monotonic() < until:
            address = self._random.choice(self._addresses)
            try:
                await asyncio.wait_for(self._visit(address, until), _CALL_SECONDS * 2)
            except asyncio.CancelledError:
                raise
            except BaseException as problem:
                self._ledger.counts[f"broken off: {_kind(problem)}"] += 1
                await asyncio.sleep(self._pause)

    async def _visit(self, address: str, until: float) -> None:
        async with (
            httpx2.AsyncClient(timeout=_CALL_SECONDS, trust_env=False) as http,
            Client(
                streamable_http_client(f"{address}/mcp", http_client=http), mode="legacy" if self._legacy else "auto"
            ) as client,
        ):
            for _ in range(self._random.randint(1, 5)):
                if time.monotonic() >= until and self._open is None:
                    return
                await self._read(client)
                await self._propose(client)

    async def _read(self, client: Client) -> None:
        tool, arguments = self._random.choice(_READS)
        told = await self._call(client, tool, arguments)
        self._ledger.counts[f"reads: {'error' if told.get('status') == 'error' else 'answered'}"] += 1

    async def _propose(self, client: Client) -> None:
        if self._open is None:
            self._made += 1
            self._open = f"{self._name} {self._made}"
            self._ledger.counts["proposals"] += 1
        message = {
            "domain": "mg.example.com", "from": "desk@mg.example.com", "to": ["reader@example.net"],
            "subject": self._open, "text": "One of many.",
        }  # fmt: skip
        for _ in range(_TRIES):
            told = await self._call(client, "send_message", message)
            approval_id = told.get("approval_id")
            if approval_id is not None:
                break
            # The account could not be looked at, or too much waits: nothing was proposed.
            self._ledger.counts[f"not proposed: {told.get('error', {}).get('kind', told.get('status'))}"] += 1
            await asyncio.sleep(self._pause)
        else:
            return
        self._ledger.subjects[approval_id] = self._open
        self._ledger.told[approval_id] = str(told["status"])
        self._open = None
        if self._random.random() < 0.05:
            told = await self._call(client, "cancel_approval", {"approval_id": approval_id})
            self._ledger.counts["withdrawn"] += told.get("status") == "cancelled"
        for _ in range(10):
            told = await self._call(client, "get_approval", {"approval_id": approval_id, "wait_seconds": 4})
            self._ledger.told[approval_id] = str(told.get("status"))
            if told.get("status") not in ("approval_required", "approved", "error"):
                break

    async def _call(self, client: Client, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(self._random.uniform(0.5, 1.5) * self._pause)
        began = time.monotonic()
        result = await asyncio.wait_for(client.call_tool(tool, dict(arguments)), _CALL_SECONDS)
        self._ledger.counts["calls"] += 1
        self._ledger.counts["calls over 50 s"] += time.monotonic() - began > 50
        return dict(result.structured_content or {})


class Approver:
    """A person at the page of whichever replica answers: looks at all that waits and says yes, to one in ten no."""

    def __init__(self, addresses: list[str], ledger: Ledger, passphrase: str) -> None:
        self._addresses = addresses
        self._ledger = ledger
        self._passphrase = passphrase
        self._random = random.Random(0)  # noqa: S311 - which replica, which answer
        self._keys: dict[str, str] = {}
        self._clients = {
            # On this machine the page has a name of its own for each start; any name of this machine will do.
            address: httpx2.AsyncClient(base_url=f"{address}/approvals", timeout=10, trust_env=False)
            for address in addresses
        }

    async def work(self, going_on: Callable[[], bool]) -> None:
        """Decide as long as that says so."""
        while going_on():
            address = self._random.choice(self._addresses)
            try:
                await self._look(address)
            except (httpx2.HTTPError, OSError) as problem:
                self._ledger.counts[f"page away: {_kind(problem)}"] += 1
            await asyncio.sleep(0.5)
        for client in self._clients.values():
            await client.aclose()

    async def _look(self, address: str) -> None:
        client = self._clients[address]
        listed = await client.get("/api/approvals", headers=self._key(address))
        if listed.status_code == 401:
            # A replica that was started again knows no session of before.
            await self._sign_in(address)
            return
        if listed.status_code != 200:
            self._ledger.counts[f"page answered {listed.status_code}"] += 1
            return
        for summary in listed.json()["pending"]:
            await self._decide(address, summary["id"])

    async def _sign_in(self, address: str) -> None:
        client = self._clients[address]
        client.cookies.clear()
        answer = await client.post("/api/session", json={"passphrase": self._passphrase}, headers={"Origin": address})
        if answer.status_code == 200:
            self._keys[address] = answer.json()["key"]
            self._ledger.counts["sign-ins"] += 1
        else:
            self._ledger.counts[f"sign-in answered {answer.status_code}"] += 1

    async def _decide(self, address: str, approval_id: str) -> None:
        client, key = self._clients[address], self._key(address)
        if approval_id in self._ledger.yes | self._ledger.no:
            return
        at = f"/api/approvals/{approval_id}"
        await client.get(at, headers=key)
        await client.post(f"{at}/shown", json={}, headers=key)
        await client.get(f"{at}/message", headers=key)
        shown = (await client.get(at, headers=key)).json()
        if "status" not in shown or shown["status"]["state"] != "pending":
            return
        approve = self._random.random() > 0.1
        decision = {
            "decision": "approve" if approve else "reject",
            "digest": shown["digest"],
            "version": shown["status"]["version"],
            "reason": "",
        }
        if approve:
            self._ledger.yes_perhaps.add(approval_id)
        answer = await client.post(f"{at}/decision", json=decision, headers=key)
        if answer.status_code == 200:
            (self._ledger.yes if approve else self._ledger.no).add(approval_id)
            self._ledger.counts["decided at the page"] += 1
        else:
            self._ledger.counts[f"decision answered {answer.status_code}"] += 1

    def _key(self, address: str) -> dict[str, str]:
        return {"X-Approval-Key": self._keys.get(address, ""), "Origin": address}


def _kind(problem: BaseException) -> str:
    while isinstance(problem, BaseExceptionGroup):
        problem = problem.exceptions[0]
    return type(problem).__name__
