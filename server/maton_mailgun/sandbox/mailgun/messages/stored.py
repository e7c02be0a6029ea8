"""Stored messages under their storage key, and sending one again."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from maton_mailgun.sandbox.account.mailgun_account import Domain, MailgunAccount, Message
from maton_mailgun.sandbox.mailgun.mailboxes import parse_addresses
from maton_mailgun.sandbox.mailgun.messages.delivery import accept
from maton_mailgun.sandbox.mailgun.messages.recipients import expand, new_id, new_key
from maton_mailgun.sandbox.mailgun.messages.rendering import copies
from maton_mailgun.sandbox.mailgun.reporting.eventview import bare, storage_url
from maton_mailgun.sandbox.web.calls import Call, HttpAnswer, Record, Upload, ok, refuse
from maton_mailgun.sandbox.web.router import MailgunOperation

_BREAKS = re.compile(r"[\r\n]+")


def header_pairs(message: Message) -> list[tuple[str, str]]:
    """Headers a recipient finds, in order. Bcc is not among them."""
    pairs = [
        ("From", message.sender),
        ("To", ", ".join(message.to)),
        *([("Cc", ", ".join(message.cc))] if message.cc else []),
        ("Subject", message.subject),
        ("Message-Id", message.id),
        ("Date", format_datetime(datetime.fromtimestamp(message.at, UTC))),
        *((name, value) for name, value in message.headers.items() if name.lower() != "message-id"),
        *(("X-Mailgun-Tag", tag) for tag in message.tags),
    ]
    return [(name, _BREAKS.sub(" ", value)) for name, value in pairs]


def mime_text(domain: Domain | None, message: Message) -> str:
    """The message as RFC 5322 text: what was given to `messages.mime`, else built from its parts."""
    if message.mime is not None:
        return message.mime
    seen = (copies(domain, message) or [{"text": message.text, "html": message.html}])[0]
    built = EmailMessage(policy=SMTP)
    for name, value in header_pairs(message):
        try:
            built[name] = value
        except ValueError:
            # A second Subject or From among the custom headers: the library allows only one.
            continue
    built.set_content(seen["text"] or "")
    if seen["html"]:
        built.add_alternative(seen["html"], subtype="html")
    for upload in (*message.inline, *message.attachments):
        _attach(built, upload, inline=upload in message.inline)
    # The library draws lots for boundaries; what is stored stays what it is.
    for number, part in enumerate(built.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{message.key}_{number}")
    return built.as_bytes().decode("utf-8", "replace")


def _attach(built: EmailMessage, upload: Upload, *, inline: bool) -> None:
    main, _, sub = upload.content_type.partition(";")[0].partition("/")
    known = bool(sub) and main not in ("message", "multipart")
    built.add_attachment(
        upload.data,
        maintype=main if known else "application",
        subtype=sub if known else "octet-stream",
        filename=upload.filename,
        disposition="inline" if inline else "attachment",
        cid=f"<{upload.filename}>" if inline else None,
    )


def _find(account: MailgunAccount, call: Call) -> tuple[Domain, Message]:
    domain = account.domain_of(call)
    message = domain.messages.get(call.path["key"])
    if message is None:
        raise refuse(404, "Message not found")
    return domain, message


def get_message(account: MailgunAccount, call: Call) -> HttpAnswer:
    """Parsed parts, or the MIME text when `Accept: message/rfc2822` asks for it."""
    domain, message = _find(account, call)
    head: Record = {
        "sender": bare(message.sender),
        "recipients": ", ".join(message.recipients),
        "From": message.sender,
        "To": ", ".join(message.to),
        "Subject": message.subject,
        "subject": message.subject,
        "from": message.sender,
        "Message-Id": message.id,
        **{"Mime-Version": "1.0", "Content-Type": "multipart/form-data", "Content-Transfer-Encoding": "7bit"},
        **({"X-Mailgun-Tag": message.tags[-1]} if message.tags else {}),
        "message-headers": [list(pair) for pair in header_pairs(message)],
    }
    if "message/rfc2822" in call.headers.get("accept", ""):
        return ok({**head, "body-mime": mime_text(domain, message)})
    seen = (copies(domain, message) or [{"text": message.text, "html": message.html}])[0]
    text, html = seen["text"] or "", seen["html"] or ""
    attachments = [
        {
            "name": upload.filename,
            "content-type": upload.content_type,
            "size": len(upload.data),
            "url": f"{storage_url(message)}/attachments/{number}",
        }
        for number, upload in enumerate(message.attachments)
    ]
    body = {"body-plain": text, "stripped-text": text, "body-html": html, "stripped-html": html}
    return ok({**head, **body, "stripped-signature": "", "attachments": attachments, "content-id-map": {}})


def resend_message(account: MailgunAccount, call: Call) -> HttpAnswer:
    """A new message with the old content for the addresses in `to`."""
    domain, message = _find(account, call)
    values = call.form.every("to")
    if not any(value.strip() for value in values):
        raise refuse(400, "to parameter is missing")
    to = parse_addresses(values)
    if to is None:
        raise refuse(400, "to parameter is not a valid address. please check documentation")
    recipients, via, member_variables = expand(account, to)
    again = replace(
        message,
        key=new_key(account),
        id=new_id(account, domain, ""),
        at=account.now,
        to=[address.written for address in to],
        cc=[],
        bcc=[],
        recipients=recipients,
        via=via,
        member_variables=member_variables,
    )
    accept(account, domain, again, None)
    return ok({"id": again.id, "message": "Queued. Thank you."})


OPERATIONS = (
    MailgunOperation("GET", "/v3/domains/{domain}/messages/{key}", get_message),
    MailgunOperation("POST", "/v3/domains/{domain}/messages/{key}", resend_message),
)
