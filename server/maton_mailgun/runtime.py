"""Settings to a ready engine: the one place that puts the parts together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maton_mailgun.call import Engine
from maton_mailgun.catalogue.operation import EVERY_TOOLSET
from maton_mailgun.catalogue.rows import load
from maton_mailgun.config import Settings
from maton_mailgun.wire.gateway import Gateway

if TYPE_CHECKING:
    from maton_mailgun.sandbox import Sandbox


def engine(settings: Settings, sandbox: Sandbox | None = None) -> Engine:
    """An engine over the real gateway, or over the built-in sandbox.

    Args:
        settings: The operator's decisions.
        sandbox: The sandbox to use in sandbox mode; a fresh, seeded one unless given.

    Raises:
        SetupError: The catalogue or a toolset is not as it must be.
    """
    toolsets = (EVERY_TOOLSET,) if settings.discovery and settings.toolsets is None else settings.toolsets
    offered = load().only(toolsets, read_only=settings.read_only)
    if settings.policy is not None:
        # A broken policy stops the start: a rule that silently does not apply would be worse than none.
        from maton_mailgun.approval.policy.in_force import policy_of

        policy_of(settings)
    if settings.people_keys is not None:
        from maton_mailgun.wire.people_keys import people_of

        if (people := people_of(settings)) is not None:
            people.people()
    if not settings.sandbox:
        return Engine(settings, offered, Gateway(settings))
    import httpx2

    from maton_mailgun.sandbox import Sandbox as SandboxType

    inside = sandbox or SandboxType(api_keys=(settings.api_key or "",))
    return Engine(settings, offered, Gateway(settings, httpx2.ASGITransport(app=inside.app)))
