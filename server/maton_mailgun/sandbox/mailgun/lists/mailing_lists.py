"""Mailing lists of the account. Their members are in `members`."""

from __future__ import annotations

from maton_mailgun.sandbox.account.mailgun_account import MailgunAccount
from maton_mailgun.sandbox.account.tables import Table
from maton_mailgun.sandbox.mailgun.mailboxes import parse_address
from maton_mailgun.sandbox.mailgun.times import minus_zero
from maton_mailgun.sandbox.web.calls import Call, HttpAnswer, Record, SentFields, ok, refuse
from maton_mailgun.sandbox.web.pages import pivoted, windowed
from maton_mailgun.sandbox.web.router import MailgunOperation

_ACCESS = ("readonly", "members", "everyone")
_REPLY = ("list", "sender")


def the_list(account: MailgunAccount, call: Call) -> Record:
    address = call.path["address"]
    record = account.lists.get(address)
    if record is None:
        raise refuse(404, f"Mailing list {address} not found")
    return record


def shown(account: MailgunAccount, record: Record) -> Record:
    return {**record, "members_count": len(account.members[record["address"]])}


def _access_level(form: SentFields) -> str | None:
    level = form.first("access_level")
    if level is not None and level not in _ACCESS:
        raise refuse(400, f"Invalid access level '{level}'. It can be any of: 'readonly', 'members', 'everyone'.")
    return level


def _reply_preference(form: SentFields) -> str | None:
    preference = form.first("reply_preference")
    if preference is not None and preference not in _REPLY:
        raise refuse(400, f"Invalid reply preference '{preference}'. It can be any of: 'sender', 'list'")
    return preference


def _address(account: MailgunAccount, text: str) -> tuple[str, str]:
    """Friendly name and lower-case address of a list; its domain must be one of the account's."""
    address = parse_address(text)
    if address is None:
        raise refuse(400, f"Invalid address '{text}'")
    if address.key.rpartition("@")[2] not in account.domains:
        raise refuse(400, f"Domain not found: {address.key.rpartition('@')[2]}")
    return address.name, address.key


def list_lists(account: MailgunAccount, call: Call) -> HttpAnswer:
    return ok(pivoted(call, account.lists, "address", show=lambda record: shown(account, record)))


def list_lists_by_total(account: MailgunAccount, call: Call) -> HttpAnswer:
    wanted = (call.query.first("address") or "").lower()
    matching = [shown(account, record) for record in account.lists.values() if wanted in ("", record["address"])]
    return ok(windowed(call, matching))


def create_list(account: MailgunAccount, call: Call) -> HttpAnswer:
    """A readonly list always replies to the sender."""
    form = call.form
    text = form.first("address")
    if not text:
        raise refuse(400, "Missing mandatory parameter: address")
    friendly, address = _address(account, text)
    access, reply = _access_level(form) or "readonly", _reply_preference(form) or "list"
    if address in account.lists:
        raise refuse(400, "Duplicate object")
    record = {
        "address": address,
        "name": form.first("name") or friendly,
        "description": form.first("description") or "",
        "access_level": access,
        "reply_preference": "sender" if access == "readonly" else reply,
        "created_at": minus_zero(account.now),
    }
    account.lists.put(address, record)
    account.members[address] = Table()
    return ok({"list": shown(account, record), "message": "Mailing list has been created"})


def get_list(account: MailgunAccount, call: Call) -> HttpAnswer:
    return ok({"list": shown(account, the_list(account, call))})


def update_list(account: MailgunAccount, call: Call) -> HttpAnswer:
    """Only what is sent changes. A new `address` moves the list and its members: the old address is then unknown."""
    record, form = the_list(account, call), call.form
    access, reply = _access_level(form), _reply_preference(form)
    text = form.first("address")
    moved = _address(account, text)[1] if text else record["address"]
    if moved != record["address"] and moved in account.lists:
        raise refuse(400, "Duplicate object")
    record.update({name: value for name in ("name", "description") if (value := form.first(name)) is not None})
    if (list_id := form.first("list-id")) is not None:
        record["list-id"] = list_id
    record["access_level"] = access or record["access_level"]
    record["reply_preference"] = reply or record["reply_preference"]
    if record["access_level"] == "readonly":
        record["reply_preference"] = "sender"
    if moved != record["address"]:
        account.lists.pop(record["address"])
        account.members[moved] = account.members.pop(record["address"])
        record["address"] = moved
        account.lists.put(moved, record)
    return ok({"list": shown(account, record), "message": "Mailing list has been updated"})


def delete_list(account: MailgunAccount, call: Call) -> HttpAnswer:
    record = the_list(account, call)
    account.lists.pop(record["address"])
    del account.members[record["address"]]
    return ok({"address": record["address"], "message": "Mailing list has been removed"})


OPERATIONS = (
    MailgunOperation("GET", "/v3/lists", list_lists_by_total),
    MailgunOperation("POST", "/v3/lists", create_list),
    MailgunOperation("GET", "/v3/lists/pages", list_lists),
    MailgunOperation("GET", "/v3/lists/{address}", get_list),
    MailgunOperation("PUT", "/v3/lists/{address}", update_list),
    MailgunOperation("DELETE", "/v3/lists/{address}", delete_list),
)
