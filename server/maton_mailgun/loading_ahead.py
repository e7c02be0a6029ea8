"""The modules of the gate, loaded while nobody waits: a server that answered a call may be asked to write next.

They take 140 ms together (measured), in which the first question of a process would otherwise not be made. So they are
loaded in steps of some 15 ms each, in a thread, and none begins while a call is under way.
"""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module

from maton_mailgun.under_way import UnderWay

_QUIET = 0.05
"""Seconds without a call before each step."""
STEPS = tuple(
    f"maton_mailgun.{name}"
    for name in (
        *("approval.preview.document", "approval.store.contract", "approval.binding.envelope"),
        *("mail.selectors", "mail.style_sheets", "mail.looks", "mail.html", "mail.mime"),
        *("approval.preview.content", "approval.preview.message", "approval.preview.registry"),
        *("approval.lifecycle.edit", "approval.gate"),
    )
)
"""In an order in which each loads some of what the next ones need."""


async def load_ahead(under_way: UnderWay) -> None:
    """Load what a write needs and a read does not, while no call is under way."""
    for name in STEPS:
        while name not in sys.modules:
            await under_way.nothing()
            await asyncio.sleep(_QUIET)
            if not under_way.anything:
                await asyncio.to_thread(import_module, name)
