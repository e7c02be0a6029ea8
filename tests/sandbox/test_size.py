"""A page costs what it holds, however much there is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, SupportsIndex, overload

import pytest

from maton_mailgun.sandbox.account.eventlog import Event
from maton_mailgun.sandbox.account.mailgun_account import MailgunAccount, Message
from maton_mailgun.sandbox.account.tables import Table
from maton_mailgun.sandbox.mailgun.domains.sending_domains import new_domain
from maton_mailgun.sandbox.mailgun.messages.delivery import accept
from maton_mailgun.sandbox.mailgun.operations import answer
from maton_mailgun.sandbox.web.calls import Call, SentFields

from .wire import native

MANY = 50_000
DOMAIN = "big.example.com"


class Counting(list[Event]):
    """A list that counts how often one of its events is looked at, and cannot be read as a whole."""

    looked_at = 0

    @overload
    def __getitem__(self, index: SupportsIndex) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Event | list[Event]:
        self.looked_at += 1
        return super().__getitem__(index)

    def __iter__(self) -> Iterator[Event]:
        raise AssertionError("the whole log was read")


@pytest.fixture(scope="module")
def account() -> MailgunAccount:
    """100,000 events of 50,000 messages, one a second."""
    account = MailgunAccount()
    account.domains[DOMAIN] = domain = new_domain(DOMAIN, 0, "1", state="active")
    for number in range(MANY):
        account.now = float(number)
        to = [f"u{number}@example.net"]
        message = Message(f"k{number}", f"<{number}@x>", DOMAIN, account.now, "a@x", to, to)
        accept(account, domain, message, None)
    return account


def get(account: MailgunAccount, target: str) -> Any:
    path, _, query = target.partition("?")
    pairs = [(name, value) for name, _, value in (pair.partition("=") for pair in query.split("&") if pair)]
    call = Call("GET", path, query, tuple(path[1:].split("/")), {}, query=SentFields(pairs))
    reply = answer(account, call, key_is_good=True)
    assert reply.status == 200
    return json.loads(reply.body)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "kind", "recipient", "pages"),
    [
        ("", None, None, 5),
        ("ascending=yes&", None, None, 5),
        ("begin=30000&end=20000&", None, None, 5),
        ("event=delivered&", "delivered", None, 5),
        ("recipient=u40000@example.net&", None, "u40000@example.net", 1),
        ("message-id=40000@x&", None, None, 1),
    ],
)
def test_event_pages_touch_only_their_own_events(
    account: MailgunAccount, query: str, kind: str | None, recipient: str | None, pages: int
) -> None:
    key = "k40000" if "message-id" in query else None
    series = account.domains[DOMAIN].log.narrowest(kind, recipient, key)
    whole = series.events
    series.events = counted = Counting(whole)
    target = f"/v3/{DOMAIN}/events?{query}limit=100"
    for _ in range(pages):
        counted.looked_at = 0
        page = get(account, target)
        assert 0 < len(page["items"]) <= counted.looked_at <= 3 * 100 + 2
        target = native(page["paging"]["next"])
    series.events = whole


def test_a_large_table_is_walked_once_though_keys_come_and_go() -> None:
    table = Table((f"u{number:06d}@example.net", {}) for number in range(MANY))
    seen: list[str] = []
    pivot: str | None = None
    while page := [key for key, _ in islice(table.after(pivot, "u"), 1000)]:
        seen += page
        pivot = page[-1]
        table.pop(pivot)
        table.put("a" + pivot, {})
    assert seen == [f"u{number:06d}@example.net" for number in range(MANY)]
