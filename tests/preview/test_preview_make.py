from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import pytest
from fake_account import FakeAccount, propose, refused

from maton_mailgun.approval.preview.look import Look, make, snapshot
from maton_mailgun.approval.preview.proposal import CouldNotRead, ReadAnswer

ROUTE = {
    "route": {
        "id": "4f3b",
        "priority": 10,
        "description": "Support",
        "expression": 'match_recipient("support@example.com")',
        "actions": ['forward("https://old.example.com/in")', "stop()"],
        "created_at": "Mon, 27 Jan 2025 17:45:19 GMT",
    }
}
BOUNCE = {
    "address": "bob@example.net",
    "code": "550",
    "error": "No such mailbox",
    "created_at": "Sun, 26 Jan 2025 07:29:04 UTC",
}
MEMBER_PATH = "GET /v3/lists/team%40example.com/members/bob%40example.net"


def look(tool: str, arguments: Mapping[str, object], account: FakeAccount | None = None, **more: object) -> Look:
    return asyncio.run(make(propose(tool, arguments, account), **more))  # type: ignore[arg-type]


def test_a_change_shows_what_is_and_what_will_be() -> None:
    account = FakeAccount({"GET /v3/routes/4f3b": ROUTE})
    arguments = {"route_id": "4f3b", "actions": ['forward("https://new.example.com/in")', "stop()"], "priority": 10}
    assert look("update_route", arguments, account).preview == {
        "whole": True,
        "title": "Change a route",
        "action": "change",
        "operation": "update_route",
        "account": {"connection_id": "conn-1", "label": "Main account", "sandbox": False},
        "target": "route 4f3b",
        "effect": (
            "Changes route 4f3b, which handles inbound mail of the whole account; at present mail to"
            " support@example.com is forwarded to https://old.example.com/in, and goes to no later rule."
            " In place of all that was done with that mail, it is forwarded to https://new.example.com/in, and goes to"
            " no later rule. Its priority becomes 10."
        ),
        "headline": "Forward inbound mail to new.example.com",
        "undo_plainly": ("Can be changed back with the present values; mail handled until then cannot be called back."),
        "undo": (
            "Can be changed back with update_route and the present values;"
            " mail handled until then cannot be called back."
        ),
        "request": {"method": "PUT", "path": "/v3/routes/4f3b"},
        "sections": [
            {
                "heading": "Where data goes",
                "rows": [
                    {
                        "label": "Forwards to (new)",
                        "value": "https://new.example.com/in",
                        "flags": ["host new.example.com"],
                    },
                    {"label": "No longer forwards to", "value": "https://old.example.com/in", "flags": []},
                ],
            },
            {
                "heading": "As it is now",
                "rows": [
                    {"label": "ID", "value": "4f3b", "flags": []},
                    {"label": "Priority", "value": "10", "flags": []},
                    {"label": "Description", "value": "Support", "flags": []},
                    {"label": "Which mail", "value": 'match_recipient("support@example.com")', "flags": []},
                    {"label": "Date", "value": "Mon, 27 Jan 2025 17:45:19 GMT", "flags": []},
                ],
                "read": True,
            },
            {
                "heading": "The exact values",
                "rows": [
                    {"label": "What is done with it", "value": 'forward("https://new.example.com/in")', "flags": []},
                    {"label": "What is done with it", "value": "stop()", "flags": []},
                    {"label": "Priority", "value": "10", "flags": []},
                ],
            },
        ],
        "diff": [
            {
                "field": "What is done with it",
                "before": 'forward("https://old.example.com/in") | stop()',
                "after": 'forward("https://new.example.com/in") | stop()',
            }
        ],
        "warnings": ["Data will be forwarded to new.example.com."],
        "unchecked": [],
        "history": [],
        "asked_by": {"client": "test-client", "principal": "ada"},
        "risk": "medium",
        "recipients": [],
    }


