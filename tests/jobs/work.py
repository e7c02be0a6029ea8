"""What a job has at hand: the assistant's tools, counted, the person at the form, and the account on the other side."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from e2e.account import Account
from e2e.host import Host, content, text
from maton_mailgun.approval.channels.passphrase import Passphrase

DOMAIN = "mg.example.com"
TEAM = "team@mg.example.com"
HERE = {"domain": DOMAIN}
_PASSPHRASE = "correct horse battery staple"


class Work:
    """One job from the words of the user to the answer.

    Args:
        host: The client, with a person who approves unless a job says otherwise.
        account: The sandbox, prepared over the wire.
        environment: What the server was started with; the person's terminal has the same.
    """

    def __init__(self, host: Host, account: Account, environment: Mapping[str, str]) -> None:
        self._host, self.account, self._environment = host, account, environment
        self._asked_before = len(host.asked)
        self.shown = ""
        self.calls = self.characters = 0
        self.tools: set[str] = set()

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured content of one call, whose text, the same, a model reads."""
        answer = self._host.call(tool, arguments)
        self.calls += 1
        self.tools.add(tool)
        self.characters += len(text(answer))
        return content(answer)

    def read(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The result of a read, which must have come off."""
        told = self.call(tool, **arguments)
        assert told["status"] == "ok", told
        found: dict[str, Any] = told["result"]
        return found

    def write(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """What is told of a write that the person said yes to, after exactly one question."""
        before = len(self._host.asked)
        told = self.call(tool, **arguments)
        assert told.get("executed") is True, told
        assert len(self._host.asked) == before + 1
        return told

    def refused(self, reason: str, tool: str, **arguments: Any) -> dict[str, Any]:
        """What is told of a write that the person says no to, with this reason."""
        self._host.person, self._host.reason = "rejects", reason
        try:
            return self.call(tool, **arguments)
        finally:
            self._host.person = "approves"

    def approved_in_terminal(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """What is told of a write that no form holds, after the person has said yes in a terminal."""
        pytest.importorskip("pty", reason="Windows has no such terminals")
        from cli.terminals import Terminal

        waiting = self.call(tool, **arguments)
        assert waiting["status"] == "approval_required", waiting
        home = Path(self._environment["MATON_MAILGUN_HOME"])
        if not Passphrase(home).is_set():
            Passphrase(home).set(_PASSPHRASE, now=time.time())
        (way,) = waiting["decide"]
        identity = way["command"].rpartition(" ")[2]
        with Terminal("approvals", "approve", identity, env=self._environment, cwd=self.files) as terminal:
            terminal.expect("Passphrase, to ")
            terminal.enter(_PASSPHRASE)
            assert terminal.finish() == 0, terminal.seen
        self.shown = terminal.seen
        return self.call("get_approval", **waiting["next"]["arguments"])

    @property
    def files(self) -> Path:
        """The directory that attachments are taken from."""
        return Path(self._environment["MATON_MAILGUN_ATTACHMENTS"])

    @property
    def questions(self) -> list[str]:
        """What the person was shown in this job."""
        return self._host.asked[self._asked_before :]

    def state(self, path: str) -> dict[str, Any]:
        """What the account answers at a path, asked beside the assistant."""
        return self.account.ask("GET", path)

    def mail(self, to: str, **form: str) -> str:
        """A message that was sent before the job; its id without brackets."""
        fields = {"from": f"Shop <shop@{DOMAIN}>", "to": to, "subject": "Spring offers", "text": "Hello", **form}
        return str(self.account.ask("POST", f"/v3/{DOMAIN}/messages", fields)["id"]).strip("<>")

    def mail_invitation(self, office: Mapping[str, str]) -> str:
        """An invitation that was sent before the job; its id."""
        told = self._host.call(
            "send_invitation",
            {
                **office,
                **{"attendees": ["ann@example.net"], "title": "Budget", "time_zone": "Europe/Berlin"},
                **{"start": "2027-03-01T10:00", "end": "2027-03-01T11:00"},
            },
        )
        return str(content(told)["result"]["id"])

    def event(self, kind: str, recipient: str, **more: Any) -> None:
        """Something that happened to the latest message, or to the one named."""
        self.account.tell("events", {"event": kind, "domain": DOMAIN, "recipient": recipient, **more})

    def on(self, table: str, address: str, **form: str) -> None:
        """An entry of `bounces`, `unsubscribes` or `complaints` that is there before the job."""
        self.account.ask("POST", f"/v3/{DOMAIN}/{table}", {"address": address, **form})

    def team(self, members: Sequence[str], opted_out: Sequence[str] = ()) -> None:
        """A list with these members."""
        self.account.ask("POST", "/v3/lists", {"address": TEAM, "name": "Team", "access_level": "readonly"})
        for address in members:
            subscribed = "no" if address in opted_out else "yes"
            form = {"address": address, "name": address.partition("@")[0].title(), "subscribed": subscribed}
            self.account.ask("POST", f"/v3/lists/{TEAM.replace('@', '%40')}/members", form)


Job = Callable[[Work], None]
JOBS: dict[str, Job] = {}
"""Every job by the words of its name, in the order in which they are written."""


def job(do: Job) -> Job:
    """Take a function up among the jobs."""
    JOBS[do.__name__.replace("_", " ")] = do
    return do
