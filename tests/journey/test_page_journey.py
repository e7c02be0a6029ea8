"""A host that cannot ask: the server opens its page in the user's browser, and the person decides there."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp.client.stdio import StdioServerParameters

from approval.form_reading import as_read
from e2e.conftest import wait_until
from e2e.host import Host, content, headline, host, text
from maton_mailgun.approval.channels.passphrase import Passphrase
from maton_mailgun.sandbox import RunningSandbox
from page.browser import Chromium
from page.serving import file_of, link_in, token_of

from .desktop import READY, Desktop, approve_in, writes

pytestmark = pytest.mark.browser


@pytest.fixture
def mute(server: StdioServerParameters) -> Iterator[Host]:
    """A client without elicitation."""
    with host(server, "absent") as connected:
        yield connected


def outcome(mute: Host, pending: dict[str, Any]) -> dict[str, Any]:
    return content(mute.call("get_approval", {"approval_id": pending["approval_id"], "wait_seconds": 20}))


def test_a_send_is_approved_on_the_page_sent_once_and_reported_to_the_model(
    mute: Host, desktop: Desktop, chromium: Chromium, running: RunningSandbox
) -> None:
    message = {"from": "desk@mg.example.com", "to": ["reader@example.net"], "subject": "Hello", "text": "Hello there"}
    asked = mute.call("send_message", {"domain": "mg.example.com", **message})
    pending = content(asked)
    assert headline(asked).startswith("NOT EXECUTED. A person must approve this first. The approval page is open")
    assert pending["decide"] == [
        {"channel": "page", "opened": True},
        {"channel": "cli", "command": f"maton-mailgun approvals show {pending['approval_id']}"},
    ]
    assert writes(running) == []
    link = link_in(file_of(desktop.addresses()[0]))
    token = token_of(link)
    assert len(token) == 43
    assert token not in text(asked) + desktop.addresses()[0]

    approve_in(chromium, desktop)
    chromium.until_text("Sent", "#outcome-heading")
    assert desktop.handed_over() == []
    assert chromium.run("return [location.href, document.referrer]") == [link.partition("?t=")[0], ""]

    done = outcome(mute, pending)
    assert (done["status"], done["executed"], done["approved_by"]) == ("executed", True, "person at the approval page")
    assert writes(running) == ["POST /mailgun/v3/mg.example.com/messages"]
    assert outcome(mute, pending) == done


def test_a_generated_password_is_shown_to_the_person_once_and_never_to_the_model(
    mute: Host, desktop: Desktop, chromium: Chromium, running: RunningSandbox
) -> None:
    pending = content(mute.call("create_credential", {"domain": "mg.example.com", "login": "alice"}))
    approve_in(chromium, desktop)
    chromium.find("#show-secret")
    done = mute.call("get_approval", {"approval_id": pending["approval_id"], "wait_seconds": 20})
    chromium.click("#show-secret")
    chromium.find(".secret-value")
    password = chromium.text(".secret-value")

    assert len(password) >= 5
    assert content(done)["status"] == "executed"
    assert password not in text(done)
    assert password not in text(mute.call("get_approval", {"approval_id": pending["approval_id"]}))
    # Asked again, by whoever finds the page open: it is gone.
    chromium.go(chromium.run("return location.href.split('?')[0]"))
    chromium.run("location.reload()")
    chromium.find("#show-secret")
    chromium.click("#show-secret")
    chromium.until_text("It was shown before")


def test_a_password_approved_in_a_form_is_shown_on_the_page_that_opens_then(
    server: StdioServerParameters, desktop: Desktop, chromium: Chromium
) -> None:
    with host(server, "approves") as connected:
        done = connected.call("create_credential", {"domain": "mg.example.com", "login": "alice"})
        wait_until(lambda: bool(desktop.addresses()), "the page being opened")
        chromium.go(desktop.addresses()[0])
        chromium.find("#show-secret")
        chromium.click("#show-secret")
        chromium.find(".secret-value")
        password = chromium.text(".secret-value")

    assert content(done)["status"] == "executed"
    assert len(password) >= 5
    assert password not in text(done)


def test_a_message_that_no_form_can_hold_is_decided_on_the_page(
    server: StdioServerParameters, desktop: Desktop, chromium: Chromium
) -> None:
    text = "\n".join(f"this is line {number} of the message" for number in range(1000))
    message = {"from": "desk@mg.example.com", "to": ["reader@example.net"], "subject": "Long", "text": text}
    with host(server, "approves") as connected:
        pending = content(connected.call("send_message", {"domain": "mg.example.com", **message}))
        assert connected.asked == []
        chromium.go(desktop.addresses()[0])
        chromium.until_text("this is line 999 of the message")
    assert pending["decide"][0] == {"channel": "page", "opened": True}
    assert "lines of the text would be missing" in pending["no_form"]


@pytest.mark.parametrize("number", [20, 120, 1000])
def test_without_a_page_a_long_message_is_decided_in_a_terminal(server: StdioServerParameters, number: int) -> None:
    environment = {**(server.env or {}), "MATON_MAILGUN_PAGE": "false"}
    text = "\n".join(f"this is line {line} of the message" for line in range(number))
    message = {"from": "desk@mg.example.com", "to": ["reader@example.net"], "subject": "Long", "text": text}
    with host(server.model_copy(update={"env": environment}), "rejects") as connected:
        told = content(connected.call("send_message", {"domain": "mg.example.com", **message}))
        asked = list(connected.asked)
    if number < 1000:
        assert f"\n> this is line {number - 1} of the message\n" in as_read(asked[0])
        assert (told["status"], len(asked)) == ("rejected", 1)
    else:
        missing = re.search(r"12,000: ([0-9]+) lines of the text would be missing", told["no_form"])
        assert missing is not None
        assert 600 < int(missing[1]) < 700
        command = f"maton-mailgun approvals show {told['approval_id']}"
        assert (asked, told["decide"]) == ([], [{"channel": "cli", "command": command}])


def test_without_a_private_place_for_the_link_the_page_opens_and_asks_for_the_passphrase(
    mute: Host, desktop: Desktop, chromium: Chromium, running: RunningSandbox, tmp_path: Path
) -> None:
    (desktop.home / "maton-mailgun-page").mkdir()
    (desktop.home / "maton-mailgun-page").chmod(0o755)
    message = {"from": "desk@mg.example.com", "to": ["reader@example.net"], "subject": "Hello", "text": "Hello there"}
    asked = mute.call("send_message", {"domain": "mg.example.com", **message})
    pending = content(asked)
    assert pending["decide"][0] == {"channel": "page", "opened": True, "sign_in": "passphrase"}
    assert "It asks for the approver's passphrase" in text(asked)
    (address,) = desktop.addresses()
    assert address.endswith(f"/#/a/{pending['approval_id']}")
    assert desktop.handed_over() == []

    # In the order that the page says.
    chromium.go(address)
    chromium.until_text("maton-mailgun approvals passphrase")
    Passphrase(tmp_path / "home").set("correct horse battery staple", now=time.time())
    chromium.type("#passphrase", "correct horse battery staple")
    chromium.press("enter")
    chromium.find("#approve")
    chromium.run("window.armed = undefined")
    chromium.until(lambda: chromium.run(READY), "the buttons do not count yet")
    chromium.click("#approve")
    chromium.until_text("Sent", "#outcome-heading")

    assert outcome(mute, pending)["approved_by"] == "approver, by passphrase"
    assert writes(running) == ["POST /mailgun/v3/mg.example.com/messages"]
