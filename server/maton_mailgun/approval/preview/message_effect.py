"""What sending a message does, in a sentence: from whom, to whom, when it leaves, and that it cannot be recalled."""

from __future__ import annotations

from maton_mailgun.approval.preview import options
from maton_mailgun.approval.preview.audience import Audience
from maton_mailgun.mail.addresses import parse
from maton_mailgun.mail.letter import FormFields, Letter
from maton_mailgun.mail.text import count, quoted, short


def sentence(sent: Letter, people: Audience, domain: str, fields: FormFields) -> str:
    """What is sent, from whom, to whom."""
    sender = f" from {_word(sent.sender)}" if sent.sender else ""
    subject = f", with the subject {quoted(sent.subject, 120)}" if sent.subject else ""
    # Mailgun's manual, Batch Sending: each sees their own address alone. Of Cc and Bcc it says nothing.
    several = len(people.recipients) > 1 and all(one.kind == "to" for one in people.recipients) and not sent.mime
    private = ", each in a copy of their own" if several and fields.all("recipient-variables") else ""
    return f"Sends 1 message{sender} to {_whom(people, short(domain, 253))}{private}{subject}."


def ending(fields: FormFields, now: float, covers: str) -> str:
    """When it leaves, whether it is delivered, and how many more people it may come to."""
    when = (
        f" It leaves at {options.leaving(fields.all('o:deliverytime')[-1], now)}."
        if fields.all("o:deliverytime")
        else ""
    )
    end = (
        " Test mode is on: Mailgun accepts, logs and bills it, but does not deliver it."
        if "yes" in fields.all("o:testmode")
        else " Once sent, the message cannot be recalled."
    )
    return when + options.spread(fields) + end + covers


def _whom(people: Audience, domain: str) -> str:
    if len(people.recipients) == 1:
        one = people.recipients[0]
        if one.kind == "list":
            members = f" with members outside {domain}" if one.external else ""
            return f"{_word(one.address.raw)}, a mailing list{members}"
        return f"{_word(one.address.raw)}{f', outside {domain}' if one.external else ''}"
    lists = sum(one.kind == "list" and one.external for one in people.recipients)
    alone = people.external - lists
    some = f"{alone:,}" if alone < len(people.recipients) else "all"
    outside = f", {some} of them outside {domain}" if alone else ""
    members = f", {count(lists, 'mailing list')} with members outside {domain}" if lists else ""
    return f"{count(len(people.recipients), 'recipient')}{outside}{members}"


def _word(sender: str) -> str:
    address = parse(sender)
    return address.address if not address.name and not address.problems else quoted(sender, 160)
