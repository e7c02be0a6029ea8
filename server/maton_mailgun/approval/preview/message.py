"""A message before it is sent: who gets it, what they see, and what is odd about it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from maton_mailgun.approval.preview import (
    all_parts,
    answered,
    audience,
    broken_markup,
    content,
    domain_additions,
    fetched_words,
    header_values,
    list_members,
    message_effect,
    options,
    reach,
    recipient_values,
    replies,
    shown_message,
    stored_template,
    uploads,
    variables,
)
from maton_mailgun.approval.preview.audience import Audience
from maton_mailgun.approval.preview.document import Row, Section
from maton_mailgun.approval.preview.fields import row
from maton_mailgun.approval.preview.list_members import Members
from maton_mailgun.approval.preview.proposal import Findings, Proposal, ReadAnswer, Reads, dig
from maton_mailgun.approval.preview.stored_template import StoredTemplate
from maton_mailgun.mail import address_fields, filling, letter
from maton_mailgun.mail.addresses import address_flags, parse_all
from maton_mailgun.mail.letter import Enclosure, FormFields, Letter
from maton_mailgun.mail.text import count, quoted, safe_line, short
from maton_mailgun.wire.speakers import says_absent

_MANY = 50
"""Recipients beyond which their number alone is a warning."""


async def preview(proposal: Proposal, reads: Reads) -> Findings:
    """The whole of a `messages` call."""
    # Long work for large files, and the loop has other calls to serve.
    sent, extra = await asyncio.to_thread(uploads.opened, letter.from_form(proposal.request))
    original = await answered.findings(proposal, reads, sent)
    extra = replace(
        extra,
        sections=[*original.sections, *extra.sections],
        warnings=[*original.warnings, *extra.warnings],
        raises=original.raises + extra.raises,
    )
    return await compose(proposal, reads, sent, extra)


def watch(proposal: Proposal) -> list[tuple[str, Mapping[str, Any]]]:
    """A yes to a message is a yes to the template, and to the message that is answered, as they were then."""
    source = stored_template.source(
        FormFields(proposal.request), audience.domain_of(proposal.operation, proposal.arguments)
    )
    return [*([source] if source else []), *answered.sources(proposal)]


async def compose(proposal: Proposal, reads: Reads, sent: Letter, extra: Findings | None = None) -> Findings:
    """Everything about `sent`; `extra` is what the caller found out already."""
    extra = extra or Findings()
    sent, files_in_text = await asyncio.to_thread(all_parts.with_files, sent)
    domain = audience.domain_of(proposal.operation, proposal.arguments)
    fields = FormFields(proposal.request)
    people = audience.gather(sent, domain)
    source = stored_template.source(fields, domain)
    state, tracking, template, _ = await asyncio.gather(
        reach.domain_state(domain, reads),
        domain_additions.tracking(domain, reads),
        reads("the template", *source) if source else _nothing(),
        audience.look(people, reads, fields.all("o:tag"), proposal.now),
    )
    members = await list_members.look(list_members.lists_of(people), reads)
    list_members.mark(people, members)
    added = domain_additions.findings(state, tracking, fields)
    covers = reach.covered(people, state, options.waits_until(fields, proposal.now))
    stored = stored_template.read(fields, template, sent)
    doubts = stored_template.doubts(stored, sent, people)
    whole = stored_template.filled(sent, stored)
    # Long work for a large message, and the loop has other calls to serve.
    reading = await asyncio.to_thread(all_parts.read, whole)
    given = stored.given if stored is not None else None
    to_fill = stored_template.to_read(whole, stored)
    filled_in = list_members.places(to_fill, given or {})
    covers |= {"added": domain_additions.noted(state, tracking), "members": list_members.noted(filled_in, members)}
    more = await asyncio.to_thread(recipient_values.read, to_fill, fields, people, reading, given)
    broken = await asyncio.to_thread(_broken, whole, to_fill, fields, stored, people, members)
    of_lists = await asyncio.to_thread(list_members.read, to_fill, filled_in, members, reading)
    list_section, list_warnings, list_doubts = list_members.section(whole, filled_in, members)
    reading.links = {**replies.links(whole), **reading.links, **more.links, **of_lists.links}
    reading.remote += [*more.remote, *(host for host in of_lists.remote if host not in more.remote)]
    answers = replies.elsewhere(whole, domain)
    strange = [*audience.hidden_copies(people), *answers]
    warnings = [*strange, *extra.warnings, *_domain_warnings(domain, state), *_sender_warnings(sent, domain)]
    many = [f"This message goes to {count(len(people.recipients), 'recipient')}."] * (len(people.recipients) > _MANY)
    warnings += [*many, *people.warnings]
    header_rows, header_warnings = options.headers(sent)
    visible = _visible(sent, fields)
    template_rows, template_warnings = stored_template.rows_and_warnings(fields, stored, sent, domain)
    value_rows, value_warnings = recipient_values.rows_and_warnings(fields, whole, people)
    option_rows, option_warnings = options.options(fields, proposal.now)
    warnings += [*header_warnings, *([visible] if visible else []), *template_warnings]
    odd = [*header_values.doubts(whole, fields, people), *replies.warnings(whole, domain), *list_warnings]
    odd += [*of_lists.warnings, *added.warnings, *broken]
    warnings += [*_place_warnings(whole, fields, stored, members), *odd, *value_warnings, *option_warnings]
    warnings += fetched_words.warnings(whole)
    warnings += [*reading.warnings, *more.warnings, *content.host_remarks(reading), *_inline_warnings(whole, reading)]
    raises = extra.raises + reading.raises + more.raises + len([*header_warnings, *option_warnings, *odd])
    raises += bool(answers) or audience.hidden_from_habit(people)
    raises += bool(fields.all("o:archive-to")) + len(many)
    raises += stored is not None and stored.speaks_for_others(sent, domain)
    raises += people.external > 0 and "yes" not in fields.all("o:testmode")
    raises += any(address_flags(one.address, known=domain) for one in people.recipients)
    shown = shown_message.of(
        whole,
        rendered_by=stored_template.rendered_by(stored),
        link_hosts=[*reading.links],
        recipient_values=recipient_values.as_data(fields) if fields.all("recipient-variables") else None,
    )
    ending = message_effect.ending(fields, proposal.now, reach.in_words(covers))
    return Findings(
        sections=[
            Section("Sender", _sender(sent, whole, stored, domain)),
            Section("Recipients", [*_counts(people), *reach.rows(people, covers)]),
            Section("Recipient variables", value_rows),
            list_section,
            *extra.sections,
            Section("Template", template_rows),
            Section("Body", _body(whole, reading)),
            Section("Further parts", [row(part.label, part.text) for part in whole.parts]),  # guard: 46-shown.parts
            Section("Attachments", [_enclosed(one) for one in (*sent.attachments, *sent.inline)]),
            Section("Files in the text", files_in_text),
            Section("Headers", header_rows),
            Section("Options", option_rows),
            *added.sections,
        ],
        warnings=warnings,
        unchecked=[
            *(*extra.unchecked, *people.unchecked, *doubts, *list_doubts),
            *(*reading.unchecked, *more.unchecked, *of_lists.unchecked),
        ],
        recipients=[one.shown() for one in people.recipients],
        message=shown,
        target=f"message to {count(len(people.recipients), 'recipient')} via {short(domain, 253)}",
        effect=message_effect.sentence(whole, people, domain, fields) + ending,
        ending=ending.strip(),
        reach=covers,
        refused=_no_domain(domain, state),
        raises=raises,
        covers=fields.names | {part.field for part in proposal.request.files},
    )


def _broken(
    whole: Letter,
    to_fill: Letter,
    fields: FormFields,
    stored: StoredTemplate | None,
    people: Audience,
    members: Members,
) -> list[str]:
    values = [(own, "") for own in recipient_values.entries(fields).values()]
    values += [({}, name) for name in dict.fromkeys(one.address.name for one in people.recipients)]
    values += [(own, name) for _, own, name in members.values()]
    lines = broken_markup.of_values(to_fill, values)
    return [*broken_markup.of_template(whole, stored.given), *lines] if stored is not None else lines


async def _nothing() -> None:
    return None


def _sender(sent: Letter, whole: Letter, stored: StoredTemplate | None, domain: str) -> list[Row]:
    """Who seems to send, whom answers go to, and the subject: as given, or else from the template."""
    sender = _whose(sent.sender, whole.sender, stored, safe_line(whole.sender))
    if not (whole.sender or whole.header("From")) and stored is not None and stored.source is not None:
        # Mailgun's reference of templates, `headers`; older answers refuse such a message.
        sender = f"postmaster@{safe_line(domain)}: Mailgun's own, as neither the call nor the template names anybody"
    rows = [Row("From", sender, _from_flags(whole, domain))]
    answers = ", ".join(whole.header("Reply-To"))
    if answers and answers.strip() != whole.sender.strip():
        flags = ["answers go here, not to From"]
        flags += [flag for one in parse_all(whole.header("Reply-To")) for flag in address_flags(one, known=domain)]
        if any(audience.is_external(one, domain) for one in parse_all(whole.header("Reply-To"))):
            flags.append("external")
        rows.append(
            Row("Reply-To", _whose(", ".join(sent.header("Reply-To")), answers, stored, safe_line(answers)), flags)
        )
    rows += replies.rows(whole, domain)
    told = _quoted(whole.subject or "")
    own = sent.subject is not None and sent.subject == whole.subject
    rows.append(Row("Subject", told if own else _whose(sent.subject or "", whole.subject, stored, told)))
    return rows


def _whose(given: str, effective: str | None, stored: StoredTemplate | None, told: str) -> str:
    """What goes out, and whether the template brought it."""
    if given:
        return told
    if effective:
        return f"from the template: {told}"  # guard: 47-template-shown
    if stored is None:
        return "(none)"  # guard: 115-none
    if stored.source is not None:
        return "(none: neither the call nor the template has one)"
    return "(left to the template)"


def _place_warnings(whole: Letter, fields: FormFields, stored: StoredTemplate | None, members: Members) -> list[str]:
    """Places that no recipient's value, or not every one's, will ever stand in."""
    own = recipient_values.entries(fields)
    values = [text for prefix in ("v:", "t:") for _, text in fields.spread(prefix)]
    texts = "\n".join([*filling.places(replace(whole, sender="")), *values])
    lines = []
    mistaken = variables.almost(texts, own, braces=stored is not None)
    for place, meant in mistaken.items():
        lines.append(
            f"{quoted(place, 100)} goes out as it stands: write {short(meant, 100)} for the recipient's value."
        )
    for key, number in variables.without_value(texts, own).items():
        if not members.known and f"%recipient.{key}%" not in mistaken:
            who = count(number, "recipient") if own else "anybody"
            lines.append(f"There is no value of %recipient.{short(key, 60)}% for {who}.")
    if odd := variables.unreachable(own):
        lines.append(
            f"Nothing in a message can name the recipient variable {quoted(odd[0], 60)}: use letters, digits and _."
        )
    if not (whole.subject or "").strip() and (stored is None or stored.source is not None):
        lines.append("The message has no subject.")
    lines += [
        f"The file name {_quoted(one.name)} holds a recipient variable: copies may have other names."
        for one in (*whole.attachments, *whole.inline)
        if "%recipient" in one.name
    ]
    if "%recipient" in whole.sender:
        lines.append("From holds a recipient variable: who seems to send differs from copy to copy.")
    return lines + header_values.differing(whole)  # guard: 80-differs


def _from_flags(sent: Letter, domain: str) -> list[str]:
    flags: list[str] = []
    for address in parse_all(sent.sender):
        flags += address_flags(address, known=domain)
        if audience.is_external(address, domain):
            flags.append(f"not at {domain}")
    return flags


def _sender_warnings(sent: Letter, domain: str) -> list[str]:
    flags = _from_flags(sent, domain)
    lines = [f"From {quoted(sent.sender, 120)}: {short('; '.join(flags), 300)}."] if flags else []
    # Who gets it is told of with the recipients.
    others = [(name, value) for name, value in (*sent.headers, *sent.own_headers) if _names_people(name)]
    for name, value in (*others, *(("To", value) for value in sent.claims), *sent.unseen):
        told = [flag for one in parse_all(value) for flag in address_flags(one, known=domain)]
        if told:  # guard: 116-headers
            lines.append(f"{short(name, 60)} {quoted(value, 120)}: {short('; '.join(told), 300)}.")
    return lines


def _names_people(header: str) -> bool:
    recipient = header.casefold() in {name.casefold() for name in letter.RECIPIENT_HEADERS}
    return address_fields.holds_addresses(header) and not recipient


def _no_domain(domain: str, state: ReadAnswer | None) -> str:
    if state is None or not says_absent(state.status, state.data):
        return ""
    return f"{short(domain, 253)} is no domain of this account."


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
    """How many there are, and who: a person sees each of them as a recipient too."""
    domains = Counter(one.address.ascii_domain or "(not readable)" for one in people.recipients)
    rows = [Row("All", f"{len(people.recipients):,}", again=True)]
    ordered = sorted(domains.items(), key=lambda item: (-item[1], item[0]))
    strangers = [one for one in people.recipients if one.external and one.kind != "list"]
    outside = {one.address.ascii_domain or "(not readable)" for one in strangers}
    rows += [
        Row(f"At {name}", f"{number:,}", ["external"] if name in outside else [], again=True)
        for name, number in ordered[:20]
    ]
    if len(ordered) > 20:
        others = f"{sum(number for _, number in ordered[20:]):,} at {len(ordered) - 20:,}"
        rows.append(Row("At other domains", others, again=True))
    for kind, label in (("to", "To"), ("cc", "Cc"), ("bcc", "Bcc (hidden)"), ("list", "List"), ("header", "Header")):
        named = [one for one in people.recipients if one.kind == kind]
        if len(people.recipients) <= 20:
            rows += [Row(label, _person(one), one.remarks, again=True) for one in named]
        elif named:
            rows.append(Row(label, count(len(named), "recipient"), again=True))
    return rows


def _person(one: audience.Recipient) -> str:
    return f"{_quoted(one.address.name)} {one.address.address}" if one.address.name else one.address.address


def _quoted(words: str) -> str:
    """Somebody else's words, all of them: they leave."""
    return quoted(words, len(words))


