"""Bounces, unsubscribes and complaints: three tables under every domain that stop mail to an address.

They share one shape and differ in their fields and, as recorded, in every sentence they answer with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from maton_mailgun.sandbox.account.mailgun_account import Domain, MailgunAccount
from maton_mailgun.sandbox.account.tables import Table
from maton_mailgun.sandbox.mailgun.mailboxes import parse_address
from maton_mailgun.sandbox.mailgun.times import parse_rfc2822, utc
from maton_mailgun.sandbox.web.calls import JSON, TEXT, Call, HttpAnswer, Record, SentFields, ok, refuse
from maton_mailgun.sandbox.web.pages import pivoted
from maton_mailgun.sandbox.web.router import Handler, MailgunOperation

LARGEST_BATCH = 1000


@dataclass(frozen=True)
class Kind:
    """One of the three tables and its recorded texts. `record` makes what is stored of what was given."""

    name: str
    added: str
    batch: str
    missing: str
    removed: str
    cleared: str
    table: Callable[[Domain], Table]
    record: Callable[[Record], Record]


def _bounce(item: Record) -> Record:
    return {
        "address": item["address"],
        "code": str(item.get("code") or "550"),
        "error": str(item.get("error") or ""),
        "created_at": item["created_at"],
    }


def _unsubscribe(item: Record) -> Record:
    tags = item.get("tags") or ["*"]
    tags = [str(tag) for tag in tags] if isinstance(tags, list) else [str(tags)]
    return {"address": item["address"], "tags": tags, "created_at": item["created_at"]}


def _complaint(item: Record) -> Record:
    return {"address": item["address"], "created_at": item["created_at"]}


KINDS = (
    Kind(
        "bounces",
        "Address has been added to the bounces table",
        "{count} addresses have been added to the bounces table",
        "Address not found in bounces table",
        "Bounced address has been removed",
        "Bounced addresses for this domain have been removed",
        lambda domain: domain.bounces,
        _bounce,
    ),
    Kind(
        "unsubscribes",
        "Address has been added to the unsubscribes table",
        "{count} addresses have been added to the unsubscribes table",
        "Address not found in unsubscribers table",
        "Unsubscribe event has been removed",
        "Unsubscribe addresses for this domain have been removed",
        lambda domain: domain.unsubscribes,
        _unsubscribe,
    ),
    Kind(
        "complaints",
        "Address has been added to the complaints table",
        "{count} complaint addresses have been added to the complaints table",
        "No spam complaints found for this address",
        "Spam complaint has been removed",
        "Complaint addresses for this domain have been removed",
        lambda domain: domain.complaints,
        _complaint,
    ),
)


def _checked(account: MailgunAccount, item: Record) -> Record:
    """The item with a bare address and a printed date; refuses an address or a date Mailgun would not read."""
    text = item.get("address")
    address = parse_address(text) if isinstance(text, str) else None
    if address is None:
        raise refuse(400, f"Invalid format for parameter address: {text or ''}")
    given = item.get("created_at")
    moment = account.now if given in (None, "") else parse_rfc2822(str(given))
    if moment is None:
        raise refuse(400, f"Invalid format for parameter created_at: {given}")
    return {**item, "address": address.bare, "created_at": utc(moment)}


def store(table: Table, kind: Kind, item: Record) -> None:
    """Upsert. An unsubscribed address that comes again has the new tags appended."""
    record = kind.record(item)
    known = table.get(record["address"])
    if known is not None and "tags" in known:
        record["tags"] = list(dict.fromkeys([*known["tags"], *record["tags"]]))
        record["created_at"] = known["created_at"]
    table.put(record["address"], record)


def store_bounce(domain: Domain, address: str, code: str, error: str, when: str) -> None:
    store(domain.bounces, KINDS[0], {"address": address, "code": code, "error": error, "created_at": when})


def store_unsubscribe(domain: Domain, address: str, tags: list[str], when: str) -> None:
    store(domain.unsubscribes, KINDS[1], {"address": address, "tags": tags, "created_at": when})


def store_complaint(domain: Domain, address: str, when: str) -> None:
    store(domain.complaints, KINDS[2], {"address": address, "created_at": when})


def _form_item(kind: Kind, form: SentFields) -> Record:
    """Fields of the form. An unsubscribe reads `tag`; the documented form field `tags` is ignored (recorded 2026)."""
    item: Record = {name: form.first(name) for name in ("address", "created_at")}
    if kind.name == "bounces":
        item |= {name: form.first(name) for name in ("code", "error")}
    if kind.name == "unsubscribes" and (tag := form.first("tag")):
        item["tags"] = [tag]
    return item


def _add(kind: Kind) -> Handler:
    def add(account: MailgunAccount, call: Call) -> HttpAnswer:
        table = kind.table(account.domain_of(call))
        if call.content_type == JSON and isinstance(call.json, list):
            return _add_batch(account, kind, table, call.json)
        item = _checked(account, _form_item(kind, call.form))
        store(table, kind, item)
        return ok({"message": kind.added, "address": item["address"]})

    return add


def _add_batch(account: MailgunAccount, kind: Kind, table: Table, batch: list[object]) -> HttpAnswer:
    if len(batch) > LARGEST_BATCH:
        raise refuse(400, "Batch size should be less than 1000")
    items = [_checked(account, item if isinstance(item, dict) else {}) for item in batch]
    for item in items:
        store(table, kind, item)
    return ok({"message": kind.batch.format(count=len(items))})


def _list(kind: Kind) -> Handler:
    def listing(account: MailgunAccount, call: Call) -> HttpAnswer:
        return ok(pivoted(call, kind.table(account.domain_of(call)), "address", prefix_word="term", always=True))

    return listing


def _get(kind: Kind) -> Handler:
    def get(account: MailgunAccount, call: Call) -> HttpAnswer:
        record = kind.table(account.domain_of(call)).get(call.path["address"])
        if record is None:
            raise refuse(404, kind.missing)
        return ok(record)

    return get


def _delete(kind: Kind) -> Handler:
    def delete(account: MailgunAccount, call: Call) -> HttpAnswer:
        table = kind.table(account.domain_of(call))
        record = table.get(call.path["address"])
        if record is None:
            raise refuse(404, kind.missing)
        tag = call.query.first("tag") if kind.name == "unsubscribes" else None
        if tag is None:
            table.pop(record["address"])
        else:
            _delete_tag(table, record, tag)
        # Recorded: the JSON of a removed suppression comes labelled as text.
        return ok({"address": record["address"], "message": kind.removed}, content_type=TEXT)

    return delete


def _delete_tag(table: Table, record: Record, tag: str) -> None:
    if tag not in record["tags"]:
        raise refuse(404, "Unsubscribe event for this tag does not exist")
    record["tags"].remove(tag)
    if not record["tags"]:
        table.pop(record["address"])


def _clear(kind: Kind) -> Handler:
    def clear(account: MailgunAccount, call: Call) -> HttpAnswer:
        kind.table(account.domain_of(call)).clear()
        return ok({"message": kind.cleared})

    return clear


OPERATIONS = tuple(
    operation
    for kind in KINDS
    for operation in (
        MailgunOperation("GET", f"/v3/{{domain}}/{kind.name}", _list(kind)),
        MailgunOperation("POST", f"/v3/{{domain}}/{kind.name}", _add(kind)),
        MailgunOperation("DELETE", f"/v3/{{domain}}/{kind.name}", _clear(kind), collapses=True),
        MailgunOperation("GET", f"/v3/{{domain}}/{kind.name}/{{address}}", _get(kind)),
        MailgunOperation("DELETE", f"/v3/{{domain}}/{kind.name}/{{address}}", _delete(kind)),
    )
)
