"""A message before it is sent: who gets it, what they see, and what is odd about it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from maton_mailgun.approval.preview import audience, content, options, stored_template
from maton_mailgun.approval.preview.audience import Audience
from maton_mailgun.approval.preview.proposal import Findings, Proposal, ReadAnswer, Reads, Row, Section, dig
from maton_mailgun.mail import letter
from maton_mailgun.mail.addresses import address_flags, parse, parse_all
from maton_mailgun.mail.letter import Enclosure, FormFields, Letter
from maton_mailgun.mail.text import count, quoted, safe_line, short

if TYPE_CHECKING:
    pass


async def preview(proposal: Proposal, reads: Reads) -> Findings:
    """The whole of a `messages` call."""
    return await compose(proposal, reads, letter.from_form(proposal.request))


def watch(proposal: Proposal) -> list[tuple[str, Mapping[str, Any]]]:
    """A yes to a message is a yes to the template as it was then."""
    source = stored_template.source(
        FormFields(proposal.request), audience.domain_of(proposal.operation, proposal.arguments)
    )
    return [source] if source else []


async def compose(proposal: Proposal, reads: Reads, sent: Letter, extra: Findings | None = None) -> Findings:
    """Everything about `sent`; `extra` is what the caller found out already."""
    extra = extra or Findings()
    domain = audience.domain_of(proposal.operation, proposal.arguments)
    fields = FormFields(proposal.request)
    people = audience.gather(sent, domain)
    source = stored_template.source(fields, domain)
    state, template, _ = await asyncio.gather(
        reads("the state of the domain", "GET /v3/domains/{domain}", {"domain": domain}),
        reads("the template", *source) if source else _nothing(),
        audience.look(people, reads, fields.all("o:tag"), proposal.now),
    )
    filled = stored_template.filled(sent, template)
    # Long work for a large message, and the loop has other calls to serve.
    reading = await asyncio.to_thread(_read, filled)
    names = Section("Sender", _sender(sent, domain))
    warnings = [*extra.warnings, *_domain_warnings(domain, state), *_sender_warnings(sent, domain), *people.warnings]
    header_rows, header_warnings = options.headers(sent)
    visible = _visible(sent, fields)
    template_rows, template_warnings = stored_template.rows_and_warnings(fields, template, sent, people)
    option_rows, option_warnings = options.options(fields, proposal.now)
    warnings += [*header_warnings, *([visible] if visible else []), *template_warnings, *option_warnings]
    warnings += [*reading.warnings, *content.host_remarks(reading), *_inline_warnings(filled, reading)]
    raises = extra.raises + reading.raises + len([*header_warnings, *option_warnings])
    raises += bool(fields.all("o:archive-to")) + (len(people.recipients) > 50)
    raises += people.external > 0 and "yes" not in fields.all("o:testmode")
    raises += any(address_flags(one.address, known=domain) for one in people.recipients)
    return Findings(
        sections=[
            names,
            Section("Recipients", _counts(people)),
            *extra.sections,
            Section("Template", template_rows),
            Section("Body", _body(filled, reading)),
            Section("Further parts", [Row(part.label, part.text) for part in sent.parts]),  # guard: 46-shown.parts
            Section("Attachments", [_enclosed(one) for one in (*sent.attachments, *sent.inline)]),
            Section("Headers", header_rows),
            Section("Options", option_rows),
        ],
        warnings=warnings,
        unchecked=[*extra.unchecked, *people.unchecked, *reading.unchecked],
        recipients=[one.as_dict() for one in people.recipients],
        message=letter.shown(
            filled,
            rendered_by=stored_template.rendered_by(fields, template),
            link_hosts=list(reading.links),
        ),
        target=f"message to {count(len(people.recipients), 'recipient')} via {short(domain, 253)}",
        effect=_effect(sent, people, fields, domain, proposal.now),
        raises=raises,
        covers=fields.names | {part.field for part in proposal.request.files},
    )


def _read(sent: Letter) -> content.Reading:
    """What is inside the bodies, and inside every other part that programs may show."""
    reading = content.read(sent)
    for part in sent.parts:
        other = content.read(Letter(html=part.text) if "html" in part.type else Letter(text=part.text))
        for host, remarks in other.links.items():
            reading.links.setdefault(host, remarks)
        reading.warnings += [f"{part.label}: {warning}" for warning in other.warnings]  # guard: 46-further-warnings
        reading.remote += [host for host in other.remote if host not in reading.remote]
        reading.cids |= other.cids
        reading.raises += other.raises
    return reading


async def _nothing() -> None:
    return None


def _effect(sent: Letter, people: Audience, fields: FormFields, domain: str, now: float) -> str:
    sender = f" from {_word(sent.sender)}" if sent.sender else ""
    subject = f", with the subject {quoted(sent.subject, 120)}" if sent.subject else ""
    when = (
        f" It leaves at {options.schedule(fields.all('o:deliverytime')[-1], now)}."
        if fields.all("o:deliverytime")
        else ""
    )
    end = (
        " Test mode is on: Mailgun accepts, logs and bills it, but does not deliver it."
        if "yes" in fields.all("o:testmode")
        else " It cannot be recalled."
    )
    return f"Sends 1 message{sender} to {_whom(people, short(domain, 253))}{subject}.{when}{end}"


def _whom(people: Audience, domain: str) -> str:
    if len(people.recipients) == 1:
        one = people.recipients[0]
        return f"{_word(one.address.raw)}{f', outside {domain}' if one.external else ''}"
    some = f"{people.external:,}" if people.external < len(people.recipients) else "all"
    outside = f", {some} of them outside {domain}" if people.external else ""
    return f"{count(len(people.recipients), 'recipient')}{outside}"


def _word(sender: str) -> str:
    address = parse(sender)
    return address.address if not address.name and not address.problems else quoted(sender, 160)


def _sender(sent: Letter, domain: str) -> list[Row]:
    rows = [Row("From", safe_line(sent.sender) if sent.sender else "(left to the template)", _from_flags(sent, domain))]
    replies = ", ".join(sent.header("Reply-To"))
    if replies and replies.strip() != sent.sender.strip():
        flags = ["answers go here, not to From"]
        flags += [flag for one in parse_all(sent.header("Reply-To")) for flag in address_flags(one, known=domain)]
        if any(audience.is_external(one, domain) for one in parse_all(sent.header("Reply-To"))):
            flags.append("external")
        rows.append(Row("Reply-To", safe_line(replies), flags))
    rows.append(
        Row(
            "Subject", quoted(sent.subject, len(sent.subject)) if sent.subject is not None else "(left to the template)"
        )
    )
    return rows


def _from_flags(sent: Letter, domain: str) -> list[str]:
    flags: list[str] = []
    for address in parse_all(sent.sender):
        flags += address_flags(address, known=domain)
        if audience.is_external(address, domain):
            flags.append(f"not at {domain}")
    return flags


def _sender_warnings(sent: Letter, domain: str) -> list[str]:
    flags = _from_flags(sent, domain)
    return [f"From {quoted(sent.sender, 120)}: {short('; '.join(flags), 300)}."] if flags else []


def _domain_warnings(domain: str, state: ReadAnswer | None) -> list[str]:
    if state is None:
        return []
    if state.status == 404:
        return [f"{domain} is not a domain of this account: the service will probably refuse this."]
    lines = []
    if dig(state.data, "domain.state") == "unverified":
        lines.append(f"{domain} is unverified: Mailgun refuses to send until its DNS records are published.")
    if dig(state.data, "domain.is_disabled") is True or dig(state.data, "domain.state") == "disabled":
        lines.append(f"{domain} is disabled: Mailgun will probably refuse to send.")
    if dig(state.data, "domain.type") == "sandbox":
        lines.append(f"{domain} is a Mailgun sandbox domain: only authorised recipients get mail from it.")
    return lines


def _counts(people: Audience) -> list[Row]:
    domains = Counter(one.address.ascii_domain or "(not readable)" for one in people.recipients)
    rows = [Row("All", f"{len(people.recipients):,}")]
    ordered = sorted(domains.items(), key=lambda item: (-item[1], item[0]))
    outside = {one.address.ascii_domain or "(not readable)" for one in people.recipients if one.external}
    rows += [Row(f"At {name}", f"{number:,}", ["external"] if name in outside else []) for name, number in ordered[:20]]
    if len(ordered) > 20:
        rows.append(Row("At other domains", f"{sum(number for _, number in ordered[20:]):,} at {len(ordered) - 20:,}"))
    for kind, label in (("to", "To"), ("cc", "Cc"), ("bcc", "Bcc (hidden)"), ("list", "List"), ("header", "Header")):
        named = [one for one in people.recipients if one.kind == kind]
        if len(people.recipients) <= 20:
            rows += [Row(label, _person(one), one.remarks) for one in named]
        elif named:
            rows.append(Row(label, count(len(named), "recipient")))
    return rows


def _person(one: audience.Recipient) -> str:
    return f"{quoted(one.address.name, 100)} {one.address.address}" if one.address.name else one.address.address


def _visible(sent: Letter, fields: FormFields) -> str:
    seen = {address.identity for address in parse_all([*sent.to, *sent.cc])}
    if len(seen) > 1 and not sent.mime and not fields.all("recipient-variables"):
        return f"The {len(seen):,} recipients in To and Cc see each other's addresses."
    return ""


def _body(sent: Letter, reading: content.Reading) -> list[Row]:
    rows = [
        Row(label, count(len(body), "character"))
        for label, body in (("Text", sent.text), ("HTML", sent.html), ("AMP HTML", sent.amp_html))
        if body is not None
    ]
    size = sum(len((body or "").encode("utf-8", "surrogatepass")) for body in (sent.text, sent.html, sent.amp_html))
    size += sum(len(part.text.encode("utf-8", "surrogatepass")) for part in sent.parts)
    size += sum(one.size for one in (*sent.attachments, *sent.inline))
    rows.append(Row("Size", f"{size:,} bytes", ["larger than Mailgun's 25 MB"] if size > 25_000_000 else []))
    if reading.links:
        rows.append(Row("Links lead to", short(", ".join(reading.links), 1000)))
    if reading.remote:
        rows.append(Row("Loads from outside when opened", short(", ".join(reading.remote), 500)))
    return rows


def _enclosed(one: Enclosure) -> Row:
    label = "Inline" if one.cid else "Attachment"
    flags = [f"cid:{one.cid}"] if one.cid else []
    return Row(
        label,
        f"{quoted(one.name, len(one.name))}, {safe_line(one.type)}, {one.size:,} bytes, SHA-256 {one.sha256}",
        flags,
    )


def _inline_warnings(sent: Letter, reading: content.Reading) -> list[str]:
    if sent.html is None:
        return ["The inline images have no HTML that could show them."] if sent.inline else []
    have = {one.cid for one in sent.inline}
    lines = [f"The HTML shows cid:{short(cid, 80)}, which is not sent along." for cid in sorted(reading.cids - have)]
    return lines + [f"The HTML does not use the inline image {short(cid, 80)}." for cid in sorted(have - reading.cids)]