def test_a_suppression_delete_says_why_and_when_it_was_added() -> None:
    account = FakeAccount({"GET /v3/mg.example.com/bounces/bob%40example.net": BOUNCE})
    found = look("delete_bounce", {"domain": "mg.example.com", "address": "bob@example.net"}, account)
    assert found.preview["sections"] == [
        {
            "heading": "Facts",
            "rows": [
                {"label": "Bounced because", "value": "No such mailbox", "flags": []},
                {"label": "Code", "value": "550", "flags": []},
                {"label": "Added", "value": "Sun, 26 Jan 2025 07:29:04 UTC", "flags": []},
            ],
            "read": True,
        },
        {
            "heading": "As it is now",
            "rows": [
                {"label": "Address", "value": "bob@example.net", "flags": []},
            ],
            "read": True,
        },
    ]
    assert found.before == BOUNCE
    assert account.asked == ["GET /v3/mg.example.com/bounces/bob%40example.net"], "equal reads are made once"


def test_a_target_that_is_not_there_is_said() -> None:
    found = look("delete_route", {"route_id": "4f3b"})
    assert found.warnings == ["Route 4f3b does not exist: the service will probably refuse this."]
    assert found.preview["effect"].startswith("Deletes route 4f3b. Inbound mail that only this route handled")
    assert found.before is None
    assert found.snapshot is not None, "that it is missing is a state too: appearing later makes the yes stale"


def marked(tag: str) -> str:
    return "* (all mail)" if tag == "*" else tag


@pytest.mark.parametrize(
    ("had", "given", "after"),
    [
        (["offers"], {"tag": "news"}, "offers, news"),
        (["offers"], {}, "offers, * (all mail)"),
        (["offers", "news"], {"tag": "jobs"}, "offers, news, jobs"),
        (["*"], {"tag": "news"}, "* (all mail), news"),
    ],
)
def test_what_adds_up_is_shown_with_what_was_there(had: list[str], given: dict[str, str], after: str) -> None:
    unsubscribe = {"address": "bob@example.net", "tags": had, "created_at": "Sun, 26 Jan 2025 07:29:04 UTC"}
    account = FakeAccount({"GET /v3/mg.example.com/unsubscribes/bob%40example.net": unsubscribe})
    found = look("add_unsubscribe", {"domain": "mg.example.com", "address": "bob@example.net", **given}, account)
    assert found.preview["diff"] == [{"field": "Tag", "before": ", ".join(map(marked, had)), "after": after}]
    assert found.warnings == []


@pytest.mark.parametrize(("had", "given"), [(["offers", "news"], {"tag": "news"}), (["*"], {}), (["*"], {"tag": "*"})])
def test_what_is_there_already_adds_nothing(had: list[str], given: dict[str, str]) -> None:
    account = FakeAccount({"GET /v3/mg.example.com/unsubscribes/bob%40example.net": {"tags": had}})
    found = look("add_unsubscribe", {"domain": "mg.example.com", "address": "bob@example.net", **given}, account)
    assert found.preview["diff"] == []
    assert found.warnings == ["This changes nothing: every value is already as asked for."]


def test_what_may_move_a_date_is_not_called_nothing() -> None:
    account = FakeAccount({"GET /v3/mg.example.com/unsubscribes/bob%40example.net": {"tags": ["*"]}})
    given = {"domain": "mg.example.com", "address": "bob@example.net", "created_at": "2025-01-26T07:29:04Z"}
    assert look("add_unsubscribe", given, account).warnings == []


def test_a_creation_over_something_that_is_there_is_said() -> None:
    account = FakeAccount({"GET /v3/mg.example.com/bounces/bob%40example.net": BOUNCE})
    found = look("add_bounce", {"domain": "mg.example.com", "address": "bob@example.net", "code": "554"}, account)
    assert found.warnings == [
        "Already there: bounce entry of bob@example.net at mg.example.com. What it holds now is overwritten."
    ]
    assert found.preview["diff"] == [{"field": "Error code", "before": "550", "after": "554"}]


