"""What happens to an accepted message: events, tags, suppression, and delivery at its time."""

from __future__ import annotations

from heapq import heappop, heappush

from maton_mailgun.sandbox.account.eventlog import Event
from maton_mailgun.sandbox.account.mailgun_account import Domain, MailgunAccount, Message
from maton_mailgun.sandbox.mailgun.messages.templates import active_version, find_version
from maton_mailgun.sandbox.mailgun.reporting.tags import remember_tags
from maton_mailgun.sandbox.web.calls import Record

_SUPPRESSED = {
    "suppress-bounce": (605, "Not delivering to previously bounced address"),
    "suppress-unsubscribe": (606, "Not delivering to unsubscribed address"),
    "suppress-complaint": (607, "Not delivering to a user who marked your messages as spam"),
}
NO_TEMPLATE = "template-not-found"


def write_event(
    account: MailgunAccount, domain: Domain, message: Message, kind: str, recipient: str, at: float, extra: Record
) -> Event:
    account.event_number += 1
    event = Event(at, account.event_number, kind, recipient, message.key, extra)
    domain.log.add(event)
    hook = f"{extra['severity']}_fail" if kind == "failed" else kind
    if hook in domain.webhooks:
        account.news.append((domain.name, hook, event))
    return event


def accept(account: MailgunAccount, domain: Domain, message: Message, due: float | None) -> None:
    """Stores a message, says so per recipient, and delivers it now or when it is due. A past time means now."""
    account.message_number += 1
    message.number = account.message_number
    domain.messages[message.key] = message
    remember_tags(domain, message.tags, message.at)
    for recipient in message.recipients:
        write_event(account, domain, message, "accepted", recipient, message.at, {})
    message.deliver_at = due if due is not None and due > message.at else None
    when = (message.deliver_at or message.at) + account.settings.delivery_delay
    if when <= account.now:
        deliver(account, domain, message, when)
    else:
        heappush(account.scheduled, (when, domain.name, message.key))


def deliver_what_is_due(account: MailgunAccount) -> None:
    """Delivers scheduled messages whose time has come; those of a deleted domain are lost with it."""
    while account.scheduled and account.scheduled[0][0] <= account.now:
        when, name, key = heappop(account.scheduled)
        domain = account.domains.get(name)
        if domain is not None and key in domain.messages:
            deliver(account, domain, domain.messages[key], when)


def deliver(account: MailgunAccount, domain: Domain, message: Message, at: float) -> None:
    """A delivered or a failed event for every recipient. A missing template fails here, long after the 200."""
    for recipient in message.recipients:
        failure = missing_template(domain, message) or suppression(domain, message, recipient)
        if failure is None:
            write_event(account, domain, message, "delivered", recipient, at, {})
        else:
            write_event(account, domain, message, "failed", recipient, at, failure)


def failure(reason: str, code: int, description: str, severity: str = "permanent") -> Record:
    return {"severity": severity, "reason": reason, "code": code, "description": description}


def missing_template(domain: Domain, message: Message) -> Record | None:
    if message.template is None:
        return None
    template = domain.templates.get(message.template)
    if template is None:
        return failure(NO_TEMPLATE, 0, f"Template '{message.template}' not found")
    tag = message.template_version
    version = find_version(template, tag) if tag else active_version(template)
    if version is None:
        return failure(NO_TEMPLATE, 0, f"Template '{message.template}' has no version '{tag or 'active'}'")
    return None


def suppression(domain: Domain, message: Message, recipient: str) -> Record | None:
    """Why a suppression list of the domain keeps this recipient from getting mail, or None."""
    reason = None
    unsubscribed = domain.unsubscribes.get(recipient)
    if recipient in domain.bounces:
        reason = "suppress-bounce"
    elif unsubscribed is not None and {"*", *message.tags} & set(unsubscribed["tags"]):
        reason = "suppress-unsubscribe"
    elif recipient in domain.complaints:
        reason = "suppress-complaint"
    return None if reason is None else failure(reason, *_SUPPRESSED[reason])
