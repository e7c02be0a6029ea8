"""Members of a mailing list. `vars` arrive as JSON text and come back as an object."""

from __future__ import annotations

from maton_mailgun.sandbox.account.mailgun_account import MailgunAccount
from maton_mailgun.sandbox.account.tables import Table
from maton_mailgun.sandbox.mailgun.lists.mailing_lists import shown, the_list
from maton_mailgun.sandbox.mailgun.mailboxes import parse_address
from maton_mailgun.sandbox.web.calls import (
    SWITCH,
    Call,
    HttpAnswer,
    Record,
    SentFields,
    json_object,
    ok,
    parse_json,
    refuse,
    switch,
)
from maton_mailgun.sandbox.web.pages import pivoted, windowed
from maton_mailgun.sandbox.web.router import MailgunOperation

_BAD_VARS = "'vars' parameter is not a valid JSON object"
_LARGEST_BATCH = 1000
_AT_ONCE = 100
"""Members that are added before the answer; more are, by its words, on their way. Here they are there at once."""
_IN_BACKGROUND = "Mailing list upload started in background"


def _members(account: MailgunAccount, call: Call) -> Table:
    members: Table = account.members[the_list(account, call)["address"]]
    return members


def _member(account: MailgunAccount, call: Call) -> tuple[Table, Record]:
    members = _members(account, call)
    record = members.get(call.path["member"])
    if record is None:
        raise refuse(404, f"Member {call.path['member']} of mailing list {call.path['address']} not found")
    return members, record


def _checked_address(text: str | None) -> tuple[str, str]:
    if not text:
        raise refuse(400, "Missing mandatory parameter: address")
    address = parse_address(text)
    if address is None:
        raise refuse(400, f"Invalid address '{text}'")
    return address.name, address.key


def _changes(form: SentFields) -> Record:
    changes: Record = {}
    if (name := form.first("name")) is not None:
        changes["name"] = name
    if (text := form.first("vars")) is not None:
        changes["vars"] = {} if text.strip() in ("", "null") else json_object(text, _BAD_VARS)
    if (subscribed := switch(form, "subscribed")) is not None:
        changes["subscribed"] = subscribed
    return changes


def list_members(account: MailgunAccount, call: Call) -> HttpAnswer:
    wanted = switch(call.query, "subscribed")
    keep = None if wanted is None else lambda record: record["subscribed"] is wanted
    return ok(pivoted(call, _members(account, call), "address", remembered=("subscribed",), keep=keep))


def list_members_by_total(account: MailgunAccount, call: Call) -> HttpAnswer:
    wanted = switch(call.query, "subscribed")
    rows = [row for row in _members(account, call).values() if wanted in (None, row["subscribed"])]
    return ok(windowed(call, rows))


def add_member(account: MailgunAccount, call: Call) -> HttpAnswer:
    members, form = _members(account, call), call.form
    friendly, address = _checked_address(form.first("address"))
    changes, upsert = _changes(form), switch(form, "upsert")
    known = members.get(address)
    if known is not None and not upsert:
        raise refuse(400, f"Address already exists '{address}'")
    record = known or {"address": address, "name": friendly, "vars": {}, "subscribed": True}
    record.update(changes)
    members.put(address, record)
    return ok({"member": record, "message": "Mailing list member has been created"})


def get_member(account: MailgunAccount, call: Call) -> HttpAnswer:
    return ok({"member": _member(account, call)[1]})


def update_member(account: MailgunAccount, call: Call) -> HttpAnswer:
    """Only what is sent changes; `vars` are replaced as a whole."""
    members, record = _member(account, call)
    changes = _changes(call.form)
    text = call.form.first("address")
    moved = _checked_address(text)[1] if text else record["address"]
    if moved != record["address"]:
        if moved in members:
            raise refuse(400, f"Address already exists '{moved}'")
        members.pop(record["address"])
        record["address"] = moved
        members.put(moved, record)
    record.update(changes)
    return ok({"member": record, "message": "Mailing list member has been updated"})


def delete_member(account: MailgunAccount, call: Call) -> HttpAnswer:
    members, record = _member(account, call)
    members.pop(record["address"])
    return ok({"member": {"address": record["address"]}, "message": "Mailing list member has been deleted"})


def add_members(account: MailgunAccount, call: Call) -> HttpAnswer:
    """Many at once: `members` is a JSON array of addresses or member objects in a form field."""
    record, members = the_list(account, call), _members(account, call)
    upsert = switch(call.form, "upsert")
    try:
        batch = parse_json(call.form.first("members") or "")
    except ValueError:
        batch = None
    if not isinstance(batch, list):
        raise refuse(400, "'members' parameter is not a valid JSON array")
    if len(batch) > _LARGEST_BATCH:
        raise refuse(400, "Batch size should be less than 1000")
    rows: list[Record] = []
    for item in batch:
        given: Record = item if isinstance(item, dict) else {"address": str(item)}
        friendly, address = _checked_address(str(given.get("address") or ""))
        known: Record = {name: given[name] for name in ("name", "vars", "subscribed") if name in given}
        if known.get("subscribed") in (*SWITCH, "True", "False"):
            # Mailgun's clients send the words of the form inside the JSON too.
            known["subscribed"] = known["subscribed"] in ("yes", "true", "True")
        known["vars"] = known.get("vars") or {}
        rows.append({"name": friendly, "subscribed": True, **known, "address": address})
    for row in rows:
        if upsert or row["address"] not in members:
            members.put(row["address"], row)
    text = _IN_BACKGROUND if len(rows) > _AT_ONCE else "Mailing list has been updated"
    return ok({"list": shown(account, record), "message": text, "task-id": account.mint.hexadecimal(32)})


OPERATIONS = (
    MailgunOperation("GET", "/v3/lists/{address}/members", list_members_by_total),
    MailgunOperation("POST", "/v3/lists/{address}/members", add_member),
    MailgunOperation("GET", "/v3/lists/{address}/members/pages", list_members),
    MailgunOperation("POST", "/v3/lists/{address}/members.json", add_members),
    MailgunOperation("GET", "/v3/lists/{address}/members/{member}", get_member),
    MailgunOperation("PUT", "/v3/lists/{address}/members/{member}", update_member),
    MailgunOperation("DELETE", "/v3/lists/{address}/members/{member}", delete_member),
)
