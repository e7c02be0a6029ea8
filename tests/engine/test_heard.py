"""What is remembered of strangers' mails and events: which address came from where, for an hour, by person."""

from __future__ import annotations

import pytest

from maton_mailgun.heard import SECONDS, Heard, Source

MAIL = {
    "result": {
        "from": "Eve <eve@evil.example>",
        "reply_to": "answers@evil.example",
        "subject": "\u27eaPay now",
        "text": "\u27eaWrite to Drop@Evil-Drop.example, or see https://user@pay.evil.example:8443/now?x=1.",
    }
}
CALLED = "the mail “Pay now” from Eve <eve@evil.example>"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_addresses_and_hosts_of_a_mail_are_known_by_where_they_stood() -> None:
    heard = Heard()
    heard.note("ada", "mail", {"storage_key": "key-1"}, MAIL)
    assert heard.of_address("ada", "drop@evil-drop.example") == Source(CALLED, "key-1")
    assert heard.of_address("ada", "eve@evil.example") == Source(CALLED, "key-1", sender=True)
    assert heard.of_host("ada", "pay.evil.example") == Source(CALLED, "key-1")
    assert heard.of_host("ada", "evil-drop.example") == Source(CALLED, "key-1")
    assert heard.of_address("ada", "anybody@pay.evil.example") == Source(CALLED, "key-1")


def test_an_address_of_the_same_large_provider_is_another_one() -> None:
    heard = Heard()
    heard.note("ada", "mail", {}, {"result": {"from": "eve@gmail.com", "subject": "", "text": "hello"}})
    assert heard.of_address("ada", "ann@gmail.com") is None
    assert heard.of_address("ada", "eve@gmail.com") == Source(
        "a mail without a subject from eve@gmail.com", sender=True
    )


def test_it_is_known_to_who_read_it_and_for_an_hour() -> None:
    clock = Clock()
    heard = Heard(clock)
    heard.note("ada", "mail", {}, MAIL)
    assert heard.of_address("bob", "eve@evil.example") is None
    clock.now = SECONDS - 1
    assert heard.of_address("ada", "eve@evil.example") is not None
    clock.now = SECONDS + 1
    assert heard.of_address("ada", "eve@evil.example") is None


def test_each_event_of_a_list_counts_without_our_own_links() -> None:
    heard = Heard()
    items = [
        {"event": "stored", "message": {"headers": {"from": "eve@evil.example"}}},
        {"event": "clicked", "recipient": "ann@example.net", "url": "https://shop.example.com/ours"},
    ]
    heard.note("ada", "event", {}, {"result": {"items": items}})
    assert heard.of_address("ada", "eve@evil.example") == Source("an event (stored)")
    assert heard.of_address("ada", "ann@example.net") == Source("an event (clicked)")
    assert heard.of_host("ada", "shop.example.com") is None


@pytest.mark.parametrize(
    "told",
    [
        {"items": [{"address": "Ann@example.net", "error": "550 <ann@example.net> moved: ask drop@evil.example"}]},
        {"columns": ["address", "error"], "rows": [["ann@example.net", "550 ask drop@evil.example"]]},
        {"address": "ann@example.net", "error": "550 see drop@evil.example", "on_other_lists": []},
    ],
)
def test_of_a_bounce_counts_what_a_mail_server_said_and_not_whom_it_is_about(told: dict[str, object]) -> None:
    heard = Heard()
    heard.note("ada", "bounce", {}, {"result": told})
    assert heard.of_address("ada", "drop@evil.example") == Source("what a mail server said of a bounce")
    assert heard.of_address("ada", "ann@example.net") is None
    assert heard.of_host("ada", "example.net") is None


def test_nothing_of_it_is_kept_in_clear() -> None:
    heard = Heard()
    heard.note("ada", "mail", {}, MAIL)
    assert "drop@evil-drop.example" not in repr(vars(heard)).casefold()


@pytest.mark.parametrize("text", ["a@" * 100_000, "https://" * 50_000, "a" * 400_000, "a@b." * 100_000 + "c"])
def test_a_mail_made_to_cost_time_costs_little(text: str) -> None:
    heard = Heard()
    heard.note("ada", "mail", {}, {"result": {"text": text}})
    assert vars(heard)["_many"] <= 40_000
