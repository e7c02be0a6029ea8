"""What a form says of the other places where a person may look."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from approval.records import a_record
from maton_mailgun.approval.channels.ways import Ways
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
