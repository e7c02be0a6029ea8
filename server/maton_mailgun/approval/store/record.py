"""What the gate remembers about one proposed write, and the moves it may make.

A record is immutable; the store replaces it by compare-and-set on `version`. Times are Unix seconds (UTC, float).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

State = Literal[
    "pending",
    "held",
    "approved",
    "rejected",
    "expired",
    "cancelled",
    "stale",
    "superseded",
    "executing",
    "succeeded",
    "failed",
    "unknown",
]
Level = Literal["client", "operator", "passkey"]
Channel = Literal["form", "page", "cli", "relay", "policy"]
Risk = Literal["low", "medium", "high"]

MOVES: Mapping[State, frozenset[State]] = {
    "pending": frozenset({"approved", "held", "rejected", "expired", "cancelled", "superseded"}),
    "held": frozenset({"approved", "rejected", "expired", "stale"}),
    "approved": frozenset({"executing", "expired", "stale", "pending"}),
    "executing": frozenset({"succeeded", "failed", "unknown", "approved"}),
    "unknown": frozenset({"succeeded", "failed"}),
    "rejected": frozenset(),
    "expired": frozenset(),
    "cancelled": frozenset(),
    "stale": frozenset(),
    "superseded": frozenset(),
    "succeeded": frozenset(),
    "failed": frozenset(),
}
"""Which state may follow which. `held` is a yes that can be taken back still; only the process that took it lets it
go on. `executing -> approved` happens only when the service answered 429:
nothing was carried out, and the same yes stays usable until it expires. `approved -> pending` happens only to the yes
of a rule whose budget was used up meanwhile: a person is asked instead. `superseded` is what a proposal becomes when a
changed one takes its place, in the same transaction (see `superseding`) and in no other way."""

OPEN: frozenset[State] = frozenset({"pending", "held", "approved", "executing"})
"""States in which a second identical call joins the record instead of opening another."""

TERMINAL: frozenset[State] = frozenset(state for state, following in MOVES.items() if not following)


GUESS = "_guess"
"""Stands in a result that was concluded by looking: the service's own answer, should it still come, corrects it."""


def new_approval_id() -> str:
    """A fresh approval id: `apr_` and 128 random bits in hexadecimal."""
    return f"apr_{secrets.token_hex(16)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One proposed write, from the question to its outcome."""

    id: str
    digest: str
    """`hmac-sha256:` and the hexadecimal digest of the canonical request; `sha256:` of earlier versions."""
    operation: str
    access: Literal["create", "change", "delete", "send"]
    principal: str
    """Who asked: the local user over stdio, the token's subject over HTTP."""
    client: str
    """The name the client gave itself; shown, never trusted."""
    connection_id: str
    preview: Mapping[str, Any]
    """Frozen at the question: what every channel shows. Holds no secret."""
    snapshot: str | None
    """Digest of the target as it was read before the question; None where the operation has nothing to read."""
    risk: Risk
    rule: str | None
    """The policy rule that decided, if one did."""
    level: Level
    """The least assurance a yes must have."""
    state: State
    version: int
    created_at: float
    expires_at: float
    shown_at: float | None = None
    decided_at: float | None = None
    decided_by: str | None = None
    channel: Channel | None = None
    reason: str | None = None
    lease_until: float | None = None
    message_id: str | None = None
    """The Message-Id the server sets on a send, without angle brackets."""
    attempted_at: float | None = None
    finished_at: float | None = None
    retry_at: float | None = None
    """When the service said to try again (429), or when `unknown` is next looked up."""
    result: Mapping[str, Any] | None = None
    """What the caller is told once it ran; secrets removed."""
    duplicate_of: str | None = None
    """An identical request that succeeded in the last 24 hours."""
    budget_rules: tuple[str, ...] = ()
    """Names of the policy rules' budgets that this write uses when it is claimed."""
    superseded_by: str | None = None
    """The changed proposal that took the place of this one."""
    replaces: str | None = None
    """The proposal in whose place this one stands."""
    edited_by: tuple[str, ...] = ()
    """The people whose changes it holds, in the order they made them: what they propose is theirs as well. Empty for
    what an agent proposed, be it in place of another."""
    written_by: tuple[str, ...] = ()
    """The people who made this very call of an earlier proposal: it is theirs as well, whoever proposes it again."""
    revision: int = 0
    """How many proposals it stands in the place of, one after the other."""
    hold: float = 0.0
    """Seconds for which a person's yes can be taken back before anything leaves."""
    held_until: float | None = None
    """When that time is over, of a yes that is held or whose process ended before it was."""
    approvers: int = 1
    """How many different people must say yes."""
    yeses: tuple[Mapping[str, Any], ...] = ()
    """Who said yes so far, where people are known by name: each with `person`, `at`, `by`, what was `signed`, and
    `vouched`, the digest of what they signed in with."""


def finished(record: Record) -> bool:
    """Whether nothing more will happen to it by itself soon."""
    return record.state in TERMINAL or record.state == "unknown"


def guessed(record: Record) -> bool:
    """Whether this outcome was concluded by looking, and not told by the service."""
    return record.state in ("succeeded", "failed") and bool((record.result or {}).get(GUESS))


CLAIM = "_claim"
"""Names who claimed a write, in the result of one that is being carried out."""


def claimed_with(record: Record, token: str) -> bool:
    """Whether a write in flight was claimed with this very token."""
    return record.state == "executing" and (record.result or {}).get(CLAIM) == token


class Changes(TypedDict, total=False):
    """The fields of a record that may change after it was opened."""

    expires_at: float
    shown_at: float | None
    decided_at: float | None
    decided_by: str | None
    channel: Channel | None
    reason: str | None
    lease_until: float | None
    message_id: str | None
    attempted_at: float | None
    finished_at: float | None
    retry_at: float | None
    result: Mapping[str, Any] | None
    duplicate_of: str | None
    rule: str | None
    held_until: float | None
    yeses: tuple[Mapping[str, Any], ...]
