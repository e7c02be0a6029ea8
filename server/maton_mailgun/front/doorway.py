"""The first thing that a start does: answer what is known, before anything is loaded."""

from __future__ import annotations

import os
import select

from maton_mailgun.front.first_answers import FirstAnswers
from maton_mailgun.front.first_lines import FirstLines, Told
from maton_mailgun.front.left_over import anything_left
from maton_mailgun.front.listening import ClientLeft, Listening
from maton_mailgun.front.plain_start import PlainStart, plain_start

__all__ = ["ClientLeft", "opened"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from maton_mailgun.front.begun import Begun

_QUIET_MS = 1_000


def opened(argv: Sequence[str]) -> Begun | None:
    """Serve what can be served without the server, where this is a start over stdio that nothing can stop.

    Returns:
        What the server has to go on with; None where it begins itself.

    Raises:
        ClientLeft: The client was served, and has left.
    """
    if argv[:1] not in ([], ["serve"]) or not hasattr(select, "poll"):
        return None
    try:
        answers = FirstAnswers()
        head = answers.head
        start = plain_start(argv, os.environ, head["settings"], head["choices"])
        if start is None or not answers.true() or _left(start, head):
            return None
        lines = _lines(answers, start)
    except (OSError, ValueError, KeyError):
        # An installation that is not whole: the server says what is missing.
        return None
    return Listening(lines, _QUIET_MS if start.preload else None).until_more_is_needed()


def _left(start: PlainStart, head: Mapping[str, Any]) -> bool:
    # Without writes nothing is taken up.
    return not start.read_only and anything_left(start.database, head["unfinished"], head["older"], start.keep_days)


def _lines(answers: FirstAnswers, start: PlainStart) -> FirstLines:
    known: dict[bool, Told] = {}

    def told(apps: bool) -> Told:
        if apps not in known:
            known[apps] = answers.told(
                start.toolsets,
                read_only=start.read_only,
                discovery=start.discovery,
                relay=start.relay,
                sandbox=start.sandbox,
                apps=apps,
            )
        return known[apps]

    # What most clients are told is put together at once: a file that is not whole is found before the first line.
    told(False)
    return FirstLines(told)
