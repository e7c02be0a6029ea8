"""An invitation before it is sent: what to, when, where and who, above the message that carries it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from maton_mailgun.approval.preview import audience, ready_mime
from maton_mailgun.approval.preview.document import Row, Section
from maton_mailgun.approval.preview.proposal import Findings, Proposal, Reads
from maton_mailgun.approval.preview.renewal import EARLIER
from maton_mailgun.mail.invitation import Invitation, read
from maton_mailgun.mail.text import count, quoted, safe_line, short
from maton_mailgun.mail.unclear import Unclear

NUMBER = "Number (uid), version (sequence)"
_KINDS = {
    "invites": ("invitation", "Invites {who} to", "it is put into calendars"),
    "changes": ("change of an invitation", "Changes for {who} the appointment", "it replaces what calendars have"),
    "cancels": ("cancellation", "Cancels for {who} the appointment", "it is taken out of calendars"),
}
"""By kind: how the target is called, how the effect begins, and what programs do."""
_UNSEEN = "could not check what it changes or cancels: the earlier invitation was not read"


async def preview(proposal: Proposal, reads: Reads) -> Findings:
    """The whole of an invitation: read from the arguments that the message was made of, beside the message itself."""
    found = await ready_mime.preview(proposal, reads)
    try:
        invited = read(proposal.arguments)
    except Unclear as problem:
        # Its zone was known when the message was made, and is no more.
        unread = f"could not check what it invites to: {safe_line(problem.wrong)}"
        return replace(found, unchecked=[*found.unchecked, unread], raises=found.raises + 1)
    earlier = _earlier(proposal)
    rows, changed = _changes(invited, earlier)
    past = invited.end.astimezone(UTC) < datetime.fromtimestamp(proposal.now, UTC)
    warnings = ["The appointment is in the past."] if past else []
    warnings += changed
    unchecked = [_UNSEEN] if invited.uid and earlier is None else []  # guard: 358-unseen
    who = count(len(invited.attendees), "person", "people")
    title = quoted(invited.title, len(invited.title))
    domain = short(audience.domain_of(proposal.operation, proposal.arguments), 253)
    when = f"{safe_line(invited.when)} ({invited.when_utc})"
    return replace(
        found,
        sections=[Section("Invitation", _rows(invited)), *([rows] if rows.rows else []), *found.sections],
        warnings=[*warnings, *found.warnings],
        unchecked=[*found.unchecked, *unchecked],
        raises=found.raises + past + bool(unchecked),
        target=f"{_KINDS[_kind(invited)][0]} to {who} via {domain}",
        effect=f"{(invites := f'{_KINDS[_kind(invited)][1].format(who=who)} {title}, {when}.')} {found.effect or ''}",
        ending=f"{invites} {found.ending}",
    )


def _kind(invited: Invitation) -> str:
    return "cancels" if invited.cancels else "changes" if invited.uid else "invites"


def _earlier(proposal: Proposal) -> Invitation | None:
    """The invitation that is changed or cancelled, as it was sent; None where there is none, or nobody looked."""
    held = proposal.arguments.get(EARLIER)
    if not isinstance(held, Mapping):
        return None
    try:
        told = {key: value for key, value in held.items() if key not in ("uid", "sequence")}
        return read({**told, "from": held["organizer"]})
    except (Unclear, ValueError, KeyError):
        return None


def _changes(invited: Invitation, earlier: Invitation | None) -> tuple[Section, list[str]]:
    """Before and after, value by value, and warnings about who keeps what they have."""
    if earlier is None:
        return Section("What it replaces", []), []
    values = (
        ("What", earlier.title, invited.title),
        ("When", earlier.when, invited.when),
        ("In UTC", earlier.when_utc, invited.when_utc),
        ("Where", earlier.location or "(not given)", invited.location or "(not given)"),
        ("Description", earlier.description or "(not given)", invited.description or "(not given)"),
    )
    before, after = ({one.key: one for one in some.attendees} for some in (earlier, invited))
    left = [one for key, one in before.items() if key not in after]
    rows = [Row(f"{name} before", quoted(was, len(was))) for name, was, now in values if was != now]
    rows += [Row("Not invited before", safe_line(one.written)) for key, one in after.items() if key not in before]
    rows += [Row("Invited before, gets nothing now", safe_line(one.written)) for one in left]  # guard: 358-left
    warnings = []
    if left:
        stays = "they keep the appointment as it was" if not invited.cancels else "they stay invited"
        warnings.append(f"Nothing goes to {count(len(left), 'person', 'people')} of those invited before: {stays}.")
    if not rows and not invited.cancels:
        warnings.append("It says the same as before: nothing changes but its version.")
    return Section("What it replaces", rows, read=True), warnings


def _rows(invited: Invitation) -> list[Row]:
    rows = [
        Row("What becomes of it", _KINDS[_kind(invited)][2]),
        Row(NUMBER, safe_line(f"{invited.number}, {invited.sequence}")),
        Row("What", quoted(invited.title, len(invited.title))),
        Row("When", safe_line(invited.when)),
        Row("In UTC", invited.when_utc),
        Row("Lasts", invited.lasts),
        Row("Where", quoted(invited.location, len(invited.location)) if invited.location else "(not given)"),
        Row("Organiser, who gets the answers", safe_line(invited.organizer.written)),
    ]
    rows += [Row("Invited", safe_line(one.written)) for one in invited.attendees]
    if len(invited.attendees) > 1:
        rows.append(Row("Seen by all", "everybody invited sees the names and addresses of the others"))
    if invited.description:
        rows.append(Row("Description", quoted(invited.description, len(invited.description))))
    return rows
