"""Statistics and tags count what was sent."""

from __future__ import annotations

from typing import Any

import pytest

from .wire import DOMAIN, Wire, native

STATS = f"/v3/{DOMAIN}/stats/total"
TAGS = f"/v3/{DOMAIN}/tags"


def stats(api: Wire, query: str) -> dict[str, Any]:
    reply = api.call("GET", STATS + query)
    assert reply.status == 200, reply.text
    body: dict[str, Any] = reply.json
    return body


def test_a_week_has_eight_days_and_only_the_events_asked_for(api: Wire) -> None:
    api.send_mail()
    body = stats(api, "?event=delivered&event=clicked")
    assert {key: body[key] for key in ("description", "start", "end", "resolution")} == {
        "description": "",
        "start": "Thu, 08 Jan 2026 00:00:00 UTC",
        "end": "Thu, 15 Jan 2026 00:00:00 UTC",
        "resolution": "day",
    }
    assert len(body["stats"]) == 8
    assert body["stats"][0] == {
        "time": "Thu, 08 Jan 2026 00:00:00 UTC",
        "delivered": {"smtp": 0, "http": 0, "optimized": 0, "total": 0},
        "clicked": {"total": 0, "unique": 0},
    }
    assert body["stats"][7]["delivered"] == {"smtp": 1, "http": 0, "optimized": 0, "total": 1}


def test_every_shape(api: Wire) -> None:
    api.send_mail(("to", "gone@example.net"), ("to", "angry@example.net"), ("o:testmode", "yes"))
    for kind, more in (
        ("opened", {}),
        ("opened", {}),
        ("unsubscribed", {}),
        ("complained", {}),
        ("stored", {}),
        ("failed", {"severity": "temporary"}),
        ("failed", {"recipient": "third@example.net"}),
    ):
        api.control("POST", "events", {"event": kind, "domain": DOMAIN, **more})
    wanted = ("accepted", "delivered", "failed", "opened", "unsubscribed", "complained", "stored")
    (bucket,) = stats(api, "?duration=0d&" + "&".join(f"event={name}" for name in wanted))["stats"]
    assert bucket == {
        "time": "Thu, 15 Jan 2026 00:00:00 UTC",
        "accepted": {"incoming": 0, "outgoing": 3, "total": 3},
        "delivered": {"smtp": 1, "http": 0, "optimized": 0, "total": 1},
        "failed": {
            "temporary": {"espblock": 0, "total": 1},
            "permanent": {
                "suppress-bounce": 1,
                "suppress-unsubscribe": 0,
                "suppress-complaint": 1,
                "bounce": 1,
                "delayed-bounce": 0,
                "webhook": 0,
                "optimized": 0,
                "total": 3,
            },
        },
        "opened": {"total": 2, "unique": 1},
        "unsubscribed": {"total": 1},
        "complained": {"total": 1},
        "stored": {"total": 1},
    }


@pytest.mark.parametrize(
    ("query", "start", "count"),
    [
        ("&duration=24h&resolution=hour", "Wed, 14 Jan 2026 12:00:00 UTC", 25),
        ("&duration=3d", "Mon, 12 Jan 2026 00:00:00 UTC", 4),
        ("&duration=2m&resolution=month", "Sat, 01 Nov 2025 00:00:00 UTC", 3),
        ("&duration=1m", "Mon, 15 Dec 2025 00:00:00 UTC", 32),
        ("&start=1768348800&end=Thu,+15+Jan+2026+00:00:00+UTC", "Wed, 14 Jan 2026 00:00:00 UTC", 2),
        ("&duration=1d&start=0", "Wed, 14 Jan 2026 00:00:00 UTC", 2),
    ],
)
def test_range_and_resolution(api: Wire, query: str, start: str, count: int) -> None:
    """`m` is a month, and `duration` beats `start`."""
    body = stats(api, "?event=delivered" + query)
    assert (body["start"], len(body["stats"])) == (start, count)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?event=bounced",
        "?event=delivered&resolution=week",
        "?event=delivered&duration=1w",
        "?event=delivered&start=2026-01-01",
        "?event=delivered&start=1768478400&end=1768400000",
        "?event=delivered&resolution=hour&start=0",
        "?event=delivered,opened",
    ],
)
def test_bad_questions_are_refused(api: Wire, query: str) -> None:
    reply = api.call("GET", STATS + query)
    assert (reply.status, list(reply.json)) == (400, ["message"])


def test_tags_come_with_messages_and_are_refreshed(api: Wire) -> None:
    api.send_mail(("o:tag", "News"), ("o:tag", "other"))
    api.clock.now += 3600
    api.send_mail(("o:tag", "news"))
    assert api.call("GET", TAGS + "/NEWS").json == {
        "tag": "News",
        "description": "",
        "first-seen": "2026-01-15T12:00:00Z",
        "last-seen": "2026-01-15T13:00:00Z",
    }
    assert [item["tag"] for item in api.call("GET", TAGS).json["items"]] == ["News", "other"]
    assert [item["tag"] for item in api.call("GET", TAGS + "?prefix=oth").json["items"]] == ["other"]


def test_tags_page_by_tag(api: Wire) -> None:
    api.send_mail(*(("o:tag", f"t{n}") for n in range(3)))
    first = api.call("GET", TAGS + "?limit=2").json
    base = f"https://api.mailgun.net{TAGS}"
    assert first["paging"] == {
        "first": f"{base}?limit=2",
        "last": f"{base}?page=last&limit=2",
        "next": f"{base}?page=next&tag=t1&limit=2",
        "previous": f"{base}?page=previous&tag=t0&limit=2",
    }
    second = api.call("GET", native(first["paging"]["next"])).json
    assert [item["tag"] for item in second["items"]] == ["t2"]


@pytest.mark.parametrize("path", [TAGS + "/a%2Fb%20c", f"/v3/{DOMAIN}/tag?tag=a%2Fb%20c"])
def test_get_change_and_delete_a_tag(api: Wire, path: str) -> None:
    api.send_mail(("o:tag", "a/b c"))
    assert api.call("GET", path).json["tag"] == "a/b c"
    assert api.call("PUT", path, [("description", "words")]).json == {"message": "Tag updated"}
    assert api.call("GET", path).json["description"] == "words"
    assert api.call("DELETE", path).json == {"message": "Tag deleted"}
    reply = api.call("DELETE", path)
    assert (reply.status, reply.json) == (404, {"message": "tag not found"})
