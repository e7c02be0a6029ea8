"""Mailgun's own JavaScript client against the sandbox, only its base address changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from maton_mailgun.sandbox import Sandbox, serve

from .conftest import Tour
from .environments import node_client, run_tour

pytestmark = [pytest.mark.clients, pytest.mark.node]

DOMAIN = "mg.example.com"


def test_every_step_succeeds_but_those_that_must_not(node_tour: Tour) -> None:
    assert {step: told["raised"] for step, told in node_tour.steps.items() if "raised" in told} == {
        "messages unknown domain": "404 Domain not found: unknown.example.com",
        "mime send as a string": "400 'message' parameter is not a file",
    }


def test_no_field_of_the_client_is_ignored(node_tour: Tour) -> None:
    ignored = {record["path"]: record["ignored"] for record in node_tour.requests if record["ignored"]}
    assert ignored == {}


def test_the_messages_arrive_with_attachment_tags_and_template(node_tour: Tour) -> None:
    sent, rendered, mime = node_tour.messages
    assert node_tour.body("messages send") == {"status": 200, "id": sent["id"], "message": "Queued. Thank you."}
    assert [(file["filename"], file["size"]) for file in sent["attachments"]] == [("report.txt", 15)]
    assert (sent["options"]["o:tag"], sent["options"]["o:tracking"]) == (["js", "tour"], ["yes"])
    assert sent["variables"] == {"order": "17"}
    assert rendered["copies"][0]["html"].startswith("<h1>Welcome, Ann</h1>")
    assert (mime["recipients"], mime["subject"]) == (["mime@example.net"], "MIME")


def test_events_are_paged_by_the_token_to_their_end(node_tour: Tour) -> None:
    recipients = ["you@example.net", "two@example.org"]
    message = [f"{event} {recipient}" for event in ("accepted", "delivered") for recipient in recipients]
    assert node_tour.body("events all") == [
        *message,
        *message,
        "accepted mime@example.net",
        "delivered mime@example.net",
    ]


def test_bounces_are_paged_to_their_end(node_tour: Tour) -> None:
    """The client sends `limit` twice on following pages, which changes nothing."""
    assert node_tour.body("bounces all") == ["dead@example.net", "full@example.org", "gone@example.net"]


def test_domain_comes_and_goes(node_tour: Tour) -> None:
    created = node_tour.body("domains create")
    assert (created["name"], created["state"], created["wildcard"]) == ("node.example.com", "unverified", True)
    assert created["created_at"].endswith("Z"), "the client could read the date"
    assert node_tour.body("domains get")["id"] == created["id"]
    assert "node.example.com" not in node_tour.sandbox.account.domains


def test_template_names_and_tags_are_lowered_and_versions_added(node_tour: Tour) -> None:
    template = node_tour.body("templates get")
    assert (template["name"], template["version"]["tag"]) == ("node.tour", "v1")
    assert node_tour.body("templates add version")["template"]["version"]["tag"] == "v2"
    assert node_tour.body("templates delete")["templateName"] == "node.tour"


def test_list_and_members_are_kept(node_tour: Tour) -> None:
    assert node_tour.body("lists update")["description"] == "All the news"
    members = node_tour.body("members pages")["items"]
    assert [(member["address"], member["vars"], member["subscribed"]) for member in members] == [
        ("ann@example.net", {"age": 28}, False),
        ("ben@example.net", {"age": 3}, True),
    ]
    assert "js@mg.example.com" not in node_tour.sandbox.account.lists


def test_suppressions_are_kept(node_tour: Tour) -> None:
    """The client sends one bounce or complaint as a JSON array of one, but one unsubscribe as a form."""
    assert node_tour.body("bounces add")["message"] == "1 addresses have been added to the bounces table"
    assert node_tour.body("bounces get")["code"] == 550
    listed = {item["address"]: item["tags"] for item in node_tour.body("unsubscribes list")["items"]}
    assert (listed["b1@example.net"], listed["b2@example.net"], listed["u@example.net"]) == (["a"], ["*"], ["js"])
    assert "b1@example.net" not in node_tour.sandbox.account.domains[DOMAIN].unsubscribes


def test_route_keeps_its_actions_and_is_updated_in_part(node_tour: Tour) -> None:
    created = node_tour.body("routes create")
    assert created["actions"] == ['forward("https://desk.example.com/in")', "stop()"]
    updated = node_tour.body("routes update")
    assert (updated["priority"], updated["actions"]) == (7, created["actions"])
    assert created["id"] not in node_tour.sandbox.account.routes


def test_webhook_keeps_every_url(node_tour: Tour) -> None:
    assert node_tour.body("webhooks get")["urls"] == ["https://a.example.com/"]
    assert node_tour.body("webhooks update")["urls"] == ["https://b.example.com/", "https://c.example.com/"]
    assert "clicked" not in node_tour.sandbox.account.domains[DOMAIN].webhooks


def test_statistics_count_what_was_sent(node_tour: Tour) -> None:
    today = node_tour.body("stats total")["stats"][-1]
    assert (today["accepted"]["total"], today["delivered"]["total"]) == (5, 5)
    assert [item["tag"] for item in node_tour.body("tags list")["items"]] == ["js", "tour"]


def test_mail_that_arrives_is_posted_signed_and_read_by_the_client(request: pytest.FixtureRequest) -> None:
    command, more = node_client(request.config.cache.mkdir("clients"))
    with serve(Sandbox(calls=True)) as running:
        (line,) = run_tour([*command, str(Path(__file__).with_name("arrivals_node.cjs"))], running.url, more)
    assert json.loads(line) == {
        "arrived": [200],
        "forward": {"signed": True, "subject": "Grüße", "file": ["a.pdf", "application/pdf", "%PDF"]},
        "hook": {"signed": True, "event": "accepted", "recipient": "desk@mg.example.com"},
        "stored": {
            "subject": "Grüße",
            "sender": "dave@example.net",
            "recipients": "desk@mg.example.com",
            "text": "Hello",
            "file": "%PDF",
        },
    }
