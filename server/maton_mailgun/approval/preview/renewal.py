"""What a call takes from the message that it changes or cancels, where the caller gave nothing.

The message is found by the id that this server gave it, in the service's events, and read as it was sent. Nothing is
guessed: where it is not kept any more, its number and version have to be given, and the person is told that nobody
looked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from maton_mailgun.approval.preview.proposal import CouldNotRead, Reader, dig, items
from maton_mailgun.catalogue import arguments as holding
from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.errors import BadArguments, Problem, Unreachable
from maton_mailgun.mail import earlier_invitation
from maton_mailgun.mail.addresses import parse_all
from maton_mailgun.mail.message_ids import bare
from maton_mailgun.mail.unclear import Unclear

EARLIER = "earlier"
"""Under this name the arguments hold what the message said: for the person alone, no caller can give it."""
_BREAK = re.compile(r"\r\n|\r|\n")
_KEPT = "Give uid and sequence (one higher) from its answer, with all that it shall say"
_FROM_ANSWER = ("uid", "sequence")


async def filled(operation: Operation, arguments: Mapping[str, Any], read: Reader) -> dict[str, Any]:
    """The arguments with what the message holds that they change or cancel, and what it said under `EARLIER`.

    Raises:
        BadArguments: It is not found, is no invitation of this organizer, or what is taken from it breaks a rule.
        Unreachable: It could not be read.
    """
    name = next(one for one in operation.renews if one in arguments)
    if any(one in arguments for one in _FROM_ANSWER):
        return _without_look(operation, name, arguments)
    message = await _message(operation, name, arguments, read)
    try:
        earlier = earlier_invitation.read(message)
    except Unclear as problem:
        raise BadArguments(operation.name, [Problem(name, problem.wrong, problem.right)]) from None
    owner, asks = _address(earlier["organizer"]), _address(str(arguments.get("organizer", arguments["from"])))
    if owner != asks:  # guard: 356-organizer
        wrong = f"is an appointment of {owner[:200]}, which nobody else can change"
        raise BadArguments(operation.name, [Problem(name, wrong, "Give from or organizer as they were")])
    taken = {key: value for key, value in earlier.items() if key != "organizer"}
    given = {**taken, **arguments, "sequence": earlier["sequence"] + 1}
    if found := holding.problems(operation, given):  # guard: 357-held
        raise BadArguments(operation.name, found)
    return {**given, EARLIER: earlier}


def _without_look(operation: Operation, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as they are, where nothing has to be looked up."""
    needed = [one for one in ("attendees", "title", "start", "end", "time_zone") if one not in arguments]
    if needed:
        wrong = f"with uid, nothing is taken from the message: {', '.join(needed)} missing"
        raise BadArguments(operation.name, [Problem(name, wrong, "Give all that it shall say, or leave uid out")])
    return dict(arguments)


async def _message(operation: Operation, name: str, arguments: Mapping[str, Any], read: Reader) -> bytes:
    given = {**arguments, "message": bare(str(arguments[name]).strip())}
    try:
        events = await read(operation.renews_by or "", given)
        key = next((found for one in items(events) if isinstance(found := dig(one, "storage.key"), str)), None)
        stored = await read(operation.renews_read or "", {**given, "storage_key": key}) if key else None
    except CouldNotRead as failure:
        message = f"The invitation could not be looked up: {failure.reason}. Nothing was changed."
        raise Unreachable(message=message, next="Call again.") from None
    body = stored.data if stored is not None and stored.status == 200 and isinstance(stored.data, Mapping) else {}
    text = body.get("body-mime")
    if not isinstance(text, str) or not text.strip():
        wrong = "names no invitation that can be read: Mailgun keeps sent messages for some days, and not all here"
        raise BadArguments(operation.name, [Problem(name, wrong, _KEPT)])
    return _BREAK.sub("\r\n", text).encode("utf-8", "surrogatepass")


def _address(text: str) -> str:
    found = parse_all(text)
    return found[0].key if len(found) == 1 and not found[0].problems else ""
