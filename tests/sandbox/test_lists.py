"""Mailing lists and their members."""

from __future__ import annotations

import json

import pytest

from .wire import Wire, native

LIST = "/v3/lists/developers@mg.example.com"
MEMBERS = LIST + "/members"
SEEDED = {
    "address": "developers@mg.example.com",
    "name": "Developers",
    "description": "People who build things",
    "access_level": "members",
    "reply_preference": "list",
    "created_at": "Fri, 28 Feb 2025 22:44:03 -0000",
    "members_count": 2,
}
ALICE = {"address": "alice@example.com", "name": "Alice", "vars": {"age": 27}, "subscribed": True}


def test_lists_page_by_address(api: Wire) -> None:
    base = "https://api.mailgun.net/v3/lists/pages"
    assert api.call("GET", "/v3/lists/pages").json == {
        "items": [SEEDED],
        "paging": {
            "first": f"{base}?limit=100",
            "last": f"{base}?page=last&limit=100",
            "next": f"{base}?page=next&address=developers%40mg.example.com&limit=100",
            "previous": f"{base}?page=previous&address=developers%40mg.example.com&limit=100",
        },
    }
    assert (
        api.call("GET", native(f"{base}?page=next&address=developers%40mg.example.com&limit=100")).json["items"] == []
    )


def test_the_skip_and_limit_variant_counts(api: Wire) -> None:
    assert api.call("GET", "/v3/lists?limit=5").json == {"total_count": 1, "items": [SEEDED]}


def test_a_trailing_slash_answers_404_html(api: Wire) -> None:
    """Recorded: a client that builds `/v3/lists/` plus an empty address gets a page, not JSON."""
    reply = api.call("GET", "/v3/lists/")
    assert (reply.status, reply.content_type) == (404, "text/html")


def test_create_answers_200_with_its_message(api: Wire) -> None:
    reply = api.call("POST", "/v3/lists", [("address", "News <News@mg.example.com>"), ("description", "d")])
    assert reply.status == 200
    assert reply.json == {
        "list": {
            "address": "news@mg.example.com",
            "name": "News",
            "description": "d",
            "access_level": "readonly",
            "reply_preference": "sender",
            "created_at": "Thu, 15 Jan 2026 12:00:00 -0000",
            "members_count": 0,
        },
        "message": "Mailing list has been created",
    }


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ([("address", "developers@mg.example.com")], "Duplicate object"),
        (
            [("address", "x@mg.example.com"), ("access_level", "all")],
            "Invalid access level 'all'. It can be any of: 'readonly', 'members', 'everyone'.",
        ),
        (
            [("address", "x@mg.example.com"), ("reply_preference", "me")],
            "Invalid reply preference 'me'. It can be any of: 'sender', 'list'",
        ),
        ([], "Missing mandatory parameter: address"),
        ([("address", "x@elsewhere.example.org")], "Domain not found: elsewhere.example.org"),
        ([("address", "nonsense")], "Invalid address 'nonsense'"),
    ],
)
def test_create_refuses(api: Wire, form: list[tuple[str, str]], message: str) -> None:
    reply = api.call("POST", "/v3/lists", form)
    assert (reply.status, reply.json) == (400, {"message": message})


def test_get_and_the_404_that_names_the_list(api: Wire) -> None:
    assert api.call("GET", "/v3/lists/Developers%40mg.example.com").json == {"list": SEEDED}
    for method in ("GET", "PUT", "DELETE"):
        reply = api.call(method, "/v3/lists/no@mg.example.com")
        assert (reply.status, reply.json) == (404, {"message": "Mailing list no@mg.example.com not found"})


def test_update_changes_only_what_is_sent(api: Wire) -> None:
    reply = api.call("PUT", LIST, [("description", "New words")])
    assert reply.json == {
        "list": {**SEEDED, "description": "New words"},
        "message": "Mailing list has been updated",
    }
    readonly = api.call("PUT", LIST, [("access_level", "readonly")]).json["list"]
    assert (readonly["access_level"], readonly["reply_preference"]) == ("readonly", "sender")


def test_a_new_address_moves_the_list_with_its_members(api: Wire) -> None:
    moved = api.call("PUT", LIST, [("address", "builders@mg.example.com")]).json["list"]
    assert (moved["address"], moved["members_count"]) == ("builders@mg.example.com", 2)
    assert api.call("GET", LIST).status == 404
    assert api.call("GET", "/v3/lists/builders@mg.example.com/members/alice@example.com").json == {"member": ALICE}


