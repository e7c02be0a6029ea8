"""Things that happen after delivery, injected: a message is opened, bounces late, is complained about.

As at Mailgun, some of them change the suppression lists: a hard bounce, an unsubscribe, a complaint.
"""

from __future__ import annotations

from contextlib import suppress
from heapq import heappop, heappush

from maton_mailgun.sandbox.account.mailgun_account import Domain, MailgunAccount, Message
from maton_mailgun.sandbox.mailgun.messages.delivery import failure, write_event
from maton_mailgun.sandbox.mailgun.reporting.eventview import show
from maton_mailgun.sandbox.mailgun.suppressions.entries import store_bounce, store_complaint, store_unsubscribe
from maton_mailgun.sandbox.mailgun.suppressions.whitelists import is_protected
from maton_mailgun.sandbox.mailgun.times import utc
from maton_mailgun.sandbox.web.calls import Record

KINDS = (
    "accepted",
    "rejected",
    "delivered",
    "failed",
    "opened",
    "clicked",
    "unsubscribed",
    "complained",
    "stored",
)
_NEVER = 1e9
_KEYS = (
    "event", "domain", "message_id", "recipient", "timestamp", "severity", "reason", "code", "description", "message",
    "url", "extra", "after",
)  # fmt: skip


def _message(account: MailgunAccount, given: Record) -> tuple[Domain, Message]:
    """The message an event is about: by id, else the latest one of the domain, else one made for it."""
    name = str(given.get("domain") or "").lower()
    domain = account.domains.get(name)
    if domain is None:
        raise ValueError(f"unknown domain '{name}'")
    wanted = str(given.get("message_id") or "").strip("<>")
    for message in reversed(domain.messages.values()):
        if not wanted or message.id.strip("<>") == wanted:
            return domain, message
    for message in reversed(domain.received.values()):
        if message.id.strip("<>") == wanted:
            return domain, message
    if wanted:
        raise ValueError(f"no message with the id '{wanted}'")
    recipient = str(given.get("recipient") or "someone@example.com")
    key = "BAABAg" + account.mint.hexadecimal(48)
    account.message_number += 1
    message = Message(
        key=key,
        id=f"<{key[6:22]}@{name}>",
        domain=name,
        at=account.now,
        sender=f"sender@{name}",
        recipients=[recipient],
        to=[recipient],
        subject="An earlier message",
        text="",
        number=account.message_number,
    )
    domain.messages[key] = message
    return domain, message


def _extra(given: Record) -> Record:
    kind = given["event"]
    extra: Record = dict(given.get("extra") or {})
    if kind == "failed":
        severity = str(given.get("severity") or "permanent")
        if severity not in ("permanent", "temporary"):
            raise ValueError("severity is 'permanent' or 'temporary'")
        code, description = int(given.get("code") or 550), str(given.get("description") or "")
        extra |= failure(str(given.get("reason") or "bounce"), code, description, severity)
        extra["message"] = str(given.get("message") or "No such mailbox")
    elif kind == "clicked":
        extra["url"] = str(given.get("url") or "https://example.com/")
    elif kind == "rejected":
        extra["reject"] = {"reason": str(given.get("reason") or "Rejected"), "description": ""}
    return extra


def _consequences(
    account: MailgunAccount, domain: Domain, message: Message, kind: str, recipient: str, extra: Record
) -> None:
    when = utc(account.now)
    if kind == "failed" and extra["severity"] == "permanent" and not extra["reason"].startswith("suppress-"):
        if not is_protected(domain, recipient):
            store_bounce(domain, recipient, str(extra["code"]), extra["message"], when)
    elif kind == "unsubscribed":
        store_unsubscribe(domain, recipient, message.tags or ["*"], when)
    elif kind == "complained":
        store_complaint(domain, recipient, when)


def _later(account: MailgunAccount, given: Record, message: Message, recipient: str) -> Record:
    after = given["after"]
    if isinstance(after, bool) or not isinstance(after, int | float) or not 0 <= after < _NEVER:
        raise ValueError("'after' is a number of seconds, 0 or more")
    _extra(given)
    when = account.now + after
    account.event_number += 1
    # Which message and whom is settled now: a later one is another's.
    about = {"message_id": message.id, "recipient": recipient, "timestamp": when}
    said = {**{name: value for name, value in given.items() if name != "after"}, **about}
    heappush(account.coming, (when, account.event_number, said))
    return {"event": given["event"], "recipient": recipient, "due": when}


def inject_what_is_due(account: MailgunAccount) -> None:
    """Writes the events whose time has come; those of a domain or message that is gone are gone with it."""
    while account.coming and account.coming[0][0] <= account.now:
        _, _, said = heappop(account.coming)
        with suppress(ValueError):
            inject(account, said)


def inject(account: MailgunAccount, given: Record) -> Record:
    """Writes one event and returns it as Mailgun prints it; with `after`, seconds, says when it will be written.

    Raises ValueError saying what is wrong.
    """
    if unknown := set(given) - set(_KEYS):
        raise ValueError(f"unknown keys: {', '.join(sorted(unknown))}; known are: {', '.join(_KEYS)}")
    kind = given.get("event")
    if kind not in KINDS:
        raise ValueError(f"event is one of {', '.join(KINDS)}")
    domain, message = _message(account, given)
    recipient = str(given.get("recipient") or message.recipients[0]).lower()
    if "after" in given:
        return _later(account, given, message, recipient)
    extra = _extra(given)
    at = float(given.get("timestamp") or account.now)
    event = write_event(account, domain, message, kind, recipient, at, extra)
    _consequences(account, domain, message, kind, recipient, extra)
    return show(domain, event)
