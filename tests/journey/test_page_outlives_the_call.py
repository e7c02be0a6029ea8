"""Clients that start a server for each call: the page that a call opened stays, and what is approved there is sent."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from mcp.client.stdio import StdioServerParameters

import clients
from clients.environments import one_process_a_call, run_tour
from e2e.conftest import wait_until
from e2e.host import content, host
from maton_mailgun.sandbox import RunningSandbox
from page.browser import Chromium
from page.serving import file_of, link_in

from .desktop import Desktop, approve_in, port_of, writes

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(sys.platform == "win32", reason="a page ends with its server there"),
]
LETTER = {
    "domain": "mg.example.com",
    "from": "desk@mg.example.com",
    "to": ["reader@example.net"],
    "subject": "Hello",
    "text": "Hello there",
}
OPEN = {"channel": "page", "opened": True}


def one_call(server: StdioServerParameters, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """A server process that lives for one call of a client that cannot ask anybody."""
    with host(server, "absent") as connected:
        return dict(content(connected.call(tool, arguments)))


def asked_again(server: StdioServerParameters, pending: dict[str, Any], seconds: int = 0) -> dict[str, Any]:
    return one_call(server, "get_approval", {"approval_id": pending["approval_id"], "wait_seconds": seconds})


def socket_of(server: StdioServerParameters) -> Path:
    """Where a page that goes on is asked to show more."""
    return Path((server.env or {})["MATON_MAILGUN_HOME"]) / "page.sock"


def serves(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def test_what_is_approved_after_the_process_has_ended_is_sent_once_and_told_by_the_next_one(
    server: StdioServerParameters, desktop: Desktop, chromium: Chromium, running: RunningSandbox
) -> None:
    pending = one_call(server, "send_message", LETTER)
    assert pending["decide"][0] == OPEN
    port = port_of(desktop)
    assert serves(port)

    assert asked_again(server, pending)["decide"][0] == OPEN
    assert len(desktop.addresses()) == 1
    approve_in(chromium, desktop)
    chromium.until_text("Sent", "#outcome-heading")

    done = asked_again(server, pending)
    assert (done["status"], done["executed"], done["approved_by"]) == ("executed", True, "person at the approval page")
    assert writes(running) == ["POST /mailgun/v3/mg.example.com/messages"]
    wait_until(lambda: not serves(port), "the page to end by itself")


def test_a_tab_that_was_open_goes_on_when_its_server_ends(
    server: StdioServerParameters, desktop: Desktop, chromium: Chromium, running: RunningSandbox
) -> None:
    with host(server, "absent") as connected:
        pending = content(connected.call("send_message", LETTER))
        wait_until(lambda: bool(desktop.addresses()), "the page being opened")
        chromium.go(desktop.addresses()[-1])
        chromium.find("#approve")
    approve_in(chromium, desktop, go=False)
    chromium.until_text("Sent", "#outcome-heading")
    assert asked_again(server, pending)["executed"] is True
    assert len(writes(running)) == 1


@pytest.mark.long
def test_one_page_shows_what_several_calls_propose(
    server: StdioServerParameters, desktop: Desktop, chromium: Chromium, running: RunningSandbox
) -> None:
    first = one_call(server, "send_message", LETTER)
    wait_until(socket_of(server).exists, "the page to answer its neighbours")
    second = one_call(server, "send_message", {**LETTER, "subject": "Another"})
    assert second["decide"][0] == OPEN
    assert len({urlsplit(link_in(file_of(address))).netloc for address in desktop.addresses()}) == 1
    for number, pending in enumerate((first, second)):
        approve_in(chromium, desktop, number)
        chromium.until_text("Sent", "#outcome-heading")
        assert asked_again(server, pending)["executed"] is True
    assert len(writes(running)) == 2


def test_a_page_that_is_gone_is_brought_back_by_asking_for_the_approval(
    server: StdioServerParameters, desktop: Desktop, chromium: Chromium, running: RunningSandbox
) -> None:
    pending = one_call(server, "send_message", LETTER)
    port = port_of(desktop)
    desktop.kill_lingering()
    wait_until(lambda: not serves(port), "the page to die")

    assert asked_again(server, pending)["decide"][0] == OPEN
    assert len(desktop.addresses()) == 2
    approve_in(chromium, desktop)
    chromium.until_text("Sent", "#outcome-heading")
    assert asked_again(server, pending)["executed"] is True
    assert len(writes(running)) == 1


@pytest.mark.long
def test_the_page_ends_when_it_was_decided_elsewhere(
    server: StdioServerParameters, desktop: Desktop, running: RunningSandbox
) -> None:
    pending = one_call(server, "send_message", LETTER)
    port = port_of(desktop)
    assert one_call(server, "cancel_approval", {"approval_id": pending["approval_id"]})["status"] == "cancelled"
    wait_until(lambda: not serves(port), "the page to end by itself")
    assert writes(running) == []


def test_a_server_that_opened_no_page_leaves_nothing_behind(
    server: StdioServerParameters, desktop: Desktop, running: RunningSandbox
) -> None:
    environment = {**(server.env or {}), "MATON_MAILGUN_PAGE": "false"}
    pending = one_call(server.model_copy(update={"env": environment}), "send_message", LETTER)
    assert [way["channel"] for way in pending["decide"]] == ["cli"]
    assert desktop.lingering() == []


def test_the_built_in_sandbox_says_that_it_is_gone_and_sends_nothing(
    server: StdioServerParameters, desktop: Desktop, chromium: Chromium
) -> None:
    sandboxed = server.model_copy(update={"args": [*server.args, "serve", "--sandbox"]})
    pending = one_call(sandboxed, "send_message", LETTER)
    approve_in(chromium, desktop)
    chromium.until_text("The built-in sandbox ended with the assistant's server", "#notice")
    assert asked_again(sandboxed, pending)["status"] in ("approved", "executing", "executed")


def test_no_key_and_no_link_of_a_page_that_goes_on_stands_in_a_command_line_or_a_file(
    server: StdioServerParameters, desktop: Desktop
) -> None:
    one_call(server, "send_message", LETTER)
    (process,) = desktop.lingering()
    line = (Path("/proc") / str(process) / "cmdline").read_bytes()
    link = link_in(file_of(desktop.addresses()[0]))
    assert b"maton_mailgun" in line
    assert b"sandbox-maton-key" not in line
    assert link.partition("?t=")[2].encode() not in line
    wait_until(socket_of(server).exists, "the page to answer its neighbours")
    home = socket_of(server).parent
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert link.partition("?t=")[2].encode() not in kept
    assert socket_of(server).stat().st_mode & 0o077 == 0


@pytest.mark.clients
@pytest.mark.long
def test_an_agent_of_langchain_sends_after_a_yes_on_the_page(
    request: pytest.FixtureRequest,
    server: StdioServerParameters,
    desktop: Desktop,
    chromium: Chromium,
    running: RunningSandbox,
) -> None:
    assert request.config.cache is not None
    client = one_process_a_call(request.config.cache.mkdir("clients"))
    script = Path(clients.__file__).with_name("call_each_anew.py")

    def called(*calls: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
        given = {"command": server.command, "args": server.args, "env": server.env, "calls": calls}
        return [json.loads(line) for line in run_tour([*client, str(script)], json.dumps(given), {})]

    domains, pending = called(("list_domains", {}), ("send_message", LETTER))
    assert domains["result"]["rows"]
    assert (pending["status"], pending["decide"][0]) == ("approval_required", OPEN)
    approve_in(chromium, desktop)
    chromium.until_text("Sent", "#outcome-heading")
    (done,) = called(("get_approval", {"approval_id": pending["approval_id"]}))
    assert (done["status"], done["executed"]) == ("executed", True)
    assert writes(running) == ["POST /mailgun/v3/mg.example.com/messages"]
