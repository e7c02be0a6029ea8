"""A message that is made from a stored template, whose version brings a body and headers of its own.

Mailgun puts the version's headers into the message where the call gives none of that name; a call's own override them
(Mailgun's reference of templates, `headers`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from maton_mailgun.approval.preview import options, variables
from maton_mailgun.approval.preview.audience import Audience, Recipient, is_external
from maton_mailgun.approval.preview.document import Row
from maton_mailgun.approval.preview.fields import row
from maton_mailgun.approval.preview.proposal import ReadAnswer, dig
from maton_mailgun.mail import address_fields, filling
from maton_mailgun.mail.addresses import address_flags, parse_all
from maton_mailgun.mail.letter import RECIPIENT_HEADERS, FormFields, FurtherPart, Letter
from maton_mailgun.mail.template_tags import filled_blank
from maton_mailgun.mail.text import quoted, safe_line, short
from maton_mailgun.mail.unclear import Unclear

_VERSION = "GET /v3/{domain}/templates/{template}/versions/{version}"
_ACTIVE = "GET /v3/{domain}/templates/{template}?active=yes"
_WORDS = {"true", "false", "null"}
_RECIPIENTS = {name.casefold() for name in RECIPIENT_HEADERS}


@dataclass(frozen=True, slots=True)
class StoredTemplate:
    """What was read of the template that a call names."""

    name: str
    version: str
    given: Mapping[str, Any]
    """Every name that the template finds a value under."""
    source: str | None = None
    headers: Sequence[tuple[str, str]] = ()
    """The version's own, as they are stored."""
    known: bool = False
    """Whether the service answered."""
    problem: str = ""
    """Why the headers could not be read."""

    def header(self, name: str) -> str | None:
        """The header `name` as it will stand in the message, in any letter case; the last one counts."""
        found = [value for field, value in self.headers if field.casefold() == name]
        return variables.filled(found[-1], self.given, html=False) if found else None

    def speaks_for_others(self, sent: Letter, domain: str) -> bool:
        """Whether the template's headers, where they count, make the message somebody else's or cannot be read."""
        return bool(headers(self, sent, domain)[1])


def source(fields: FormFields, domain: str) -> tuple[str, Mapping[str, Any]] | None:
    """The read that answers with the version of the template that will be used, or None."""
    named = fields.all("template")
    if not named:
        return None
    if version := fields.all("t:version"):
        return _VERSION, {"domain": domain, "template": named[-1], "version": version[-1]}
    return _ACTIVE, {"domain": domain, "template": named[-1]}


def read(fields: FormFields, answer: ReadAnswer | None, sent: Letter) -> StoredTemplate | None:
    """The template of a call, or None where it names none."""
    named = fields.all("template")
    if not named:
        return None
    body = dig(answer.data, "template.version.template") if answer is not None and answer.status != 404 else None
    stored = dig(answer.data, "template.version.headers") if answer is not None and answer.status != 404 else None
    headers = stored if isinstance(stored, dict) else {}
    return StoredTemplate(
        name=named[-1],
        version=_version(fields, answer),
        given=_given(fields, sent),
        source=body if isinstance(body, str) else None,
        headers=[(str(name), filling.text_of(value)) for name, value in headers.items()],
        known=answer is not None,
        problem="could not check the template's own headers" if stored and not isinstance(stored, dict) else "",
    )


def filled(sent: Letter, template: StoredTemplate | None) -> Letter:
    """The message as Mailgun puts it together: the template's source as its HTML, and the template's headers where the
    call has none."""
    if template is None:
        return sent
    given = {name.casefold() for name, _ in (*sent.headers, *sent.own_headers)}
    more = [
        (name, variables.filled(value, template.given, html=False))
        for name, value in template.headers
        if name.casefold() not in given | {"from", "subject"}
    ]
    # An empty value is one that was not given: Mailgun's form knows no difference.
    beside = _has_html(sent) and template.source is not None
    return replace(
        sent,
        html=template.source if not _has_html(sent) and template.source is not None else sent.html,
        parts=[*sent.parts, _beside(template)] if beside else sent.parts,  # guard: 94-beside
        sender=sent.sender or ("" if "from" in given else template.header("from")) or "",
        subject=sent.subject if sent.subject or "subject" in given else template.header("subject") or sent.subject,
        headers=[*sent.headers, *more],
    )


def _has_html(sent: Letter) -> bool:
    return bool(sent.html and sent.html.strip())


def _beside(template: StoredTemplate) -> FurtherPart:
    """The template where the message has HTML of its own, as a ready message may."""
    return FurtherPart("The template's HTML", "text/html", template.source or "", "")


def to_read(whole: Letter, template: StoredTemplate | None) -> Letter:
    """`whole` as it will be once the template is filled in, with its plain values, for whoever looks where its links
    lead: what its comments and blocks say of themselves is gone."""
    if template is None or template.source is None or whole.html is None:
        return whole
    parts = [replace(one, text=filled_blank(one.text)) if one.text == template.source else one for one in whole.parts]
    return replace(
        whole,
        html=variables.filled(filled_blank(whole.html), template.given, html=True),
        subject=variables.filled(whole.subject, template.given, html=False) if whole.subject is not None else None,
        parts=parts,
    )


