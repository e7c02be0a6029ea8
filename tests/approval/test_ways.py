"""What a form says of the other places where a person may look."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from approval.records import a_record
from maton_mailgun.approval.channels import ways as ways_of
from maton_mailgun.approval.channels.ways import Ways
from maton_mailgun.approval.store.record import Record
from maton_mailgun.config import load

RECORD = a_record(
    id="apr_" + "7" * 32,
    preview={
        "whole": True,
        "action": "send",
        "message": {"text": "%recipient.name%", "recipient_values": {"a@example.org": {"name": "A"}}},
        "recipients": [{"address": "a@example.org"}],
    },
)  # fmt: skip
COMMAND = f"maton-mailgun approvals show {RECORD.id}"


def ways(page_url: str | None) -> Ways:
    """The ways of a process that opens no browser."""
    settings = load({"MATON_MAILGUN_PAGE": "false"})
    access: Any = SimpleNamespace(page_url=page_url)
    return Ways(cast("Any", None), settings, lambda _: False, access)


@pytest.mark.parametrize(
    ("page_url", "beside", "each_copy"),
    [
        (None, f"To see all, run in a terminal: {COMMAND}", ""),
        (
            "http://0123456789abcdef0123.localhost:8000/approvals/",
            "All is on this server's approval page, under /approvals/.",
            "on this server's approval page, under /approvals/, or ",
        ),
        (
            "https://mail.example.com/team/approvals/",
            "All is on this server's approval page, under /team/approvals/.",
            "on this server's approval page, under /team/approvals/, or ",
        ),
    ],
)
def test_a_form_names_a_place_that_exists_and_holds_no_address(
    page_url: str | None, beside: str, each_copy: str
) -> None:
    found = ways(page_url)
    told = [asyncio.run(found.beside(RECORD, 3)), found.each_copy(RECORD)]
    assert told == [
        f"3 facts from the account are not here, or not in full. {beside}",
        "The message as any one recipient gets it, values filled in: "
        f"{each_copy}run in a terminal: {COMMAND} --recipient ADDRESS",
    ]
    assert "://" not in "".join(told)


class Approvals:
    """A gate of which one knows what is open."""

    def __init__(self, *left: Record) -> None:
        self.left = left

    async def list(self, *, states: Collection[str], limit: int) -> list[Record]:
        return [record for record in self.left if record.state in states][:limit]


@pytest.mark.anyio
async def test_attack_420_a_server_forgets_what_is_finished_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways_of, "_TIDIED_AT", 20)
    waits = replace(RECORD, id="apr_waits", state="pending", replaces="apr_0")
    found = ways("http://127.0.0.1:8000/approvals/")
    found._gate = cast("Any", Approvals(waits, replace(RECORD, id="apr_7", state="succeeded")))
    await found.asking(waits)
    found._led_to["apr_waits"] = "http://127.0.0.1:8000/approvals/#/a/apr_waits"
    most = 0
    for number in range(100):
        one = f"apr_{number}"
        found._led_to[one] = found._opened[one] = found._beside[one] = cast("Any", "passphrase")
        found._lost.add(one)
        await found.asking(replace(RECORD, id=one))
        most = max(most, len(found._asked))
    left = (*found._asked, *found._lost, *found._led_to, *found._opened, *found._beside)
    assert most <= 21
    assert {"apr_waits", "apr_0"} <= found._asked
    assert len(left) <= 5 * 21
    assert "apr_waits" in found._led_to
    assert "apr_7" not in left
