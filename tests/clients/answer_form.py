"""Sends a message with fastmcp's client, whose person answers the form with a decision alone; prints what came of it.

    python answer_form.py URL

Run in an environment that has fastmcp.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from fastmcp import Client  # type: ignore[import-not-found]

LETTER = {"domain": "mg.example.com", "from": "Ann <ann@mg.example.com>", "to": ["bob@example.net"]}


async def decides(_message: str, kind: Any, _params: Any, _context: Any) -> Any:
    """A handler as their documentation has them: it makes the answer of the class that they made of the schema."""
    return kind(decision="approve")


async def main(url: str) -> None:
    """One send."""
    async with Client(url, elicitation_handler=decides) as client:
        done = await client.call_tool("send_message", {**LETTER, "subject": "Hello", "text": "Hello."})
    print(json.dumps(done.structured_content))  # noqa: T201 - what the test reads


asyncio.run(main(sys.argv[1]))
