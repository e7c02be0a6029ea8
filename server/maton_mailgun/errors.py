"""Every way a call can go wrong, drawn as one tree.

MailgunServerError
├── SetupError                  us or the operator: a setting, the catalogue, the policy file
├── NotSent                     the network: no byte of the request left
│   └── TooLate                 its time was over before it could be sent
├── MaybeSent                   the network: bytes left, no answer came
│   └── AnswerTooLarge          an answer came and is more than this server takes
└── CallError                   what the model is told; says who failed and what to do next
    ├── UnknownTool
    ├── BadArguments            the caller: every problem at once
    ├── ScopeMissing            the caller: its access token allows reading only
    ├── KeyMissing              us: no MATON_API_KEY
    │   └── TokenCommandFailed  the operator's MATON_TOKEN_COMMAND gave no token
    ├── PersonKeyMissing        the operator: no Maton key for the person who calls
    ├── MatonKeyRejected        Maton: the key is wrong or expired
    ├── MatonRefused            Maton: another gateway answer
    ├── NoConnection            Maton: no active Mailgun connection
    ├── SeveralConnections      Maton: which one is not said
    ├── ConnectionUnknown       Maton: the named one does not exist or is not active
    ├── MailgunKeyRejected      Mailgun: the credential inside the connection
    ├── MailgunRefused          Mailgun: a definite no (4xx)
    ├── NotPassedOn             Maton: the gateway has no way to this operation
    ├── RateLimited             Maton or Mailgun: nothing was done, try later
    ├── ServiceFailed           Mailgun or Maton: 5xx on a read
    ├── Unreachable             the network, on a read or before anything was sent
    ├── OutcomeUnknown          a write may have happened
    ├── AnswerUnreadable        an answer that cannot be understood
    ├── Stopping                us: the server ends, and a read was not finished
    └── Refused                 the gate or the operator's policy said no
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


class MailgunServerError(Exception):
    """The root: everything this package raises on purpose."""


class SetupError(MailgunServerError):
    """The server cannot start as configured; the text says which setting and what would be right."""


class NotSent(MailgunServerError):
    """No byte of the request left this machine: it was certainly not carried out."""


class TooLate(NotSent):
    """The time in which the request may be sent was over before it could be."""


class MaybeSent(MailgunServerError):
    """Bytes of the request left and no complete answer came: it may have been carried out."""


class AnswerTooLarge(MaybeSent):
    """The answer is larger than this server takes; asking again would only fetch it again."""


@dataclass(eq=False)
class CallError(MailgunServerError):
    """A failed call in words a model can act on.

    Args:
        message: What was wrong.
        next: What to do now.
        status: The HTTP status behind it, where there is one.
        retry_after: Seconds to wait before trying again, where the service said so.
    """

    message: str
    next: str
    status: int | None = None
    retry_after: float | None = None

    kind: ClassVar[str] = "error"
    who: ClassVar[str] = "server"
    may_have_happened: ClassVar[bool] = False
    headline: ClassVar[str] = ""
    """What a model must not miss, in front of everything else."""

    def __str__(self) -> str:
        return self.message

    def as_content(self) -> dict[str, Any]:
        """The error as structured content of a tool result."""
        error: dict[str, Any] = {"kind": self.kind, "who": self.who, "message": self.message, "next": self.next}
        if self.status is not None:
            error["http_status"] = self.status
        if self.retry_after is not None:
            error["retry_after_seconds"] = round(self.retry_after, 1)
        if self.may_have_happened:
            error["may_have_happened"] = True
        said = {"headline": self.headline} if self.headline else {}
        return {**said, "status": "error", "error": error}


class UnknownTool(CallError):
    """There is no such tool, or it is switched off here."""

    kind, who = "unknown_tool", "caller"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the arguments: where, what, and what would be right."""

    path: str
    wrong: str
    right: str

    def __str__(self) -> str:
        return f"{self.path}: {self.wrong}. {self.right}" if self.path else f"{self.wrong}. {self.right}"


