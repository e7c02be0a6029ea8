"""Attack 103: on what is kept, and on what is to be forgotten."""

from __future__ import annotations

import base64
import json
import quopri
from collections.abc import Callable
from dataclasses import replace
from email.header import Header
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client

from approval.records import a_record
from maton_mailgun.approval.channels import view
from maton_mailgun.approval.lifecycle import forget
from maton_mailgun.approval.lifecycle.keep import Retention
from maton_mailgun.approval.store import audit
from maton_mailgun.approval.store.failures import IllegalMove, Tampered
from maton_mailgun.approval.store.record import State
from maton_mailgun.approval.store.upkeep import EMPTIED
from maton_mailgun.mail.mentions import Mentions

from .bench import LETTER, Desk, decide, structured

pytestmark = pytest.mark.anyio

DAY = 86_400.0
WHO = "ann at a terminal"


async def ask(client: Client, **changes: object) -> str:
    """Propose a letter. Returns the approval's id."""
    found: str = structured(await client.call_tool("send_message", {**LETTER, **changes}))["approval_id"]
    return found


# 103: what is kept ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["pending", "approved", "executing", "unknown"])
async def test_attack_103_nothing_open_or_unknown_is_removed_however_old(desk: Desk, state: State) -> None:
    """A write that may have happened would be forgotten, and proposed again."""
    async with desk.open() as house:
        store = house.gate.store
        later = store.clock() + 900 * DAY
        asked = a_record(created_at=store.clock(), expires_at=later)
        record = (await store.insert(asked, b"sealed", max_pending=1))[0]
        if state != "pending":
            record = await store.move(record, "approved", actor="ann", decided_at=store.clock(), expires_at=later)
        if state in ("executing", "unknown"):
            record = await store.claim(record, actor="gate", lease_seconds=900 * DAY)
        if state == "unknown":
            record = await store.move(record, "unknown", actor="gate")
        desk.clock.let_pass(400 * DAY)
        assert await Retention(house.gate.services).step() == 0
        assert await store.get(record.id) == record


async def test_attack_103_a_record_that_was_removed_and_put_back_into_its_table_is_never_carried_out(
    desk: Desk,
) -> None:
    """An approved row is copied aside, and put back once the write was done, finished, old and removed."""
    async with desk.open() as house, house.client() as client:
        approval_id = await ask(client)
        await decide(house, approval_id)
        desk.intrude("CREATE TABLE aside AS SELECT * FROM maton_mailgun_approvals")
        copied = await house.gate.get(approval_id)
        desk.clock.let_pass(91 * DAY)
        assert await Retention(house.gate.services).step() == 1
        desk.intrude("INSERT INTO maton_mailgun_approvals SELECT * FROM aside")
        assert copied is not None
        with pytest.raises(Tampered):
            await house.gate.store.claim(replace(copied, state="approved"), actor="gate", lease_seconds=60)
        verdict = await audit.verify(house.gate.store)
    assert (verdict.ok, len(desk.writes())) == (False, 1)


# 103: what is forgotten -------------------------------------------------------------------------------------------

ADDRESS = "ann.o'neil@bücher.example"
MIME = (
    "From: {0}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\nContent-Transfer-Encoding: {1}\r\n\r\n{2}\r\n--b--"
)


def _b64(text: str) -> str:
    return base64.encodebytes(text.encode()).decode()


def _qp(text: str) -> str:
    return quopri.encodestring(text.encode()).decode().replace("'", "=27").replace("@", "=40")


