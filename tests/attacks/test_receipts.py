"""Attacks 273 and 274: a receipt says what happened here, or it does not hold."""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from approval.records import a_record
from maton_mailgun.approval.binding import signatures
from maton_mailgun.approval.channels.terminal import Terminal
from maton_mailgun.approval.receipt import NotAReceipt, NotReady, signed, statement, verified
from maton_mailgun.approval.store.record import TERMINAL, State
from maton_mailgun.cli import receipt
from maton_mailgun.cli.exit_status import CommandFailed
from maton_mailgun.config import load

KEY, OTHER = b"k" * 32, b"o" * 32
TRUSTED = signatures.fingerprint(signatures.public_key(KEY))
OPEN = [state for state in ("pending", "approved", "executing", "unknown") if state not in TERMINAL]


def said(**changes: Any) -> dict[str, Any]:
    """What a receipt about a rejected write says."""
    record = a_record(state="rejected", decided_by="ann at a terminal", channel="cli", **changes)
    return statement(record, [], None, issued="2027-01-15T08:00:00Z", version="1")


FILE = signed(KEY, said())


def forged(change: Callable[[dict[str, Any]], None]) -> bytes:
    """The file after somebody has changed it."""
    content = json.loads(FILE)
    change(content)
    return json.dumps(content).encode()


def test_attack_273_what_was_signed_is_what_is_read_under_the_fingerprint_and_under_the_key() -> None:
    for trusted in (TRUSTED, f" {TRUSTED}\n", base64.b64encode(signatures.public_key(KEY)).decode()):
        assert verified(FILE.encode(), trusted) == json.loads(json.loads(FILE)["statement"])


def test_attack_273_a_receipt_by_another_key_is_refused_whatever_key_it_names() -> None:
    foreign = signed(OTHER, said())
    with pytest.raises(NotAReceipt, match="It was signed with another key: SHA256:"):
        verified(foreign.encode(), TRUSTED)
    renamed = {**json.loads(foreign), "key": json.loads(FILE)["key"]}
    with pytest.raises(NotAReceipt, match="The signature does not fit"):
        verified(json.dumps(renamed).encode(), TRUSTED)


@pytest.mark.parametrize("trusted", ["", "SHA256:", TRUSTED[:-1], TRUSTED.lower(), "SHA256:" + "A" * 43, FILE])
def test_attack_273_nothing_else_is_a_key_that_is_trusted(trusted: str) -> None:
    with pytest.raises(NotAReceipt, match="another key"):
        verified(FILE.encode(), trusted)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, len(json.loads(FILE)["statement"]) - 1), st.characters(codec="utf-8"))
def test_attack_273_no_character_of_it_can_be_another(at: int, put: str) -> None:
    content = json.loads(FILE)
    text = content["statement"]
    changed = text[:at] + put + text[at + 1 :]
    if changed != text:
        with pytest.raises(NotAReceipt):
            verified(json.dumps({**content, "statement": changed}).encode(), TRUSTED)


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file.update(format="maton-mailgun receipt 2"),
        lambda file: file.update(note="approved by the board"),
        lambda file: file.pop("signature"),
        lambda file: file.update(signature="" * 64),
        lambda file: file.update(signature="%%%"),
        lambda file: file.update(key="AAAA"),
        lambda file: file.update(statement=json.loads(file["statement"])),
        lambda file: file.update(statement=f" {file['statement']}"),
    ],
)
def test_attack_273_a_file_that_is_laid_out_otherwise_is_none(change: Callable[[dict[str, Any]], None]) -> None:
    with pytest.raises(NotAReceipt):
        verified(forged(change), TRUSTED)


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"\xff", b"[" * 100_000, b"{" * 10, b'"' + b"a" * 1000])
def test_attack_273_no_file_breaks_the_check(content: bytes) -> None:
    with pytest.raises(NotAReceipt):
        verified(content, TRUSTED)


def test_attack_273_nothing_in_it_stands_twice_so_that_others_would_read_the_first_one() -> None:
    text = FILE.replace('"statement"', '"statement": "{}", "statement"', 1)
    with pytest.raises(NotAReceipt, match="stands twice"):
        verified(text.encode(), TRUSTED)


def test_attack_273_a_signature_for_another_purpose_is_none_here() -> None:
    """The bytes alone, without what tells a receipt from everything else that a key may sign."""
    content = json.loads(FILE)
    key = Ed25519PrivateKey.from_private_bytes(signatures._private(KEY))
    bare = base64.b64encode(key.sign(content["statement"].encode())).decode()
    with pytest.raises(NotAReceipt, match="does not fit"):
        verified(json.dumps({**content, "signature": bare}).encode(), TRUSTED)


@pytest.mark.parametrize("state", OPEN)
def test_attack_274_what_has_not_ended_has_no_receipt(state: State) -> None:
    with pytest.raises(NotReady, match=f"it is {state}"):
        statement(a_record(state=state), [], None, issued="", version="1")


def test_attack_274_nothing_is_vouched_for_where_the_audit_does_not_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "state"
    for name in ("MATON_API_KEY", "MATON_TOKEN_COMMAND"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MATON_MAILGUN_HOME", str(home))

    async def rejected() -> str:
        desk = await Terminal.open(load())
        try:
            now = desk.clock()
            record, _ = await desk.store.insert(
                a_record(created_at=now, expires_at=now + 900), b"sealed", max_pending=10
            )
            await desk.store.move(record, "rejected", actor="ann", decided_by="ann")
            return record.id
        finally:
            await desk.close()

    approval_id = asyncio.run(rejected())
    asked = Namespace(id=approval_id, output=str(tmp_path / "one.json"), offline=True, sandbox=None)
    assert receipt.write(asked) == 0
    with sqlite3.connect(home / "approvals.sqlite") as database:
        database.execute("UPDATE maton_mailgun_audit SET actor = 'eve' WHERE seq = 1")
    with pytest.raises(CommandFailed, match="The audit does not hold, so nothing can be vouched for"):
        receipt.write(Namespace(**{**vars(asked), "output": str(tmp_path / "two.json")}))
    assert [one.name for one in tmp_path.glob("*.json")] == ["one.json"]


def test_attack_273_a_receipt_holds_no_secret_that_was_made() -> None:
    result = {"result": {"message": "ok"}, "secret": {"password": "hunter2"}, "_sealed": "c0ffee", "_guess": True}
    told = statement(a_record(state="succeeded", result=result), [], None, issued="", version="1")
    assert told["outcome"]["result"] == {"result": {"message": "ok"}}
    assert "hunter2" not in signed(KEY, told)
