"""A tour through Mailgun with its own Python client, run in an environment of its own: prints one JSON line per step.

Usage: tour_python.py URL. Nothing of the client is changed but its base address.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from itertools import islice
from typing import Any

from mailgun.client import Client  # type: ignore[import-not-found]

DOMAIN = "mg.example.com"
LIST = "news@mg.example.com"


def tour(client: Any) -> dict[str, Callable[[], Any]]:
    """Steps in order. Each returns the client's response."""
    message = {"from": f"Me <me@{DOMAIN}>", "to": ["you@example.net", "two@example.org"], "subject": "Hi"}
    files = [("attachment", ("report.txt", b"one, two, three"))]
    batch = [{"address": "b1@example.net", "tags": ["a"]}, {"address": "b2@example.net", "tags": ["*"]}]
    as_json = {"Content-Type": "application/json"}
    return {
        "domains list": lambda: client.domainlist.get(),
        "domains create": lambda: client.domains.create(data={"name": "python.example.com", "web_scheme": "https"}),
        "domains get": lambda: client.domains.get(domain_name="python.example.com"),
        "domains delete": lambda: client.domains.delete(domain="python.example.com"),
        "messages send": lambda: client.messages.create(
            domain=DOMAIN, data={**message, "text": "Hello", "o:tag": ["py", "tour"], "v:order": "17"}, files=files
        ),
        "messages unknown domain": lambda: client.messages.create(
            domain="unknown.example.com", data={**message, "text": "Hello"}
        ),
        "messages without a body": lambda: client.messages.create(domain=DOMAIN, data=message),
        "mime send": lambda: client.mimemessage.create(
            domain=DOMAIN,
            data={"to": ["mime@example.net"]},
            files={"message": ("mail.eml", b"From: me@mg.example.com\r\nSubject: MIME\r\n\r\nHello\r\n")},
        ),
        "events first page": lambda: client.events.get(domain=DOMAIN, filters={"limit": 2}),
        "events stream": lambda: list(islice(client.events.stream(domain=DOMAIN, filters={"limit": 2}), 4)),
        "templates create": lambda: client.templates.create(
            domain=DOMAIN, data={"name": "Python.Tour", "description": "d", "template": "<p>{{name}}</p>", "tag": "V1"}
        ),
        "templates get": lambda: client.templates.get(
            domain=DOMAIN, template_name="python.tour", filters={"active": "yes"}
        ),
        "templates list": lambda: client.templates.get(domain=DOMAIN),
        "templates add version": lambda: client.templates.create(
            domain=DOMAIN, template_name="python.tour", versions=True, data={"tag": "v2", "template": "two"}
        ),
        "templates delete": lambda: client.templates.delete(domain=DOMAIN, template_name="python.tour"),
        "lists create": lambda: client.lists.create(data={"address": LIST, "name": "News", "access_level": "members"}),
        "lists get": lambda: client.lists.get(address=LIST),
        "lists update": lambda: client.lists.put(address=LIST, data={"description": "All the news"}),
        "lists pages": lambda: client.lists_pages.get(),
        "members add": lambda: client.lists_members.create(
            address=LIST, data={"address": "ann@example.net", "name": "Ann", "vars": '{"age": 27}', "subscribed": "yes"}
        ),
        "members add with True": lambda: client.lists_members.create(
            address=LIST, data={"address": "eve@example.net", "subscribed": True}
        ),
        "members add many": lambda: client.lists_members.create(
            address=LIST, multiple=True, data={"upsert": "yes", "members": '[{"address": "ben@example.net"}]'}
        ),
        "members get": lambda: client.lists_members.get(address=LIST, member_address="ann@example.net"),
        "members update": lambda: client.lists_members.put(
            address=LIST, member_address="ann@example.net", data={"subscribed": "no"}
        ),
        "members pages": lambda: client.lists_members_pages.get(address=LIST),
        "members delete": lambda: client.lists_members.delete(address=LIST, member_address="ann@example.net"),
        "lists delete": lambda: client.lists.delete(address=LIST),
        "bounces add": lambda: client.bounces.create(
            domain=DOMAIN, data={"address": "dead@example.net", "code": 550, "error": "gone"}
        ),
        "bounces get": lambda: client.bounces.get(domain=DOMAIN, bounce_address="dead@example.net"),
        "bounces list": lambda: client.bounces.get(domain=DOMAIN, filters={"limit": 1}),
        "bounces delete": lambda: client.bounces.delete(domain=DOMAIN, bounce_address="dead@example.net"),
        "unsubscribes add": lambda: client.unsubscribes.create(
            domain=DOMAIN, data={"address": "u@example.net", "tag": "py"}
        ),
        "unsubscribes add many": lambda: client.unsubscribes.create(
            domain=DOMAIN, data=json.dumps(batch), headers=as_json
        ),
        "unsubscribes list": lambda: client.unsubscribes.get(domain=DOMAIN),
        "unsubscribes delete": lambda: client.unsubscribes.delete(domain=DOMAIN, unsubscribe_address="u@example.net"),
        "complaints add": lambda: client.complaints.create(domain=DOMAIN, data={"address": "c@example.net"}),
        "complaints delete": lambda: client.complaints.delete(domain=DOMAIN, complaint_address="c@example.net"),
        "whitelists add": lambda: client.whitelists.create(domain=DOMAIN, data={"address": "w@example.net"}),
        "whitelists delete": lambda: client.whitelists.delete(domain=DOMAIN, whitelist_address="w@example.net"),
        "routes create": lambda: client.routes.create(
            data={
                "priority": 1,
                "description": "tour",
                "expression": 'match_recipient(".*@mg.example.com")',
                "action": ['forward("https://desk.example.com/in")', "stop()"],
            }
        ),
        "routes list": lambda: client.routes.get(filters={"skip": 0, "limit": 10}),
        "routes update": lambda: client.routes.put(route_id="6797c62f6ee0a9fcb1ec5eee", data={"priority": 7}),
        "routes delete": lambda: client.routes.delete(route_id="6797c62f6ee0a9fcb1ec5eee"),
        "webhooks create": lambda: client.domains_webhooks.create(
            domain=DOMAIN, data={"id": "clicked", "url": ["https://a.example.com/", "https://b.example.com/"]}
        ),
        "webhooks list": lambda: client.domains_webhooks.get(domain=DOMAIN),
        "webhooks get": lambda: client.domains_webhooks.get(domain=DOMAIN, webhook_name="clicked"),
        "webhooks update": lambda: client.domains_webhooks.put(
            domain=DOMAIN, webhook_name="clicked", data={"id": "clicked", "url": ["https://c.example.com/"]}
        ),
        "webhooks delete": lambda: client.domains_webhooks.delete(domain=DOMAIN, webhook_name="clicked"),
        "tags list": lambda: client.tags.get(domain=DOMAIN),
        "tags get": lambda: client.tags.get(domain=DOMAIN, tag_name="py"),
        "tags delete": lambda: client.tags.delete(domain=DOMAIN, tag_name="py"),
        "stats total": lambda: client.stats_total.get(domain=DOMAIN, filters={"event": ["accepted", "delivered"]}),
        "ips list": lambda: client.ips.get(),
        "tracking get": lambda: client.domains_tracking.get(domain=DOMAIN),
        "tracking open": lambda: client.domains_tracking_open.put(domain=DOMAIN, data={"active": "yes"}),
        "credentials create": lambda: client.domains_credentials.create(
            domain=DOMAIN, data={"login": "py", "password": "correct-horse"}
        ),
        "credentials list": lambda: client.domains_credentials.get(domain=DOMAIN),
        "credentials delete": lambda: client.domains_credentials.delete(domain=DOMAIN, login="py"),
    }


def told(step: Callable[[], Any]) -> dict[str, Any]:
    """Status and body of a response, items of a stream, or the error the client raised."""
    try:
        answer = step()
    except Exception as problem:
        return {"raised": f"{type(problem).__name__}: {problem}"}
    if isinstance(answer, list):
        return {"items": answer}
    try:
        return {"status": answer.status_code, "body": answer.json()}
    except ValueError:
        return {"status": answer.status_code, "text": answer.text}


def main(url: str) -> None:
    warnings.simplefilter("ignore")
    with Client(auth=("api", "key-sandbox"), api_url=url) as client:
        for name, step in tour(client).items():
            print(json.dumps({"step": name, **told(step)}), flush=True)  # noqa: T201 - the output is the result


if __name__ == "__main__":
    main(sys.argv[1])