def test_deleting_a_list_deletes_its_members(api: Wire) -> None:
    assert api.call("DELETE", LIST).json == {
        "address": "developers@mg.example.com",
        "message": "Mailing list has been removed",
    }
    assert api.call("DELETE", LIST).status == 404
    assert api.call("GET", MEMBERS + "/pages").status == 404
    api.call("POST", "/v3/lists", [("address", "developers@mg.example.com")])
    assert api.call("GET", MEMBERS + "/pages").json["items"] == []


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Alice", "Bob"]),
        ("?subscribed=yes", ["Alice"]),
        ("?subscribed=false", ["Bob"]),
        ("?limit=1", ["Alice"]),
        ("?page=last&limit=1", ["Bob"]),
        ("?page=next&address=alice@example.com", ["Bob"]),
    ],
)
def test_members_page_by_address(api: Wire, query: str, names: list[str]) -> None:
    assert [item["name"] for item in api.call("GET", MEMBERS + "/pages" + query).json["items"]] == names


def test_member_pages_remember_their_filter(api: Wire) -> None:
    paging = api.call("GET", MEMBERS + "/pages?subscribed=yes&limit=1").json["paging"]
    assert paging["next"].endswith("/members/pages?page=next&address=alice%40example.com&limit=1&subscribed=yes")


def test_add_member_reads_vars_as_json_and_answers_an_object(api: Wire) -> None:
    form = [("address", "Carol <carol@example.org>"), ("vars", '{"a": [1]}'), ("subscribed", "no")]
    assert api.call("POST", MEMBERS, form).json == {
        "member": {"address": "carol@example.org", "name": "Carol", "vars": {"a": [1]}, "subscribed": False},
        "message": "Mailing list member has been created",
    }
    assert api.call("GET", LIST).json["list"]["members_count"] == 3


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ([("address", "alice@example.com")], "Address already exists 'alice@example.com'"),
        ([("address", "alice@example.com"), ("upsert", "no")], "Address already exists 'alice@example.com'"),
        ([("address", "d@example.org"), ("vars", "{no}")], "'vars' parameter is not a valid JSON object"),
        ([("name", "nobody")], "Missing mandatory parameter: address"),
        (
            [("address", "d@example.org"), ("subscribed", "on")],
            "Invalid value 'on' for parameter 'subscribed'. It can be any of: yes, no, true, false",
        ),
    ],
)
def test_add_member_refuses(api: Wire, form: list[tuple[str, str]], message: str) -> None:
    reply = api.call("POST", MEMBERS, form)
    assert (reply.status, reply.json) == (400, {"message": message})


def test_upsert_overwrites_what_is_sent(api: Wire) -> None:
    form = [("address", "alice@example.com"), ("name", "Alicia"), ("upsert", "yes")]
    assert api.call("POST", MEMBERS, form).json["member"] == {**ALICE, "name": "Alicia"}


def test_get_member_is_wrapped(api: Wire) -> None:
    """Recorded; the published contract shows it bare."""
    assert api.call("GET", MEMBERS + "/ALICE@example.com").json == {"member": ALICE}


def test_update_member_replaces_vars_as_a_whole(api: Wire) -> None:
    one = MEMBERS + "/alice@example.com"
    assert api.call("PUT", one, [("vars", '{"city": "X"}')]).json == {
        "member": {**ALICE, "vars": {"city": "X"}},
        "message": "Mailing list member has been updated",
    }
    assert api.call("PUT", one, [("address", "bob@example.org")]).status == 400
    assert api.call("PUT", one, [("address", "al@example.com")]).json["member"]["address"] == "al@example.com"
    assert api.call("GET", one).status == 404


def test_delete_member(api: Wire) -> None:
    one = MEMBERS + "/alice@example.com"
    assert api.call("DELETE", one).json == {
        "member": {"address": "alice@example.com"},
        "message": "Mailing list member has been deleted",
    }
    for method in ("GET", "PUT", "DELETE"):
        reply = api.call(method, one)
        text = "Member alice@example.com of mailing list developers@mg.example.com not found"
        assert (reply.status, reply.json) == (404, {"message": text})


def test_many_members_at_once(api: Wire) -> None:
    batch = ["x@example.org", {"address": "y@example.org", "name": "Y", "vars": {"n": 1}}, "alice@example.com"]
    reply = api.call("POST", MEMBERS + ".json", [("members", json.dumps(batch))])
    assert reply.json["message"] == "Mailing list has been updated"
    assert reply.json["list"]["members_count"] == 4
    assert api.call("GET", MEMBERS + "/alice@example.com").json == {"member": ALICE}
    assert api.call("POST", MEMBERS + ".json", [("members", "{}")]).status == 400