@pytest.mark.parametrize(
    ("current", "asked"),
    [
        ({"active": True}, {"active": True}),
        ({"active": "yes", "place_at_the_top": "false"}, {"active": True, "place_at_the_top": False}),
    ],
)
def test_a_change_that_changes_nothing_is_said(current: dict[str, object], asked: dict[str, object]) -> None:
    account = FakeAccount({"GET /v3/domains/mg.example.com/tracking": {"tracking": {"open": current}}})
    found = look("update_open_tracking", {"domain": "mg.example.com", **asked}, account)
    assert found.preview["diff"] == []
    assert found.warnings == ["This changes nothing: every value is already as asked for."]


def test_line_endings_json_spelling_and_number_spelling_are_no_changes() -> None:
    account = FakeAccount(
        {MEMBER_PATH: {"member": {"address": "bob@example.net", "name": "", "vars": {"age": 27}, "subscribed": True}}}
    )
    arguments = {"list_address": "team@example.com", "member_address": "bob@example.net", "vars": {"age": "27"}}
    assert look("update_mailing_list_member", arguments, account).preview["diff"] == []


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("update_mailing_list_member", {"member_address": "bob@example.net", "subscribed": True}),
        ("add_mailing_list_member", {"address": "bob@example.net", "upsert": True}),
    ],
)
def test_subscribing_somebody_again_who_opted_out_needs_consent(tool: str, arguments: dict[str, object]) -> None:
    account = FakeAccount({MEMBER_PATH: {"member": {"address": "bob@example.net", "vars": {}, "subscribed": False}}})
    found = look(tool, {"list_address": "team@example.com", **arguments}, account)
    assert found.preview["diff"] == [{"field": "Gets mail", "before": "no", "after": "yes"}]
    assert found.warnings[0] == ("This person had opted out of the list; subscribing them again needs their consent.")
    assert found.risk == "medium"


def test_what_needs_consent_is_the_first_thing_that_changes() -> None:
    member = {"address": "bob@example.net", "name": "Bob", "vars": {}, "subscribed": False}
    account = FakeAccount({MEMBER_PATH: {"member": member}})
    arguments = {"list_address": "team@example.com", "member_address": "bob@example.net"}
    found = look("update_mailing_list_member", {**arguments, "name": "Robert", "subscribed": True}, account)
    assert found.preview["diff"] == [
        {"field": "Gets mail", "before": "no", "after": "yes"},
        {"field": "Name", "before": "Bob", "after": "Robert"},
    ]


def test_what_cannot_be_read_is_said_and_raises_the_risk() -> None:
    account = FakeAccount({"GET /v3/routes/4f3b": refused("no connection to api.example.test\x1b[2J")})
    found = look("update_route", {"route_id": "4f3b", "priority": 3}, account)
    assert found.preview["unchecked"] == [
        "could not check its present state: no connection to api.example.test⟨U+001B⟩[2J"
    ]
    assert (found.risk, found.snapshot, found.before) == ("medium", None, None)


def test_an_answer_that_is_neither_yes_nor_missing_counts_as_unread() -> None:
    account = FakeAccount({"GET /v3/routes/4f3b": ReadAnswer(500, {"message": "oops"})})
    assert look("update_route", {"route_id": "4f3b", "priority": 3}, account).preview["unchecked"] == [
        "could not check its present state: the service answered 500"
    ]


def test_reads_that_hang_end_at_the_deadline_and_the_others_count() -> None:
    account = FakeAccount(
        {"GET /v3/mg.example.com/templates/welcome": {"template": {"name": "welcome", "description": "Hello"}}},
        hang=frozenset({"GET /v3/mg.example.com/events?event=accepted&limit=300"}),
    )
    found = look("delete_template", {"domain": "mg.example.com", "template_name": "welcome"}, account, seconds=0.05)
    assert found.preview["unchecked"] == ["could not check when it was last used: no answer within 0.05 seconds"]
    assert found.before == {"template": {"name": "welcome", "description": "Hello"}}


