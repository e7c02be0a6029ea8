"""`maton-mailgun approvals open`: the page comes back, signs nobody in by itself, and decides as the terminal does."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from maton_mailgun.sandbox import RunningSandbox

from .conftest import PASSPHRASE, Cli, set_passphrase
from .test_approvals import propose, state_of

pytestmark = pytest.mark.slow
ROUTE = {"expression": "catch_all()", "actions": ["stop()"], "priority": 0}


@contextmanager
def opened(cli: Cli, **environ: str) -> Iterator[str]:
    """The command at work; the address that it prints."""
    command = [sys.executable, "-P", "-m", "maton_mailgun", "approvals", "open"]
    env = {**cli.environ, **environ}
    with subprocess.Popen(
        command, env=env, cwd=cli.cwd, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        assert running.stdout is not None
        try:
            printed = "".join(running.stdout.readline() for _ in range(2))
            found = re.search(r"http://\S+", printed)
            assert found is not None, printed
            yield found[0]
        finally:
            running.send_signal(signal.SIGINT)


def send(
    address: str, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> tuple[int, Any, str]:
    """Status, JSON and cookie of one request as the page sends it."""
    port = urlsplit(address).port
    host = f"127.0.0.1:{port}"
    usual = {"Host": host, "Origin": f"http://{host}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, {**usual, **(headers or {})})
        answer = connection.getresponse()
        cookie = (answer.headers.get("Set-Cookie") or "").partition(";")[0]
        return answer.status, json.loads(answer.read() or b"null"), cookie
    finally:
        connection.close()


def test_it_asks_for_a_passphrase_that_can_be_set_first(cli: Cli) -> None:
    done = cli("approvals", "open")
    assert done.status == 3, done.err
    assert "maton-mailgun approvals passphrase" in done.err


def test_whoever_opens_it_has_to_sign_in_and_then_decides(cli: Cli, sandbox: RunningSandbox, tmp_path: Path) -> None:
    cli.env |= {"MATON_API_KEY": "sandbox-maton-key", "MATON_API_URL": sandbox.url}
    set_passphrase(cli)
    approval = propose(cli, "create_route", ROUTE)
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o700)
    with opened(cli, BROWSER=str(browser)) as address:
        assert (tmp_path / "opened").read_text().strip() == address
        assert "?t=" not in address
        assert [name for name in os.listdir(cli.cwd) if "ailgun" in name] == []
        assert send(address, "GET", "/api/approvals")[0] == 401
        assert send(address, "POST", "/api/session", {"passphrase": "a guess"})[0] == 401
        status, session, cookie = send(address, "POST", "/api/session", {"passphrase": PASSPHRASE})
        assert status == 200
        signed_in = {"Cookie": cookie, "X-Approval-Key": session["key"]}
        one = f"/api/approvals/{approval}"
        detail = send(address, "GET", one, headers=signed_in)[1]
        shown = send(address, "POST", f"{one}/shown", {}, signed_in)[1]["status"]
        decision = {"decision": "reject", "digest": detail["digest"], "version": shown["version"]}
        assert send(address, "POST", f"{one}/decision", decision, signed_in)[0] == 200
    assert state_of(cli, approval) == "rejected"
