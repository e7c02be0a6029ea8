"""What a model would do in these examples, written down, so that they run without one and without a network.

It does one job: reads, mends a call from the words of its refusal, proposes a message and a deletion, and goes by what
it is told of each. It prints what it calls and what it is handed, as the framework hands it over. In an agent of your
own a real model stands in its place; the rest of the example stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

DOMAIN = "mg.example.com"
LETTER = {
    "domain": DOMAIN,
    "from": f"Support <support@{DOMAIN}>",
    "to": ["ada@example.org"],
    "subject": "Your invoice for November",
    "text": "Hello Ada,\nyour invoice is ready.\n",
}
_SHOWN = 110


@dataclass(frozen=True)
class Call:
    """A tool that the model wants called."""

    tool: str
    arguments: dict[str, Any]


Turn = Generator[Call | str, str, None]
"""Calls and words of the model; it is sent what a tool returned, or what the user said."""


class ScriptedModel:
    """A model for one conversation."""

    def __init__(self) -> None:
        self._script = _job()
        self._begun = False

    def next(self, given: Any) -> Call | str:
        """What the model does now: a call, or words for the user.

        Args:
            given: What it is handed: the result of its last call, or what the user said.
        """
        text = given if isinstance(given, str) else str(given)
        if not self._begun:
            self._begun = True
            step = next(self._script)
        else:
            step = self._script.send(text)
        if isinstance(step, Call):
            print(f"model calls {step.tool} {step.arguments}"[:_SHOWN])
        return step


def _job() -> Turn:
    yield from _call("list_bounces", {"domain": DOMAIN, "limit": 2})
    # There is no event of this name. The refusal says which there are, and the model calls again.
    refused = yield from _call("list_events", {"domain": DOMAIN, "event": "bounced"})
    if "failed" in refused:
        yield from _call("list_events", {"domain": DOMAIN, "event": "failed", "limit": 2})
    sent = yield from _proposed("send_message", LETTER)
    deleted = yield from _proposed("delete_bounce", {"domain": DOMAIN, "address": "gone@example.net"})
    yield f"The message: {_became(sent)}. The deletion: {_became(deleted)}."


def _call(tool: str, arguments: dict[str, Any]) -> Generator[Call | str, str, str]:
    handed = yield Call(tool, arguments)
    print(f"model reads {' '.join(handed.split())}"[:_SHOWN])
    return handed


def _proposed(tool: str, arguments: dict[str, Any]) -> Generator[Call | str, str, str]:
    """Propose a write. Where the call could ask nobody, tell the user where to decide, and look when they are back."""
    handed = yield from _call(tool, arguments)
    while "A person must approve" in handed:
        waits = re.search(r"apr_[0-9a-f]{32}", handed)
        assert waits is not None
        yield f"{tool} waits for you: decide on the approval page, or with maton-mailgun approvals approve {waits[0]}"
        handed = yield from _call("get_approval", {"approval_id": waits[0], "wait_seconds": 4})
    return handed


def _became(handed: str) -> str:
    if "The user said no" in handed:
        return "you said no, nothing happened"
    return "executed" if re.search(r"executed\W+(true|True)", handed) else "not known"
