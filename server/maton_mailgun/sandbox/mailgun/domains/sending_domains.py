"""Domains: at `/v3/domains` as Maton's samples use them, at `/v4/domains` as Mailgun documents them, same answers."""

from __future__ import annotations

import re

from maton_mailgun.sandbox.account.mailgun_account import Domain, MailgunAccount, new_tracking
from maton_mailgun.sandbox.mailgun.times import gmt, plus_zero
from maton_mailgun.sandbox.web.calls import (
    TRUE_FALSE,
    Call,
    HttpAnswer,
    Record,
    SentFields,
    choice,
    integer,
    ok,
    refuse,
    required,
    switch,
)
from maton_mailgun.sandbox.web.pages import windowed
from maton_mailgun.sandbox.web.router import MailgunOperation

_NAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_PASSWORD = (5, 32)
_BACKGROUND_SECONDS = 60.0
_GOING = "Domain will be deleted in the background"
_QUEUES = ("regular", "scheduled")

_FLAGS = (
    "wildcard",
    "require_tls",
    "skip_verification",
    "use_automatic_sender_security",
    "encrypt_incoming_message",
)
_CHOICES = {"spam_action": ("disabled", "block", "tag"), "web_scheme": ("http", "https")}


def new_domain(name: str, created_at: float, identifier: str, **changes: object) -> Domain:
    """A domain with the fields of the recorded answers; `changes` override single fields."""
    record: Record = {
        "created_at": gmt(created_at),
        "id": identifier,
        "is_disabled": False,
        "name": name,
        "require_tls": False,
        "skip_verification": False,
        "smtp_login": f"postmaster@{name}",
        "spam_action": "disabled",
        "state": "unverified",
        "type": "custom",
        "use_automatic_sender_security": False,
        "web_prefix": "email",
        "web_scheme": "http",
        "wildcard": False,
        "encrypt_incoming_message": False,
        "message_ttl": 259200,
        **changes,
    }
    login = f"postmaster@{name}"
    credential = {"created_at": plus_zero(created_at), "login": login, "mailbox": login, "size_bytes": None}
    domain = Domain(record, credentials={login: credential}, tracking=new_tracking())
    domain.tracking["web_scheme"] = record["web_scheme"]
    return domain


def check_password(password: str) -> None:
    low, high = _PASSWORD
    if len(password) < low:
        raise refuse(400, f"Password is too short. It must be between {low} and {high} characters.")
    if len(password) > high:
        raise refuse(400, f"Password is too long. It must be between {low} and {high} characters.")


def dns_records(domain: Domain) -> Record:
    """Receiving and sending records; `priority` is a string and stands on MX records only."""
    name, state = domain.name, "valid" if domain.state == "active" else "unknown"
    active = domain.state == "active"
    prefix = domain.record["web_prefix"]
    return {
        "receiving_dns_records": [
            {
                "is_active": active,
                "cached": [host] if active else [],
                "priority": "10",
                "record_type": "MX",
                "valid": state,
                "value": host,
            }
            for host in ("mxa.mailgun.org", "mxb.mailgun.org")
        ],
        "sending_dns_records": [
            {
                "is_active": active,
                "cached": [value] if active else [],
                "name": record_name,
                "record_type": kind,
                "valid": state,
                "value": value,
            }
            for record_name, kind, value in (
                (name, "TXT", "v=spf1 include:mailgun.org ~all"),
                (f"{domain.dkim_selector}._domainkey.{name}", "TXT", f"k=rsa; p=MIGfMA0G{domain.record['id'].upper()}"),
                (f"{prefix}.{name}", "CNAME", "mailgun.org"),
            )
        ],
    }


def _shown(account: MailgunAccount, domain: Domain) -> Record:
    if account.settings.smtp_password_in_answers:
        return {**domain.record, "smtp_password": domain.smtp_password}
    return domain.record


def forget_the_gone(account: MailgunAccount) -> None:
    """Background deletions end by themselves after a minute, if no answer has shown the domain before."""
    late = [name for name, left in account.leaving.items() if account.now - left["since"] > _BACKGROUND_SECONDS]
    for name in late:
        del account.leaving[name]


def _sorted(records: list[Record], order: str | None) -> list[Record]:
    if order is None:
        return records[::-1]
    return sorted(records, key=lambda record: str(record["name"]), reverse=order == "name:desc")


def list_domains(account: MailgunAccount, call: Call) -> HttpAnswer:
    """Newest first unless sorted by name. A domain being deleted shows once more, as disabled."""
    query = call.query
    state = choice(query, "state", ("active", "unverified", "disabled"))
    order = choice(query, "sort", ("name", "name:asc", "name:desc"))
    search = (query.first("search") or "").lower()
    query.first("authority")
    switch(query, "include_subaccounts")
    records = [_shown(account, domain) for domain in account.domains.values()]
    records += [left["record"] for left in account.leaving.values()]
    matching = [
        record for record in _sorted(records, order) if state in (None, record["state"]) and search in record["name"]
    ]
    page = windowed(call, matching)
    shown = {record["name"] for record in page["items"]}
    for name in [name for name in account.leaving if name in shown]:
        del account.leaving[name]
    return ok(page)


def get_domain(account: MailgunAccount, call: Call) -> HttpAnswer:
    name = call.path["domain"].lower()
    switch(call.query, "h:extended", TRUE_FALSE)
    with_dns = switch(call.query, "h:with_dns", TRUE_FALSE)
    left = account.leaving.pop(name, None)
    if left is not None:
        return ok({"domain": left["record"], "receiving_dns_records": [], "sending_dns_records": []})
    domain = account.domain_of(call)
    records = {} if with_dns is False else dns_records(domain)
    return ok({"domain": _shown(account, domain), **records})


