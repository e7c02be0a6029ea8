"""An SMTP login before it is made or deleted or gets another password: its full name, and whether there is one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from maton_mailgun.approval.preview.document import Row, Section
from maton_mailgun.approval.preview.proposal import Findings, Proposal, Reads, dig, items
from maton_mailgun.mail.text import short
from maton_mailgun.wire.speakers import says_absent

_PAGE = 1_000
"""The most that Mailgun lists at once (its reference, Credentials)."""
_LISTED = f"GET /v3/domains/{{domain}}/credentials?limit={_PAGE}"


async def preview(proposal: Proposal, reads: Reads) -> Findings:
    """The login as the service will look for it, and a warning where no such login is listed."""
    domain = str(proposal.arguments["domain"]).casefold()
    login = f"{str(proposal.arguments['login']).partition('@')[0]}@{domain}"
    told = short(login, 320)
    answer = await reads("whether the login exists", _LISTED, {"domain": domain})
    found = items(answer)
    known = {_name(one) for one in found}
    refused, unchecked = "", []
    if answer is not None and login.casefold() not in known:  # guard: 127-exists
        if len(found) >= _PAGE:
            unchecked.append(f"could not check whether {told} exists: there are more than {_PAGE:,} logins")
        elif answer.status == 404 and not says_absent(answer.status, answer.data):
            unchecked.append(f"could not check whether {told} exists: the logins are not listed")
        else:
            refused = f"There is no SMTP login {told}."
    return Findings(
        sections=[Section("Login", [Row("Full name", told)])],
        refused=refused,
        unchecked=unchecked,
        target=f"SMTP login {told}",
    )


async def new(proposal: Proposal, reads: Reads) -> Findings:
    """A login before it is made: there is none of its name yet."""
    domain = str(proposal.arguments["domain"]).casefold()
    login = f"{str(proposal.arguments['login']).partition('@')[0]}@{domain}"
    found = items(await reads("whether the login exists", _LISTED, {"domain": domain}))
    there = {_name(one) for one in found}
    refused = f"There is an SMTP login {short(login, 320)} already." if login.casefold() in there else ""
    return Findings(refused=refused)


def _name(listed: Any) -> str:
    return str(dig(listed, "mailbox") or dig(listed, "login") or "").casefold()


async def password(proposal: Proposal, reads: Reads) -> Findings:
    """The same, before the login gets another password."""
    found = await preview(proposal, reads)
    return replace(found, target=f"password of {found.target}")
