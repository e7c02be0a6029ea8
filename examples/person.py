"""The person at the terminal of these examples: what they say to the model, and how they answer a form."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

JOB = "Tell Ada that her invoice is ready, and take gone@example.net off the bounce list."


async def says() -> AsyncIterator[str]:
    """What the person tells the model, turn by turn: the job first, then what they type, until an empty line."""
    said = JOB
    while said:
        yield said
        # In a thread of its own: a form that is still open is answered meanwhile.
        said = await asyncio.to_thread(input, "You: ")


async def decides(question: str) -> dict[str, Any] | None:
    """The person's answer to a question of the server, as the form wants it; None where they gave none.

    The question is shown whole: it is what the person says yes or no to. Never answer it in code.
    """
    print(question)
    decision = await asyncio.to_thread(input, "Your decision [approve/reject]: ")
    return {"decision": decision} if decision in ("approve", "reject") else None
