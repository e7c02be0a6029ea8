"""Two server processes on one database, and a client of them whose form the test answers by hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import mcp_types as types
from mcp import Client

from e2e.serving import Serving
from maton_mailgun.sandbox import RunningSandbox


def environment(running: RunningSandbox, database: str, home: Path) -> dict[str, str]:
    """Of a server that keeps its approvals in the database."""
    return {
        "PATH": os.environ["PATH"],
        "MATON_API_URL": running.url,
        "MATON_API_KEY": "sandbox-maton-key",
        "MATON_MAILGUN_HOME": str(home),
        "MATON_MAILGUN_DATABASE_URL": database,
        "MATON_MAILGUN_PAGE": "false",
    }


async def cannot_be_asked(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
    """Declares that it can ask; the tests answer by hand."""
    raise AssertionError("the session is driven by hand")


def client(server: Serving) -> Client:
    """A client that is asked by forms."""
    return Client(f"{server.url}/mcp", elicitation_callback=cannot_be_asked)
