"""A ready-made MIME message before it is sent: its envelope beside its headers, and what is malformed."""

from __future__ import annotations

import asyncio
import hashlib

from maton_mailgun.approval.preview import armoured, message
from maton_mailgun.approval.preview.document import Row, Section
from maton_mailgun.approval.preview.proposal import Findings, Proposal, Reads
from maton_mailgun.mail.addresses import parse_all
from maton_mailgun.mail.letter import FormFields, Letter
from maton_mailgun.mail.mime import examine, letter_of, source
from maton_mailgun.mail.text import count, quoted, safe_line, short


async def preview(proposal: Proposal, reads: Reads) -> Findings:
    """The whole of a `messages.mime` call."""
    text = source(proposal.request)
    if text is None:
        lost = Findings(unchecked=["could not check what is in the message: its file could not be read"], raises=1)
        return await message.compose(
            proposal, reads, Letter(to=FormFields(proposal.request).all("to"), mime=True), lost
        )
    return await compose(proposal, reads, text)


async def compose(proposal: Proposal, reads: Reads, text: bytes) -> Findings:
    """Everything about the message `text`, which goes to the recipients of the call."""
    # The reading is long work for large messages, and the loop has other calls to serve.
    reading = await asyncio.to_thread(examine, text)
    sent, armour = await asyncio.to_thread(armoured.opened, letter_of(text, FormFields(proposal.request)))
    differences, warnings = _envelope(sent)
    warnings += [safe_line(line) for line in armour]
    warnings += [safe_line(remark) for remark in reading.remarks]
    if reading.problems:
        warnings.append("The MIME text is malformed: mail programs may show something else than this preview.")
    rows = [Row("Size and digest", f"{len(text):,} bytes, SHA-256 {hashlib.sha256(text).hexdigest()}")]
    rows += [Row("Malformed", short(wrong, 400)) for wrong, _ in reading.problems]
    rows += [Row(f"Part {place}", headers) for place, headers in reading.structure]
    extra = Findings(
        sections=[Section("Envelope and headers", differences), Section("MIME text", rows)],
        warnings=warnings,
        raises=bool(warnings),
    )
    return await message.compose(proposal, reads, sent, extra)


def _envelope(sent: Letter) -> tuple[list[Row], list[str]]:
    """Who gets it without being named, and who is named without getting it."""
    envelope = {one.identity: one for one in parse_all(sent.to)}
    claimed = {one.identity: one for one in parse_all(sent.claims)}
    blind = [one.address for key, one in envelope.items() if key not in claimed]
    unseen = {one.identity: one for one in parse_all(text for _, text in sent.unseen)}
    left_out = [one.address for key, one in (claimed | unseen).items() if key not in envelope]
    seen = [*sent.claims, *sent.groups]
    rows = [Row("Readers see as recipients", safe_line(", ".join(seen)) if seen else "nobody")]
    rows += [Row(f"Named in {name}, which hardly any program shows", safe_line(text)) for name, text in sent.unseen]
    warnings = [f"Readers see {quoted(group, len(group))} as a recipient: it names nobody." for group in sent.groups]
    if blind:
        rows.append(Row("Get it without being named (blind copies)", safe_line(", ".join(blind))))
        warnings.append(f"{count(len(blind), 'recipient')} not named in the headers: a blind copy.")
    if left_out:
        rows.append(Row("Named but will not get it", safe_line(", ".join(left_out))))
        warnings.append(f"{count(len(left_out), 'person', 'people')} named in the headers will not get the message.")
    return rows, warnings
