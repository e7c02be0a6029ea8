"""Sending: `messages` and `messages.mime`.

Checks run in the order Mailgun's answers imply: domain and whether it is disabled, from, to, address syntax, body, html
against template, size of the options, number of recipients, JSON fields, delivery time, state of the domain, authorised
recipients.
"""

from __future__ import annotations

import re
from email.message import EmailMessage

from maton_mailgun.sandbox.account.mailgun_account import Domain, MailgunAccount, Message
from maton_mailgun.sandbox.mailgun.mailboxes import Mailbox, parse_address, parse_addresses
from maton_mailgun.sandbox.mailgun.messages.delivery import accept
from maton_mailgun.sandbox.mailgun.messages.recipients import expand, new_id, new_key
from maton_mailgun.sandbox.mailgun.messages.templates import active_version, find_version
from maton_mailgun.sandbox.mailgun.mime_reader import body_part, read_mime, text_of
from maton_mailgun.sandbox.mailgun.times import parse_rfc2822
from maton_mailgun.sandbox.web.calls import (
    Call,
    HttpAnswer,
    Record,
    SentFields,
    choice,
    json_object,
    ok,
    parse_json,
    refuse,
)
from maton_mailgun.sandbox.web.router import MailgunOperation

_NOT_VALID = "{name} parameter is not a valid address. please check documentation"
_NO_BODY = "Need at least one of 'text', 'html', 'amp-html' or 'template' parameters specified"
_OPTIONS_LIMIT = 16 * 1024
_MOST_RECIPIENTS = 1000
_MOST_TAGS = 10
_LARGEST_MESSAGE = 25 * 1024 * 1024
_LARGEST_REQUEST = 52.4 * 1024 * 1024
_FURTHEST_DELIVERY = 7 * 86400.0
_DELIVER_WITHIN = (5, 24 * 60)
_YES_NO = ("yes", "no", "true", "false")
_OR_HTML = (*_YES_NO, "htmlonly")
_OPTION_WORDS = {
    "o:tracking": _OR_HTML,
    "o:tracking-clicks": _OR_HTML,
    "o:tracking-pixel-location-top": _OR_HTML,
    "o:tracking-opens": _YES_NO,
    "o:dkim": _YES_NO,
    "o:require-tls": _YES_NO,
    "o:skip-verification": _YES_NO,
    "o:native-send": _YES_NO,
    "o:testmode": _YES_NO,
    "t:text": ("yes", "no"),
}
_OPTION_FORMS = {
    "o:deliver-within": re.compile(r"\d+h\d+m"),
    "o:deliverytime-optimize-period": re.compile(r"(?:2[4-9]|[3-6]\d|7[0-2])h"),
    "o:time-zone-localize": re.compile(r"\d{2}:\d{2}(?:[ap]m)?", re.IGNORECASE),
    "o:secondary-dkim": re.compile(r"[^/\s]+/[^/\s]+"),
    "o:secondary-dkim-public": re.compile(r"[^/\s]+/[^/\s]+"),
    "o:archive-to": re.compile(r"https?://\S+"),
}
_FREE_OPTIONS = ("o:sending-ip", "o:sending-ip-pool", "o:suppress-headers", "t:version")
_SANDBOX_ONLY = (
    "Domain {name} is not allowed to send: Sandbox subdomains are for test purposes only. "
    "Please add your own domain or add the address to authorized recipients in Account Settings."
)
_UNVERIFIED = (
    "The domain is unverified and requires DNS configuration. "
    "Log in to your control panel to view required DNS records."
)


def _sending_domain(account: MailgunAccount, call: Call) -> Domain:
    domain = account.domain_of(call, f"Domain not found: {call.path['domain']}")
    if int(call.headers.get("content-length", "0")) > _LARGEST_REQUEST:
        raise refuse(413, "request size exceeds 52.4MiB limit")
    if domain.state == "disabled":
        raise refuse(403, f"Domain {domain.name} is not allowed to send: domain is disabled")
    if call.malformed:
        raise refuse(400, "malformed multipart/form-data request")
    return domain


def _check_present(form: SentFields, name: str) -> None:
    if not any(value.strip() for value in form.every(name)):
        raise refuse(400, f"{name} parameter is missing")


def _addresses(form: SentFields, name: str) -> list[Mailbox]:
    found = parse_addresses(form.every(name))
    if found is None:
        raise refuse(400, _NOT_VALID.format(name=name))
    return found


def _template_headers(domain: Domain, form: SentFields) -> Record:
    """Headers of the stored template version a message names, in lower case; they may stand in for From and Subject."""
    template = domain.templates.get(form.first("template") or "")
    if template is None:
        return {}
    tag = form.first("t:version")
    version = find_version(template, tag) if tag else active_version(template)
    return {name.lower(): value for name, value in (version or {}).get("headers", {}).items()}