def rows_and_warnings(
    fields: FormFields, template: StoredTemplate | None, sent: Letter, domain: str
) -> tuple[list[Row], list[str]]:
    """Template, version, its headers, every value that is given to it, and every name that has none."""
    if template is None:
        return [], []
    rows = [row("Template", template.name), Row("Version", template.version)]
    rows += [row(f"t:{safe_line(name)}", value) for name, value in fields.spread("t:") if name != "version"]
    warnings = []
    if template.known and template.source is None:
        warnings.append(
            f"There is no template {quoted(template.name, 100)}: Mailgun accepts the message, then drops it."
        )
    if _has_html(sent) and template.source:
        warnings.append(
            "The message has HTML of its own beside the template's: which of the two goes out is not documented."
        )
    if sent.subject == "" and template.header("subject"):
        warnings.append("The subject is empty, and the template has one: which of the two goes out is not documented.")
    header_rows, header_warnings = headers(template, sent, domain)
    lacking = variables.missing(
        "\n".join([template.source or "", *(text for _, text in template.headers)]), template.given
    )
    own = {key for one in fields.mapping("recipient-variables").values() if isinstance(one, dict) for key in one}
    if lacking:
        rows.append(Row("Variables without a value", safe_line(", ".join(lacking))))
    if others := [name for name in lacking if name not in own]:
        warnings.append(f"The template asks for {short(', '.join(others), 300)}, which this call does not give.")
    if per_recipient := [name for name in lacking if name in own]:
        fix = ", ".join(f'"{name}": "%recipient.{name}%"' for name in per_recipient)
        warnings.append(
            f"The template asks for {short(', '.join(per_recipient), 300)}, which only the recipient variables have: "
            f"these do not reach a template by themselves. Give {short(fix, 300)} in template_variables."
        )
    words = [
        name for name, value in fields.spread("v:") if value in _WORDS and name not in fields.mapping("t:variables")
    ]
    if asked := [name for name in words if name in variables.names(template.source or "")]:
        warnings.append(
            f"The template may take the word in v:{short(asked[0], 60)} for a text, which counts as true: give it in "
            "template_variables."
        )
    return rows + header_rows, warnings + header_warnings


def headers(template: StoredTemplate, sent: Letter, domain: str) -> tuple[list[Row], list[str]]:
    """The version's own headers as they are stored, and what is odd about the address headers among them."""
    given = {name.casefold() for name, _ in (*sent.headers, *sent.own_headers)}
    given |= {name for name, value in (("from", sent.sender), ("subject", sent.subject)) if value}
    rows, warnings = [], []
    names = [name.casefold() for name, _ in template.headers]
    if len(names) > len(set(names)):
        warnings.append("The template has a header twice: which of the two goes out is not known.")
    for name, stored in template.headers:
        used = name.casefold() not in given
        value = variables.filled(stored, template.given, html=False)
        flags = [] if used else ["not used: the message has its own"]
        if value != stored:
            flags.append(f"filled: {safe_line(value)}")
        rows.append(Row(f"Its header {safe_line(name)}", safe_line(stored), flags))
        if not used:
            continue
        if name.casefold() not in {"from", "subject", "reply-to"}:
            remark = options.remark(name)
            warnings.append(f"The template sets the header {short(name, 60)}: {short(value, 200)} {remark}".rstrip())
        if address_fields.holds_addresses(name):  # guard: 47-template-headers
            warnings += _address_warnings(name, value, domain)
    return rows, warnings


def _address_warnings(name: str, value: str, domain: str) -> list[str]:
    shown = f"The template's {short(name, 60)} {quoted(value, 160)}"
    if "{{" in value or filling.PLACE.search(value):
        return [f"{shown} holds a variable: whom it names is not known before Mailgun fills it in."]
    try:
        address_fields.header_value(name, value)
    except Unclear as problem:
        return [f"{shown} cannot be read for certain: {short(problem.wrong, 200)}."]
    told = []
    for one in parse_all(value):
        told += address_flags(one, known=domain)
        if is_external(one, domain):
            told.append(f"not at {domain}")
    return [f"{shown}: {short('; '.join(dict.fromkeys(told)), 300)}."] if told else []


def doubts(template: StoredTemplate | None, sent: Letter, people: Audience) -> list[str]:
    """What no rule could judge, since it is known only after the template was read. Recipients that its headers name
    are added to `people`."""
    if template is None:
        return []
    lines = [template.problem] if template.problem else []
    given = {name.casefold() for name, _ in (*sent.headers, *sent.own_headers)}
    for name, stored in template.headers:
        if name.casefold() not in _RECIPIENTS or name.casefold() in given:
            continue
        lines.append(
            f"could not check whom the template's header {short(name, 60)} adds: no rule and no list was asked"
        )
        known = {one.address.identity for one in people.recipients}
        for address in parse_all(variables.filled(stored, template.given, html=False)):
            if address.identity not in known:
                outside = is_external(address, people.domain)
                flags = [*(["external"] if outside else []), "named in a header only", "from the template"]
                flags += address_flags(address, known=people.domain)
                people.recipients.append(Recipient(address, "header", outside, flags))
    return lines  # guard: 47-template-recipients


def _version(fields: FormFields, answer: ReadAnswer | None) -> str:
    asked = fields.all("t:version")
    tag = dig(answer.data, "template.version.tag") if answer is not None else None
    if asked:
        return safe_line(asked[-1])
    return f"{safe_line(str(tag))} (active)" if tag else "the active one"


def _given(fields: FormFields, sent: Letter) -> dict[str, Any]:
    given: dict[str, Any] = dict(fields.spread("v:"))
    for text in sent.header("X-Mailgun-Variables"):
        try:
            parsed = json.loads(text)
        except ValueError:
            continue
        given |= parsed if isinstance(parsed, dict) else {}
    return given | fields.mapping("t:variables")


def rendered_by(template: StoredTemplate | None) -> str:
    """Who makes the text that recipients read, in words."""
    if template is None:
        return "as given"
    return "Mailgun, from the template below" if template.source else "Mailgun, from a template that could not be read"
