"""An event as Mailgun prints it: hyphenated keys, message headers, delivery status, storage."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import blake2b

from maton_mailgun.sandbox.account.eventlog import Event
from maton_mailgun.sandbox.account.mailgun_account import Domain, Message
from maton_mailgun.sandbox.mailgun.mailboxes import parse_address
from maton_mailgun.sandbox.mailgun.messages.rendering import filled_for
from maton_mailgun.sandbox.web.calls import Record

STORAGE_HOST = "https://storage-us-east4.api.mailgun.net"
_LEVELS = {"failed": "error", "rejected": "warn", "complained": "warn"}
_FROM_A_PERSON = ("opened", "clicked", "unsubscribed")
_PERSON: Record = {
    "ip": "192.0.2.200",
    "geolocation": {"country": "US", "region": "TX", "city": "San Antonio"},
    "client-info": {
        "client-type": "browser",
        "client-os": "Linux",
        "device-type": "desktop",
        "client-name": "Firefox",
        "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    },
}


def _identifier(event: Event) -> str:
    digest = blake2b(f"{event.message_key} {event.number}".encode(), digest_size=16).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def storage_url(message: Message, origin: str | None = None) -> str:
    """Where a message is stored: at Mailgun, or at the address the sandbox was called at."""
    return f"{origin or STORAGE_HOST}/v3/domains/{message.domain}/messages/{message.key}"


def _files(message: Message) -> list[Record]:
    return [
        {"filename": upload.filename, "content-type": upload.content_type, "size": len(upload.data)}
        for upload in message.attachments
    ]


def bare(address: str) -> str:
    parsed = parse_address(address)
    return parsed.bare if parsed else address


def sender_of(message: Message) -> str:
    """The bare sender of the envelope."""
    return message.envelope_sender or bare(message.sender)


def _message(message: Message, recipient: str) -> Record:
    return {
        "headers": {
            "to": ", ".join(filled_for(message, recipient, message.to)),
            "message-id": message.id.strip("<>"),
            "from": message.sender,
            "subject": filled_for(message, recipient, message.subject),
        },
        "attachments": _files(message),
        "recipients": message.recipients,
        "size": message.size,
    }


def show(domain: Domain, event: Event, origin: str | None = None) -> Record:
    """The JSON object of one event, told to somebody who called the sandbox at `origin`."""
    message = domain.message(event.message_key)
    shown: Record = {
        "event": event.kind,
        "id": _identifier(event),
        "timestamp": event.timestamp,
        "log-level": _LEVELS.get(event.kind, "info"),
        "recipient": event.recipient,
        "recipient-domain": event.recipient.rpartition("@")[2],
        "message": _message(message, event.recipient),
        "tags": message.tags,
        "user-variables": filled_for(message, event.recipient, message.variables),
        "flags": {
            "is-authenticated": True,
            "is-test-mode": message.test_mode,
            "is-routed": False,
            "is-system-test": False,
        },
    }
    if event.kind not in _FROM_A_PERSON:
        shown["envelope"] = {"targets": event.recipient, "transport": "smtp", "sender": sender_of(message)}
        if message.stored:
            shown["storage"] = {"url": storage_url(message, origin), "key": message.key}
    if event.recipient in message.via:
        shown["mailing-list"] = {"address": message.via[event.recipient], "list-id": message.via[event.recipient]}
    return {**shown, **_particulars(event)}


def _particulars(event: Event) -> Record:
    """What only one kind of event carries."""
    extra = dict(event.extra)
    if event.kind == "accepted":
        return {"method": "HTTP", **extra}
    if event.kind == "delivered":
        host = "mx." + event.recipient.rpartition("@")[2]
        return {"delivery-status": _status(host, 250, "OK", ""), **extra}
    if event.kind == "failed":
        status = _status("", extra.pop("code", 0), extra.pop("message", ""), extra.pop("description", ""))
        return {"delivery-status": status, **extra}
    if event.kind in _FROM_A_PERSON:
        return {**_PERSON, **extra}
    return extra


def _status(host: str, code: int, message: str, description: str) -> Record:
    status: Record = {"attempt-no": 1, "code": code, "message": message, "description": description}
    if not host:
        return {**status, "session-seconds": 0}
    return {
        **status,
        "tls": True,
        "mx-host": host,
        "session-seconds": 0.43,
        "utf8": True,
        "certificate-verified": True,
    }