def test_all_reads_are_under_way_at_once() -> None:
    class Gate(FakeAccount):
        """Answers nothing until every expected read has arrived."""

        async def __call__(self, source: str, arguments: object, /) -> ReadAnswer:
            self.asked.append(self.request(source, arguments))  # type: ignore[arg-type]
            if len(self.asked) == 8:
                everyone.set()
            await everyone.wait()
            return ReadAnswer(404, None)

    async def run() -> Look:
        return await make(propose("delete_domain", {"domain": "mg.example.com"}, account))

    everyone = asyncio.Event()
    account = Gate()
    assert asyncio.run(run()).preview["unchecked"] == []
    assert len(account.asked) == 8


def test_secrets_are_neither_in_arguments_nor_in_answers() -> None:
    created = look("create_domain", {"name": "new.example.com", "smtp_password": "canary-1"})
    domain = {"domain": {"name": "mg.example.com", "state": "active", "smtp_password": "canary-2"}}
    deleted = look(
        "delete_domain", {"domain": "mg.example.com"}, FakeAccount({"GET /v3/domains/mg.example.com": domain})
    )
    connection = {"connection": {"status": "PENDING", "url": "https://connect.example.test/?session_token=canary-3"}}
    account = FakeAccount({"GET /connections/c1": connection})
    removed = look("delete_connection", {"connection_id": "c1"}, account)
    for found in (created, deleted, removed):
        assert "canary" not in json.dumps([found.preview, found.before])
    assert {"label": "SMTP password", "value": "(set, not shown)", "flags": []} in created.preview["sections"][-1][
        "rows"
    ]


def test_attack_20_the_snapshot_follows_the_target_and_not_its_counters() -> None:
    def digest(**changes: object) -> str | None:
        found = {"list": {"address": "a@example.com", "access_level": "members", "members_count": 3, **changes}}
        account = FakeAccount({"GET /v3/lists/a%40example.com": found})
        return asyncio.run(snapshot(propose("delete_mailing_list", {"list_address": "a@example.com"}, account)))

    assert digest() == digest(members_count=4)
    assert digest() != digest(access_level="everyone")


def test_the_snapshot_at_the_question_and_at_the_yes_are_made_alike() -> None:
    proposal = propose("update_route", {"route_id": "4f3b", "priority": 3}, FakeAccount({"GET /v3/routes/4f3b": ROUTE}))
    assert asyncio.run(make(proposal)).snapshot == asyncio.run(snapshot(proposal))


def test_a_snapshot_that_cannot_be_read_now_is_an_error_not_a_match() -> None:
    account = FakeAccount({"GET /v3/routes/4f3b": refused("no answer")})
    with pytest.raises(CouldNotRead, match="no answer"):
        asyncio.run(snapshot(propose("update_route", {"route_id": "4f3b", "priority": 3}, account)))


def test_an_operation_without_a_target_has_no_snapshot() -> None:
    assert asyncio.run(snapshot(propose("create_connection", {}))) is None


def test_attack_8_earlier_requests_are_shown_as_given() -> None:
    proposal = propose(
        "delete_route", {"route_id": "4f3b"}, history=("rejected 4 minutes ago, approval apr_1\n\u202e",)
    )
    assert asyncio.run(make(proposal)).preview["history"] == ["rejected 4 minutes ago, approval apr_1⏎⟨U+202E⟩"]


@pytest.mark.parametrize(
    ("tool", "arguments", "risk"),
    [
        ("delete_route", {"route_id": "4f3b"}, "high"),
        ("delete_bounce", {"domain": "d.example", "address": "a@example.net"}, "medium"),
        ("create_mailing_list", {"address": "a@example.com"}, "low"),
        ("create_route", {"expression": "catch_all()", "actions": ['forward("http://10.0.0.1/")']}, "high"),
    ],
)
def test_risk_follows_what_can_be_lost(tool: str, arguments: dict[str, object], risk: str) -> None:
    assert look(tool, arguments).risk == risk
