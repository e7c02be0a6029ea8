"""An invitation before it is sent: what to, when, where and who, above the message that carries it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from maton_mailgun.approval.preview import audience, ready_mime
from maton_mailgun.approval.preview.document import Row, Section
from maton_mailgun.approval.preview.proposal import Findings, Proposal, Reads
from maton_mailgun.mail.invitation import Invitation, read
from maton_mailgun.mail.text import count, quoted, safe_line, short
from maton_mailgun.mail.unclear import Unclear


async def preview(proposal: Proposal, reads: Reads) -> Findings:
    """The whole of an invitation: read from the arguments that the message was made of, beside the message itself."""
    found = await ready_mime.preview(proposal, reads)
    try:
        invited = read(proposal.arguments)
    except Unclear as problem:
        # Its zone was known when the message was made, and is no more.
        unread = f"could not check what it invites to: {safe_line(problem.wrong)}"
        return replace(found, unchecked=[*found.unchecked, unread], raises=found.raises + 1)
    past = invited.end.astimezone(UTC) < datetime.fromtimestamp(proposal.now, UTC)
    warnings = ["The appointment is in the past."] if past else []
    who = count(len(invited.attendees), "person", "people")
    title = quoted(invited.title, len(invited.title))
    return replace(
        found,
        sections=[Section("Invitation", _rows(invited)), *found.sections],
        warnings=[*warnings, *found.warnings],
        raises=found.raises + past,
        target=f"invitation to {who} via {short(audience.domain_of(proposal.operation, proposal.arguments), 253)}",
        effect=f"{(invites := f'Invites {who} to {title}, {safe_line(invited.when)} ({invited.when_utc}).')} "
        f"{found.effect or ''}",
        ending=f"{invites} {found.ending}",
    )


def _rows(invited: Invitation) -> list[Row]:
    rows = [
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
