"""Tags of a domain. They come into being when a message carries them."""

from __future__ import annotations

from maton_mailgun.sandbox.account.mailgun_account import Domain, MailgunAccount
from maton_mailgun.sandbox.account.tables import Table
from maton_mailgun.sandbox.mailgun.times import rfc3339
from maton_mailgun.sandbox.web.calls import Call, HttpAnswer, Record, ok, refuse
from maton_mailgun.sandbox.web.pages import pivoted
from maton_mailgun.sandbox.web.router import MailgunOperation


def remember_tags(domain: Domain, tags: list[str], moment: float) -> None:
    """Creates or refreshes tags of a message that was sent at `moment`."""
    for tag in tags:
        record = domain.tags.get(tag)
        if record is None:
            record = {"tag": tag, "description": "", "first-seen": rfc3339(moment)}
            domain.tags.put(tag, record)
        record["last-seen"] = rfc3339(moment)


def list_tags(account: MailgunAccount, call: Call) -> HttpAnswer:
    return ok(pivoted(call, account.domain_of(call).tags, "tag", prefix_word="prefix"))


def _found(account: MailgunAccount, call: Call) -> tuple[Table, Record]:
    """The tag named by the path, or by the query where the path cannot (Mailgun's `/tag?tag=`)."""
    tags = account.domain_of(call).tags
    name = call.path.get("tag") or call.query.first("tag")
    record = tags.get(name) if name else None
    if record is None:
        raise refuse(404, "tag not found")
    return tags, record


def get_tag(account: MailgunAccount, call: Call) -> HttpAnswer:
    return ok(_found(account, call)[1])


def update_tag(account: MailgunAccount, call: Call) -> HttpAnswer:
    _, record = _found(account, call)
    description = call.form.first("description")
    record["description"] = (call.query.first("description") if description is None else description) or ""
    return ok({"message": "Tag updated"})


def delete_tag(account: MailgunAccount, call: Call) -> HttpAnswer:
    tags, record = _found(account, call)
    tags.pop(record["tag"])
    return ok({"message": "Tag deleted"})


OPERATIONS = (
    MailgunOperation("GET", "/v3/{domain}/tags", list_tags),
    MailgunOperation("GET", "/v3/{domain}/tags/{tag}", get_tag),
    MailgunOperation("PUT", "/v3/{domain}/tags/{tag}", update_tag),
    MailgunOperation("DELETE", "/v3/{domain}/tags/{tag}", delete_tag),
    MailgunOperation("GET", "/v3/{domain}/tag", get_tag),
    MailgunOperation("PUT", "/v3/{domain}/tag", update_tag),
    MailgunOperation("DELETE", "/v3/{domain}/tag", delete_tag),
)
