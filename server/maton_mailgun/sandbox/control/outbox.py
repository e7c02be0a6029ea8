"""What was "sent": every accepted message in the order of acceptance."""

from __future__ import annotations

from hashlib import sha256

from maton_mailgun.sandbox.account.mailgun_account import Domain, MailgunAccount, Message
from maton_mailgun.sandbox.mailgun.messages.rendering import copies
from maton_mailgun.sandbox.web.calls import Record, Upload


def shown_upload(upload: Upload) -> Record:
    return {
        "name": upload.name,
        "filename": upload.filename,
        "content_type": upload.content_type,
        "size": len(upload.data),
        "sha256": sha256(upload.data).hexdigest(),
    }


def shown_message(domain: Domain, message: Message) -> Record:
    """One message as submitted, with `copies`: what each recipient would see."""
    return {
        "id": message.id,
        "domain": message.domain,
        "from": message.sender,
        "to": message.to,
        "cc": message.cc,
        "bcc": message.bcc,
        "recipients": message.recipients,
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "amp_html": message.amp_html,
        "template": message.template,
        "headers": message.headers,
        "options": message.options,
        "variables": message.variables,
        "template_variables": message.template_variables,
        "recipient_variables": message.recipient_variables,
        "attachments": [shown_upload(upload) for upload in message.attachments],
        "inline": [shown_upload(upload) for upload in message.inline],
        "mime": message.mime,
        "test_mode": message.test_mode,
        "at": message.at,
        "deliver_at": message.deliver_at,
        "storage_key": message.key,
        "copies": copies(domain, message),
    }


def messages(account: MailgunAccount) -> list[Record]:
    """Every message of every domain."""
    found = [(domain, message) for domain in account.domains.values() for message in domain.messages.values()]
    found.sort(key=lambda row: row[1].number)
    return [shown_message(domain, message) for domain, message in found]
