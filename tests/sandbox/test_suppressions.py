"""Bounces, unsubscribes, complaints and the allowlist."""

from __future__ import annotations

import pytest

from .wire import DOMAIN, Part, Wire, native

NOON = "Thu, 15 Jan 2026 12:00:00 UTC"


def addresses(api: Wire, path: str) -> list[str]:
    return [item["address"] for item in api.call("GET", path).json["items"]]


@pytest.mark.parametrize(
    ("table", "form", "stored", "added", "removed", "missing"),
    [
        (
            "bounces",
            [("code", "552"), ("error", "full")],
            {"code": "552", "error": "full"},
            "Address has been added to the bounces table",
            "Bounced address has been removed",
            "Address not found in bounces table",
        ),
        (
            "unsubscribes",
            [("tag", "news")],
            {"tags": ["news"]},
            "Address has been added to the unsubscribes table",
            "Unsubscribe event has been removed",
            "Address not found in unsubscribers table",
        ),
        (
            "complaints",
            [],
            {},
            "Address has been added to the complaints table",
            "Spam complaint has been removed",
            "No spam complaints found for this address",
        ),
    ],
)
def test_life_of_a_record(
    api: Wire,
    table: str,
    form: list[tuple[str, str]],
    stored: dict[str, object],
    added: str,
    removed: str,
    missing: str,
) -> None:
    path = f"/v3/{DOMAIN}/{table}"
    one = path + "/new%2Btag%40example.net"
    reply = api.call("POST", path, [("address", "new+tag@example.net"), *form])
    assert (reply.status, reply.json) == (200, {"message": added, "address": "new+tag@example.net"})
    assert api.call("GET", one).json == {"address": "new+tag@example.net", **stored, "created_at": NOON}
    deleted = api.call("DELETE", one)
    assert (deleted.status, deleted.json) == (200, {"address": "new+tag@example.net", "message": removed})
    assert deleted.content_type == "text/plain"
    for method in ("GET", "DELETE"):
        reply = api.call(method, one)
        assert (reply.status, reply.json) == (404, {"message": missing})


def test_a_raw_plus_in_a_path_is_a_space(api: Wire) -> None:
    path = f"/v3/{DOMAIN}/bounces"
    api.call("POST", path, [("address", "a+b@example.net")])
    assert api.call("DELETE", path + "/a+b@example.net").status == 404
    assert api.call("DELETE", path + "/a%2Bb@example.net").status == 200


def test_addresses_compare_without_case(api: Wire) -> None:
    assert api.call("GET", f"/v3/{DOMAIN}/bounces/GONE@Example.net").json["address"] == "gone@example.net"