class BadArguments(CallError):
    """The arguments do not fit the tool; lists every problem."""

    kind, who = "bad_arguments", "caller"

    def __init__(self, tool: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        listed = "\n".join(f"- {problem}" for problem in self.problems)
        super().__init__(
            message=f"The arguments of {tool} do not fit:\n{listed}",
            next="Correct these and call the tool again. Nothing was sent.",
        )

    def as_content(self) -> dict[str, Any]:
        content = super().as_content()
        content["error"]["message"] = "The arguments do not fit."
        content["error"]["problems"] = [
            {"path": problem.path, "wrong": problem.wrong, "right": problem.right} for problem in self.problems
        ]
        return content


class ScopeMissing(CallError):
    """The caller's access token does not allow to propose writes."""

    kind, who = "scope_missing", "caller"


class KeyMissing(CallError):
    """No Maton key is set."""

    kind, who = "maton_key_missing", "operator"

    def __init__(self, unfilled: str | None = None) -> None:
        if unfilled:
            super().__init__(
                message=f"MATON_API_KEY is {unfilled}: your host did not replace it, so there is no key to use.",
                next=(
                    "Nothing was sent. Ask the user to write the key from maton.ai/settings itself into the host's "
                    "configuration, or to set the variable where the host starts, and to restart it."
                ),
            )
            return
        super().__init__(
            message="No Maton API key is set, so Mailgun cannot be reached.",
            next=(
                "Ask the user to create a key at maton.ai/settings, set MATON_API_KEY in this server's environment "
                "and restart it. To try everything without a key, start it with --sandbox."
            ),
        )


class TokenCommandFailed(KeyMissing):
    """The operator's command gave no token. `why` names neither the command nor what it printed."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.message = f"MATON_TOKEN_COMMAND {why}, so there is no token to reach Mailgun with."
        self.next = (
            "Nothing was sent. Ask the user to run that command in a terminal: it must print a token alone, and may "
            "want a sign-in first (maton login). Then call again."
        )


class PersonKeyMissing(CallError):
    """People have Maton keys of their own here, and there is none for this one."""

    kind, who = "person_key_missing", "operator"


class MatonKeyRejected(CallError):
    """Maton does not accept the key."""

    kind, who = "maton_key_rejected", "maton"


class MatonRefused(CallError):
    """The gateway itself refused or failed."""

    kind, who = "maton_refused", "maton"


class NoConnection(CallError):
    """The Maton account has no active Mailgun connection."""

    kind, who = "no_connection", "maton"


class SeveralConnections(CallError):
    """More than one active connection and none chosen."""

    kind, who = "several_connections", "caller"

    def __init__(self, connections: Sequence[Mapping[str, str]]) -> None:
        self.connections = tuple(connections)
        listed = ", ".join(f"{item['connection_id']} ({item['label']})" for item in self.connections)
        super().__init__(
            message=f"This Maton account has {len(self.connections)} active Mailgun connections: {listed}.",
            next=(
                "Ask the user which account is meant and pass its connection_id, "
                "or have the operator set MATON_CONNECTION_ID."
            ),
        )

    def as_content(self) -> dict[str, Any]:
        content = super().as_content()
        content["error"]["connections"] = [dict(item) for item in self.connections]
        return content


class ConnectionUnknown(CallError):
    """The named connection does not exist or is not active."""

    kind, who = "connection_unknown", "caller"


class MailgunKeyRejected(CallError):
    """Mailgun does not accept the credential that the connection holds."""

    kind, who = "mailgun_key_rejected", "mailgun"


class MailgunRefused(CallError):
    """Mailgun answered with a definite no."""

    kind, who = "mailgun_refused", "mailgun"


class NotPassedOn(CallError):
    """The gateway does not pass this operation on; nothing was carried out."""

    kind, who = "not_passed_on", "maton"


class RateLimited(CallError):
    """Too many requests; this one was not carried out."""

    kind, who = "rate_limited", "service"


class ServiceFailed(CallError):
    """The service failed while answering a read."""

    kind, who = "service_failed", "service"


class Unreachable(CallError):
    """The gateway could not be reached; nothing was carried out."""

    kind, who = "unreachable", "network"


class OutcomeUnknown(CallError):
    """A write may have happened and its answer was lost."""

    kind, who, may_have_happened = "outcome_unknown", "network", True
    headline = "OUTCOME UNKNOWN. It MAY HAVE HAPPENED. Do not repeat the call. Tell the user, and look with a read."


class AnswerUnreadable(CallError):
    """The answer to a read is not what the service documents."""

    kind, who = "answer_unreadable", "service"


class Stopping(CallError):
    """The server stops, and there was no time left for a read."""

    kind = "stopping"


class Refused(CallError):
    """The approval gate or the operator's policy does not let this through."""

    kind, who = "refused", "gate"