def _sender(form: SentFields, headers: Record) -> str:
    value = str(form.first("from") or headers["from"])
    if "{{" not in value and parse_address(value) is None:
        raise refuse(400, _NOT_VALID.format(name="from"))
    return value


def _check_size(form: SentFields) -> None:
    limited = [(name, value) for name, value in form.pairs if name.startswith(("o:", "h:", "v:", "t:"))]
    size = sum(len(name.encode()) + len(value.encode()) for name, value in limited)
    if size > _OPTIONS_LIMIT:
        raise refuse(400, "Send options (parameters starting with o:, h:, or v:) are limited to 16KB total")


def _options(account: MailgunAccount, form: SentFields) -> dict[str, list[str]]:
    """The `o:` and `t:` fields Mailgun knows; the others stay unread and show as ignored in the request record."""
    options: dict[str, list[str]] = {}
    for name, words in _OPTION_WORDS.items():
        if (word := choice(form, name, words)) is not None:
            options[name] = [word]
    for name, shape in _OPTION_FORMS.items():
        if (value := form.first(name)) is not None:
            if not shape.fullmatch(value):
                text = "invalid delivery time format" if "deliver" in name or "zone" in name else f"invalid {name}"
                raise refuse(400, text)
            options[name] = [value]
    if "o:deliver-within" in options:
        hours, minutes = options["o:deliver-within"][0].rstrip("m").split("h")
        if not _DELIVER_WITHIN[0] <= int(hours) * 60 + int(minutes) <= _DELIVER_WITHIN[1]:
            raise refuse(400, "'o:deliver-within' is between 5m and 24h")
    if (moment := form.first("o:deliverytime")) is not None:
        options["o:deliverytime"] = [moment]
    options |= {name: [value] for name in _FREE_OPTIONS if (value := form.first(name)) is not None}
    if "o:secondary-dkim-public" in options and "o:secondary-dkim" not in options:
        raise refuse(400, "'o:secondary-dkim-public' needs 'o:secondary-dkim'")
    if "o:sending-ip" in options and options["o:sending-ip"][0] not in account.ips:
        raise refuse(400, f"IP {options['o:sending-ip'][0]} does not belong to the account")
    if tags := list(dict.fromkeys(form.every("o:tag"))):
        options["o:tag"] = _tags(tags)
    return options


def _tags(tags: list[str]) -> list[str]:
    if len(tags) > _MOST_TAGS:
        raise refuse(400, f"Too many tags, max is {_MOST_TAGS}")
    for tag in tags:
        if not tag.isascii() or not 0 < len(tag) <= 128:
            raise refuse(400, "Tags must be 1 to 128 ASCII characters long")
    return tags


def _headers(form: SentFields) -> dict[str, str]:
    headers = dict(form.prefixed("h:"))
    for name in headers:
        if not name.isascii():
            raise refuse(400, f"Header name must be pure ASCII: {name}")
    return headers


def _header(headers: dict[str, str], name: str) -> str | None:
    return next((value for key, value in headers.items() if key.lower() == name), None)


def _variables(form: SentFields, headers: dict[str, str]) -> tuple[Record, Record]:
    """`v:` fields, JSON text among them read as JSON; and what a template sees, where `t:variables` win.

    Events show scalars as the texts they came as; a template sees `true`, `false` and `null` for what they are.
    """
    variables: Record = {}
    words: Record = {}
    if (text := _header(headers, "x-mailgun-variables")) is not None:
        variables |= json_object(text, "'h:X-Mailgun-Variables' parameter is not a valid JSON")
    for name, value in form.prefixed("v:"):
        try:
            parsed = parse_json(value)
        except ValueError:
            parsed = value
        variables[name] = parsed if isinstance(parsed, dict | list) else value
        if parsed is None or isinstance(parsed, bool):
            words[name] = parsed
    text = form.first("t:variables")
    given = json_object(text, "'t:variables' parameter is not a valid JSON") if text else {}
    return variables, {**variables, **words, **given}


def _recipient_variables(form: SentFields) -> dict[str, Record]:
    text = form.first("recipient-variables")
    if not text:
        return {}
    problem = "'recipient-variables' parameter is not a valid JSON"
    values = json_object(text, problem)
    if not all(isinstance(value, dict) for value in values.values()):
        raise refuse(400, problem)
    if len(values) > _MOST_RECIPIENTS:
        raise refuse(400, f"Too many recipients, max is {_MOST_RECIPIENTS}")
    return {address.lower(): value for address, value in values.items()}


def _delivery_time(form: SentFields, now: float) -> float | None:
    text = form.first("o:deliverytime")
    if text is None:
        return None
    moment = parse_rfc2822(text)
    if moment is None:
        raise refuse(400, f"{text} is not an RFC-2822 compliant date")
    if moment > now + _FURTHEST_DELIVERY:
        raise refuse(400, "'o:deliverytime' is more than 7 days ahead")
    return moment


