"""Everything that goes with a domain."""

from __future__ import annotations

import asyncio
from typing import Any

from maton_mailgun.approval.preview.document import Row, Section
from maton_mailgun.approval.preview.proposal import Findings, Proposal, ReadAnswer, Reads, dig, items
from maton_mailgun.mail.text import count, short

_VOLUME = "GET /v3/{domain}/stats/total?event=accepted&event=delivered&duration=30d"
_UNKNOWN = "could not be checked"


async def preview(proposal: Proposal, reads: Reads) -> Findings:
    """30-day volume, webhooks, templates, logins, opt-outs, and the routes and lists that name the domain."""
    domain = str(proposal.arguments["domain"])
    given = {"domain": domain}
    volume, webhooks, templates, credentials, unsubscribes, routes, lists = await asyncio.gather(
        reads("how much the domain sends", _VOLUME, given),
        reads("its webhooks", "GET /v3/domains/{domain}/webhooks", given),
        reads("its templates", "GET /v3/{domain}/templates?limit=100", given),
        reads("its SMTP logins", "GET /v3/domains/{domain}/credentials?limit=1000", given),
        reads("its unsubscribes", "GET /v3/{domain}/unsubscribes?limit=1000", given),
        reads("the routes that name it", "GET /v3/routes?limit=1000", {}),
        reads("the mailing lists under it", "GET /v3/lists/pages?limit=100", {}),
    )
    kinds = (
        [name for name, hook in (dig(webhooks.data, "webhooks") or {}).items() if hook]
        if webhooks is not None and isinstance(dig(webhooks.data, "webhooks"), dict)
        else []
    )
    naming = [route for route in items(routes) if domain.casefold() in str(route).casefold()]
    under = [one for one in items(lists) if _is_under(one, domain)]
    rows = [
        Row("Mail in the last 30 days", _volume(volume)),
        Row("Webhooks", _counted(kinds) if webhooks is not None else _UNKNOWN),
        _listed("Templates", templates, "name", 100),
        _listed("SMTP logins", credentials, "login", 1000),
        _listed("Unsubscribes that are lost", unsubscribes, None, 1000),
        Row("Routes that name it", _routes(naming) if routes is not None else _UNKNOWN),
        Row("Mailing lists under it", _lists(under, full=len(items(lists)) >= 100) if lists is not None else _UNKNOWN),
    ]
    warnings = []
    if sent := _total(volume, "accepted", "outgoing"):
        warnings.append(f"The domain is in use: {count(sent, 'message')} accepted for sending in the last 30 days.")
    if naming:
        warnings.append(f"{count(len(naming), 'route')} of the account will no longer receive mail for {domain}.")
    if under:
        warnings.append(f"{count(len(under), 'mailing list')} under {domain} will stop working.")
    return Findings(sections=[Section("What goes with it", rows, read=True)], warnings=warnings, raises=1)


def _volume(answer: ReadAnswer | None) -> str:
    if answer is None:
        return _UNKNOWN
    accepted, delivered = _total(answer, "accepted", "total"), _total(answer, "delivered", "total")
    return f"{accepted:,} accepted, {delivered:,} delivered"


def _total(answer: ReadAnswer | None, event: str, kind: str) -> int:
    buckets = [dig(bucket, f"{event}.{kind}") for bucket in items(answer, "stats")]
    return sum(number for number in buckets if isinstance(number, int))


def _listed(label: str, answer: ReadAnswer | None, name: str | None, limit: int) -> Row:
    if answer is None:
        return Row(label, _UNKNOWN)
    found = items(answer)
    total = dig(answer.data, "total_count")
    number = total if isinstance(total, int) else len(found)
    at_least = "at least " if len(found) >= limit and not isinstance(total, int) else ""
    names = [short(str(dig(one, name)), 80) for one in found] if name else []
    return Row(label, f"{at_least}{number:,}: {_named(names, 5)}" if names else f"{at_least}{number:,}")


def _named(names: list[str], most: int) -> str:
    if not names:
        return "none"
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(short(name, 80) for name in names[:most]) + more


def _counted(names: list[str]) -> str:
    return f"{len(names):,}: {_named(names, 3)}" if names else "none"


def _routes(naming: list[Any]) -> str:
    return _counted([short(str(dig(route, "expression")), 80) for route in naming])


def _lists(under: list[Any], *, full: bool) -> str:
    note = " (only the first 100 lists of the account were looked at)" if full else ""
    told = [f"{dig(one, 'address')} ({count(dig(one, 'members_count') or 0, 'member')})" for one in under]
    return (f"{len(under):,}: {_named(told, 5)}" if told else "none") + note


def _is_under(one: Any, domain: str) -> bool:
    return str(dig(one, "address")).casefold().endswith(f"@{domain.casefold()}")
