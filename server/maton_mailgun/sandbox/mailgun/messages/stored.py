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
from maton_mailgun.sandbox.mailgun.reporting.eventview import sender_of, storage_url
from maton_mailgun.sandbox.web.calls import Call, HttpAnswer, Record, Upload, ok, refuse
from maton_mailgun.sandbox.web.router import MailgunOperation

_QUOTED = re.compile(r"^(?:On [^\n]+(?:\n[^\n>]+)?wrote:\s*\n+)?>.*\Z", re.MULTILINE | re.DOTALL)
_PRINTED = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_NOT_SHOWN = {
    "content-disposition": "attachment",
    "content-security-policy": "sandbox",
    "x-content-type-options": "nosniff",
}
_BREAKS = re.compile(r"[\r\n]+")


def header_pairs(message: Message) -> list[tuple[str, str]]:
    """Headers a recipient finds, in order: Bcc is not among them. Of a message that arrived, its own."""
    if message.received:
        return [(name, value) for name, value in message.received]
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
    key = call.path["key"]
    message = domain.messages.get(key) or domain.received.get(key)
    if message is None or not message.stored:
        raise refuse(404, "Message not found")
    return domain, message


def get_message(account: MailgunAccount, call: Call) -> HttpAnswer:
    """Parsed parts, or the MIME text when `Accept: message/rfc2822` asks for it."""
    domain, message = _find(account, call)
    head: Record = {
        "sender": sender_of(message),
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
    attachments = described(message, call.origin)
    plain, signature = stripped(text) if message.received else (text, "")
    body = {"body-plain": text, "stripped-text": plain, "body-html": html, "stripped-html": html}
    cids = {cid: attachments[number] for cid, number in message.content_ids.items()}
    return ok({**head, **body, "stripped-signature": signature, "attachments": attachments, "content-id-map": cids})


def described(message: Message, origin: str | None) -> list[Record]:
    """The files of a message, with the addresses they are kept at."""
    return [
        {
            "name": upload.filename,
            "content-type": upload.content_type,
            "size": len(upload.data),
            "url": f"{storage_url(message, origin)}/attachments/{number}",
        }
        for number, upload in enumerate(message.attachments)
    ]


def stripped(text: str) -> tuple[str, str]:
    """What somebody wrote, without what they quote, and the signature below `-- `."""
    body, dashes, signature = text.replace("\r\n", "\n").partition("\n-- \n")
    quoted = _QUOTED.search(body)
    own = body[: quoted.start()] if quoted else body
    return own.strip("\n"), (f"-- \n{signature}".strip("\n") if dashes else "")


def get_attachment(account: MailgunAccount, call: Call) -> HttpAnswer:
    """A file of a stored message, at the address its message names. No browser shows it: a page in it would be one of
    the sandbox's own."""
    _, message = _find(account, call)
    number = call.path["number"]
    if not number.isascii() or not number.isdigit() or int(number) >= len(message.attachments):
        raise refuse(404, "Attachment not found")
    upload = message.attachments[int(number)]
    kind = upload.content_type if _PRINTED.fullmatch(upload.content_type) else "application/octet-stream"
    return HttpAnswer(200, upload.data, kind, _NOT_SHOWN, acted=True)


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
        stored=True,
        options={name: values for name, values in message.options.items() if name != "o:deliverytime"},
    )
    accept(account, domain, again, None)
    return ok({"id": again.id, "message": "Queued. Thank you."})


OPERATIONS = (
    MailgunOperation("GET", "/v3/domains/{domain}/messages/{key}", get_message),
    MailgunOperation("GET", "/v3/domains/{domain}/messages/{key}/attachments/{number}", get_attachment),
    MailgunOperation("POST", "/v3/domains/{domain}/messages/{key}", resend_message),
)
