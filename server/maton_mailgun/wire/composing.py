"""The functions that catalogue rows may name in `message_of`: a ready message made of a call's arguments."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.errors import Problem
from maton_mailgun.mail import invitation
from maton_mailgun.mail.unclear import Unclear
from maton_mailgun.wire.request import FilePart


def _invitation(arguments: Mapping[str, Any]) -> bytes:
    return invitation.composed(invitation.read(arguments))


COMPOSED: Mapping[str, tuple[Callable[[Mapping[str, Any]], bytes], str, str]] = {
    "invitation": (_invitation, "icalendar", "calendar"),
}
"""By name: the function, the library that it needs, and the extra of this package that brings it."""


def message(operation: Operation, arguments: Mapping[str, Any]) -> tuple[FilePart | None, list[Problem]]:
    """The message part of a call, and what is wrong with the arguments that it is made of."""
    function, library, extra = COMPOSED[operation.message_of or ""]
    if find_spec(library) is None:
        right = f"The user installs it: pip install 'maton-mailgun[{extra}]'; then restart the server"
        return None, [Problem("", f"needs the library {library}, which is not installed here", right)]
    try:
        content = function(arguments)
    except Unclear as problem:
        name, _, wrong = problem.wrong.partition(" ")
        return None, [Problem(name, wrong, problem.right)]
    except ValueError:
        # What mail cannot hold in a header, such as a line separator, which is one line to the schema.
        wrong, right = "holds a sign that no header of a message can hold", "Leave out line breaks of every kind"
        return None, [Problem("", wrong, right)]
    except KeyError:
        # What is missing is told by the schema.
        return None, []
    digest = hashlib.sha256(content).hexdigest()
    return FilePart("message", "message.eml", "message/rfc822", len(content), digest, None, content), []
