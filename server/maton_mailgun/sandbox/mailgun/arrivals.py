"""Mail that arrives: read as Mailgun reads it, taken through the routes, stored, and told in events.

Published: routes run in order of priority, each that matches runs its actions, until one says `stop()`. What no source
settles is ours, and FIDELITY.md says so. Nothing is called from here: `receive` says what is to be posted where.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import SplitResult, urlsplit

from maton_mailgun.sandbox.account.mailgun_account import Domain, MailgunAccount, Message
from maton_mailgun.sandbox.mailgun.mailboxes import parse_address, parse_addresses
from maton_mailgun.sandbox.mailgun.messages.delivery import failure, write_event
from maton_mailgun.sandbox.mailgun.messages.recipients import new_id, new_key
from maton_mailgun.sandbox.mailgun.messages.stored import described, stripped
from maton_mailgun.sandbox.mailgun.mime_reader import body_part, data_of, filename_of, read_mime, text_of
from maton_mailgun.sandbox.mailgun.reporting.eventview import storage_url
from maton_mailgun.sandbox.mailgun.routes import matching
from maton_mailgun.sandbox.mailgun.signing import signature
from maton_mailgun.sandbox.web.calls import Record, Upload

_ACTION = re.compile(r"\s*(?P<word>forward|store|stop)\(\s*(?:notify\s*=\s*)?(?P<quoted>[\"'].*[\"'])?\s*\)\s*", re.I)
_TAGS = re.compile(r"<(?:style|script)\b.*?</(?:style|script)\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_FLAGS: Record = {"is-authenticated": False, "is-test-mode": False, "is-routed": True, "is-system-test": False}
NOT_AGAIN = 406
"""The status that says a post is not to be repeated."""


@dataclass
class Post:
    """One thing an arrival asks to be posted, or to be forwarded to a mailbox, and what became of it."""

    action: str
    target: str
    fields: list[tuple[str, str]]
    files: list[Upload]
    outcome: Record

    @property
    def is_called(self) -> bool:
        return "://" in self.target


@dataclass
class Arrival:
    """A message as it arrived for one recipient: the routes it met, and what they ask for."""

    domain: Domain
    message: Message
    stored: bool
    routes: list[Record]
    posts: list[Post]


def receive(
    account: MailgunAccount, raw: bytes, sender: str, recipients: list[str], origin: str | None
) -> list[Arrival]:
    """Takes in a message for each of its recipients.

    Args:
        raw: RFC 5322 text.
        sender: Of the envelope; empty takes the one of the header.
        recipients: Of the envelope; none takes those of the header.
        origin: Where the sandbox was called, for addresses of what is stored.

    Raises:
        ValueError: Nobody is named who could get it, or it is no message.
    """
    parsed = read_mime(raw)
    if parsed is None:
        raise ValueError("a message has at least a From header")
    named = recipients or [str(value) for name in ("To", "Cc") for value in parsed.get_all(name, [])]
    people = parse_addresses(named)
    if not people:
        raise ValueError("no recipient: give 'recipient', or a message with a To header")
    domains = {one.key: account.domains.get(one.key.rpartition("@")[2]) for one in people}
    if unknown := [address for address, domain in domains.items() if domain is None]:
        raise ValueError(f"550 no domain of this account takes mail for {', '.join(unknown)}")
    arrived = [
        (domain, _message(account, domain, parsed, raw, sender, address))
        for address, domain in domains.items()
        if domain is not None
    ]
    return [_routed(account, domain, message, origin) for domain, message in arrived]


def _message(
    account: MailgunAccount, domain: Domain, parsed: EmailMessage, raw: bytes, sender: str, recipient: str
) -> Message:
    uploads, cids = _files(parsed)
    bodies = {kind: body_part(parsed, kind) for kind in ("plain", "html")}
    text, html = (None if part is None else text_of(part) for part in bodies.values())
    address = parse_address(sender or str(parsed["From"]))
    return Message(
        key=new_key(account),
        id=new_id(account, domain, str(parsed.get("Message-Id") or "").strip()),
        domain=domain.name,
        at=account.now,
        sender=str(parsed["From"]),
        recipients=[recipient],
        to=[str(value) for value in parsed.get_all("To", [])] or [recipient],
        cc=[str(value) for value in parsed.get_all("Cc", [])],
        subject=str(parsed.get("Subject") or ""),
        text=text if text is not None else " ".join(_TAGS.sub(" ", html or "").split()),
        html=html,
        attachments=uploads,
        content_ids=cids,
        mime=raw.decode("utf-8", "replace"),
        envelope_sender=address.bare if address else sender,
        received=[[name, " ".join(str(value).split())] for name, value in parsed.items()],
        size=len(raw),
        stored=False,
    )


def _files(parsed: EmailMessage) -> tuple[list[Upload], dict[str, int]]:
    """All that is neither body nor container, and which Content-Id stands for which of them."""
    bodies = [body_part(parsed, kind) for kind in ("plain", "html")]
    uploads: list[Upload] = []
    cids: dict[str, int] = {}
    for part in _leaves(parsed):
        if any(part is body for body in bodies):
            continue
        number = len(uploads)
        if cid := part.get("Content-Id"):
            cids[str(cid).strip()] = number
        name = filename_of(part) or f"attachment-{number + 1}"
        uploads.append(Upload("attachment", name, part.get_content_type(), data_of(part)))
    return uploads, cids


def _leaves(part: EmailMessage) -> list[EmailMessage]:
    """Parts that hold no further parts of this message; a message within it counts as one file."""
    if part.get_content_maintype() != "multipart" or not isinstance(part.get_payload(), list):
        return [part]
    return [leaf for inner in part.iter_parts() if isinstance(inner, EmailMessage) for leaf in _leaves(inner)]


def _routed(account: MailgunAccount, domain: Domain, message: Message, origin: str | None) -> Arrival:
    """Runs the matching routes, lowest priority number first; of equal ones the older."""
    domain.received[message.key] = message
    arrival = Arrival(domain, message, False, [], [])
    stopped = False
    met = matching(account, message.recipients[0], [(name, value) for name, value in message.received])
    for route, captured in met:
        if stopped:
            break
        arrival.routes.append(route)
        for action in route["actions"]:
            match = _ACTION.fullmatch(action)
            word = match["word"].lower() if match else ""
            target = _expanded((match["quoted"] or "''")[1:-1], captured) if match else ""
            stopped = stopped or word == "stop"
            if word == "store":
                arrival.stored = message.stored = True
            for one in filter(None, (piece.strip() for piece in target.split(","))):
                arrival.posts.append(_post(account, message, word, one, origin))
    if arrival.routes:
        _told(account, arrival)
    return arrival


def _expanded(target: str, captured: re.Match[str] | None) -> str:
    r"""A target with `\1` and `\g<name>` filled in from the filter that was met; what names nothing stays."""

    def group(match: re.Match[str]) -> str:
        try:
            found = captured[int(match[1]) if match[1] else match[2]] if captured else None
        except (IndexError, KeyError):
            found = None
        return match[0] if found is None else str(found)

    return re.sub(r"\\(?:(\d{1,2})|g<(\w+)>)", group, target)


def _post(account: MailgunAccount, message: Message, action: str, target: str, origin: str | None) -> Post:
    is_raw = action == "forward" and _url(target).path.endswith("mime")
    fields = [
        ("recipient", message.recipients[0]),
        ("sender", message.envelope_sender),
        ("from", message.sender),
        ("subject", message.subject),
        *signature(account).items(),
    ]
    if is_raw:
        return Post(action, target, [*fields, ("body-mime", message.mime or "")], [], {})
    plain, signed = stripped(message.text or "")
    fields += [
        (name, value)
        for name, value in message.received
        if name in _BESIDE or name.lower() not in _TAKEN  # guard: 224-own-fields
    ]
    fields += [("body-plain", message.text or ""), ("stripped-text", plain), ("stripped-signature", signed)]
    if message.html is not None:
        fields += [("body-html", message.html), ("stripped-html", message.html)]
    fields.append(("message-headers", json.dumps(message.received)))
    if action == "store":
        files = described(message, origin)
        urls = {cid: files[number]["url"] for cid, number in message.content_ids.items()}
        fields += [("domain", message.domain), ("message-url", storage_url(message, origin))]
        fields += [("attachments", json.dumps(files)), ("content-id-map", json.dumps(urls))]
        return Post(action, target, fields, [], {})
    if message.attachments:
        numbered = {cid: f"attachment-{number + 1}" for cid, number in message.content_ids.items()}
        fields += [("attachment-count", str(len(message.attachments))), ("content-id-map", json.dumps(numbered))]
    files_ = [
        Upload(f"attachment-{number}", upload.filename, upload.content_type, upload.data)
        for number, upload in enumerate(message.attachments, start=1)
    ]
    return Post(action, target, fields, files_, {})


_TAKEN = {
    *("recipient", "sender", "from", "subject", "domain", "message-url", "message-headers", "timestamp", "token"),
    *("signature", "attachments", "attachment-count", "content-id-map", "body-plain", "body-html", "body-mime"),
    *("stripped-text", "stripped-html", "stripped-signature"),
}
"""Fields of Mailgun's own: a header of that name would stand in for them."""
_BESIDE = ("From", "Sender", "Subject")
"""Headers that Mailgun posts beside its own fields, told apart by the capital alone."""


