"""Sending IPs of the account."""

from __future__ import annotations

from maton_mailgun.sandbox.account.mailgun_account import MailgunAccount
from maton_mailgun.sandbox.web.calls import TRUE_FALSE, Call, HttpAnswer, ok, refuse, switch
from maton_mailgun.sandbox.web.router import MailgunOperation


def list_ips(account: MailgunAccount, call: Call) -> HttpAnswer:
    dedicated = switch(call.query, "dedicated", TRUE_FALSE)
    switch(call.query, "enabled", TRUE_FALSE)
    ips = [record["ip"] for record in account.ips.values() if record["dedicated"] or not dedicated]
    own = [ip for ip in ips if account.ips[ip]["dedicated"]]
    return ok(
        {
            "items": ips,
            "total_count": len(ips),
            "details": [{"ip": ip, "is_on_warmup": False} for ip in ips],
            "assignable_to_pools": own,
        }
    )


def get_ip(account: MailgunAccount, call: Call) -> HttpAnswer:
    record = account.ips.get(call.path["ip"].lower())
    if record is None:
        raise refuse(404, "IP not found")
    return ok(record)


OPERATIONS = (
    MailgunOperation("GET", "/v3/ips", list_ips),
    MailgunOperation("GET", "/v3/ips/{ip}", get_ip),
)
