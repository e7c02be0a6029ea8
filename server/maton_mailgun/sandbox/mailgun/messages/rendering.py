"""What a recipient sees: templates filled in, `%recipient.key%` replaced, private copies kept private.

Mailgun renders stored templates with Handlebars. This is the part of it that mail templates use: `{{name}}` with dotted
paths (escaped in HTML), `{{{name}}}`, `{{#if}}`, `{{#unless}}`, `{{#each}}` with `{{this}}`, and `{{else}}`. Anything
else stays in the text as it was written, so that it is seen and not lost.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from maton_mailgun.sandbox.account.mailgun_account import Domain, Message
from maton_mailgun.sandbox.mailgun.mailboxes import parse_address
from maton_mailgun.sandbox.mailgun.messages.templates import active_version, find_version
from maton_mailgun.sandbox.web.calls import Record

_TAG = re.compile(r"\{\{\{\s*(?P<raw>[\w.@-]+)\s*\}\}\}|\{\{\s*(?P<tag>[#/]?\s*[\w.@-]+(?:\s+[\w.@-]+)?)\s*\}\}")
_RECIPIENT = re.compile(r"%recipient(?:\.(?P<key>[\w-]+))?%")
_BLOCKS = ("if", "unless", "each")
_DEEPEST = 30
"""Blocks within each other that are filled in; a deeper one stays as it was written."""


def _look_up(path: str, scopes: list[object]) -> object:
    if path in ("this", "."):
        return scopes[-1]
    for scope in reversed(scopes):
        value = scope
        for name in path.removeprefix("this.").split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            return value
    return None


def _printed(value: object) -> str:
    if value is None or value is False:
        return ""
    return "true" if value is True else str(value)


def _block_end(text: str, at: int, name: str) -> tuple[int, int, int, int] | None:
    """Bounds of `{{else}}` and `{{/name}}` that belong to a block whose content begins at `at`."""
    depth, otherwise = 0, None
    for match in _TAG.finditer(text, at):
        tag = " ".join((match["tag"] or "").replace("#", "# ").replace("/", "/ ").split())
        if tag.startswith("# "):
            depth += 1
        elif tag.startswith("/ "):
            if depth == 0:
                if tag != f"/ {name}":
                    return None
                start, stop = otherwise or (match.start(), match.start())
                return start, stop, match.start(), match.end()
            depth -= 1
        elif tag == "else" and depth == 0:
            otherwise = (match.start(), match.end())
    return None


def fill_in(text: str, variables: Record, *, html: bool) -> str:
    """`text` with its variables replaced; unknown names become empty, unknown syntax stays."""
    return _fill(text, [variables], html, _DEEPEST)


def _fill(text: str, scopes: list[object], html: bool, deeper: int) -> str:
    done, at = [], 0
    while (match := _TAG.search(text, at)) is not None:
        done.append(text[at : match.start()])
        at = match.end()
        words = (match["tag"] or "").replace("#", "# ").split()
        if match["raw"]:
            done.append(_printed(_look_up(match["raw"], scopes)))
        elif (
            len(words) == 3
            and words[0] == "#"
            and words[1] in _BLOCKS
            and (end := deeper and _block_end(text, at, words[1]))
        ):
            yes, no = text[at : end[0]], text[end[1] : end[2]]
            done.append(_block(words[1], _look_up(words[2], scopes), yes, no, scopes, html, deeper - 1))
            at = end[3]
        elif len(words) == 1 and words[0] != "else" and not words[0].startswith("/"):
            value = _printed(_look_up(words[0], scopes))
            done.append(escape(value) if html else value)
        else:
            done.append(match[0])
    return "".join([*done, text[at:]])


def _opens(words: list[str]) -> bool:
    return len(words) == 3 and words[0] == "#" and words[1] in _BLOCKS


def _block(kind: str, value: object, yes: str, no: str, scopes: list[object], html: bool, deeper: int) -> str:
    if kind == "each" and isinstance(value, list) and value:
        return "".join(_fill(yes, [*scopes, item], html, deeper) for item in value)
    holds = bool(value) if kind != "each" else False
    return _fill(yes if holds != (kind == "unless") else no, scopes, html, deeper)


def _for_recipient(text: str, recipient: str, values: Record) -> str:
    """`%recipient.key%` replaced; a key this recipient has no value for stays as it is."""

    def value(match: re.Match[str]) -> str:
        if match["key"] is None:
            return recipient
        return _printed(values[match["key"]]) if match["key"] in values else match[0]

    return _RECIPIENT.sub(value, text)


def filled_for(message: Message, recipient: str, value: Any) -> Any:
    """A text, or a list or object of texts, with what belongs to this recipient in its place."""
    values = {**message.member_variables.get(recipient, {}), **message.recipient_variables.get(recipient, {})}
    return _filled(value, recipient, values) if values else value


def _filled(value: Any, recipient: str, values: Record) -> Any:
    if isinstance(value, str):
        return _for_recipient(value, recipient, values)
    if isinstance(value, list):
        return [_filled(item, recipient, values) for item in value]
    if isinstance(value, dict):
        return {name: _filled(item, recipient, values) for name, item in value.items()}
    return value


def _parts(domain: Domain | None, message: Message) -> Record:
    """Subject, text and html before personal values: from the message, or from its stored template."""
    parts: Record = {"subject": message.subject, "text": message.text, "html": message.html}
    template = domain.templates.get(message.template) if domain and message.template else None
    if template is None:
        return parts
    tag = message.template_version
    version = find_version(template, tag) if tag else active_version(template)
    if version is None:
        return parts
    values = message.template_variables
    parts["html"] = fill_in(version["template"], values, html=True)
    parts["subject"] = fill_in(message.subject, values, html=False)
    if message.options.get("t:text") == ["yes"]:
        parts["text"] = fill_in(re.sub(r"<[^>]+>", "", version["template"]), values, html=False)
    return parts


def copies(domain: Domain | None, message: Message) -> list[Record]:
    """One entry per recipient, as that person would see it, with the headers of its own and the variables in events.

    With recipient variables every recipient sees only its own address in To; without them all To addresses are visible
    to everyone. Members of a mailing list get what the list knows about them as variables.
    """
    parts = _parts(domain, message)
    personal = message.recipient_variables
    written = {address.key: address.written for text in message.to if (address := parse_address(text))}
    found: list[Record] = []
    for recipient in message.recipients:
        to = [written.get(recipient, recipient)] if personal else message.to
        shown = {**parts, "to": to, "headers": message.headers, "variables": message.variables}
        found.append({"recipient": recipient, **filled_for(message, recipient, shown)})
    return found
