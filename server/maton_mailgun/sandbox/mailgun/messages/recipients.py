"""Who really gets a message, and the names it goes by."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from maton_mailgun.sandbox.account.mailgun_account import Domain, MailgunAccount
from maton_mailgun.sandbox.mailgun.mailboxes import Mailbox
from maton_mailgun.sandbox.web.calls import Record


def expand(
    account: MailgunAccount, addresses: Iterable[Mailbox]
) -> tuple[list[str], dict[str, str], dict[str, Record]]:
    """Bare recipients in order, each once; which mailing list brought one in; what that list knows about it.

    An address that is a mailing list of the account stands for its subscribed members.
    """
    recipients: dict[str, None] = {}
    via: dict[str, str] = {}
    variables: dict[str, Record] = {}
    for address in addresses:
        if address.key not in account.lists:
            recipients.setdefault(address.key)
            continue
        for member in account.members[address.key].values():
            key = member["address"].lower()
            if member["subscribed"] and key not in recipients:
                recipients[key] = None
                via[key] = address.key
                variables[key] = {**member["vars"], "name": member["name"], "email": member["address"]}
    return list(recipients), via, variables


def new_id(account: MailgunAccount, domain: Domain, wanted: str) -> str:
    """A Message-Id in angle brackets: the caller's own when it gave one, which does not de-duplicate anything."""
    if wanted:
        return wanted if wanted.startswith("<") else f"<{wanted}>"
    stamp = datetime.fromtimestamp(account.now, UTC).strftime("%Y%m%d%H%M%S")
    return f"<{stamp}.1.{account.mint.hexadecimal(16).upper()}@{domain.name}>"


def new_key(account: MailgunAccount) -> str:
    """A storage key."""
    return "BAABAg" + account.mint.hexadecimal(48)
