"""What the next operations will need of a row is no way past the person either: headers, typed bodies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.doubles import DOMAIN
from engine.notes import FULL_CALL, notes, shown
from maton_mailgun.approval.binding.envelope import canonical_of, pack, unpack
from maton_mailgun.errors import SetupError
from maton_mailgun.exchange import Account, Prepared
from maton_mailgun.wire.request import build


@pytest.mark.parametrize(
    "header",
    ["Authorization", "Host", "Maton-Connection", "Content-Length", "Transfer-Encoding", "Cookie", "X:A", "X-\n"],
)
def test_attack_73_a_row_cannot_set_the_headers_that_say_who_calls(header: str) -> None:
    with pytest.raises(SetupError, match=r"in_headers.on_behalf_of = .* does not have its form"):
        notes("store_notes", '"X-Mailgun-On-Behalf-Of"', json.dumps(header))


@pytest.mark.parametrize("value", ["ü", "a\u2028b", " a", "a ", "", "a\r\nAuthorization: b"])
def test_attack_74_a_header_that_could_be_read_in_two_ways_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        build(notes()["store_notes"], {"domain": DOMAIN, "on_behalf_of": value})


def _prepared(**changes: Any) -> Prepared:
    operation = notes()["store_notes"]
    arguments = {**FULL_CALL, **changes}
    return Prepared(operation, arguments, build(operation, arguments), Account("conn-1", "Main", sandbox=False))


def test_attack_75_the_yes_is_bound_to_the_headers_and_they_are_what_is_sent() -> None:
    mine, other = _prepared(), _prepared(on_behalf_of="sub-2")
    assert canonical_of(mine) != canonical_of(other)
    opened = unpack(pack(mine, "mark"), {"store_notes": mine.operation})
    assert opened.prepared.request == mine.request
    assert canonical_of(opened.prepared) == canonical_of(mine)


def test_what_was_sealed_before_requests_had_headers_opens_and_keeps_its_digest() -> None:
    mine = _prepared()
    plain = Prepared(mine.operation, {"domain": DOMAIN}, build(mine.operation, {"domain": DOMAIN}), mine.account)
    stored = json.loads(pack(plain, "mark"))
    del stored["request"]["headers"]
    opened = unpack(json.dumps(stored).encode(), {"store_notes": mine.operation})
    assert (opened.prepared.request, canonical_of(opened.prepared)) == (plain.request, canonical_of(plain))


def test_attack_76_everything_that_leaves_is_shown_in_its_place() -> None:
    rows, terminal, warnings = shown("store_notes", FULL_CALL)
    assert rows == {
        "X-Mailgun-On-Behalf-Of": "sub-1",
        "Dry run": "no",
        "Tags": "b",
        "Kind": "note",
        "Version": "2",
        "Strict": "true",
        "Notes": '[{"id": 1, "done": false, "of": {"x": [1.5, null]}}, {"id": 2, "name": "Grüße\\n2"}]',
        "Size": "5",
        "Open": "true",
        "Text": '"5"',
        "Due": "Sat, 31 Jan 2026 09:00:00 +0000",
        "Send to": '["Ann <ann@example.net>", "bob@example.net"]',
        "Pin": "(set, not shown)",
    }
    assert "sub-1" in terminal
    assert "1234" not in terminal
    assert warnings[0] == "Mailgun bills each note."


@pytest.mark.parametrize("value", [5, True, None, [1], {"a": 1}, 1.5, "x"])
def test_attack_77_a_text_that_reads_like_another_value_is_told_apart(value: Any) -> None:
    text = json.dumps(value)
    assert shown("store_notes", {**FULL_CALL, "text": value})[1] != shown("store_notes", {**FULL_CALL, "text": text})[1]