SPELLED = {
    "as it is": ADDRESS,
    "capitals": ADDRESS.upper(),
    "its ASCII domain": "Ann.O'Neil@XN--BCHER-KVA.example",
    "a path": f"/v3/lists/x/members/{quote(ADDRESS, safe='')}",
    "a reference of HTML": f"<a href=mailto:{ADDRESS.replace('@', '&#64;')}>",
    "recipient variables": {"recipient-variables": json.dumps({ADDRESS: {"n": 1}})},
    "recipient variables in JSON in JSON": json.dumps({"v": json.dumps({ADDRESS.replace("@", "\\u0040"): {}})}),
    "the base64 of MIME": MIME.format("x@y.example", "base64", _b64("x" * 50 + f"\nTo: {ADDRESS}\n")).encode(),
    "the quoted-printable of MIME": MIME.format("x@y.example", "quoted-printable", _qp(ADDRESS)).encode(),
    "an encoded word": f"To: {Header(ADDRESS, 'utf-8').encode()}",
    "two encoded words": "=?utf-8?q?ann=2Eo=27neil=40b=C3=BCcher?= =?utf-8?q?=2Eexample?=",
    "base64 in base64": _b64(MIME.format("x@y.example", "base64", _b64(ADDRESS))),
    "a data address": f"data:text/plain;base64,{base64.b64encode(ADDRESS.encode()).decode()}",
    "UTF-16": f"To: {ADDRESS.replace('ü', 'u').replace('bucher', 'xn--bcher-kva')}".encode("utf-16"),
    "deep in an answer": {"items": [{"recipient": ["x", {"to": f"Ann <{ADDRESS}>"}]}]},
    "a name of a value": {f"k {ADDRESS}": 1},
}
OTHERS = [
    "joann.o'neil@bücher.example",
    f"{ADDRESS}.au",
    "ann.o'neil@bücher.example-shop.com",
    "ann.oneil@bücher.example",
]


@pytest.mark.parametrize("spelled", SPELLED)
def test_attack_103_an_address_is_found_however_it_is_spelled(spelled: str) -> None:
    assert Mentions.of(ADDRESS).stand_in(SPELLED[spelled])


@pytest.mark.parametrize("other", OTHERS)
def test_somebody_elses_address_is_another_one(other: str) -> None:
    assert not Mentions.of(ADDRESS).stand_in([other, _b64(other), quote(other)])


_ENCODINGS: dict[str, Callable[[str], str]] = {
    "json": json.dumps,
    "percent": lambda text: quote(text, safe=""),
    "base64": _b64,
    "quoted-printable": _qp,
}


@given(st.lists(st.sampled_from(sorted(_ENCODINGS)), max_size=3))
def test_attack_103_an_address_is_found_under_any_three_encodings(encodings: list[str]) -> None:
    text = "To: bob@example.net, and more words"
    for name in encodings:
        text = _ENCODINGS[name](text)
    assert Mentions.of("Bob@Example.net").stand_in(text)


async def test_attack_103_what_waits_runs_or_is_unknown_is_never_emptied(desk: Desk) -> None:
    """What a person still decides about, or what may have happened, must stay as it was shown."""
    async with desk.open() as house:
        store, found = house.gate.store, forget.About()
        for number, state in enumerate(("pending", "approved", "executing", "unknown")):
            about = {"digest": f"sha256:{number:064d}"}
            record = (await store.insert(a_record(created_at=store.clock(), **about), b"", max_pending=9))[0]
            if state != "pending":
                record = await store.move(record, "approved", actor="ann", expires_at=store.clock() + 300)
            if state in ("executing", "unknown"):
                record = await store.claim(record, actor="gate", lease_seconds=60)
            if state == "unknown":
                record = await store.move(record, "unknown", actor="gate")
            found.finished.append(record)
        assert await forget.empty(store, found, WHO) == []
        for record in found.finished:
            with pytest.raises(IllegalMove):
                await store.empty(record, actor=WHO)
            assert await store.get(record.id) == record


async def test_what_was_emptied_is_told_to_the_model_on_the_page_and_in_the_list_without_a_word_of_it(
    desk: Desk,
) -> None:
    async with desk.open() as house, house.client() as client:
        approval_id = await ask(client)
        record = await decide(house, approval_id)
        assert record.state == "succeeded"
        emptied = await house.gate.store.empty(record, actor=WHO)
        told = structured(await client.call_tool("get_approval", {"approval_id": approval_id}))
        listed = structured(await client.call_tool("list_approvals", {}))
        shown = json.dumps([told, listed, view.detail(emptied, reveals=False), view.summary(emptied)])
        assert (told["status"], told["executed"], told["target"]) == ("executed", True, EMPTIED)
        assert "bob@example.net" not in shown
        again = structured(await client.call_tool("send_message", LETTER))
        assert again["status"] == "approval_required"
        repeated = await house.gate.get(again["approval_id"])
        assert repeated is not None
        assert (repeated.duplicate_of, "Exactly this" in str(repeated.preview["history"])) == (approval_id, True)
    assert len(desk.writes()) == 1
