"""The gate and what makes previews, loaded before they are waited for.

They take 130 ms together (measured), for which the first question of a process would otherwise come later. A server
that has answered a call may be asked to write next: then they are loaded in steps of some 10 ms each, in a thread, and
none begins while a call is under way. Where a write comes earlier, they are loaded while its account is looked up.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.under_way import UnderWay

if TYPE_CHECKING:
    from maton_mailgun.approval.gate import Gate

_QUIET = 0.05
"""Seconds without a call before each step."""
STEPS = tuple(
    f"maton_mailgun.{name}"
    for name in (
        *("approval.preview.document", "approval.store.contract", "approval.binding.envelope"),
        *("mail.selectors", "mail.style_sheets", "mail.looks", "mail.html", "mail.mime"),
        *("approval.preview.content", "approval.preview.message"),
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


def gate_class() -> type[Gate]:
    """The gate's class, loaded."""
    # Importing allocates much and frees nothing.
    collects = gc.isenabled()
    gc.disable()
    try:
        from maton_mailgun.approval.gate import Gate
    finally:
        if collects:
            gc.enable()
    return Gate


def load_preview(operation: Operation) -> None:
    """Load what makes the preview of an operation."""
    from maton_mailgun.approval.preview.registry import preview_of

    if operation.preview:
        preview_of(operation.preview)