def _url(target: str) -> SplitResult:
    """The parts of a URL; of one that is none, none."""
    try:
        return urlsplit(target)
    except ValueError:
        return urlsplit("")


def _told(account: MailgunAccount, arrival: Arrival) -> None:
    """The message was accepted, and stored where a route says so."""
    message, recipient = arrival.message, arrival.message.recipients[0]
    routes = [
        {name: route[name] for name in ("id", "priority", "description", "expression")} for route in arrival.routes
    ]
    extra = {"method": "SMTP", "flags": _FLAGS, "routes": routes}
    write_event(account, arrival.domain, message, "accepted", recipient, message.at, extra)
    if arrival.stored:
        write_event(account, arrival.domain, message, "stored", recipient, message.at, {"flags": _FLAGS})


def forwarded(account: MailgunAccount, arrival: Arrival, post: Post) -> None:
    """Tells in an event how a forward ended; notices of what was stored are told in none."""
    if post.action != "forward":
        return
    status = int(post.outcome.get("status") or 0)
    done = post.outcome["state"] == "noted" or 200 <= status < 300
    host = _url(post.target).hostname if post.is_called else post.target.rpartition("@")[2]
    envelope = {
        "targets": post.target,
        "transport": "http" if post.is_called else "smtp",
        "sender": arrival.message.envelope_sender,
    }
    extra: Record = {"flags": _FLAGS, "envelope": envelope, "recipient-domain": host or ""}
    if not done:
        severity = "permanent" if status == NOT_AGAIN or post.outcome["state"] == "refused" else "temporary"
        why = str(post.outcome.get("error") or f"answered {status}")
        extra |= {**failure("generic", status, why, severity), "message": why}
    elif post.is_called:
        extra["delivery-status"] = {"attempt-no": 1, "code": status, "message": "OK", "description": ""}
    kind = "delivered" if done else "failed"
    write_event(account, arrival.domain, arrival.message, kind, post.target, account.now, extra)