def _visible(sent: Letter, fields: FormFields) -> str:
    seen = {address.identity for address in parse_all([*sent.to, *sent.cc])}
    if len(seen) > 1 and not sent.mime and not fields.all("recipient-variables"):
        return f"The {len(seen):,} recipients in To and Cc see each other's addresses."
    return ""


def _body(sent: Letter, reading: content.Reading) -> list[Row]:
    rows = [
        Row(label, count(len(body), "character"), again=True)
        for label, body in (("Text", sent.text), ("HTML", sent.html), ("AMP HTML", sent.amp_html))
        if body is not None
    ]
    size = sum(len((body or "").encode("utf-8", "surrogatepass")) for body in (sent.text, sent.html, sent.amp_html))
    # What is opened of an upload counts as the file that it is.
    size += sum(len(part.text.encode("utf-8", "surrogatepass")) for part in (sent.parts if sent.mime else ()))
    size += sum(one.size for one in (*sent.attachments, *sent.inline))
    large = ["larger than Mailgun's 25 MB"] if size > 25_000_000 else []
    rows.append(Row("Size", f"{size:,} bytes", large, again=not large))
    rows += reading.rows
    if reading.links:
        rows.append(Row("Links lead to", safe_line(", ".join(reading.links))))
    if reading.remote:
        rows.append(Row("Loads from outside when opened", safe_line(", ".join(reading.remote))))
    return rows


def _enclosed(one: Enclosure) -> Row:
    label = "Inline" if one.cid else "Attachment"
    flags = [f"cid:{one.cid}"] if one.cid else []
    return Row(
        label,
        f"{_quoted(one.name)}, {safe_line(one.type)}, {one.size:,} bytes, SHA-256 {one.sha256}",
        flags,
        again=not one.cid,
    )


def _inline_warnings(sent: Letter, reading: content.Reading) -> list[str]:
    if sent.html is None:
        return ["The inline images have no HTML that could show them."] if sent.inline else []
    have = {one.cid for one in sent.inline}
    lines = [f"The HTML shows cid:{short(cid, 80)}, which is not sent along." for cid in sorted(reading.cids - have)]
    undrawn = shown_message.undrawn(sent)  # guard: 150-told
    lines += [
        f"The page does not draw the inline picture {_quoted(one.name)} ({one.size:,} bytes), which recipients see: "
        "look at the file itself."
        for one in undrawn
        if one.cid in reading.cids
    ]
    return lines + [f"The HTML does not use the inline image {short(cid, 80)}." for cid in sorted(have - reading.cids)]
