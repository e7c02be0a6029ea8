"""The fixture as an agent developer uses it: in a project of their own, with nothing but the package installed."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import pytest

from maton_mailgun.config import Settings, load
from maton_mailgun.pytest_plugin import MailgunSandbox
from maton_mailgun.sandbox import RunningSandbox, Sandbox

pytestmark = pytest.mark.slow

pytest_plugins = ["pytester"]

# Where the package was installed before it named its plugin, pytest has to be told.
_LOAD = () if entry_points(group="pytest11", name="maton_mailgun") else ("-p", "maton_mailgun.pytest_plugin")

SEND = """
import subprocess, sys, urllib.error, urllib.parse, urllib.request
from base64 import b64encode

def send(sandbox, subject):
    form = urllib.parse.urlencode(
        {"from": "me@mg.example.com", "to": "ann@example.net", "subject": subject, "text": "Hello"}
    ).encode()
    request = urllib.request.Request(sandbox.url + "/v3/mg.example.com/messages", form)
    request.add_header("Authorization", "Basic " + b64encode(("api:" + sandbox.key).encode()).decode())
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(request, timeout=20).status
"""


def _run(pytester: pytest.Pytester, tests: str) -> pytest.RunResult:
    pytester.makepyfile(SEND + tests)
    return pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider", *_LOAD)


def test_each_test_sees_only_its_own_mail(pytester: pytest.Pytester) -> None:
    result = _run(
        pytester,
        """
def test_one(mailgun_sandbox):
    assert send(mailgun_sandbox, "Order 1042") == 200
    (message,) = mailgun_sandbox.messages
    assert (message["recipients"], message["subject"]) == (["ann@example.net"], "Order 1042")
    assert [request["path"] for request in mailgun_sandbox.requests] == ["/v3/mg.example.com/messages"]

def test_two(mailgun_sandbox):
    assert mailgun_sandbox.messages == []
    assert mailgun_sandbox.requests == []
""",
    )
    result.assert_outcomes(passed=2)


def test_a_fault_hits_what_it_names_and_ends_with_the_test(pytester: pytest.Pytester) -> None:
    result = _run(
        pytester,
        """
import pytest

def test_lost_answer(mailgun_sandbox):
    mailgun_sandbox.fault("drop_after", method="POST", path="/messages$", times=9)
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        send(mailgun_sandbox, "Order 1042")
    assert len(mailgun_sandbox.messages) == 1

def test_status(mailgun_sandbox):
    mailgun_sandbox.fault("html_500")
    with pytest.raises(urllib.error.HTTPError, match="500"):
        send(mailgun_sandbox, "Order 1042")
    assert mailgun_sandbox.messages == []

def test_none_is_left(mailgun_sandbox):
    assert send(mailgun_sandbox, "Order 1042") == 200

def test_a_wrong_name_lists_the_right_ones(mailgun_sandbox):
    with pytest.raises(ValueError, match="drop_before"):
        mailgun_sandbox.fault("no_such_fault")
""",
    )
    result.assert_outcomes(passed=4)


def test_the_server_started_with_its_environment_works_on_it(pytester: pytest.Pytester) -> None:
    result = _run(
        pytester,
        """
import asyncio
from maton_mailgun.call import Caller, Engine
from maton_mailgun.catalogue.rows import load as load_catalogue
from maton_mailgun.config import load as load_settings
from maton_mailgun.wire.gateway import Gateway

def test_read(mailgun_sandbox):
    settings = load_settings(mailgun_sandbox.environment)
    assert not settings.page

    async def domains():
        engine = Engine(settings, load_catalogue(), Gateway(settings))
        try:
            return await engine.call("list_domains", {}, Caller("me", "test"))
        finally:
            await engine.aclose()

    outcome = asyncio.run(domains())
    assert outcome.content["result"]["total"] == 4
    assert any(request["path"].startswith("/mailgun/v3/domains") for request in mailgun_sandbox.requests)
""",
    )
    result.assert_outcomes(passed=1)


def test_mail_arrives_and_is_posted_to_what_is_tested(pytester: pytest.Pytester) -> None:
    result = _run(
        pytester,
        """
import hashlib, hmac, json, urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
import pytest

class Desk(BaseHTTPRequestHandler):
    posted = []
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.posted.append(dict(urllib.parse.parse_qsl(body)))
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass

def test_arrives(mailgun_sandbox):
    with HTTPServer(("127.0.0.1", 0), Desk) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/in"
        mailgun_sandbox.sandbox.account.routes["r"] = {
            "id": "r", "priority": 0, "description": "", "expression": "catch_all()", "actions": [f'forward("{url}")'],
        }
        mail = {"from": "ann@example.net", "to": "me@mg.example.com", "subject": "Hi", "text": "Hello"}
        (message,) = mailgun_sandbox.arrive(**mail)
        server.shutdown()
    (posted,) = Desk.posted
    signed = (posted["timestamp"] + posted["token"]).encode()
    assert hmac.new(mailgun_sandbox.signing_key.encode(), signed, hashlib.sha256).hexdigest() == posted["signature"]
    assert (posted["subject"], message["posts"][0]["status"]) == ("Hi", 200)
    assert [(one["url"], one["state"]) for one in mailgun_sandbox.callbacks if one["kind"] == "forward"] == [
        (url, "called")
    ]
    with pytest.raises(ValueError, match="no recipient"):
        mailgun_sandbox.arrive(**{"from": "ann@example.net"})
""",
    )
    result.assert_outcomes(passed=1)


def test_no_setting_of_the_developer_takes_part(tmp_path: Path) -> None:
    own = {
        "MATON_API_KEY": "a-real-key",
        "MATON_CONNECTION_ID": "a-real-connection",
        "MATON_MAILGUN_READ_ONLY": "true",
        "MATON_MAILGUN_POLICY": "policy.toml",
        "MATON_MAILGUN_DATABASE_URL": "postgresql://db.example.com/approvals",
    }
    running = RunningSandbox(Sandbox(), "127.0.0.1", 8025)
    settings = load({**own, **MailgunSandbox(running, tmp_path).environment})
    assert settings == Settings(api_key="sandbox-maton-key", api_url="http://127.0.0.1:8025", home=tmp_path, page=False)
