from __future__ import annotations

import asyncio
from typing import Any

from fake_account import NOW, FakeAccount, propose, refused, section

from maton_mailgun.approval.preview.look import Look, make

D = "mg.example.com"
STATS = f"GET /v3/{D}/stats/total?event=accepted&event=delivered&duration=30d"


def look(tool: str, arguments: dict[str, Any], answers: dict[str, Any]) -> Look:
    return asyncio.run(make(propose(tool, arguments, FakeAccount(answers))))


def test_deleting_a_domain_shows_everything_that_goes_with_it() -> None:
    found = look(
        "delete_domain",
        {"domain": D},
        {
            f"GET /v3/domains/{D}": {"domain": {"name": D, "state": "active"}},
            STATS: {
                "stats": [
                    {"accepted": {"outgoing": 40, "incoming": 2, "total": 42}, "delivered": {"total": 39}},
                    {"accepted": {"outgoing": 5, "incoming": 0, "total": 5}, "delivered": {"total": 5}},
                ]
            },
            f"GET /v3/domains/{D}/webhooks": {"webhooks": {"delivered": {"urls": ["https://a"]}, "opened": None}},
            f"GET /v3/{D}/templates?limit=100": {"items": [{"name": "welcome"}, {"name": "bye\u202e"}]},
            f"GET /v3/domains/{D}/credentials?limit=1000": {"items": [{"login": f"alice@{D}"}], "total_count": 1},
            f"GET /v3/{D}/unsubscribes?limit=1000": {"items": None},
            "GET /v3/routes?limit=1000": {"items": [{"expression": f'match_recipient(".*@{D}")'}, {"expression": "x"}]},
            "GET /v3/lists/pages?limit=100": {
                "items": [
                    {"address": f"team@{D}", "members_count": 12},
                    {"address": "other@example.net", "members_count": 3},
                ]
            },
        },
    )
    assert section(found, "What goes with it") == {
        "Mail in the last 30 days": "47 accepted, 44 delivered",
        "Webhooks": "1: delivered",
        "Templates": "2: welcome, bye⟨U+202E⟩",
        "SMTP logins": f"1: alice@{D}",
        "Unsubscribes that are lost": "0",
        "Routes that name it": f'1: match_recipient(".*@{D}")',
        "Mailing lists under it": f"1: team@{D} (12 members)",
    }
    assert found.warnings == [
        "The domain is in use: 45 messages accepted for sending in the last 30 days.",
        f"1 route of the account will no longer receive mail for {D}.",
        f"1 mailing list under {D} will stop working.",
    ]
    assert found.risk == "high"


def test_what_cannot_be_read_about_a_domain_says_so() -> None:
    found = look(
        "delete_domain", {"domain": D}, {STATS: refused("no answer"), "GET /v3/routes?limit=1000": refused("no answer")}
    )
    told = section(found, "What goes with it")
    assert (told["Mail in the last 30 days"], told["Routes that name it"]) == ("could not be checked",) * 2
    assert found.preview["unchecked"] == [
        "could not check how much the domain sends: no answer",
        "could not check the routes that name it: no answer",
    ]


def test_deleting_a_template_shows_its_versions_content_and_last_use() -> None:
    path = f"GET /v3/{D}/templates/welcome"
    found = look(
        "delete_template",
        {"domain": D, "template_name": "welcome"},
        {
            path: {"template": {"name": "welcome", "description": "First mail"}},
            f"{path}?active=yes": {
                "template": {"name": "welcome", "version": {"tag": "v2", "template": "<p>\n{{name}}</p>"}}
            },
            f"{path}/versions?limit=100": {
                "template": {"versions": [{"tag": "v1", "active": False}, {"tag": "v2", "active": True}]}
            },
            f"GET /v3/{D}/events?event=accepted&limit=300": {
                "items": [
                    {"timestamp": NOW, "template": {"name": "other"}},
                    {"timestamp": NOW - 3600, "template": {"name": "Welcome"}},
                ]
            },
        },
    )
    assert section(found, "What is lost") == {
        "Versions": "2 versions: v1, v2 (active)",
        "Last use": "on 18 Nov 2026 10:06 UTC",
        "Active content": "<p>⏎{{name}}</p>",
    }
    assert found.warnings == ["The template is in use: it was last named on 18 Nov 2026 10:06 UTC."]


def test_a_template_that_no_recent_message_named_says_so() -> None:
    found = look("delete_template", {"domain": D, "template_name": "welcome"}, {})
    assert section(found, "What is lost") == {
        "Versions": "none",
        "Last use": "not named in the newest 300 accepted messages",
    }