@pytest.mark.parametrize(
    ("table", "cleared"),
    [
        ("bounces", "Bounced addresses for this domain have been removed"),
        ("unsubscribes", "Unsubscribe addresses for this domain have been removed"),
        ("complaints", "Complaint addresses for this domain have been removed"),
        ("whitelists", "Allowlist addresses/domains for this domain have been removed"),
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_delete_without_a_value_wipes_the_table(api: Wire, table: str, cleared: str, slash: str) -> None:
    path = f"/v3/{DOMAIN}/{table}"
    assert api.call("GET", path).json["items"] != []
    reply = api.call("DELETE", path + slash)
    assert (reply.status, reply.json) == (200, {"message": cleared})
    assert api.call("GET", path).json["items"] == []


def test_bounce_defaults_and_overwriting(api: Wire) -> None:
    path = f"/v3/{DOMAIN}/bounces"
    api.call("POST", path, [("address", "gone@example.net")])
    assert api.call("GET", path + "/gone@example.net").json == {
        "address": "gone@example.net",
        "code": "550",
        "error": "",
        "created_at": NOON,
    }


def test_created_at_is_rfc_2822(api: Wire) -> None:
    path = f"/v3/{DOMAIN}/bounces"
    api.call("POST", path, [("address", "a@example.net"), ("created_at", "Fri, 14 Oct 2011 23:10:10 -0000")])
    assert api.call("GET", path + "/a@example.net").json["created_at"] == "Fri, 14 Oct 2011 23:10:10 UTC"
    reply = api.call("POST", path, [("address", "b@example.net"), ("created_at", "2011-10-14T23:10:10Z")])
    assert reply.status == 400


@pytest.mark.parametrize("form", [[], [("address", "")], [("address", "nonsense")]])
@pytest.mark.parametrize("table", ["bounces", "unsubscribes", "complaints"])
def test_missing_or_bad_address_is_refused(api: Wire, table: str, form: list[tuple[str, str]]) -> None:
    reply = api.call("POST", f"/v3/{DOMAIN}/{table}", form)
    assert (reply.status, list(reply.json)) == (400, ["message"])


def test_unsubscribe_form_reads_tag_and_ignores_tags(api: Wire) -> None:
    """Recorded 2026: the documented field `tags` answered 200 and unsubscribed the address from everything."""
    path = f"/v3/{DOMAIN}/unsubscribes"
    assert api.call("POST", path, [("address", "a@example.net"), ("tags", "integration")]).status == 200
    assert api.call("GET", path + "/a@example.net").json["tags"] == ["*"]
    assert api.requests()[0]["ignored"] == ["tags"]


def test_unsubscribe_again_appends_the_tag(api: Wire) -> None:
    path = f"/v3/{DOMAIN}/unsubscribes"
    for tag in ("one", "two", "one"):
        api.call("POST", path, [("address", "a@example.net"), ("tag", tag)])
    assert api.call("GET", path + "/a@example.net").json["tags"] == ["one", "two"]


def test_unsubscribe_of_one_tag_is_removed(api: Wire) -> None:
    path = f"/v3/{DOMAIN}/unsubscribes"
    for tag in ("one", "two"):
        api.call("POST", path, [("address", "a@example.net"), ("tag", tag)])
    assert api.call("DELETE", path + "/a@example.net?tag=one").status == 200
    assert api.call("GET", path + "/a@example.net").json["tags"] == ["two"]
    reply = api.call("DELETE", path + "/a@example.net?tag=one")
    assert (reply.status, reply.json) == (404, {"message": "Unsubscribe event for this tag does not exist"})
    assert api.call("DELETE", path + "/a@example.net?tag=two").status == 200
    assert api.call("GET", path + "/a@example.net").status == 404


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("bounces", "2 addresses have been added to the bounces table"),
        ("unsubscribes", "2 addresses have been added to the unsubscribes table"),
        ("complaints", "2 complaint addresses have been added to the complaints table"),
    ],
)
def test_json_array_adds_many(api: Wire, table: str, message: str) -> None:
    path = f"/v3/{DOMAIN}/{table}"
    batch = [{"address": "x@example.net", "tags": ["a", "b"]}, {"address": "y@example.net", "code": 551}]
    reply = api.call("POST", path, json_body=batch)
    assert (reply.status, reply.json) == (200, {"message": message})
    assert {"x@example.net", "y@example.net"} <= set(addresses(api, path))


def test_json_array_keeps_its_tags_and_prints_codes_as_text(api: Wire) -> None:
    api.call("POST", f"/v3/{DOMAIN}/unsubscribes", json_body=[{"address": "x@example.net", "tags": ["a", "b"]}])
    api.call("POST", f"/v3/{DOMAIN}/bounces", json_body=[{"address": "x@example.net", "code": 551}])
    assert api.call("GET", f"/v3/{DOMAIN}/unsubscribes/x@example.net").json["tags"] == ["a", "b"]
    assert api.call("GET", f"/v3/{DOMAIN}/bounces/x@example.net").json["code"] == "551"


def test_json_batch_is_limited_and_all_or_nothing(api: Wire) -> None:
    path = f"/v3/{DOMAIN}/bounces"
    reply = api.call("POST", path, json_body=[{"address": f"u{n}@example.net"} for n in range(1001)])
    assert (reply.status, reply.json) == (400, {"message": "Batch size should be less than 1000"})
    assert api.call("POST", path, json_body=[{"address": "ok@example.net"}, {}]).status == 400
    assert len(addresses(api, path)) == 2
    assert api.call("POST", path, json_body={"address": "single@example.net"}).status == 400


def fill(api: Wire, count: int) -> None:
    batch = [{"address": f"u{n}@zz.example.net"} for n in range(count)]
    api.call("POST", f"/v3/{DOMAIN}/complaints", json_body=batch)


def test_page_urls_read_as_recorded(api: Wire) -> None:
    fill(api, 3)
    base = f"https://api.mailgun.net/v3/{DOMAIN}/complaints"
    assert api.call("GET", f"/v3/{DOMAIN}/complaints?limit=2").json["paging"] == {
        "first": f"{base}?limit=2&term=",
        "last": f"{base}?page=last&limit=2&term=",
        "next": f"{base}?page=next&address=u0%40zz.example.net&limit=2&term=",
        "previous": f"{base}?page=previous&address=angry%40example.net&limit=2&term=",
    }


