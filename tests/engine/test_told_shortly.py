"""Answers that are told in another form than the service's own, and what a finished write confirms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maton_mailgun.mail.dates import moment, rfc2822
from maton_mailgun.wire import domain_told, stats_told
from maton_mailgun.wire.stats_told import EMPTY

from .doubles import DOMAIN, Says, Scripted, approved, called, engine_over

pytestmark = pytest.mark.anyio

STATS = {
    "description": "",
    "start": "Mon, 17 Feb 2025 00:00:00 UTC",
    "end": "Wed, 19 Feb 2025 00:00:00 UTC",
    "resolution": "day",
    "stats": [
        {
            "time": "Mon, 17 Feb 2025 00:00:00 UTC",
            "delivered": {"smtp": 3, "http": 0, "optimized": 0, "total": 3},
            "failed": {"temporary": {"espblock": 0, "total": 0}, "permanent": {"bounce": 2, "total": 2}},
            "opened": {"total": 4, "unique": 2},
        },
        {
            "time": "Tue, 18 Feb 2025 00:00:00 UTC",
            "delivered": {"smtp": 0, "http": 0, "optimized": 0, "total": 0},
            "failed": {"temporary": {"espblock": 0, "total": 0}, "permanent": {"bounce": 0, "total": 0}},
            "opened": {"total": 0, "unique": 0},
        },
        {
            "time": "Wed, 19 Feb 2025 00:00:00 UTC",
            "delivered": {"smtp": 1, "http": 1, "optimized": 0, "total": 2},
            "failed": {"temporary": {"espblock": 1, "total": 1}, "permanent": {"bounce": 0, "total": 0}},
            "opened": {"total": 1, "unique": 1},
        },
    ],
}
"""As recorded: an entry for each period, both ends among them."""


async def test_counts_have_totals_and_only_the_periods_in_which_something_happened() -> None:
    engine = engine_over(Scripted([Says(200, STATS)]))
    outcome = await called(engine, "get_stats", domain=DOMAIN, events=["delivered", "failed", "opened"])
    assert outcome.content["result"] == {
        "from": "2025-02-17",
        "to": "2025-02-19",
        "resolution": "day",
        "totals": {
            "delivered": {"smtp": 4, "http": 1, "total": 5},
            "failed": {"permanent.bounce": 2, "temporary.espblock": 1, "total": 3},
            "opened": 5,
        },
        "columns": ["day", "delivered", "failed.permanent", "opened", "failed.temporary"],
        "rows": [["2025-02-17", 3, 2, 4, 0], ["2025-02-19", 2, 0, 1, 1]],
        "note": EMPTY,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        # One part that is all of it says no more than the number.
        ({"delivered": {"smtp": 4, "http": 0, "optimized": 0, "total": 4}}, {"delivered": 4}),
        ({"accepted": {"incoming": 0, "outgoing": 9, "total": 9}}, {"accepted": 9}),
        ({"accepted": {"incoming": 2, "total": 11}}, {"accepted": {"incoming": 2, "total": 11}}),
        # A part that is not all of it does.
        ({"delivered": {"smtp": 3, "total": 4}}, {"delivered": {"smtp": 3, "total": 4}}),
        # What failed has no total of its own: it is what failed for good and for now, with the reasons.
        ({"failed": {"permanent": {"bounce": 2, "total": 2}}}, {"failed": {"permanent.bounce": 2, "total": 2}}),
        (
            {"failed": {"temporary": {"espblock": 1, "total": 3}, "permanent": {"total": 2}}},
            {"failed": {"temporary.espblock": 1, "temporary.total": 3, "permanent": 2, "total": 5}},
        ),
        (
            {"failed": {"permanent": {"bounce": 2, "suppress-bounce": 1, "total": 3}, "total": 3}},
            {"failed": {"permanent.bounce": 2, "permanent.suppress-bounce": 1, "permanent.total": 3, "total": 3}},
        ),
        ({"failed": {"permanent": {"total": 0}, "temporary": {"total": 0}}}, {"failed": 0}),
    ],
)  # fmt: skip
def test_totals_say_each_number_once(counts: dict[str, Any], told: dict[str, Any]) -> None:
    assert stats_told.told({"resolution": "day", "stats": [{"time": "x", **counts}]})["totals"] == told


@pytest.mark.parametrize("odd", [{}, {"stats": 5}, {"stats": [1]}, {"stats": None, "message": "x"}])
def test_counts_of_another_form_are_told_as_they_are(odd: dict[str, Any]) -> None:
    assert stats_told.told(odd) == odd


@given(
    st.dictionaries(
        st.sampled_from(["accepted", "failed"]),
        st.recursive(st.integers() | st.text(), lambda x: st.dictionaries(st.text(max_size=4), x)),
    )
)
@settings(deadline=None)
def test_no_count_breaks_the_telling(counts: dict[str, Any]) -> None:
    stats_told.told({"resolution": "day", "stats": [{"time": "x", **counts}]})


def test_every_record_of_a_domain_has_a_name_and_says_what_it_is_for() -> None:
    spf = {"name": "mg.example.com", "record_type": "TXT", "value": "v=spf1 include:mailgun.org ~all"}
    mx = {"cached": ["mx.other.example"], "priority": "10", "record_type": "MX", "value": "mxa.mailgun.org"}
    tracking = {"name": "email.mg.example.com", "record_type": "CNAME", "valid": "valid", "value": "mailgun.org"}
    body = {
        "domain": {"name": "mg.example.com", "state": "unverified"},
        "receiving_dns_records": [{**mx, "valid": "unknown"}],
        "sending_dns_records": [{**spf, "cached": [], "valid": "unknown"}, tracking],
    }
    assert domain_told.told(body) == {
        "domain": {"name": "mg.example.com", "state": "unverified"},
        "sending_dns_records": [
            {
                "record_type": "TXT", "name": "mg.example.com", "value": "v=spf1 include:mailgun.org ~all",
                "valid": "unknown", "for": "sending (required)",
            },
            {
                "record_type": "CNAME", "name": "email.mg.example.com", "value": "mailgun.org", "valid": "valid",
                "for": "tracking",
            },
        ],
        "receiving_dns_records": [
            {
                "record_type": "MX", "name": "mg.example.com", "value": "mxa.mailgun.org", "valid": "unknown",
                "priority": "10", "seen_instead": ["mx.other.example"], "for": "receiving",
            }
        ],
    }  # fmt: skip


async def test_a_value_to_publish_has_no_mark_that_would_be_published_with_it() -> None:
    record = {
        "record_type": "TXT",
        "name": "k._domainkey.x.example",
        "value": "k=rsa; p=MIGfMA0+/=",
        "valid": "unknown",
    }
    body = {"domain": {"name": "x.example"}, "sending_dns_records": [record, {**record, "value": "Now call us"}]}
    outcome = await called(engine_over(Scripted([Says(200, body)])), "get_domain", domain="x.example")
    told = outcome.content["result"]["sending_dns_records"]
    assert [one["value"] for one in told] == ["k=rsa; p=MIGfMA0+/=", "⟪Now call us"]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("2026-11-27T09:00:00+01:00", "Fri, 27 Nov 2026 09:00:00 +0100"),
        ("2026-11-27T09:00:00-05:30", "Fri, 27 Nov 2026 09:00:00 -0530"),
        ("Fri, 27 Nov 2026 09:00:00 +0200", "Fri, 27 Nov 2026 09:00:00 +0200"),
        ("2026-11-27T09:00:00Z", "Fri, 27 Nov 2026 09:00:00 +0000"),
        ("2026-11-27", "Fri, 27 Nov 2026 00:00:00 +0000"),
        (1795770000, "Fri, 27 Nov 2026 09:00:00 +0000"),
    ],
)
def test_a_moment_leaves_in_the_zone_that_it_was_given_in(given: Any, sent: str) -> None:
    assert rfc2822(given) == sent
    assert moment(sent) == moment(given)


async def test_a_finished_send_confirms_who_gets_it_when_it_leaves_and_what_hangs_on_it(tmp_path: Path) -> None:
    (tmp_path / "terms.txt").write_text("Terms")
    transport = Scripted([Says(200, {"id": "<1@mg.example.com>", "message": "Queued. Thank you."})])
    engine = engine_over(transport, tmp_path / "home", attachments=tmp_path)
    outcome = await approved(
        engine, "send_message", domain=DOMAIN, **{"from": f"a@{DOMAIN}"}, to=["ann@example.net", "bob@example.net"],
        subject="Hello", text="Ten?", attachments=["terms.txt"],
    )  # fmt: skip
    content = outcome.content
    assert content["result"] == {"id": "1@mg.example.com", "message": "Queued. Thank you."}
    assert content["attachments"] == ["terms.txt (5 bytes)"]
    assert content["recipients"]["count"] == 2
    assert content["effect"].startswith(f"Sends 1 message from a@{DOMAIN} to 2 recipients")
    await engine.aclose()
