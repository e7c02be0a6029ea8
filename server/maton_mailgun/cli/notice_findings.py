"""What `doctor` finds out about notices: whether they can be sent, how the last one went, and a test where it is asked
for. Nothing of the setting is printed: it holds what signs in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from maton_mailgun.approval.channels.notice import TEST
from maton_mailgun.approval.channels.notices import last_notice
from maton_mailgun.approval.channels.notifier import Notifier, NotNotified
from maton_mailgun.approval.channels.notifying import notifier_of
from maton_mailgun.cli.findings import Finding
from maton_mailgun.config import Settings, state_home
from maton_mailgun.mail.text import moment, short
from maton_mailgun.own_command import own_command

_ABOUT = "notices"


def notices(settings: Settings, *, test: bool) -> Iterator[Finding]:
    """Nothing where nobody is to be told and no test is asked for."""
    notifier = notifier_of(settings)
    if notifier is None:
        if test:
            right = "Set it to addresses of apprise, such as ntfys://ntfy.sh/TOPIC, or to a command."
            yield Finding("bad", _ABOUT, "MATON_MAILGUN_NOTIFY is not set", right)
        return
    try:
        found = asyncio.run(notifier.check())
    except NotNotified as failure:
        yield Finding("bad", _ABOUT, f"MATON_MAILGUN_NOTIFY: {failure.why}", failure.right)
        return
    last = last_notice(state_home(settings))
    if last is not None and last.failed is not None:
        told = f"the last one, {moment(last.at)}, failed: {short(last.failed, 300)}"
        yield Finding("warn", _ABOUT, f"go to {found}; {told}", f"Send a test with: {own_command('doctor --notify')}")
    else:
        yield Finding("good", _ABOUT, f"go to {found}")
    if test:
        yield asyncio.run(_tested(notifier))


async def _tested(notifier: Notifier) -> Finding:
    try:
        await notifier.send(TEST)
    except NotNotified as failure:
        return Finding("bad", "test notice", failure.why, failure.right)
    return Finding("good", "test notice", "sent; look whether it is there")
