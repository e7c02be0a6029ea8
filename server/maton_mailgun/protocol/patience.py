"""How long one call waits for a person, by what is known of the client that makes it.

Most clients end a call after 60 seconds (DEFAULT_REQUEST_TIMEOUT_MSEC of MCP's TypeScript SDK), frameworks for agents
after as little as 5. What a call did not wait for goes on all the same: the form, the page and the terminal stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

SHARE = 0.75
"""Of a client's limit: the rest is for reading the account before the question and for the write after the yes."""
LATEST = 0.9
"""Of the limit of a client that gives up before CALL_SECONDS have passed: by then the call says how things stand."""
LONGEST_FORM = 300.0
CALL_SECONDS = 50.0
"""For a whole call, the person's answer and what follows it included: most clients give it 60 seconds."""
LONGEST_WAIT = 45.0
"""Seconds that `get_approval` waits at most, whatever the client allows: a model should say meanwhile what it does."""


@dataclass(frozen=True, slots=True)
class KnownClient:
    """When a client is known to give up a call, unless its user set something else."""

    gives_up: float
    """Seconds."""
    source: str


CLIENTS: Mapping[str, KnownClient] = {
    "claude-code": KnownClient(
        60.0, "its changelog: MCP_TOOL_TIMEOUT did not raise 60 s per request over HTTP; it allows more over stdio"
    ),
    "codex-mcp-client": KnownClient(60.0, "tool_timeout_sec of Codex's config.toml: 60 unless set"),
    "gemini-cli-mcp-client": KnownClient(600.0, "gemini-cli, core/src/tools/mcp-client.ts: MCP_DEFAULT_TIMEOUT_MSEC"),
    "google-adk": KnownClient(5.0, "google-adk, StdioConnectionParams.timeout: 5 s for each call over stdio"),
    "cline": KnownClient(60.0, "cline, src/shared/mcp.ts: DEFAULT_MCP_TIMEOUT_SECONDS"),
}
"""By the start of the name that the client gives itself in `clientInfo`: some add the name of the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPatience:
    """Seconds; what holds for a client of which nothing is known, unless `of` says otherwise."""

    call: float = CALL_SECONDS
    """For all that one call does."""
    form: float = 45.0
    """For the answer to a form that was pushed to the client in the middle of a call."""
    unanswered: float = 20.0
    """Until the page opens for a question that the client asks by itself; for what a person decides on the page whom
    such a client led there."""
    wait: float = 4.0
    """For `get_approval`: less than the shortest limit that is known, 5 seconds."""
    beat: float = 2.0
    """Between two progress notifications."""

    @lru_cache(maxsize=256)  # noqa: B019 - there is one of these, or two, in a process
    def of(self, client: str) -> CallPatience:
        """What holds for a client that gave this name."""
        known = next((known for name, known in CLIENTS.items() if client.casefold().startswith(name)), None)
        if known is None:
            return self
        allowed = known.gives_up * SHARE
        form = min(allowed, LONGEST_FORM)
        whole = max(min(self.call, known.gives_up * LATEST), min(allowed, form + CALL_SECONDS))
        return replace(self, call=whole, form=form, wait=min(allowed, LONGEST_WAIT))