def _changes(form: SentFields) -> Record:
    changes: Record = {name: word for name, words in _CHOICES.items() if (word := choice(form, name, words))}
    changes |= {name: flag for name in _FLAGS if (flag := switch(form, name, TRUE_FALSE)) is not None}
    for name in ("web_prefix", "archive_to"):
        if value := form.first(name):
            changes[name] = value
    if "message_ttl" in form:
        changes["message_ttl"] = integer(form, "message_ttl", 0, 1, None)
    return changes


def _check_dkim(form: SentFields) -> None:
    choice(form, "dkim_key_size", ("1024", "2048"))
    authority = switch(form, "force_dkim_authority", TRUE_FALSE)
    root = switch(form, "force_root_dkim_host", TRUE_FALSE)
    if form.first("dkim_host_name") and (authority or root):
        raise refuse(400, "'dkim_host_name' can't be used with 'force_dkim_authority' or 'force_root_dkim_host'")


def create_domain(account: MailgunAccount, call: Call) -> HttpAnswer:
    """A new domain is unverified until its DNS records are found."""
    form = call.form
    name = required(form, "name", "Domain name is missing").strip().lower()
    if not _NAME.fullmatch(name):
        raise refuse(400, f"'{name}' is not a valid domain name")
    if name in account.domains or name in account.leaving:
        raise refuse(400, "This domain name is already taken")
    password = form.first("smtp_password")
    if password:
        check_password(password)
    _check_dkim(form)
    for ip in filter(None, (form.first("ips") or "").split(",")):
        if ip.strip() not in account.ips:
            raise refuse(400, f"IP {ip.strip()} does not belong to the account")
    form.first("pool_id")
    domain = new_domain(name, account.now, account.mint.hexadecimal(24), **_changes(form))
    domain.dkim_selector = form.first("dkim_selector") or "k1"
    domain.smtp_password = password or account.mint.hexadecimal(32)
    account.domains[name] = domain
    return ok(
        {"message": "Domain DNS records have been created", "domain": _shown(account, domain), **dns_records(domain)}
    )


def update_domain(account: MailgunAccount, call: Call) -> HttpAnswer:
    domain = account.domain_of(call)
    password = call.form.first("smtp_password")
    if password:
        check_password(password)
        domain.smtp_password = password
    mail_from = call.form.first("mailfrom_host")
    if mail_from is not None and not _NAME.fullmatch(mail_from):
        raise refuse(400, f"'{mail_from}' is not a valid host name")
    domain.record.update(_changes(call.form))
    domain.tracking["web_scheme"] = domain.record["web_scheme"]
    return ok({"message": "Domain has been updated", "domain": _shown(account, domain), **dns_records(domain)})


def verify_domain(account: MailgunAccount, call: Call) -> HttpAnswer:
    """Looks the records up again. No DNS exists for a domain of the sandbox, so its state stays what it was."""
    domain = account.domain_of(call)
    return ok(
        {"message": "Domain DNS records have been updated", "domain": _shown(account, domain), **dns_records(domain)}
    )


def delete_domain(account: MailgunAccount, call: Call) -> HttpAnswer:
    """Deletion runs in the background: one more answer shows the domain, and its name cannot be used again before.
    Until then it may be asked for again."""
    if call.path["domain"].lower() in account.leaving:
        return ok({"message": _GOING})
    domain = account.domain_of(call)
    if domain.is_sandbox:
        raise refuse(403, "Sandbox domains can't be deleted")
    if domain.state == "disabled":
        raise refuse(403, f"Domain {domain.name} is disabled and can't be deleted")
    del account.domains[domain.name]
    record = {**domain.record, "state": "disabled", "is_disabled": True}
    account.leaving[domain.name] = {"since": account.now, "record": record}
    return ok({"message": _GOING})


def get_sending_queues(account: MailgunAccount, call: Call) -> HttpAnswer:
    """Both queues run: nothing here fills them, so that none is ever held."""
    account.domain_of(call)
    return ok({queue: {"is_disabled": False, "disabled": {"until": "", "reason": ""}} for queue in _QUEUES})


def get_connection(account: MailgunAccount, call: Call) -> HttpAnswer:
    record = account.domain_of(call).record
    return ok({name: record[name] for name in ("require_tls", "skip_verification")})


def update_connection(account: MailgunAccount, call: Call) -> HttpAnswer:
    record = account.domain_of(call).record
    for name in ("require_tls", "skip_verification"):
        if (value := switch(call.form, name)) is not None:
            record[name] = value
    text = "Domain connection settings have been updated, may take 10 minutes to fully propagate"
    return ok({"message": text, **{name: record[name] for name in ("require_tls", "skip_verification")}})


OPERATIONS = (
    *(
        operation
        for version in ("v3", "v4")
        for operation in (
            MailgunOperation("GET", f"/{version}/domains", list_domains),
            MailgunOperation("POST", f"/{version}/domains", create_domain),
            MailgunOperation("GET", f"/{version}/domains/{{domain}}", get_domain),
            MailgunOperation("PUT", f"/{version}/domains/{{domain}}", update_domain),
            MailgunOperation("PUT", f"/{version}/domains/{{domain}}/verify", verify_domain),
        )
    ),
    MailgunOperation("DELETE", "/v3/domains/{domain}", delete_domain),
    MailgunOperation("GET", "/v3/domains/{domain}/sending_queues", get_sending_queues),
    MailgunOperation("GET", "/v3/domains/{domain}/connection", get_connection),
    MailgunOperation("PUT", "/v3/domains/{domain}/connection", update_connection),
)
