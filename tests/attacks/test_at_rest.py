"""Attack 101: who reads the files of the store reads nobody's words."""

from __future__ import annotations

import base64

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from approval.records import a_record
from maton_mailgun.approval.store.table import Rows

from .bench import LETTER, Desk, decide, structured

pytestmark = pytest.mark.anyio

WORDS = ("bob@example.net", "canary-body", "canary-subject", "canary-reason", "support@mg.example.com")


def kept_in_clear(desk: Desk) -> list[str]:
    """Which of the words stand in any file of the database, its log and journal included."""
    files = sorted(desk.home.glob("approvals.sqlite*"))
    assert any(file.name.endswith("-wal") and file.stat().st_size for file in files), "the log is part of what is read"
    content = b"".join(file.read_bytes() for file in files)
    spellings = {word: (word.encode(), base64.b64encode(word.encode()).rstrip(b"=")[:-1]) for word in WORDS}
    return [word for word, spelled in spellings.items() if any(each in content for each in spelled)]


async def test_attack_101_no_word_stands_in_the_files_after_a_proposal_a_decision_and_an_execution(desk: Desk) -> None:
    letter = {**LETTER, "subject": "canary-subject", "text": "canary-body"}
    found: dict[str, list[str]] = {}
    async with desk.open() as house, house.client() as client:
        asked = structured(await client.call_tool("send_message", letter))
        found["proposed"] = kept_in_clear(desk)
        ran = await decide(house, asked["approval_id"])
        found[ran.state] = kept_in_clear(desk)
        again = structured(await client.call_tool("send_message", {**letter, "text": "canary-body, again"}))
        record = await house.gate.get(again["approval_id"])
        assert record is not None
        await house.gate.store.move(record, "rejected", actor="ann", reason="canary-reason")
        found["rejected"] = kept_in_clear(desk)
        kept = await house.gate.get(again["approval_id"])
    assert found == {"proposed": [], "succeeded": [], "rejected": []}
    assert kept is not None
    assert (kept.reason, "bob@example.net" in str(kept.preview)) == ("canary-reason", True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    words=st.text(max_size=200),
    preview=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=10,
    ),
)
def test_attack_101_whatever_a_record_holds_comes_back_from_its_seal(words: str, preview: object) -> None:
    rows = Rows.under(bytes(32))
    record = a_record(preview={"shown": preview}, reason=words, client=words)
    row = rows.columns(record, b"sealed", record.created_at)
    assert rows.check(row).record == record
    assert rows.sealed(record) != row[7], "each seal has a nonce of its own"
