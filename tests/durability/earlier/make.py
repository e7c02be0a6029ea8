"""Makes the databases that stand beside this file: what a version left behind, with an approval in every state.

Run by the version that is to leave them behind, in a checkout of it: it imports what `attacks.bench` offers there and
nothing that has moved since. The databases of eab1afb were made there with

    PYTHONPATH=tests python make.py DIRECTORY --database-url postgresql://…

where the URL is of an empty database; `pg_dump` must be installed. The key is made for this alone and guards nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import re
import sqlite3
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from attacks.bench import DOMAIN, LETTER, ME, Clock, Desk, House, decide, structured
from maton_mailgun.sandbox import Sandbox

BEGAN = 1_795_392_999.0
"""The clock of the installation, which stands still until it is told."""
TEST_KEY = {name: hashlib.sha256(f"test key: {name}".encode()).hexdigest() for name in ("seal", "state")}
_OF_THE_SESSION = re.compile(r"^(SET |SELECT pg_catalog|--|\\).*\n|^\n+", re.MULTILINE)


async def proposed(house: House, tool: str, **arguments: Any) -> str:
    """The id of a question that waits."""
    async with house.client() as client:
        told = structured(await client.call_tool(tool, {"domain": DOMAIN, **arguments}))
    approval_id: str = told["approval_id"]
    return approval_id


async def approved(house: House, approval_id: str) -> Any:
    """Somebody said yes, and no process has taken it up yet."""
    store, now = house.gate.store, house.clock()
    record = await house.gate.get(approval_id)
    assert record is not None
    return await store.move(
        record, "approved", actor="ann", decided_at=now, decided_by="ann", channel="cli", expires_at=now + 300.0
    )


async def in_every_state(desk: Desk, house: House) -> dict[str, str]:
    """Propose, decide, carry out and give up; the approvals by what became of them."""
    made = {"expired": await proposed(house, "send_message", **{**LETTER, "subject": "Too late"})}
    desk.clock.let_pass(3_600.0)
    await house.gate.store.sweep()

    made["succeeded"] = await proposed(house, "send_message", **LETTER)
    await decide(house, made["succeeded"])
    made["failed"] = await proposed(house, "add_unsubscribe", address="refused@example.net")
    desk.arm("", fault={"status": 400, "body": {"message": "not an address we take"}})
    await decide(house, made["failed"])
    desk.sandbox.faults.clear()
    made["rejected"] = await proposed(house, "delete_domain")
    await decide(house, made["rejected"], approve=False, reason="Not this one")
    made["cancelled"] = await proposed(house, "add_bounce", address="withdrawn@example.net")
    await house.gate.cancel(made["cancelled"], ME)
    made["stale"] = await proposed(house, "update_open_tracking", active=True)
    other = await proposed(house, "update_unsubscribe_tracking", active=True)
    made["succeeded, another tool"] = other
    await decide(house, other)
    await decide(house, made["stale"])
    desk.clock.let_pass(60.0)

    made["pending"] = await proposed(house, "send_message", **{**LETTER, "subject": "Still a question"})
    made["pending, schema unchanged"] = await proposed(house, "add_complaint", address="asked@example.net")
    made["approved"] = await proposed(house, "send_message", **{**LETTER, "subject": "Said yes to"})
    made["approved, schema unchanged"] = await proposed(house, "add_bounce", address="said.yes@example.net")
    made["executing"] = await proposed(house, "send_message", **{**LETTER, "subject": "Died on the way"})
    made["unknown"] = await proposed(house, "send_message", **{**LETTER, "subject": "Never heard of"})
    desk.arm("drop_after")
    desk.arm("items_null", match={"path_regex": "events.message-id"}, times=9)
    await decide(house, made["unknown"])
    for name in ("approved", "approved, schema unchanged", "executing"):
        record = await approved(house, made[name])
        if name == "executing":
            await house.gate.store.claim(record, actor="gate", lease_seconds=60.0, message_id=f"died@{DOMAIN}")
    return made


async def left_behind(home: Path, database_url: str | None) -> dict[str, Any]:
    """Fill a database; what was told of each approval in the end."""
    (home / "keys.json").write_text(json.dumps(TEST_KEY) + "\n", encoding="ascii")
    (home / "keys.json").chmod(0o600)
    clock = Clock()
    clock.now = BEGAN
    desk = Desk(home, Sandbox(clock=clock), clock)
    async with desk.open(database_url=database_url) as house:
        house.gate._watcher.cancel()  # type: ignore[attr-defined]  # it would take up what is to stay approved
        made = await in_every_state(desk, house)
        told: dict[str, dict[str, Any]] = {}
        async with house.client() as client:
            for name, approval_id in made.items():
                record = await house.gate.get(approval_id)
                assert record is not None
                told[name] = {"id": approval_id, "state": record.state}
                if record.state not in ("approved", "executing"):  # asking after these would carry them out, or wait
                    answer = structured(await client.call_tool("get_approval", {"approval_id": approval_id}))
                    told[name]["told"] = answer
    return {"at": clock(), "approvals": told}


def dumped(url: str) -> str:
    """Our tables as SQL that goes into whatever schema it is read in."""
    command = ["pg_dump", "--inserts", "--no-owner", "--no-privileges", "--table=maton_mailgun_*", url]
    whole = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return _OF_THE_SESSION.sub("", whole).replace("public.", "")


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--database-url", required=True)
    given = parser.parse_args()
    os.umask(0o077)
    facts = {}
    with tempfile.TemporaryDirectory() as home:
        facts["sqlite"] = asyncio.run(left_behind(Path(home), None))
        database = sqlite3.connect(Path(home) / "approvals.sqlite")
        target = given.directory / "approvals.sqlite"
        target.unlink(missing_ok=True)
        database.execute("VACUUM INTO ?", (str(target),))
        database.close()
    with tempfile.TemporaryDirectory() as home:
        facts["postgres"] = asyncio.run(left_behind(Path(home), given.database_url))
    (given.directory / "approvals.sql").write_text(dumped(given.database_url), encoding="utf-8")
    (given.directory / "told.json").write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    (given.directory / "test_key.json").write_text(json.dumps(TEST_KEY) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
