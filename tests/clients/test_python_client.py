"""Mailgun's own Python client against the sandbox, only its base address changed."""

from __future__ import annotations

import pytest

from .conftest import Tour

pytestmark = pytest.mark.clients

DOMAIN = "mg.example.com"


def test_every_step_succeeds_but_those_that_must_not(python_tour: Tour) -> None:
    statuses = {step: told.get("status", 200) for step, told in python_tour.steps.items() if "raised" not in told}
    assert {step: status for step, status in statuses.items() if status != 200} == {
        "messages unknown domain": 404,
        "messages without a body": 400,
    }
    assert [step for step, told in python_tour.steps.items() if "raised" in told] == []


def test_no_field_of_the_client_is_ignored(python_tour: Tour) -> None:
    ignored = {record["path"]: record["ignored"] for record in python_tour.requests if record["ignored"]}
    assert ignored == {}


def test_the_message_arrives_with_attachment_tags_and_variables(python_tour: Tour) -> None:
    sent, mime = python_tour.messages
    assert python_tour.body("messages send") == {"id": sent["id"], "message": "Queued. Thank you."}
    assert (sent["from"], sent["to"], sent["subject"], sent["text"]) == (
        "Me <me@mg.example.com>",
        ["you@example.net", "two@example.org"],
        "Hi",
        "Hello",
    )
    assert [(file["filename"], file["size"]) for file in sent["attachments"]] == [("report.txt", 15)]
    assert (sent["options"]["o:tag"], sent["variables"]) == (["py", "tour"], {"order": "17"})
    assert (mime["recipients"], mime["subject"], mime["text"]) == (["mime@example.net"], "MIME", "Hello\r\n")


def test_a_refused_message_is_told_in_mailguns_words(python_tour: Tour) -> None:
    assert python_tour.steps["messages unknown domain"]["body"] == {"message": "Domain not found: unknown.example.com"}
    assert "Need at least one of" in python_tour.steps["messages without a body"]["body"]["message"]


def test_events_are_those_of_the_messages(python_tour: Tour) -> None:
    page = python_tour.body("events first page")
    assert [(item["event"], item["recipient"]) for item in page["items"]] == [
        ("delivered", "mime@example.net"),
        ("accepted", "mime@example.net"),
    ]


def test_the_clients_event_stream_repeats_its_first_page(python_tour: Tour) -> None:
    """Its pager reads the next page's query, while Mailgun's token stands in the path (recorded): the sandbox gives the
    real URLs, and the client asks for the first page for ever."""
    seen = [item["id"] for item in python_tour.steps["events stream"]["items"]]
    assert seen[:2] == seen[2:]


def test_domain_comes_and_goes(python_tour: Tour) -> None:
    created = python_tour.body("domains create")["domain"]
    assert (created["name"], created["state"], created["web_scheme"]) == ("python.example.com", "unverified", "https")
    assert python_tour.body("domains get")["domain"] == created
    assert python_tour.body("domains list")["total_count"] == 4
    assert "python.example.com" not in python_tour.sandbox.account.domains


def test_template_names_and_tags_are_lowered_and_versions_added(python_tour: Tour) -> None:
    template = python_tour.body("templates get")["template"]
    assert (template["name"], template["version"]["tag"], template["version"]["template"]) == (
        "python.tour",
        "v1",
        "<p>{{name}}</p>",
    )
    assert python_tour.body("templates add version")["template"]["version"]["tag"] == "v2"
    assert [item["name"] for item in python_tour.body("templates list")["items"]] == ["python.tour", "welcome"]
    assert "python.tour" not in python_tour.sandbox.account.domains[DOMAIN].templates


def test_list_and_members_are_kept(python_tour: Tour) -> None:
    assert python_tour.body("lists update")["list"]["description"] == "All the news"
    assert python_tour.body("members get")["member"] == {
        "address": "ann@example.net",
        "name": "Ann",
        "vars": {"age": 27},
        "subscribed": True,
    }
    members = python_tour.body("members pages")["items"]
    assert [(member["address"], member["subscribed"]) for member in members] == [
        ("ann@example.net", False),
        ("ben@example.net", True),
        ("eve@example.net", True),
    ]
    assert "news@mg.example.com" not in python_tour.sandbox.account.lists


def test_pythons_true_is_taken_as_the_clients_own_live_tests_expect(python_tour: Tour) -> None:
    member = {"address": "eve@example.net", "name": "", "vars": {}, "subscribed": True}
    assert python_tour.body("members add with True")["member"] == member


def test_suppressions_are_kept(python_tour: Tour) -> None:
    assert python_tour.body("bounces get")["code"] == "550"
    listed = {item["address"]: item["tags"] for item in python_tour.body("unsubscribes list")["items"]}
    assert (listed["u@example.net"], listed["b1@example.net"], listed["b2@example.net"]) == (["py"], ["a"], ["*"])
    domain = python_tour.sandbox.account.domains[DOMAIN]
    left = [key for table in (domain.bounces, domain.unsubscribes, domain.complaints) for key, _ in table.items()]
    assert not {"dead@example.net", "u@example.net", "c@example.net"} & set(left)


def test_route_keeps_its_actions_and_is_updated_in_part(python_tour: Tour) -> None:
    route = python_tour.body("routes create")["route"]
    assert route["actions"] == ['forward("https://desk.example.com/in")', "stop()"]
    assert python_tour.body("routes update")["priority"] == 7
    assert list(python_tour.sandbox.account.routes) == [route["id"]]


def test_webhook_keeps_every_url(python_tour: Tour) -> None:
    urls = ["https://a.example.com/", "https://b.example.com/"]
    assert python_tour.body("webhooks get") == {"webhook": {"urls": urls}}
    assert python_tour.body("webhooks update")["webhook"]["urls"] == ["https://c.example.com/"]
    assert "clicked" not in python_tour.sandbox.account.domains[DOMAIN].webhooks


def test_statistics_count_what_was_sent(python_tour: Tour) -> None:
    today = python_tour.body("stats total")["stats"][-1]
    assert (today["accepted"]["total"], today["delivered"]["total"]) == (3, 3)
    assert [item["tag"] for item in python_tour.body("tags list")["items"]] == ["py", "tour"]
