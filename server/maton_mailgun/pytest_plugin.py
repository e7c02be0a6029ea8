"""The pytest fixture `mailgun_sandbox`, for people who test an agent that sends mail.

Installed with the package; there is nothing to switch on. A test asks for the fixture, points the agent at it, and then
looks at what was sent:

    def test_the_agent_confirms_the_order(mailgun_sandbox):
        run_my_agent("Confirm order 1042", env={**os.environ, **mailgun_sandbox.environment})

        (message,) = mailgun_sandbox.messages
        assert message["recipients"] == ["ann@example.net"]
        assert "1042" in message["subject"]

    def test_the_agent_does_not_send_twice_when_the_answer_is_lost(mailgun_sandbox):
        mailgun_sandbox.fault("drop_after", method="POST")
        run_my_agent("Confirm order 1042", env={**os.environ, **mailgun_sandbox.environment})

        assert len(mailgun_sandbox.messages) == 1

A client of Mailgun itself works as well: base address `mailgun_sandbox.url`, user `api`, key `mailgun_sandbox.key`.
The account starts with the domain `mg.example.com`, which may send to anyone, and a little of everything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from maton_mailgun.sandbox import RunningSandbox, Sandbox


class MailgunSandbox:
    """A Mailgun behind Maton on a port of this machine. Nothing leaves it.

    Args:
        running: The sandbox and where it listens.
        home: A directory for the state of a server started with `environment`.
    """

    key = "key-sandbox"
    """Mailgun's own API key, for HTTP basic authentication with the user `api`."""
    maton_key = "sandbox-maton-key"
    """The Maton key, for `Authorization: Bearer`."""

    signing_key = "sandbox-signing-key"
    """What posts to webhooks and routes are signed with."""

    def __init__(self, running: RunningSandbox, home: Path) -> None:
        self._running = running
        self._home = home

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`: Maton's root, and Mailgun's when a client speaks Mailgun's own shape."""
        return self._running.url

    @property
    def sandbox(self) -> Sandbox:
        """The object itself, for anything not offered here: state, settings, clock."""
        return self._running.sandbox

    @property
    def environment(self) -> dict[str, str]:
        """Settings that make `maton-mailgun` work on this sandbox, alone: add them to the environment it is started in.

        Every other setting is emptied, so that none of the developer's own takes part. Approvals are asked for as
        always, without opening a browser; a policy file (`MATON_MAILGUN_POLICY`) can allow what a test needs.
        """
        from maton_mailgun.config import NAMES

        return {
            **dict.fromkeys(NAMES, ""),
            "MATON_API_KEY": self.maton_key,
            "MATON_API_URL": self.url,
            "MATON_MAILGUN_HOME": str(self._home),
            "MATON_MAILGUN_PAGE": "false",
        }

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Everything accepted for sending in this test, oldest first.

        Each has `from`, `to`, `cc`, `bcc`, `recipients` (bare addresses after list expansion), `subject`, `text`,
        `html`, `attachments` (`filename`, `content_type`, `size`, `sha256`), `headers`, `options`, `variables`,
        `template`, `test_mode`, and `copies`: what each recipient sees.
        """
        return self.sandbox.messages

    @property
    def requests(self) -> list[dict[str, Any]]:
        """Every request that arrived in this test: `method`, `path`, `form`, `status`, `acted` (was it carried out),
        `ignored` (fields that Mailgun does not know)."""
        return list(self.sandbox.requests)

    def arrive(self, **fields: Any) -> list[dict[str, Any]]:
        """Lets mail arrive, and waits until what routes forward has been posted; only this machine is called.

        Args:
            fields: `from` (as `**{"from": ...}`) and `to`, `subject`, `text`, `html`, `headers`; or `mime`, a whole
                message. `sender` and `recipient` are those of the envelope, where they differ.

        Returns:
            For each recipient: `routes` that took it, `stored` with its `storage_key`, and `posts` with their outcome.

        Raises:
            ValueError: It cannot arrive, and why.
        """
        import json
        from http.client import HTTPConnection

        connection = HTTPConnection(self._running.host, self._running.port, timeout=60)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", "/_sandbox/inbound", json.dumps(fields), headers)
            answer = json.load(connection.getresponse())
        finally:
            connection.close()
        if "problem" in answer:
            raise ValueError(answer["problem"])
        found: list[dict[str, Any]] = answer["messages"]
        return found

    @property
    def callbacks(self) -> list[dict[str, Any]]:
        """What was posted to webhooks and routes, or refused: `kind`, `url`, `state`, `status`, `error`, `at`.

        Waits for what is under way.
        """
        self.sandbox.callbacks.wait()
        return list(self.sandbox.callbacks.outcomes)

    def fault(
        self, kind: str, *, method: str | None = None, path: str | None = None, times: int = 1, **changes: Any
    ) -> None:
        """Arms a fault for the next request or requests.

        Args:
            kind: `drop_before`, `drop_after`, `truncated`, `slow`, `html_500`, `rate_429_retry_after`, `maton_401` and
                others; a wrong name lists them all.
            method: Only requests with this method.
            path: Only requests whose path this regular expression finds.
            times: How many requests it hits.
            changes: Parts of the fault to override: `status`, `body`, `headers`, `delay` (seconds), `truncate` (bytes).

        Raises:
            ValueError: There is no such fault.
        """
        from maton_mailgun.sandbox.control.faults import parse_fault

        match = {name: value for name, value in (("method", method), ("path_regex", path)) if value is not None}
        armed = parse_fault({"fault": {"kind": kind, **changes}, "match": match, "times": times})
        self.sandbox.faults.append(armed)


@pytest.fixture(scope="session")
def mailgun_sandbox_server() -> Iterator[RunningSandbox]:
    """One sandbox on a free port for the whole session; `mailgun_sandbox` puts it back to its seed for each test."""
    from maton_mailgun.sandbox import Sandbox, serve

    with serve(Sandbox(calls=True)) as running:
        yield running


@pytest.fixture
def mailgun_sandbox(mailgun_sandbox_server: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> MailgunSandbox:
    """A fresh Mailgun account on a port of this machine: see `MailgunSandbox`."""
    mailgun_sandbox_server.sandbox.reset()
    return MailgunSandbox(mailgun_sandbox_server, tmp_path_factory.mktemp("maton-mailgun"))
