"""What a newcomer finds: four domains in their four states, and a little of everything under the active one."""

from __future__ import annotations

from maton_mailgun.sandbox.account.mailgun_account import Domain, MailgunAccount
from maton_mailgun.sandbox.account.snapshot import load
from maton_mailgun.sandbox.account.state import State
from maton_mailgun.sandbox.account.tables import Table
from maton_mailgun.sandbox.mailgun.domains.sending_domains import new_domain
from maton_mailgun.sandbox.mailgun.times import gmt, iso_micro, minus_zero, utc
from maton_mailgun.sandbox.maton.connection import Connection, connect_url
from maton_mailgun.sandbox.web.calls import Record

CONNECTION_ID = "78b5a036-c621-40c2-b74b-276195735af2"
DOMAIN = "mg.example.com"
SANDBOX_DOMAIN = "sandbox0123456789abcdef0123456789abcdef.mailgun.org"
UNVERIFIED_DOMAIN = "unverified.example.com"
DISABLED_DOMAIN = "disabled.example.com"
AUTHORIZED = "authorized@example.com"
MAILING_LIST = "developers@mg.example.com"
TEMPLATE = "welcome"
ROUTE_ID = "6797c62f6ee0a9fcb1ec5eee"
IPS = ("192.0.2.10", "192.0.2.11")

# A fixed day, so that the seed reads the same in every run: Mon, 24 Feb 2025 22:44:03 GMT.
EPOCH = 1740437043.0
_WELCOME = "<h1>Welcome, {{name}}</h1>\n<p>Your account at {{company}} is ready.</p>\n"


def reset(sandbox: State, *, seed: bool | None = None) -> None:
    """Back to the beginning: with the seed or the state it began with, or to nothing; as the sandbox was made unless
    `seed` says."""
    sandbox.clear()
    if not (sandbox.seeded if seed is None else seed):
        return
    if sandbox.beginning is None:
        seed_sandbox(sandbox)
    else:
        load(sandbox, sandbox.beginning)


def seed_sandbox(sandbox: State) -> None:
    """Puts the seed into an empty sandbox."""
    sandbox.connections[CONNECTION_ID] = Connection(
        connection_id=CONNECTION_ID,
        status="ACTIVE",
        creation_time=iso_micro(EPOCH + 0.55121),
        last_updated_time=iso_micro(EPOCH + 60.542838),
        url=connect_url("sandbox-seed"),
        mailgun_key=next(iter(sandbox.mailgun_keys), ""),
    )
    account = sandbox.account
    for ip, rdns in zip(IPS, ("luna.mailgun.net", "sol.mailgun.net"), strict=True):
        account.ips[ip] = {"ip": ip, "dedicated": True, "rdns": rdns}
    kinds: dict[str, Record] = {
        SANDBOX_DOMAIN: {"state": "active", "type": "sandbox"},
        DISABLED_DOMAIN: {"state": "disabled", "is_disabled": True},
        UNVERIFIED_DOMAIN: {"state": "unverified"},
        DOMAIN: {"state": "active"},
    }
    for number, (name, changes) in enumerate(kinds.items()):
        domain = new_domain(name, EPOCH + number * 86400, f"67bcf63306fcfd2fb4b7e0{number:02d}", **changes)
        domain.smtp_password = f"sandbox-smtp-password-{number}"
        account.domains[name] = domain
    account.domains[SANDBOX_DOMAIN].authorized.append(AUTHORIZED)
    _seed_domain(account.domains[DOMAIN])
    _seed_account(account)


def _seed_domain(domain: Domain) -> None:
    when = utc(EPOCH + 5 * 86400)
    for address, code, error in (
        ("gone@example.net", "550", "No such mailbox"),
        ("full@example.org", "552", "Mailbox full"),
    ):
        record = {"address": address, "code": code, "error": error, "created_at": when}
        domain.bounces.put(address, record)
    for address, tags in (("quiet@example.net", ["*"]), ("no-news@example.org", ["newsletter"])):
        domain.unsubscribes.put(address, {"address": address, "tags": tags, "created_at": when})
    domain.complaints.put("angry@example.net", {"address": "angry@example.net", "created_at": when})
    domain.whitelists.put(
        "example.com", {"type": "domain", "value": "example.com", "reason": "our own people", "createdAt": when}
    )
    domain.webhooks["delivered"] = ["https://hooks.example.com/mailgun/delivered"]
    domain.templates.put(
        TEMPLATE,
        {
            "name": TEMPLATE,
            "description": "First mail to a new customer",
            "createdAt": when,
            "createdBy": "",
            "id": "b6894275-acd8-49da-ae60-04ea61f860e0",
            "versions": [
                {
                    "tag": tag,
                    "template": content,
                    "engine": "handlebars",
                    "mjml": "",
                    "createdAt": when,
                    "comment": comment,
                    "active": tag == "v2",
                    "id": f"b6894275-acd8-49da-ae60-04ea61f860e{number}",
                    "headers": {"Subject": "Welcome, {{name}}"},
                }
                for number, (tag, content, comment) in enumerate(
                    (("v1", "<p>Welcome, {{name}}</p>", "first try"), ("v2", _WELCOME, "with the company")), start=1
                )
            ],
        },
    )


def _seed_account(account: MailgunAccount) -> None:
    account.routes[ROUTE_ID] = {
        "id": ROUTE_ID,
        "priority": 10,
        "description": "Support mail goes to the desk",
        "expression": 'match_recipient("support@mg.example.com")',
        "actions": ['forward("https://desk.example.com/inbound")', "stop()"],
        "created_at": gmt(EPOCH + 4 * 86400),
    }
    account.lists.put(
        MAILING_LIST,
        {
            "address": MAILING_LIST,
            "name": "Developers",
            "description": "People who build things",
            "access_level": "members",
            "reply_preference": "list",
            "created_at": minus_zero(EPOCH + 4 * 86400),
        },
    )
    rows: tuple[tuple[str, str, Record, bool], ...] = (
        ("alice@example.com", "Alice", {"age": 27}, True),
        ("bob@example.org", "Bob", {}, False),
    )
    account.members[MAILING_LIST] = Table(
        (address, {"address": address, "name": name, "vars": values, "subscribed": subscribed})
        for address, name, values, subscribed in rows
    )
