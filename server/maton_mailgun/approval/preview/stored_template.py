"""A message that is made from a stored template."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from maton_mailgun.approval.preview import variables
from maton_mailgun.approval.preview.audience import Audience
from maton_mailgun.approval.preview.fields import row
from maton_mailgun.approval.preview.proposal import ReadAnswer, Row, dig
from maton_mailgun.mail.letter import FormFields, Letter
from maton_mailgun.mail.text import count, quoted, safe_line, short

_VERSION = "GET /v3/{domain}/templates/{template}/versions/{version}"
_ACTIVE = "GET /v3/{domain}/templates/{template}?active=yes"


def source(fields: FormFields, domain: str) -> tuple[str, Mapping[str, Any]] | None:
    """The read that answers with the version of the template that will be used, or None."""
    named = fields.all("template")
    if not named:
        return None
    if version := fields.all("t:version"):
        return _VERSION, {"domain": domain, "template": named[-1], "version": version[-1]}
    return _ACTIVE, {"domain": domain, "template": named[-1]}


def rows_and_warnings(
    fields: FormFields, answer: ReadAnswer | None, sent: Letter, people: Audience
) -> tuple[list[Row], list[str]]:
    """Template, version, and every variable that has no value."""
    rows, warnings = [], []
    own = fields.mapping("recipient-variables")
    if named := fields.all("template"):
        rows.append(row("Template", named[-1]))
        rows.append(Row("Version", _version(fields, answer)))
        rows += [row(f"t:{safe_line(name)}", value) for name, value in fields.spread("t:") if name != "version"]
        body = content(answer)
        if answer is not None and body is None:
            warnings.append(
                f"There is no template {quoted(named[-1], 100)}: Mailgun accepts the message, then drops it."
            )
        if lacking := variables.missing(body or "", _given(fields, sent)):
            rows.append(Row("Variables without a value", short(", ".join(lacking), 500)))
            warnings.append(f"The template asks for {short(', '.join(lacking), 300)}, which this call does not give.")
    texts = "\n".join(filter(None, (sent.subject, sent.text, sent.html, sent.amp_html, content(answer))))
    for key, addresses in variables.without_value(texts, own).items():
        who = count(len(addresses), "recipient") if own else "anybody"
        warnings.append(f"There is no value of %recipient.{short(key, 60)}% for {who}.")
    keys = {address.casefold() for address in own}
    left_out = [one for one in people.recipients if own and one.kind in {"to", "list"} and one.address.key not in keys]
    if left_out:
        warnings.append(f"{count(len(left_out), 'recipient')} in To without an entry in the recipient variables.")
    return rows, warnings


def _version(fields: FormFields, answer: ReadAnswer | None) -> str:
    asked = fields.all("t:version")
    tag = dig(answer.data, "template.version.tag") if answer is not None else None
    if asked:
        return safe_line(asked[-1])
    return f"{short(str(tag), 100)} (active)" if tag else "the active one"


def content(answer: ReadAnswer | None) -> str | None:
    """The template's text, or None where there is none."""
    found = dig(answer.data, "template.version.template") if answer is not None and answer.status != 404 else None
    return found if isinstance(found, str) else None


def _given(fields: FormFields, sent: Letter) -> dict[str, Any]:
    """Every name the template can find a value under."""
    given: dict[str, Any] = dict(fields.spread("v:"))
    for text in sent.header("X-Mailgun-Variables"):
        try:
            parsed = json.loads(text)
        except ValueError:
            continue
        given |= parsed if isinstance(parsed, dict) else {}
    for own in fields.mapping("recipient-variables").values():
        given |= own if isinstance(own, dict) else {}
    return given | fields.mapping("t:variables")


def filled(sent: Letter, answer: ReadAnswer | None) -> Letter:
    """`sent` with the template's source as its HTML; Mailgun renders it."""
    body = content(answer)
    return sent if body is None or sent.html is not None else replace(sent, html=body)


def rendered_by(fields: FormFields, answer: ReadAnswer | None) -> str:
    """Who makes the text that recipients read, in words."""
    if not fields.all("template"):
        return "as given"
    return "Mailgun, from the template below" if content(answer) else "Mailgun, from a template that could not be read"
