"""140, 141, 153, 167, 297: the approval page is nobody else's, and a yes there is to what the browser was given."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from maton_mailgun import loopback
from maton_mailgun.approval.channels.page.frame import render
from maton_mailgun.approval.lifecycle.plain_fields import PlainField
from maton_mailgun.approval.store.record import Record
from page.records import a_record, a_send
from page.serving import RunningPage


@pytest.fixture
def page() -> Iterator[RunningPage]:
    """The page with no records yet."""
    with RunningPage() as running:
        yield running


def test_attack_140_every_start_has_a_host_and_a_folder_of_its_own() -> None:
    with RunningPage() as one, RunningPage() as other:
        hosts, folders = {one.page.host, other.page.host}, {one.static(), other.static()}
        assert len(hosts) == len(folders) == 2
        assert all(re.fullmatch(r"[0-9a-f]{20}\.localhost", host) for host in hosts)
        assert all(re.fullmatch(r"/static/[\w-]{16}", folder) for folder in folders)
        assert one.page.link("apr_0123").startswith(f"http://{one.page.host}:{one.page.port}/#/a/apr_0123?t=")
        assert one.send("GET", "/", headers={"Host": f"{one.page.host}:{one.page.port}"}).status == 200
        assert one.send("GET", "/", headers={"Host": f"{other.page.host}:{one.page.port}"}).status == 421


def test_attack_140_no_file_of_the_page_is_given_as_a_service_worker() -> None:
    with RunningPage() as page:
        reply = page.send("GET", f"{page.static()}/main.js", headers={"Service-Worker": "script"})
        assert (reply.status, reply.json["error"]) == (403, "no_worker")


@pytest.mark.parametrize("loaded", [(), ("message",), ("frame",)], ids=["nothing", "only the words", "only the frame"])
def test_attack_141_a_yes_to_a_message_that_this_browser_was_not_given_does_not_count(
    page: RunningPage, loaded: tuple[str, ...]
) -> None:
    record = a_send()
    page.gate.add(record)
    browser, other = page.browser(principal=None), page.browser()
    ticket = browser.get(f"/api/approvals/{record.id}").json["ticket"]
    paths = {"message": f"/api/approvals/{record.id}/message", "frame": f"/api/approvals/{record.id}/message/{ticket}"}
    seen = browser.see(record.id)
    for one in loaded:
        assert browser.get(paths[one]).status == 200
    for path in paths.values():
        # What another browser was given counts for that one.
        other.get(path)
    refused = browser.decide(record.id, {**seen, "decision": "approve"})
    assert (refused.status, refused.json["message"]) == (
        409, "The message was not shown here yet. Nothing was decided; load the page anew.",
    )  # fmt: skip
    assert page.gate.decisions == []
    for path in paths.values():
        assert browser.get(path).status == 200
    assert browser.decide(record.id, {**seen, "decision": "approve"}).status == 200


def test_a_no_counts_whatever_was_loaded(page: RunningPage) -> None:
    record = a_send()
    page.gate.add(record)
    browser = page.browser()
    reply = browser.decide(record.id, {**browser.see(record.id), "decision": "reject"})
    assert (reply.status, reply.json["status"]["state"]) == (200, "rejected")


def test_attack_153_the_page_listens_wherever_its_name_leads() -> None:
    with RunningPage() as page:
        for host in ("127.0.0.1", *(["::1"] if socket.has_ipv6 else [])):
            with socket.create_connection((host, page.page.port), 5) as reached:
                reached.sendall(f"GET / HTTP/1.1\r\nHost: {page.page.host}:{page.page.port}\r\n\r\n".encode())
                assert reached.recv(15) == b"HTTP/1.1 200 OK"


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no ::1 that somebody else could take")
def test_attack_153_a_port_that_somebody_else_has_on_the_other_loopback_is_not_taken() -> None:
    with socket.socket(socket.AF_INET6) as theirs:
        theirs.bind(("::1", 0))
        theirs.listen()
        port = theirs.getsockname()[1]
        with pytest.raises(OSError, match="Address already in use"):
            loopback.listen(port)
        served = subprocess.run(
            [sys.executable, "-P", "-m", "maton_mailgun", "serve", "--sandbox", "--http", f"127.0.0.1:{port}"],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
    assert served.returncode != 0
    assert f"Another program listens on [::1]:{port}, where http://localhost:{port} leads too" in served.stderr


@pytest.mark.parametrize("decision", [[], {}, None, 1, "APPROVE", "approve\ud800"])
def test_a_decision_of_another_kind_is_refused_in_words(page: RunningPage, decision: object) -> None:
    record = a_send()
    page.gate.add(record)
    browser = page.browser()
    reply = browser.decide(record.id, {**browser.see(record.id), "decision": decision})
    assert (reply.status, reply.json["error"], page.gate.decisions) == (400, "bad_request", [])


def test_a_reason_that_no_store_could_hold_is_refused(page: RunningPage) -> None:
    record = a_send()
    page.gate.add(record)
    browser = page.browser()
    reply = browser.decide(record.id, {**browser.see(record.id), "decision": "reject", "reason": "no \ud83d"})
    assert (reply.status, page.gate.decisions) == (400, [])


def test_attack_167_a_picture_with_rules_of_its_own_is_left_out_of_the_frame() -> None:
    """It may ask how wide it stands there, and say something else in the mail."""
    rendered = render("<p>Hi</p><img src='data:image/svg+xml;base64,PHN2Zy8+' alt='Pay 10 EUR'>")
    assert rendered.removed == ("1 picture that is a document of its own (SVG)",)
    assert ("<img" in rendered.document, "picture: Pay 10 EUR" in rendered.document) == (False, True)


def changed(
    page: RunningPage, record: Record, *, like: Record | None = None, subject: str = "Other", **more: Any
) -> int:
    """The status that a change of the subject is answered with."""
    page.gate.edits.plain[record.id] = [PlainField("subject", "line", "Hello", "", required=False)]
    body = {"digest": (like or record).digest, "set": {"subject": subject}}
    return page.browser().send("POST", f"/api/approvals/{record.id}/edit", body, **more).status


def test_attack_297_no_other_site_and_nobody_without_the_pages_half_changes_anything(page: RunningPage) -> None:
    record = a_record()
    page.gate.add(record)

    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": None},
        {"Sec-Fetch-Site": "cross-site"},
        {"X-Approval-Key": None},
        {"X-Approval-Key": "guessed"},
        {"Cookie": None},
        {"Content-Type": "text/plain"},
    ):
        assert changed(page, record, headers=headers) in (401, 403, 415), headers
    assert (page.gate.edits.made, page.record(record.id).state) == ([], "pending")


def test_attack_297_a_session_changes_nothing_of_another_principal(page: RunningPage) -> None:
    record = a_record(principal="somebody else")
    page.gate.add(record)
    browser = page.browser(principal="local")

    reply = browser.send("POST", f"/api/approvals/{record.id}/edit", {"digest": record.digest, "set": {"a": "b"}})

    assert (reply.status, browser.get(f"/api/approvals/{record.id}/fields").status) == (404, 404)


def test_attack_297_a_change_is_of_what_was_shown_and_of_bounded_size(page: RunningPage) -> None:
    record, other = a_record(), a_record(digest="sha256:" + "cd" * 32)
    page.gate.add(record)

    assert changed(page, record, like=other) == 409
    assert changed(page, record, subject="a" * 2_000_001) == 413
    assert (page.gate.edits.made, page.record(record.id).state) == ([], "pending")
    assert changed(page, record, subject="a" * 100_000) == 200
