"""What answers cost a model, and in which form the same answer costs least.

    python bench/answers.py

Fills a sandbox in this process with mail as people send it (other subjects, recipients, errors and times), asks for it
as a model would, and prints characters beside the limits; then the same 100 events and bounces in four forms, in
characters and in tokens (o200k, of the npm package that tokens.py uses). Exits 1 where a limit is passed.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
from peer import TOLERANCE
from tokens import CannotCount, compact, count

from maton_mailgun.call import Engine
from maton_mailgun.catalogue.rows import load
from maton_mailgun.config import Settings
from maton_mailgun.exchange import Caller, Outcome
from maton_mailgun.protocol.server import tools as listed
from maton_mailgun.runtime import engine as full_engine
from maton_mailgun.sandbox import Sandbox
from maton_mailgun.wire.gateway import Gateway

DOMAIN = "mg.example.com"
_KEY = "Basic " + b64encode(b"api:key-sandbox").decode()
_ERRORS = (
    "550 5.1.1 The email account that you tried to reach does not exist",
    "552 5.2.2 The recipient's mailbox is full",
    "550 No such user here",
    "554 5.7.1 Message rejected due to local policy",
    "550 Domain not found",
)
_SUBJECTS = (
    "Your order has been sent",
    "Our spring offers",
    "Reset your password",
    "Invoice 2026-1187",
    "Welcome, Ann",
)


async def _filled(sandbox: Sandbox) -> None:
    """120 messages to as many people, and 100 bounces."""
    pick = random.Random(7)  # noqa: S311 - which of a few words
    transport = httpx2.ASGITransport(app=sandbox.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        for number in range(120):
            form = {
                "from": f"Example Shop <shop@{DOMAIN}>",
                "to": f"{pick.choice(('ann', 'bob.smith', 'carla', 'dave_m', 'eva.lindqvist'))}{number}@example.net",
                "subject": pick.choice(_SUBJECTS),
                "text": "Hello",
                "o:tag": pick.choice(("orders", "newsletter", "accounts")),
            }
            await _made(client, f"/v3/{DOMAIN}/messages", form)
        for number in range(100):
            error = pick.choice(_ERRORS)
            bounce = {"address": f"{pick.choice('abcdef')}.person{number:02d}@example.org", "code": error[:3]}
            await _made(client, f"/v3/{DOMAIN}/bounces", {**bounce, "error": error})


async def _made(client: httpx2.AsyncClient, path: str, form: Mapping[str, str]) -> None:
    reply = await client.post(path, data=dict(form), headers={"Authorization": _KEY})
    reply.raise_for_status()


async def _told(engine: Engine, tool: str, **arguments: Any) -> Outcome:
    outcome = await engine.call(tool, arguments, Caller("bench", "bench"))
    if not isinstance(outcome, Outcome):
        raise TypeError("a client that cannot ask was asked")
    return outcome


def _forms(items: list[Any], result: Mapping[str, Any]) -> dict[str, str]:
    """The same fields as columns and rows, as objects, and as lines; and the items whole."""
    same = result.get("in_all_rows", {})
    objects = [
        {**same, **{name: cell for name, cell in zip(result["columns"], row, strict=True) if cell is not None}}
        for row in result["rows"]
    ]
    lines = "\n".join(" | ".join("" if cell is None else str(cell) for cell in row) for row in result["rows"])
    return {
        "the service's items": compact(items),
        "objects": compact(objects),
        "columns and rows": compact(result),
        "lines": compact({**result, "rows": lines}),
    }


async def _answers(home: Path) -> tuple[dict[str, tuple[int, int]], dict[str, dict[str, str]]]:
    sandbox = Sandbox()
    await _filled(sandbox)
    settings = Settings(api_key="sandbox-maton-key", api_url="http://127.0.0.1:9", home=home, page=False)
    engine = Engine(settings, load(), Gateway(settings, httpx2.ASGITransport(app=sandbox.app)))
    here = {"domain": DOMAIN}
    letter = {**here, "from": f"a@{DOMAIN}", "to": ["ann@example.net"], "subject": "Hello", "text": "See you at ten."}
    told = {
        "100 events": (await _told(engine, "list_events", **here, limit=100), 16_000),
        "100 bounces": (await _told(engine, "list_bounces", **here, limit=100), 6_000),
        "a domain": (await _told(engine, "get_domain", **here), 2_500),
        "bounces by code": (await _told(engine, "list_bounces", **here, count_by="code"), 500),
        "a question about one line": (await _told(engine, "send_message", **letter), 1_400),
    }
    forms = {}
    for tool, name in (("list_events", "100 events"), ("list_bounces", "100 bounces")):
        items = (await _told(engine, tool, **here, limit=20, fields="all")).content["result"]["items"]
        result = (await _told(engine, tool, **here, limit=20)).content["result"]
        forms[f"{name}, the first 20"] = _forms(items, result)
    await engine.aclose()
    return {name: (len(outcome.text), limit) for name, (outcome, limit) in told.items()}, forms


def _lists() -> dict[str, tuple[int, int]]:
    found = {}
    # 35,500 for the operations that were asked for with three tools about approvals; the fourth came later.
    for name, toolsets, limit in (("the list of tools", None, 36_000), ("the list of all tools", ("all",), 57_000)):
        shown = listed(full_engine(Settings(toolsets=toolsets)))
        parts = [compact({key: tool[key] for key in ("name", "description", "inputSchema")}) for tool in shown]
        found[f"{name} ({len(shown)})"] = (sum(map(len, parts)), limit)
    return found


def main() -> int:
    """Print the figures; 1 when a limit is passed."""
    with tempfile.TemporaryDirectory() as folder:
        sizes, forms = asyncio.run(_answers(Path(folder)))
    sizes |= _lists()
    for name, (size, limit) in sizes.items():
        print(f"{name:<28} {size:>7,} characters (limit {limit:,}){'' if size <= limit * TOLERANCE else '  PASSED'}")
    for name, texts in forms.items():
        print(f"{name}:")
        try:
            tokens: list[int] | list[str] = count(list(texts.values()))
        except CannotCount as reason:
            tokens = [f"not counted: {reason}"] * len(texts)
        for (form, text), cost in zip(texts.items(), tokens, strict=True):
            print(f"  {form:<22} {len(text):>7,} characters  {cost:>6} tokens")
    return int(any(size > limit * TOLERANCE for size, limit in sizes.values()))


if __name__ == "__main__":
    sys.exit(main())
