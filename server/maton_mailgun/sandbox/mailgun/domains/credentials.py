"""SMTP logins of a domain. Passwords are never listed; a generated one is shown once, in the answer that made it."""

from __future__ import annotations

from maton_mailgun.sandbox.account.mailgun_account import Domain, MailgunAccount
from maton_mailgun.sandbox.mailgun.domains.sending_domains import check_password
from maton_mailgun.sandbox.mailgun.mailboxes import parse_address
from maton_mailgun.sandbox.mailgun.times import plus_zero
from maton_mailgun.sandbox.web.calls import Call, HttpAnswer, Record, ok, refuse, switch
from maton_mailgun.sandbox.web.pages import windowed
from maton_mailgun.sandbox.web.router import MailgunOperation

_TOO_BIG = "Limit parameter can't be larger than 1000"
_NOTE = "Please store your new password(s) now. You won't be able to see it anymore."


def _full(domain: Domain, login: str) -> str:
    """The whole address of a login given as local part or as address."""
    login = login.strip().lower()
    return login if "@" in login else f"{login}@{domain.name}"


def list_credentials(account: MailgunAccount, call: Call) -> HttpAnswer:
    return ok(windowed(call, list(account.domain_of(call).credentials.values()), _TOO_BIG))


def create_credentials(account: MailgunAccount, call: Call) -> HttpAnswer:
    """One or several logins; `mailbox` is another name for `login`."""
    domain, form = account.domain_of(call), call.form
    logins = [*form.every("login"), *form.every("mailbox")]
    switch(form, "system")
    if not logins or not all(login.strip() for login in logins):
        raise refuse(400, "Parameter 'login' is missing")
    password = form.first("password")
    if password is not None:
        check_password(password)
    names = [_full(domain, login) for login in logins]
    for name in names:
        if parse_address(name) is None or not name.endswith(f"@{domain.name}"):
            raise refuse(400, f"'{name}' is not a valid login for the domain {domain.name}")
        if name in domain.credentials:
            raise refuse(400, f"Credentials already exist: {name}")
    for name in names:
        created_at = plus_zero(account.now)
        domain.credentials[name] = {"created_at": created_at, "login": name, "mailbox": name, "size_bytes": None}
    answer: Record = {"message": f"Created {len(names)} credentials pair(s)"}
    if password is None:
        answer |= {"note": _NOTE, "credentials": {name: account.mint.hexadecimal(32) for name in names}}
    return ok(answer)


def update_credential(account: MailgunAccount, call: Call) -> HttpAnswer:
    domain = account.domain_of(call)
    name = _full(domain, call.path["login"])
    if name not in domain.credentials:
        raise refuse(404, "Credentials not found")
    password = call.form.first("password")
    if password is not None:
        check_password(password)
        return ok({"message": "Password changed"})
    generated = {name: account.mint.hexadecimal(32)}
    return ok({"message": "Password changed", "note": _NOTE, "credentials": generated})


def delete_credential(account: MailgunAccount, call: Call) -> HttpAnswer:
    """Takes the local part or the whole address; the answer names the address."""
    domain = account.domain_of(call)
    name = _full(domain, call.path["login"])
    if name == domain.record["smtp_login"]:
        raise refuse(400, f"Cannot delete system mailbox: {name}")
    if domain.credentials.pop(name, None) is None:
        raise refuse(404, "Credentials not found")
    return ok({"message": "Credentials have been deleted", "spec": name})


def delete_all_credentials(account: MailgunAccount, call: Call) -> HttpAnswer:
    domain = account.domain_of(call)
    count = len(domain.credentials)
    domain.credentials.clear()
    return ok({"message": "All domain credentials have been deleted", "count": count})


OPERATIONS = (
    MailgunOperation("GET", "/v3/domains/{domain}/credentials", list_credentials),
    MailgunOperation("POST", "/v3/domains/{domain}/credentials", create_credentials),
    MailgunOperation("DELETE", "/v3/domains/{domain}/credentials", delete_all_credentials, collapses=True),
    MailgunOperation("PUT", "/v3/domains/{domain}/credentials/{login}", update_credential),
    MailgunOperation("DELETE", "/v3/domains/{domain}/credentials/{login}", delete_credential),
)
