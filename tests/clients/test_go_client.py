"""The tests that Mailgun's client for Go brings pass against the sandbox as they are, for every operation it has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from maton_mailgun.sandbox import RunningSandbox, Sandbox, serve

from .go_client import go_tests, names_of, run_go_test

pytestmark = [pytest.mark.clients, pytest.mark.long]

KEY = "api-fake-key"
DOMAIN = "mailgun.test"

LEFT_OUT = {
    "an operation the sandbox does not have": {
        "TestCreateSubaccount", "TestDisableSubaccount", "TestDisableSubaccountAlreadyDisabled",
        "TestDomainDkimSelector", "TestDomainIPs", "TestDomainTrackingWebPrefix", "TestEmailValidationV4",
        "TestEnableSubaccount",
        "TestEnableSubaccountAlreadyEnabled", "TestExports", "TestExportsLink", "TestLimits", "TestListMetrics",
        "TestListSubaccounts", "TestParseAddresses", "TestSubaccountDetails", "TestValidateEmail",
    },
    "its mock takes the id of a message for that of an event, and stores what is sent to one address": {
        "TestMultipleAttachments", "TestStorage",
    },
    "its mock has webhooks called new-webhook and deliver, which Mailgun does not": {
        "TestGetWebhook", "TestWebhookCRUD",
    },
    "it reads connection settings inside an object, where Mailgun answers with them alone": {"TestDomainConnection"},
    "its mock leaves out variables that are none, where recorded answers have {}": {"TestListMailingListRegression"},
}  # fmt: skip
"""Tests of the client that are no word about Mailgun, or about what the sandbox does not have; by the reason."""


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    """The account that the client's tests begin with, made through the API."""
    with serve(Sandbox(mailgun_keys=(KEY,))) as served:
        _seed(served)
        yield served


def _seed(served: RunningSandbox) -> None:
    with httpx2.Client(base_url=served.url, auth=("api", KEY), trust_env=False) as client:

        def post(path: str, **fields: Any) -> None:
            answer = client.post(f"/v3{path}", data=fields)
            assert answer.status_code == 200, answer.text

        def put(path: str, **fields: str) -> None:
            answer = client.put(f"/v3/domains{path}", data=fields)
            assert answer.status_code == 200, answer.text

        for name in (DOMAIN, "example.com"):
            post("/domains", name=name)
            served.sandbox.account.domains[name].record["state"] = "active"
        post("/lists", address=f"foo@{DOMAIN}", description="Mailgun developers list")
        post(f"/lists/foo@{DOMAIN}/members", address="dev@samples.mailgun.org", name="Developer")
        for number in range(10):
            expression = 'match_recipient(".*@samples.mailgun.org")'
            actions = ['forward("http://myhost.com/messages/")', "stop()"]
            post("/routes", description=f"Sample Route {number}", expression=expression, action=actions)
        for number in (1, 2, 3):
            post(f"/{DOMAIN}/templates", name=f"template{number}", template="content", tag="test")
        for number in range(8):
            tags = ["newsletter", "tag1", "tag2"]
            fields = {"from": f"me@{DOMAIN}", "to": f"{number}@example.net", "text": "Hello", "o:tag": tags}
            post(f"/{DOMAIN}/messages", **fields)
        put(f"/{DOMAIN}/tracking/open", active="yes")
        put(f"/{DOMAIN}/tracking/click", active="yes")
        put(f"/{DOMAIN}/connection", require_tls="yes", skip_verification="yes")


def test_its_own_tests_pass(request: pytest.FixtureRequest, running: RunningSandbox) -> None:
    """Each in an account that begins as the client's own mock does."""
    home = go_tests(request.config.cache.mkdir("clients"))
    running.sandbox.begin_with(running.sandbox.dump())
    left_out = set().union(*LEFT_OUT.values())
    names, failed, asked = names_of(home), {}, set()
    for name in names:
        running.sandbox.reset()
        outcome, said = run_go_test(home, running.url, name)
        asked |= {name} if running.sandbox.requests else set()
        if outcome != "PASS" and name not in left_out:
            failed[name] = said
    assert failed == {}, "\n".join(failed.values())
    assert left_out <= set(names)
    # What passes is a word about the sandbox only where the sandbox was asked.
    assert len(asked - left_out) >= 45
