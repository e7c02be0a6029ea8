"""What happened to the same request before: told to the person, and after three refusals, a reason to refuse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from maton_mailgun.approval.store.record import Record, State
from maton_mailgun.errors import Refused
from maton_mailgun.mail.text import short

MAX_REJECTIONS = 3  # guard: 08-three


def lines(past: Sequence[Record], now: float) -> tuple[str, ...]:
    """Sentences about identical requests, newest first."""
    told = [line for record in past if (line := _line(record, now)) is not None]
    return tuple(told[:5])


def newest(past: Sequence[Record], state: State) -> str | None:
    """The id of the newest identical request that ended like this."""
    return next((one.id for one in past if one.state == state), None)


def told(past: Sequence[Record]) -> list[str]:
    """What identical requests did, or may have done, for a caller for whom nobody is asked; the newest of each."""
    done, lost = newest(past, "succeeded"), newest(past, "unknown")
    lines = [f"{done} did this before: get_approval has its result."] if done else []
    if lost:  # guard: 428-doubt
        lines.append(f"{lost} may have done this: how it ended is not known, and get_approval has what is.")
    return lines


def refuse_after_rejections(past: Iterable[Record], since: float) -> None:
    """Stop asking a person who keeps saying no.

    Raises:
        Refused: The same request was rejected three times since then.
    """
    rejected = [record for record in past if record.state == "rejected" and (record.decided_at or 0) >= since]
    if len(rejected) >= MAX_REJECTIONS:
        raise Refused(
            message=f"The user has rejected exactly this {len(rejected)} times within the hour.",
            next="Do not ask again. Talk to the user about what they want instead.",
        )


def ago(seconds: float) -> str:
    """A duration in words: "4 minutes ago"."""
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {name}{'s' if number > 1 else ''} ago"
    return "just now"


def _line(record: Record, now: float) -> str | None:
    when = ago(now - (record.finished_at or record.decided_at or record.created_at))
    match record.state:
        case "succeeded":
            return f"Exactly this was carried out {when} ({record.id})."
        case "unknown":
            return f"Exactly this was sent {when} and its outcome is not known ({record.id}): it may have happened."
        case "rejected":
            why = f", saying: {short(record.reason, 120)}" if record.reason else ""
            return f"Exactly this was rejected {when}{why}."  # guard: 08-told
        case "superseded":
            return f"Exactly this was proposed {when}, and changed before anybody decided ({record.superseded_by})."
        case _:
            return None
