"""`maton-mailgun demo`: the main job in a terminal, without a key.

The sandbox on a real port, the real server as a child process over stdio, a real MCP client in front. Whoever looks on
is the person at the gate; what really happened is counted at the sandbox, not taken from the server's word.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mcp_types as types
from mcp import Client
from mcp.client.context import ClientRequestContext
from mcp.client.stdio import StdioServerParameters, stdio_client

from maton_mailgun.catalogue.as_meant import unmarked
from maton_mailgun.cli.ask import answer, at_a_terminal, choice
from maton_mailgun.cli.exit_status import FAILED
from maton_mailgun.cli.screen import Screen
from maton_mailgun.config import SANDBOX_KEY
from maton_mailgun.own_command import own_command
from maton_mailgun.sandbox import Sandbox, serve

DOMAIN = "mg.example.com"
MESSAGE: Mapping[str, Any] = {
    "domain": DOMAIN,
    "from": "Support <support@mg.example.com>",
    "to": ["ada@example.org"],
    "bcc": ["quiet@example.net"],
    "subject": "Your invoice for November",
    "text": "Hello Ada,\n\nyour invoice is ready in your account.\n\nThe support team",
    "tags": ["invoice"],
}
BOUNCE: Mapping[str, Any] = {"domain": DOMAIN, "address": "gone@example.net"}
_SECONDS = 60.0


@dataclass
class Count:
    """What arrived at the sandbox that was no read, and what lies in its outbox."""

    writes: int
    messages: int


@dataclass
class Demonstration:
    """One run: who answers, what was answered, and whether everything held."""

    screen: Screen
    sandbox_url: str
    asks_person: bool
    scripted: list[str] = field(default_factory=lambda: ["approve", "reject"])
    decisions: list[str] = field(default_factory=list)
    held: bool = True

    async def ask(self, context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
        """The client's side of the question: show it, and let the person (or the script) answer."""
        first, _, rest = params.message.partition("\n")
        if self.screen.fancy:
            # The form's own folds, after which it goes on eight columns in: the box folds for itself.
            rest = rest.replace("\n" + " " * 8, "")
        self.screen.panel(first, rest.split("\n"))
        proposed = self.scripted[len(self.decisions) % len(self.scripted)]
        if self.asks_person:
            decision = await answer(lambda: choice("Your decision", ("approve", "reject")))
        else:
            decision = proposed
            self.screen.line(f"Your decision: {decision} (answered for you)", "strong")
        self.decisions.append(decision)
        return types.ElicitResult(action="accept", content={"decision": decision})

    def check(self, true: bool, text: str) -> None:
        """Say what was counted, and remember if it is not as promised."""
        self.held = self.held and true
        self.screen.outcome("good" if true else "bad", text)

    async def count(self) -> Count:
        """Ask the sandbox itself."""
        requests = (await self._look("requests"))["requests"]
        messages = (await self._look("messages"))["messages"]
        return Count(sum(request["method"] != "GET" for request in requests), len(messages))

    async def _look(self, name: str) -> Any:
        def get() -> Any:
            # No proxy: the sandbox is on this machine, whatever the environment says.
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(f"{self.sandbox_url}/_sandbox/{name}", timeout=10) as reply:
                return json.load(reply)

        return await asyncio.to_thread(get)


def run(arguments: argparse.Namespace) -> int:
    """Run the demonstration. Returns 0 only if every step held."""
    screen = Screen()
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="maton-mailgun-demo-", ignore_cleanup_errors=True) as home,
        serve(Sandbox()) as sandbox,
        (Path(home) / "server.log").open("w+", encoding="utf-8") as log,
    ):
        person = not arguments.yes and at_a_terminal()
        shown = Demonstration(screen, sandbox.url, asks_person=person)
        screen.line("maton-mailgun demo: nothing leaves this machine, and no key is needed", "accent")
        if not person and not arguments.yes:
            screen.line("no terminal: answering for you, as with --yes", "warn")
        parameters = StdioServerParameters(
            command=sys.executable,
            args=["-P", "-m", "maton_mailgun", "serve"],
            env={
                "MATON_API_KEY": SANDBOX_KEY,
                "MATON_API_URL": sandbox.url,
                "MATON_MAILGUN_HOME": str(Path(home) / "state"),
                "MATON_MAILGUN_PAGE": "false",
            },
        )
        try:
            asyncio.run(_show(shown, parameters, log))
        except Exception as problem:
            log.seek(0)
            shown.check(False, f"The demonstration broke off: {_told(problem)}")
            screen.lines(log.read().splitlines()[-20:], "quiet")
    screen.line()
    seconds = time.monotonic() - began
    if not shown.held:
        screen.outcome("bad", f"Not everything held ({seconds:.1f} s).")
        return FAILED
    screen.outcome(
        "good", f"Everything held ({seconds:.1f} s). Nothing was written without a yes, and one yes was one write."
    )
    screen.line(
        f"Next: {own_command('install HOST')} puts the server into your assistant; "
        f"{own_command('doctor')} checks the rest.",
        "quiet",
    )
    return 0