def _check_state(domain: Domain, recipients: list[str]) -> None:
    if domain.state != "active":
        raise refuse(403, _UNVERIFIED)
    if domain.is_sandbox and not set(recipients) <= set(domain.authorized):
        raise refuse(403, _SANDBOX_ONLY.format(name=domain.name))


def _finish(
    account: MailgunAccount, domain: Domain, form: SentFields, message: Message, addresses: list[Mailbox]
) -> HttpAnswer:
    """The checks both operations share, from the size of the options on; then acceptance."""
    _check_size(form)
    if len({address.key for address in addresses}) > _MOST_RECIPIENTS:
        raise refuse(400, f"Too many recipients, max is {_MOST_RECIPIENTS}")
    message.headers = _headers(form)
    message.variables, message.template_variables = _variables(form, message.headers)
    message.recipient_variables = _recipient_variables(form)
    due = _delivery_time(form, account.now)
    message.options = _options(account, form)
    message.recipients, message.via, message.member_variables = expand(account, addresses)
    _check_state(domain, message.recipients)
    if message.size > _LARGEST_MESSAGE:
        raise refuse(413, "request size exceeds 25MB limit")
    message.template = form.first("template")
    message.test_mode = message.options.get("o:testmode", ["no"])[0] in ("yes", "true")
    message.key = new_key(account)
    message.id = new_id(account, domain, _header(message.headers, "message-id") or message.id)
    accept(account, domain, message, due)
    return ok({"id": message.id, "message": "Queued. Thank you."})


def send_message(account: MailgunAccount, call: Call) -> HttpAnswer:
    domain, form = _sending_domain(account, call), call.form
    template_headers = _template_headers(domain, form)
    if not template_headers.get("from"):
        _check_present(form, "from")
    _check_present(form, "to")
    sender = _sender(form, template_headers)
    to, cc, bcc = (_addresses(form, name) for name in ("to", "cc", "bcc"))
    bodies = {name: form.first(name) for name in ("text", "html", "amp-html", "template")}
    if not any(bodies.values()):
        raise refuse(400, _NO_BODY)
    if bodies["html"] and bodies["template"]:
        raise refuse(400, "Only one parameters 'html' or 'template' is allowed")
    attachments, inline = call.files.named("attachment"), call.files.named("inline")
    message = Message(
        key="",
        id="",
        domain=domain.name,
        at=account.now,
        sender=sender,
        recipients=[],
        to=[address.written for address in to],
        cc=[address.written for address in cc],
        bcc=[address.written for address in bcc],
        subject=form.first("subject") or str(template_headers.get("subject") or ""),
        text=bodies["text"],
        html=bodies["html"],
        amp_html=bodies["amp-html"],
        attachments=attachments,
        inline=inline,
        size=sum(len((body or "").encode()) for body in bodies.values())
        + sum(len(upload.data) for upload in (*attachments, *inline)),
    )
    return _finish(account, domain, form, message, [*to, *cc, *bcc])


def send_mime_message(account: MailgunAccount, call: Call) -> HttpAnswer:
    """The envelope is `to` alone: headers of the MIME text make nobody a recipient."""
    domain, form = _sending_domain(account, call), call.form
    if call.content_type != "multipart/form-data":
        text = "Invalid request content type. Expecting 'multipart/form-data' but got '{}'"
        raise refuse(400, text.format(call.content_type))
    _check_present(form, "to")
    to = _addresses(form, "to")
    upload = next(iter(call.files.named("message")), None)
    if upload is None:
        if form.first("message") is not None:
            raise refuse(400, "'message' parameter is not a file")
        raise refuse(400, "message parameter is missing")
    parsed = read_mime(upload.data)
    if parsed is None:
        raise refuse(400, "from parameter is missing")
    message = Message(
        key="",
        id=str(parsed.get("Message-Id") or ""),
        domain=domain.name,
        at=account.now,
        sender=str(parsed["From"]),
        recipients=[],
        to=[address.written for address in to],
        subject=str(parsed.get("Subject") or ""),
        text=_text(parsed, "plain"),
        html=_text(parsed, "html"),
        mime=upload.data.decode("utf-8", "replace"),
        size=len(upload.data),
    )
    return _finish(account, domain, form, message, to)


def _text(parsed: EmailMessage, kind: str) -> str | None:
    part = body_part(parsed, kind)
    return None if part is None else text_of(part)


OPERATIONS = (
    MailgunOperation("POST", "/v3/{domain}/messages", send_message),
    MailgunOperation("POST", "/v3/{domain}/messages.mime", send_mime_message),
)
