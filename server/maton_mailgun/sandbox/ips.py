"""Sending IPs of the account."""

from __future__ import annotations

from maton_mailgun.sandbox.account import Account
from maton_mailgun.sandbox.router import Operation
from maton_mailgun.sandbox.wire import TRUE_FALSE, Answer, Call, ok, refuse, switch


def list_ips(account: Account, call: Call) -> Answer:
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


def get_ip(account: Account, call: Call) -> Answer:
    record = account.ips.get(call.path["ip"].lower())
    if record is None:
        raise refuse(404, "IP not found")
    return ok(record)


OPERATIONS = (
    Operation("GET", "/v3/ips", list_ips),
    Operation("GET", "/v3/ips/{ip}", get_ip),
)