async def _show(demo: Demonstration, parameters: StdioServerParameters, log: Any) -> None:
    me = types.Implementation(name="maton-mailgun demo", version="1")
    transport = stdio_client(parameters, errlog=log)
    async with (
        asyncio.timeout(None if demo.asks_person else _SECONDS),
        Client(transport, elicitation_callback=demo.ask, client_info=me) as client,
    ):
        tools = (await client.list_tools()).tools
        demo.screen.line(f"  sandbox  {demo.sandbox_url} (Maton and Mailgun, in memory)")
        demo.screen.line(f"  server   maton-mailgun over stdio, MCP {client.protocol_version}, {len(tools)} tools")
        await _sending(demo, client)
        await _deleting(demo, client)


async def _sending(demo: Demonstration, client: Client) -> None:
    screen = demo.screen
    screen.heading("1. The assistant wants to send a message: send_message")
    before = await demo.count()
    result = _content(await client.call_tool("send_message", dict(MESSAGE)))
    after = await demo.count()
    sent = after.messages - before.messages
    writes = after.writes - before.writes
    if demo.decisions[-1:] != ["approve"]:
        demo.check(result.get("executed") is False, f"Not executed: {result.get('status')}.")
        demo.check(
            (writes, sent) == (0, 0), f"The sandbox counted {writes} writes and {sent} messages: nothing happened."
        )
        return
    answered = result.get("result", {})
    demo.check(result.get("status") == "executed", f"Executed: {answered.get('message')} {answered.get('id')}")
    demo.check(
        (writes, sent) == (1, 1),
        f"The sandbox counted {writes} write and {sent} message in its outbox: sent exactly once.",
    )
    screen.heading("2. What became of it: list_events")
    message_id = str(answered.get("id", "")).strip("<>")
    found = _content(
        await client.call_tool("list_events", {"domain": DOMAIN, "message_id": message_id, "fields": "all"})
    )
    events = found.get("result", {}).get("items", [])
    screen.table(("event", "recipient", "reason"), [(e["event"], e["recipient"], _reason(e)) for e in reversed(events)])
    delivered = any(event["event"] == "delivered" for event in events)
    demo.check(delivered, f"{len(events)} events, delivered to {MESSAGE['to'][0]}.")


async def _deleting(demo: Demonstration, client: Client) -> None:
    demo.screen.heading("3. The assistant wants to delete a bounce entry: delete_bounce")
    before = await demo.count()
    result = _content(await client.call_tool("delete_bounce", dict(BOUNCE)))
    writes = (await demo.count()).writes - before.writes
    entry = _content(await client.call_tool("get_bounce", dict(BOUNCE))).get("result", {})
    there = entry.get("bounced") is not False
    if demo.decisions[-1:] == ["approve"]:
        demo.check(result.get("status") == "executed", "Executed, because you approved it.")
        demo.check((writes, there) == (1, False), f"The sandbox counted {writes} write, and the entry is gone.")
        return
    demo.check(result.get("executed") is False, f"Not executed: {result.get('status')}.")
    demo.check(
        (writes, there) == (0, True),
        f"The sandbox counted {writes} writes, and the entry is still there: nothing happened.",
    )


def _content(result: types.CallToolResult) -> Mapping[str, Any]:
    return result.structured_content or {}


def _reason(event: Mapping[str, Any]) -> str:
    status = event.get("delivery-status") or {}
    said = str(status.get("description") or status.get("message") or "")
    return unmarked(said) if event["event"] == "failed" else ""


def _told(problem: BaseException) -> str:
    """The innermost cause; task groups wrap what happened."""
    with suppress(AttributeError, IndexError):
        while True:
            problem = problem.exceptions[0]  # type: ignore[attr-defined]
    return f"{type(problem).__name__}: {problem}"
