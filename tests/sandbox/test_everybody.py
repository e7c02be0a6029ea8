"""Ordinary clients work as they are: other spellings of fields, Mailgun's own addresses, what Python and PHP send."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from maton_mailgun.sandbox import RunningSandbox
from maton_mailgun.sandbox.web.calls import Upload

from .wire import DOMAIN, Clock, Part, Wire

AUTH = ("api", "key-sandbox")
MEMBERS = "/v3/lists/developers@mg.example.com/members"
NODE = """
const [url] = process.argv.slice(1);
const headers = { authorization: 'Basic ' + Buffer.from('api:key-sandbox').toString('base64') };
fetch(url, { headers }).then((answer) => answer.json()).then((body) => console.log(JSON.stringify(body)));
"""


def by_httpx2(url: str) -> Any:
    return httpx2.get(url, auth=AUTH, trust_env=False).json()


def by_curl(url: str) -> Any:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    done = subprocess.run(
        ["curl", "-sS", "--globoff", "--noproxy", "*", "--user", ":".join(AUTH), url],
        check=True, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    return json.loads(done.stdout)


def by_node(url: str) -> Any:
    if shutil.which("node") is None:
        pytest.skip("Node.js is not installed")
    done = subprocess.run(["node", "-e", NODE, "--", url], check=True, capture_output=True, text=True, timeout=30)
    return json.loads(done.stdout)


CLIENTS = pytest.mark.parametrize("get", [by_httpx2, by_curl, by_node])


# Fields as other clients spell them.


@pytest.mark.parametrize("index", ["", "[]", "[0]", "[12]"])
def test_parts_may_be_numbered_as_php_clients_do(api: Wire, index: str) -> None:
    parts = [
        Part("from", b"me@mg.example.com"),
        Part(f"to{index}", b"you@example.net"),
        Part(f"o:tag{index}", b"php"),
        Part("subject", b"Hi"),
        Part("text", b"Hello"),
        Part(f"attachment{index}", b"one", "a.txt", "text/plain"),
        Part(f"inline{index}", b"two", "b.png", "image/png"),
    ]
    assert api.call("POST", f"/v3/{DOMAIN}/messages", parts=parts).status == 200
    (message,) = api.outbox()
    assert (message["to"], message["options"]) == (["you@example.net"], {"o:tag": ["php"]})
    assert [file["filename"] for file in message["attachments"] + message["inline"]] == ["a.txt", "b.png"]
    assert api.requests()[-1]["ignored"] == []


def test_curl_sends_numbered_files(api: Wire, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    file = tmp_path / "report.txt"
    file.write_text("one, two, three")
    fields = {"from": "me@mg.example.com", "to[0]": "a@example.net", "to[1]": "b@example.net", "text": "Hello"}
    given = [item for name, value in fields.items() for item in ("-F", f"{name}={value}")]
    subprocess.run(
        ["curl", "-sSf", "--noproxy", "*", "--user", ":".join(AUTH), *given, "-F", f"attachment[0]=@{file}",
         f"http://{api.host}:{api.port}/v3/{DOMAIN}/messages"],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    (message,) = api.outbox()
    assert message["recipients"] == ["a@example.net", "b@example.net"]
    assert [(file["filename"], file["size"]) for file in message["attachments"]] == [("report.txt", 15)]


def test_variables_and_headers_keep_a_name_that_ends_in_a_number(api: Wire) -> None:
    """Their names are the sender's own: they are not fields of Mailgun's."""
    api.send_mail(("v:row[0]", "first"), ("v:row[1]", "second"))
    assert api.outbox()[0]["variables"] == {"row[0]": "first", "row[1]": "second"}


@pytest.mark.parametrize(("word", "test_mode"), [("True", True), ("False", False), ("yes", True), ("no", False)])
def test_pythons_words_for_test_mode(api: Wire, word: str, test_mode: bool) -> None:
    assert api.send_mail(("o:testmode", word)).status == 200
    assert api.outbox()[0]["test_mode"] is test_mode


@pytest.mark.parametrize("word", ["1", "TRUE", "on", "Yes"])
def test_other_words_are_refused(api: Wire, word: str) -> None:
    assert api.send_mail(("o:testmode", word)).status == 400
    assert api.call("POST", MEMBERS, [("address", "a@example.net"), ("subscribed", word)]).status == 400


def test_pythons_words_for_a_member(api: Wire) -> None:
    form = [("address", "a@example.net"), ("subscribed", "False"), ("upsert", "True")]
    assert [api.call("POST", MEMBERS, form).status for _ in range(2)] == [200, 200]
    member = {"address": "a@example.net", "name": "", "vars": {}, "subscribed": False}
    assert api.call("GET", f"{MEMBERS}/a@example.net").json == {"member": member}
    batch = [("upsert", "True"), ("members", '[{"address": "a@example.net", "subscribed": "True"}]')]
    assert api.call("POST", f"{MEMBERS}.json", batch).status == 200
    assert api.call("GET", f"{MEMBERS}/a@example.net").json == {"member": {**member, "subscribed": True}}


@pytest.mark.parametrize("nothing", ["null", ""])
def test_a_member_without_variables(api: Wire, nothing: str) -> None:
    answer = api.call("POST", MEMBERS, [("address", "a@example.net"), ("vars", nothing)])
    assert (answer.status, answer.json["member"]["vars"]) == (200, {})


def test_null_takes_a_members_variables_away(api: Wire) -> None:
    api.call("POST", MEMBERS, [("address", "a@example.net"), ("vars", '{"age": 27}')])
    assert api.call("PUT", f"{MEMBERS}/a@example.net", [("vars", "null")]).json["member"]["vars"] == {}
    many = [("upsert", "yes"), ("members", '[{"address": "a@example.net", "vars": null}]')]
    assert api.call("POST", f"{MEMBERS}.json", many).status == 200
    assert api.call("GET", f"{MEMBERS}/a@example.net").json["member"]["vars"] == {}


@pytest.mark.parametrize("word", ["yes", "true", "True"])
def test_a_version_becomes_the_active_one_by_any_word_for_yes(api: Wire, word: str) -> None:
    path = f"/v3/{DOMAIN}/templates/welcome"
    api.call("POST", f"{path}/versions", [("template", "new"), ("tag", "v3"), ("active", word)])
    assert api.call("GET", f"{path}?active={word}").json["template"]["version"]["tag"] == "v3"
    api.call("PUT", f"{path}/versions/v1", [("active", word)])
    assert api.call("GET", f"{path}?active={word}").json["template"]["version"]["tag"] == "v1"


@pytest.mark.parametrize(
    ("method", "path", "form"),
    [
        ("POST", "/v3/domains", [("name", "new.example.com"), ("smtp_password", "")]),
        ("PUT", f"/v3/domains/{DOMAIN}", [("smtp_password", ""), ("web_scheme", "https")]),
    ],
)
def test_an_empty_password_is_none(api: Wire, method: str, path: str, form: list[tuple[str, str]]) -> None:
    before = api.control("GET", "state")["account"]["domains"][DOMAIN]["smtp_password"]
    assert api.call(method, path, form).status == 200
    domains = api.control("GET", "state")["account"]["domains"]
    assert domains[DOMAIN]["smtp_password"] == before
    assert all(domain["smtp_password"] for domain in domains.values())


# Addresses: nothing leads away from the machine that was called at its own.


@CLIENTS
def test_a_client_that_follows_pages_stays_where_it_called(
    api: Wire, running: RunningSandbox, get: Callable[[str], Any]
) -> None:
    for number in range(3):
        api.call("POST", f"/v3/{DOMAIN}/bounces", [("address", f"b{number}@example.net")])
    url, seen = f"{running.url}/v3/{DOMAIN}/bounces?limit=2", []
    while page := get(url)["items"]:
        seen += [item["address"] for item in page]
        url = get(url)["paging"]["next"]
        assert url.startswith(f"{running.url}/v3/"), url
    assert sorted(seen) == sorted(["full@example.org", "gone@example.net", *(f"b{n}@example.net" for n in range(3))])


@CLIENTS
def test_events_and_stored_messages_lead_back_here(
    api: Wire, running: RunningSandbox, get: Callable[[str], Any]
) -> None:
    parts = [Part(name, value.encode()) for name, value in (("from", "me@mg.example.com"), ("to", "a@example.net"))]
    files = [Part("attachment", b"\x00report", "report.bin", "application/pdf")]
    api.call("POST", f"/v3/{DOMAIN}/messages", parts=[*parts, Part("text", b"Hello"), *files])
    page = get(f"{running.url}/v3/{DOMAIN}/events?limit=1")
    assert {url.startswith(f"{running.url}/v3/{DOMAIN}/events/") for url in page["paging"].values()} == {True}
    following = get(page["paging"]["next"])
    assert (page["items"][0]["event"], following["items"][0]["event"]) == ("delivered", "accepted")
    stored = get(page["items"][0]["storage"]["url"])
    assert stored["body-plain"] == "Hello"
    (file,) = stored["attachments"]
    assert (file["name"], file["content-type"], file["size"]) == ("report.bin", "application/pdf", 7)
    answer = httpx2.get(file["url"], auth=AUTH, trust_env=False)
    assert (answer.content, answer.headers["content-type"]) == (b"\x00report", "application/pdf")
    assert httpx2.get(file["url"] + "9", auth=AUTH, trust_env=False).status_code == 404


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("text/html", "text/html"),
        ("text/html; charset=utf-8", "text/html; charset=utf-8"),
        ("a/\x00b", "application/octet-stream"),
        ("text/é", "application/octet-stream"),
    ],
)
def test_a_file_of_a_message_is_no_page_of_the_sandbox(
    api: Wire, running: RunningSandbox, kind: str, told: str
) -> None:
    api.send_mail()
    (message,) = running.sandbox.account.domains[DOMAIN].messages.values()
    message.attachments.append(Upload("attachment", "a.html", kind, b"<script>1</script>"))
    answer = api.mailgun("GET", f"/v3/domains/{DOMAIN}/messages/{message.key}/attachments/0")
    headers = {name: answer.headers[name] for name in ("content-type", "content-disposition")}
    assert (answer.status, answer.body, headers) == (
        200,
        b"<script>1</script>",
        {"content-type": told, "content-disposition": "attachment"},
    )
    assert (answer.headers["content-security-policy"], answer.headers["x-content-type-options"]) == (
        "sandbox",
        "nosniff",
    )


def test_behind_the_gateway_addresses_are_mailguns(api: Wire) -> None:
    api.send_mail()
    page = api.call("GET", f"/v3/{DOMAIN}/events").json
    assert {url.partition("/v3/")[0] for url in page["paging"].values()} == {"https://api.mailgun.net"}
    assert page["items"][0]["storage"]["url"].startswith("https://storage-us-east4.api.mailgun.net/v3/")


@pytest.mark.parametrize("host", ["api.mailgun.net", 'evil"host', ""])
def test_a_host_that_is_mailguns_or_none_changes_no_address(api: Wire, host: str) -> None:
    headers = {"Host": host, "Authorization": "Basic YXBpOmtleS1zYW5kYm94"}
    page = api.raw("GET", f"/v3/{DOMAIN}/bounces", headers=headers).json
    assert page["paging"]["next"].startswith("https://api.mailgun.net/v3/")


@pytest.mark.parametrize("path", ["/v1/analytics/nothing", "/v2/x", "/v5/accounts/x", "/v4/nothing", "/v3/a/b/c/d/e"])
def test_paths_of_every_version_are_mailguns(api: Wire, path: str) -> None:
    unknown = api.mailgun("GET", "/v3/not/there/at/all")
    answer = api.mailgun("GET", path)
    assert (answer.status, answer.content_type, answer.body) == (404, "text/html", unknown.body)
    assert api.mailgun("GET", path, key="wrong").status == 401


# What each recipient gets.


def test_recipient_variables_are_filled_in_everywhere(api: Wire) -> None:
    values = {"a@example.net": {"id": 7, "n": "Ann"}, "b@example.net": {"id": 8, "n": "Ben"}}
    api.send_mail(
        ("to", "b@example.net"),
        ("recipient-variables", json.dumps(values)),
        ("v:id", "%recipient.id%"),
        ("v:deep", '{"who": ["%recipient.n%"]}'),
        ("h:X-Row", "row %recipient.id%"),
        to="a@example.net",
        subject="Hi %recipient.n%",
    )
    shown = {
        event["recipient"]: (event["message"]["headers"]["subject"], event["user-variables"])
        for event in api.events("?event=delivered")
    }
    assert shown == {
        "a@example.net": ("Hi Ann", {"id": "7", "deep": {"who": ["Ann"]}}),
        "b@example.net": ("Hi Ben", {"id": "8", "deep": {"who": ["Ben"]}}),
    }
    (message,) = api.outbox()
    assert (message["subject"], message["variables"]["id"]) == ("Hi %recipient.n%", "%recipient.id%")
    assert [(copy["recipient"], copy["headers"], copy["variables"]["id"]) for copy in message["copies"]] == [
        ("a@example.net", {"X-Row": "row 7"}, "7"),
        ("b@example.net", {"X-Row": "row 8"}, "8"),
    ]


# Time, domains, the beginning.


def test_a_scheduled_message_says_so_until_it_leaves(api: Wire) -> None:
    leaves = Clock.START + 3600
    api.send_mail(("o:deliverytime", "Thu, 15 Jan 2026 13:00:00 +0000"))
    (message,) = api.outbox()
    assert (message["options"], message["deliver_at"]) == (
        {"o:deliverytime": ["Thu, 15 Jan 2026 13:00:00 +0000"]},
        leaves,
    )
    assert rows(api) == [{"scheduled": 1}]
    api.control("POST", "clock", {"advance": 3601})
    assert rows(api) == [{"delivered": 1}]
    assert api.outbox()[0]["deliver_at"] == leaves


def test_a_time_that_is_over_is_now(api: Wire) -> None:
    api.send_mail(("o:deliverytime", "Thu, 15 Jan 2026 11:00:00 +0000"))
    assert (api.outbox()[0]["deliver_at"], rows(api)) == (None, [{"delivered": 1}])


def rows(api: Wire) -> list[dict[str, int]]:
    return [message["states"] for message in api.control("GET", "outbox/messages")["messages"]]


def test_a_domain_that_is_going_may_be_deleted_again(api: Wire) -> None:
    answers = [api.call("DELETE", f"/v3/domains/{DOMAIN}") for _ in range(2)]
    gone = {"message": "Domain will be deleted in the background"}
    assert [(answer.status, answer.json) for answer in answers] == [(200, gone), (200, gone)]
    api.control("POST", "clock", {"advance": 61})
    assert api.call("DELETE", f"/v3/domains/{DOMAIN}").status == 404


@pytest.mark.parametrize(
    "form", [{}, {"from": "nobody"}, {"from": None}, {"to": None}, {"to": "x"}, {"text": None}]
)  # fmt: skip
def test_a_disabled_domain_is_told_before_anything_else(api: Wire, form: dict[str, str | None]) -> None:
    answer = api.send_mail(domain="disabled.example.com", **form)
    text = "Domain disabled.example.com is not allowed to send: domain is disabled"
    assert (answer.status, answer.json) == (403, {"message": text})


def test_a_path_value_may_hold_anything(api: Wire) -> None:
    address = quote("a/b+c@example.net", safe="")
    assert api.mailgun("GET", f"/v3/{DOMAIN}/bounces/{address}").status == 404