def test_walking_pages_until_items_are_empty(api: Wire) -> None:
    fill(api, 4)
    page = api.call("GET", f"/v3/{DOMAIN}/complaints?limit=2").json
    seen = []
    while page["items"]:
        seen.append([item["address"][:2] for item in page["items"]])
        page = api.call("GET", native(page["paging"]["next"])).json
    assert seen == [["an", "u0"], ["u1", "u2"], ["u3"]]
    assert [item["address"][:2] for item in api.call("GET", native(page["paging"]["previous"])).json["items"]] == [
        "u2",
        "u3",
    ]


def test_previous_of_the_first_page_is_empty_and_leads_back(api: Wire) -> None:
    fill(api, 2)
    first = api.call("GET", f"/v3/{DOMAIN}/complaints?limit=2").json
    before = api.call("GET", native(first["paging"]["previous"])).json
    assert before["items"] == []
    assert api.call("GET", native(before["paging"]["next"])).json["items"] == first["items"]


def test_an_empty_list_has_four_equal_urls(api: Wire) -> None:
    path = "/v3/unverified.example.com/bounces"
    url = f"https://api.mailgun.net{path}?limit=100&term="
    assert api.call("GET", path).json == {
        "items": [],
        "paging": {"first": url, "last": url, "next": url, "previous": url},
    }


@pytest.mark.parametrize("word", ["previous", "prev"])
def test_pages_go_back_under_both_words(api: Wire, word: str) -> None:
    fill(api, 3)
    path = f"/v3/{DOMAIN}/complaints?page={word}&address=u1%40zz.example.net&limit=1"
    assert addresses(api, path) == ["u0@zz.example.net"]


def test_a_pivot_that_is_gone_keeps_its_place(api: Wire) -> None:
    fill(api, 3)
    api.call("DELETE", f"/v3/{DOMAIN}/complaints/u1@zz.example.net")
    path = f"/v3/{DOMAIN}/complaints?page=next&address=u1%40zz.example.net&limit=1"
    assert addresses(api, path) == ["u2@zz.example.net"]


def test_term_is_a_beginning_and_stays_in_the_urls(api: Wire) -> None:
    fill(api, 2)
    page = api.call("GET", f"/v3/{DOMAIN}/complaints?term=U").json
    assert [item["address"] for item in page["items"]] == ["u0@zz.example.net", "u1@zz.example.net"]
    assert page["paging"]["next"].endswith("&limit=100&term=U")
    assert addresses(api, f"/v3/{DOMAIN}/complaints?page=last&limit=1&term=u") == ["u1@zz.example.net"]


@pytest.mark.parametrize("query", ["limit=1001", "limit=0", "limit=x", "page=up"])
def test_bad_paging_is_refused(api: Wire, query: str) -> None:
    assert api.call("GET", f"/v3/{DOMAIN}/bounces?{query}").status == 400


def test_allowlist_has_its_own_fields_and_words(api: Wire) -> None:
    path = f"/v3/{DOMAIN}/whitelists"
    reply = api.call("POST", path, [("domain", "Partner.example.org")])
    assert reply.json == {
        "message": "Address/Domain has been added to the allowlists table",
        "type": "domain",
        "value": "partner.example.org",
    }
    assert api.call("GET", path + "/partner.example.org").json == {
        "type": "domain",
        "value": "partner.example.org",
        "reason": "",
        "createdAt": NOON,
    }
    deleted = api.call("DELETE", path + "/partner.example.org")
    assert deleted.json == {
        "message": "Allowlist address/domain has been removed",
        "value": "partner.example.org",
    }
    again = api.call("DELETE", path + "/partner.example.org")
    assert (again.status, again.json) == (404, {"message": "Address/Domain not found in allowlist table"})


def test_allowlist_prefers_the_address_and_needs_one_of_both(api: Wire) -> None:
    path = f"/v3/{DOMAIN}/whitelists"
    parts = [Part("address", b"a@example.net"), Part("domain", b"example.net")]
    assert api.call("POST", path, parts=parts).json["type"] == "address"
    reply = api.call("POST", path, [])
    assert (reply.status, reply.json) == (400, {"message": "Missing mandatory parameter: address/domain"})


def test_allowlist_does_not_lift_a_suppression(api: Wire) -> None:
    api.call("POST", f"/v3/{DOMAIN}/whitelists", [("address", "quiet@example.net")])
    api.send_mail(to="quiet@example.net")
    assert [item["event"] for item in api.events()] == ["failed", "accepted"]
