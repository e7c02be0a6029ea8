"""Stored templates and their versions."""

from __future__ import annotations

import json

import pytest

from .wire import DOMAIN, Wire

TEMPLATES = f"/v3/{DOMAIN}/templates"
WELCOME = TEMPLATES + "/welcome"
BARE = {
    "name": "welcome",
    "description": "First mail to a new customer",
    "createdAt": "Sat, 01 Mar 2025 22:44:03 UTC",
    "createdBy": "",
    "id": "b6894275-acd8-49da-ae60-04ea61f860e0",
}
V2 = {
    "tag": "v2",
    "template": "<h1>Welcome, {{name}}</h1>\n<p>Your account at {{company}} is ready.</p>\n",
    "engine": "handlebars",
    "mjml": "",
    "createdAt": "Sat, 01 Mar 2025 22:44:03 UTC",
    "comment": "with the company",
    "active": True,
    "id": "b6894275-acd8-49da-ae60-04ea61f860e2",
    "headers": {"Subject": "Welcome, {{name}}"},
}


def test_list_shows_no_content_and_pages_by_name(api: Wire) -> None:
    base = f"https://api.mailgun.net{TEMPLATES}"
    assert api.call("GET", TEMPLATES).json == {
        "items": [BARE],
        "paging": {
            "first": f"{base}?limit=100",
            "last": f"{base}?page=last&limit=100",
            "next": f"{base}?page=next&p=welcome&limit=100",
            "previous": f"{base}?page=previous&p=welcome&limit=100",
        },
    }
    assert api.call("GET", TEMPLATES + "?active=yes").json["items"] == [{**BARE, "version": V2}]
    assert api.call("GET", TEMPLATES + "?limit=101").status == 400


def test_get_has_content_only_when_asked(api: Wire) -> None:
    assert api.call("GET", WELCOME).json == {"template": BARE}
    assert api.call("GET", TEMPLATES + "/Welcome?active=yes").json == {"template": {**BARE, "version": V2}}
    missing = api.call("GET", TEMPLATES + "/nope")
    assert (missing.status, missing.json) == (404, {"message": "template not found"})


def test_names_and_tags_are_lower_cased(api: Wire) -> None:
    form = [
        ("name", "A Name"),
        ("template", "<p>{{x}}</p>"),
        ("tag", "V1"),
        ("headers", json.dumps({"Subject": "S", "Reply-To": "r@example.com"})),
        ("createdBy", "tests"),
    ]
    body = api.call("POST", TEMPLATES, form).json
    assert body["message"] == "template has been stored"
    version = body["template"]["version"]
    assert (body["template"]["name"], version["tag"], version["active"]) == ("a name", "v1", True)
    assert version["headers"] == {"Subject": "S", "Reply-To": "r@example.com"}
    assert api.call("GET", TEMPLATES + "?limit=1").json["paging"]["next"].endswith("?page=next&p=a+name&limit=1")
    assert api.call("GET", TEMPLATES + "/a%20name").status == 200


def test_without_content_there_is_no_version(api: Wire) -> None:
    body = api.call("POST", TEMPLATES, [("name", "empty")]).json
    assert "version" not in body["template"]
    assert api.call("GET", TEMPLATES + "/empty?active=yes").json["template"]["name"] == "empty"


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ([("template", "x")], "Missing mandatory parameter: name"),
        ([("name", "Welcome")], "template with name 'welcome' already exists"),
        (
            [("name", "n"), ("template", "x"), ("headers", '{"To": "a@example.com"}')],
            "Header 'To' is not allowed. Only From, Subject and Reply-To are",
        ),
        (
            [("name", "n"), ("template", "x"), ("headers", "Subject")],
            "'headers' parameter is not a valid JSON object",
        ),
        ([("name", "n"), ("template", "x" * 102401)], "template content is larger than 100KB"),
    ],
)
def test_create_refuses(api: Wire, form: list[tuple[str, str]], message: str) -> None:
    reply = api.call("POST", TEMPLATES, form)
    assert (reply.status, reply.json) == (400, {"message": message})


def test_a_hundred_templates_are_the_most(api: Wire) -> None:
    statuses = {api.call("POST", TEMPLATES, [("name", f"t{n}")]).status for n in range(99)}
    assert statuses == {200}
    assert api.call("POST", TEMPLATES, [("name", "one too many")]).status == 400


def test_delete_takes_all_versions(api: Wire) -> None:
    assert api.call("DELETE", WELCOME).json == {
        "message": "template has been deleted",
        "template": {"name": "welcome"},
    }
    assert api.call("DELETE", WELCOME).json == {"message": "template not found"}
    assert api.call("GET", WELCOME + "/versions/v1").status == 404


@pytest.mark.parametrize("slash", ["", "/"])
def test_delete_without_a_name_wipes_them_all(api: Wire, slash: str) -> None:
    assert api.call("DELETE", TEMPLATES + slash).json == {"message": "templates have been deleted"}
    assert api.call("GET", TEMPLATES).json["items"] == []


def test_update_changes_the_description(api: Wire) -> None:
    assert api.call("PUT", WELCOME, [("description", "new")]).json == {
        "message": "template has been updated",
        "template": {"name": "welcome"},
    }
    assert api.call("GET", WELCOME).json["template"]["description"] == "new"


def test_versions_live_inside_the_template(api: Wire) -> None:
    body = api.call("GET", WELCOME + "/versions").json
    assert [(version["tag"], version["active"]) for version in body["template"]["versions"]] == [
        ("v1", False),
        ("v2", True),
    ]
    assert "template" not in body["template"]["versions"][0]
    assert api.call("GET", WELCOME + "/versions/V2").json["template"]["version"] == V2


def test_life_of_a_version(api: Wire) -> None:
    path = WELCOME + "/versions"
    body = api.call("POST", path, [("template", "three"), ("tag", "V3")]).json
    assert body["message"] == "new version of the template has been stored"
    assert (body["template"]["version"]["tag"], body["template"]["version"]["active"]) == ("v3", False)
    assert api.call("POST", path, [("template", "x"), ("tag", "v3")]).status == 400
    assert api.call("PUT", path + "/v3", [("active", "yes"), ("comment", "now")]).json == {
        "message": "version has been updated",
        "template": {"name": "welcome", "version": {"tag": "v3"}},
    }
    active = api.call("GET", WELCOME + "?active=yes").json["template"]["version"]
    assert (active["tag"], active["comment"]) == ("v3", "now")
    assert api.call("DELETE", path + "/v3").json["message"] == "version has been deleted"
    assert api.call("GET", path + "/v3").json == {"message": "version not found"}


def test_the_first_version_becomes_active_by_itself(api: Wire) -> None:
    api.call("POST", TEMPLATES, [("name", "empty")])
    body = api.call("POST", TEMPLATES + "/empty/versions", [("template", "x"), ("tag", "one")]).json
    assert body["template"]["version"]["active"] is True
