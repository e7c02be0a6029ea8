"""Settings to what tells a person elsewhere; loads nothing of it where nobody is to be told."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from maton_mailgun.approval.lifecycle.services import Services
from maton_mailgun.config import Settings, environment_of_others, state_home

if TYPE_CHECKING:
    from maton_mailgun.approval.channels.notices import Notices
    from maton_mailgun.approval.channels.notifier import Notifier


def notifier_of(settings: Settings) -> Notifier | None:
    """The operator's way to be told; None where there is none."""
    if not settings.notify:
        return None
    from maton_mailgun.approval.channels.notifier import Notifier

    return Notifier(settings.notify, settings.command_path, environment_of_others())


def opened_notices(services: Services, where: Callable[[str | None], str]) -> Notices | None:
    """What tells of approvals that wait; None where nobody is to be told."""
    notifier = notifier_of(services.settings)
    if notifier is None:
        return None
    from maton_mailgun.approval.channels.notices import Notices

    home = state_home(services.settings)
    return Notices(notifier, services.store, services.operations, home, where, clock=services.clock)
