"""140, 141: the approval page is nobody else's, and a yes there is to what the browser was given."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from page.records import a_send
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
