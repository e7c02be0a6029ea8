"""What each example call must look like when it arrives: Mailgun's and Maton's documented requests, as data.

Written from their documentation and recorded requests, without a look at the catalogue's rows. Keys of forms and
queries are unordered, the values of one key are ordered. `Json` stands for any JSON text with that meaning.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAIN = "78b5a036-c621-40c2-b74b-276195735af2"
ROUTE = "/mailgun/v3/routes/6797c62f6ee0a9fcb1ec5eee"
DOMAIN = "/mailgun/v3/mg.example.com"
DOMAINS = "/mailgun/v3/domains/mg.example.com"
TEAM = "/mailgun/v3/lists/team%40mg.example.com"
ANN = f"{TEAM}/members/ann%2Bnews%40example.net"
USER = "user%2Btag%40example.net"

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


@dataclass(frozen=True)
class Json:
    """A form field that holds this value as JSON text."""

    value: Any


@dataclass(frozen=True)
class Matching:
    """A form field whose text matches a regular expression."""

    pattern: str


@dataclass(frozen=True)
class File:
    """A file part. `content` is None where the test's own file of that name is meant."""

    part: str
    filename: str
    content_type: str
    content: bytes | None = None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(FILES[self.filename] if self.content is None else self.content).hexdigest()


Value = str | list[str] | Json | Matching
Pairs = Mapping[str, Value]


@dataclass(frozen=True)
class Sent:
    """One request: method, raw path, and what it carries."""

    method: str
    path: str
    query: Pairs = field(default_factory=dict)
    form: Pairs | None = None
    files: tuple[File, ...] = ()
    json: Mapping[str, Any] | list[Any] | None = None
    multipart: bool = False
    status: int = 200
    """What it is answered with."""


FILES = {
    "invoice.pdf": b"%PDF-1.4\n1 0 obj << >> endobj\n%%EOF\n",
    "terms.txt": "Terms: 30 days, Köln\n".encode(),
    "members.csv": (
        'address,name,subscribed,vars\r\nann+news@example.net,Amélie,no,"{""age"": 30}"\r\nsecond@example.org,,,\r\n'
    ).encode(),
    "logo.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "ready.eml": b"From: support@mg.example.com\r\nTo: ann@example.net\r\nSubject: Ready\r\n\r\nReady.\r\n",
}
"""What lies in the attachments directory of the test."""

_MIME = b"From: support@mg.example.com\r\nTo: ann@example.net\r\nSubject: Hello\r\n\r\nHello Ann\r\n"
_OWN_ID: Pairs = {"h:Message-Id": Matching(r"<[0-9a-f]{32}@mg\.example\.com>")}
"""The server's own, so that an uncertain send can be looked up in the events."""

_OPTIONS: Pairs = {
    "template": "welcome",
    "t:version": "v2",
    "t:text": "yes",
    "t:variables": Json({"name": "Amélie", "order": {"id": 7}}),
    "recipient-variables": Json({"ann@example.net": {"first": "Ann"}, "bob@example.net": {"first": "Bob"}}),
    "h:Reply-To": "help@example.com",
    "h:X-Order": "7",
    "v:order": "7",
    "v:cart": Json({"items": 2}),
    "o:tag": ["welcome", "spring"],
    "o:testmode": "yes",
    "o:deliverytime": "Fri, 31 Jan 2025 09:00:00 +0000",
    "o:deliver-within": "1h30m",
    "o:deliverytime-optimize-period": "24h",
    "o:time-zone-localize": "09:00",
    "o:tracking": "yes",
    "o:tracking-clicks": "htmlonly",
    "o:tracking-opens": "no",
    "o:tracking-pixel-location-top": "htmlonly",
    "o:dkim": "yes",
    "o:secondary-dkim": "example.com/s1",
    "o:secondary-dkim-public": "example.com/s2",
    "o:require-tls": "yes",
    "o:skip-verification": "no",
    "o:sending-ip": "192.0.2.10",
    "o:sending-ip-pool": "pool-1",
    "o:archive-to": "https://archive.example.com/mail",
    "o:suppress-headers": "X-Mailgun-Tag,X-Mailgun-Variables",
    "o:native-send": "yes",
    **_OWN_ID,
}
_SUPPRESSED_AT = "Sat, 31 Jan 2026 09:00:00 +0000"


def _get(path: str, **query: Value) -> Sent:
    return Sent("GET", path, query)


def _same(sent: Sent) -> dict[str, Sent]:
    return {"minimal": sent, "full": sent}


def _post(path: str, form: Pairs) -> Sent:
    return Sent("POST", path, form=form)


def _put(path: str, form: Pairs) -> Sent:
    return Sent("PUT", path, form=form)


def _delete(path: str) -> dict[str, Sent]:
    return _same(Sent("DELETE", path))


_CONNECTIONS: dict[str, dict[str, Sent]] = {
    "list_connections": {
        "minimal": _get("/connections", app="mailgun"),
        "full": _get("/connections", app="mailgun", status="ACTIVE", method="API_KEY", limit="30"),
    },
    "create_connection": {
        "minimal": Sent("POST", "/connections", json={"app": "mailgun"}),
        "full": Sent("POST", "/connections", json={"app": "mailgun", "method": "API_KEY"}),
    },
    "get_connection": _same(_get(f"/connections/{MAIN}")),
    "delete_connection": _delete(f"/connections/{MAIN}"),
}

_DOMAINS: dict[str, dict[str, Sent]] = {
    "list_domains": {
        "minimal": _get("/mailgun/v3/domains"),
        "full": _get(
            "/mailgun/v3/domains",
            state="active",
            search="example",
            sort="name:asc",
            authority="example.com",
            include_subaccounts="true",
            limit="100",
        ),
    },
    "get_domain": {
        "minimal": _get(DOMAINS),
        "full": Sent("GET", DOMAINS, {"h:extended": "true", "h:with_dns": "true"}),
    },
    "create_domain": {
        "minimal": _post("/mailgun/v3/domains", {"name": "news.example.com"}),
        "full": _post(
            "/mailgun/v3/domains",
            {
                "name": "news.example.com",
                "smtp_password": "canary-password-1",
                "spam_action": "tag",
                "wildcard": "true",
                "force_dkim_authority": "true",
                "dkim_key_size": "2048",
                "dkim_selector": "k1",
                "force_root_dkim_host": "false",
                "ips": "192.0.2.10,192.0.2.11",
                "pool_id": "pool-1",
                "web_scheme": "https",
                "web_prefix": "links",
                "require_tls": "true",
                "skip_verification": "false",
                "use_automatic_sender_security": "true",
                "encrypt_incoming_message": "true",
                "archive_to": "https://archive.example.com/mail",
                "message_ttl": "259200",
            },
        ),
        "dkim_host": _post("/mailgun/v3/domains", {"name": "news.example.com", "dkim_host_name": "dkim.example.com"}),
    },
    "delete_domain": _delete(DOMAINS),
}

_MESSAGES: dict[str, dict[str, Sent]] = {
    "send_message": {
        "minimal": _post(
            f"{DOMAIN}/messages",
            {
                "from": "Support <support@mg.example.com>",
                "to": "ann@example.net",
                "subject": "Hello",
                "text": "Hello Ann",
                **_OWN_ID,
            },
        ),
        "full": Sent(
            "POST",
            f"{DOMAIN}/messages",
            form={
                "from": "Support <support@mg.example.com>",
                "to": ["ann@example.net", "Bob <bob@example.net>"],
                "subject": "Grüße, your order 7",
                "text": "Hello %recipient.first%\nYour order is on its way.",
                "cc": "carl@example.org",
                "bcc": "dora@example.org",
                "amp-html": "<!doctype html><html amp4email></html>",
                **_OPTIONS,
            },
            files=(
                File("attachment", "invoice.pdf", "application/pdf"),
                File("attachment", "terms.txt", "text/plain"),
                File("inline", "logo.png", "image/png"),
                File("attachment", "notes.csv", "text/csv", "a,b\n1,ü\n".encode()),
                File("attachment", "dot.gif", "image/gif", b"GIF89a\x01\x00\x01\x00\x00\x00\x00,"),
            ),
            multipart=True,
        ),
        "answer": _post(
            f"{DOMAIN}/messages",
            {
                "from": "support@mg.example.com",
                "to": "a@mg.example.com",
                "subject": "Re: s",
                "text": "It left on Monday.",
                "h:In-Reply-To": Matching(r"<\S+@mg\.example\.com>"),
                "h:References": Matching(r"<\S+@mg\.example\.com>"),
                **_OWN_ID,
            },
        ),
        "html": Sent(
            "POST",
            f"{DOMAIN}/messages",
            form={
                "from": "support@mg.example.com",
                "to": "ann@example.net",
                "subject": "Hello",
                "html": '<p>Hello <img src="cid:logo.png"></p>',
                **_OWN_ID,
            },
            files=(File("inline", "logo.png", "image/png"),),
            multipart=True,
        ),
    },
    "send_mime_message": {
        "minimal": Sent(
            "POST",
            f"{DOMAIN}/messages.mime",
            form={"to": "ann@example.net", **_OWN_ID},
            files=(File("message", "message.eml", "message/rfc822", _MIME),),
            multipart=True,
        ),
        "full": Sent(
            "POST",
            f"{DOMAIN}/messages.mime",
            form={"to": ["ann@example.net", "bob@example.net"], **_OPTIONS},
            files=(File("message", "message.eml", "message/rfc822", _MIME),),
            multipart=True,
        ),
        "file": Sent(
            "POST",
            f"{DOMAIN}/messages.mime",
            form={"to": "ann@example.net", **_OWN_ID},
            files=(File("message", "ready.eml", "message/rfc822"),),
            multipart=True,
        ),
    },
    "list_events": {
        "minimal": _get(f"{DOMAIN}/events"),
        "full": Sent(
            "GET",
            f"{DOMAIN}/events",
            {
                "begin": "Sat, 31 Jan 2026 09:00:00 +0000",
                "end": "Sun, 01 Feb 2026 09:00:00 +0000",
                "ascending": "yes",
                "event": "delivered OR failed",
                "severity": "permanent",
                "recipient": "ann@example.net",
                "recipients": "ann@example.net",
                "from": "support@mg.example.com",
                "to": "ann@example.net",
                "subject": '"your order"',
                "message-id": "20260131090000.1.ABC@mg.example.com",
                "tags": "welcome OR spring",
                "list": "team@mg.example.com",
                "attachment": "invoice.pdf",
                "size": ">10000 <20000",
                "limit": "300",
            },
        ),
    },
}

_ROUTES_AND_WEBHOOKS: dict[str, dict[str, Sent]] = {
    "list_routes": {"minimal": _get("/mailgun/v3/routes"), "full": _get("/mailgun/v3/routes", limit="100")},
    "create_route": {
        "minimal": _post(
            "/mailgun/v3/routes",
            {
                "expression": 'match_recipient("support@mg.example.com")',
                "action": 'forward("https://app.example.com/inbound")',
            },
        ),
        "full": _post(
            "/mailgun/v3/routes",
            {
                "expression": 'match_recipient("support@mg.example.com")',
                "action": ['forward("https://app.example.com/inbound")', "stop()"],
                "priority": "10",
                "description": "Support mail to the app",
            },
        ),
    },
    "get_route": _same(_get(ROUTE)),
    "update_route": {
        "minimal": _put(ROUTE, {"priority": "5"}),
        "full": _put(
            ROUTE,
            {
                "priority": "5",
                "expression": "catch_all()",
                "action": ['store(notify="https://app.example.com/stored")', "stop()"],
                "description": "Everything else",
            },
        ),
    },
    "delete_route": _delete(ROUTE),
    "list_webhooks": _same(_get(f"{DOMAINS}/webhooks")),
    "create_webhook": {
        "minimal": _post(f"{DOMAINS}/webhooks", {"id": "delivered", "url": "https://app.example.com/hook"}),
        "full": _post(
            f"{DOMAINS}/webhooks",
            {"id": "delivered", "url": ["https://app.example.com/hook", "https://b.example.com/hook"]},
        ),
    },
    "get_webhook": _same(_get(f"{DOMAINS}/webhooks/delivered")),
    "update_webhook": {
        "minimal": _put(f"{DOMAINS}/webhooks/delivered", {"url": "https://app.example.com/new"}),
        "full": _put(
            f"{DOMAINS}/webhooks/delivered", {"url": ["https://app.example.com/new", "https://b.example.com/hook"]}
        ),
    },
    "delete_webhook": _delete(f"{DOMAINS}/webhooks/delivered"),
}

_TEMPLATES: dict[str, dict[str, Sent]] = {
    "list_templates": {
        "minimal": _get(f"{DOMAIN}/templates"),
        "full": _get(f"{DOMAIN}/templates", active="yes", limit="100"),
    },
    "create_template": {
        "minimal": _post(f"{DOMAIN}/templates", {"name": "spring-sale"}),
        "full": _post(
            f"{DOMAIN}/templates",
            {
                "name": "spring-sale",
                "description": "Spring sale, 2 columns",
                "template": "<p>Hello {{name}}</p>\n<p>100% off & more</p>",
                "tag": "v1",
                "comment": "first try",
                "engine": "handlebars",
                "createdBy": "ann",
                "headers": Json({"Subject": "Hello {{name}}", "Reply-To": "help@example.com"}),
            },
        ),
    },
    # Without active=yes Mailgun leaves the content out (recorded), so the tool asks for it by itself.
    "get_template": _same(_get(f"{DOMAIN}/templates/welcome", active="yes")),
    "delete_template": _delete(f"{DOMAIN}/templates/welcome"),
}

_LISTS: dict[str, dict[str, Sent]] = {
    "list_mailing_lists": {
        "minimal": _get("/mailgun/v3/lists/pages"),
        "full": _get("/mailgun/v3/lists/pages", limit="100"),
    },
    "create_mailing_list": {
        "minimal": _post("/mailgun/v3/lists", {"address": "spring@mg.example.com"}),
        "full": _post(
            "/mailgun/v3/lists",
            {
                "address": "spring@mg.example.com",
                "name": "Spring news",
                "description": "Once a month",
                "access_level": "everyone",
                "reply_preference": "sender",
            },
        ),
    },
    "get_mailing_list": _same(_get(TEAM)),
    "update_mailing_list": {
        "minimal": _put(TEAM, {"name": "The team"}),
        "full": _put(
            TEAM,
            {
                "name": "The team",
                "address": "crew@mg.example.com",
                "description": "Everybody who works here",
                "access_level": "members",
                "reply_preference": "list",
                "list-id": "crew.mg.example.com",
            },
        ),
    },
    "delete_mailing_list": _delete(TEAM),
    "list_mailing_list_members": {
        "minimal": _get(f"{TEAM}/members/pages"),
        "full": _get(f"{TEAM}/members/pages", subscribed="yes", limit="100"),
    },
    "add_mailing_list_member": {
        "minimal": _post(f"{TEAM}/members", {"address": "eve@example.net"}),
        "full": _post(
            f"{TEAM}/members",
            {
                "address": "eve@example.net",
                "name": "Eve",
                "vars": Json({"age": 27, "city": "Köln"}),
                "subscribed": "no",
                "upsert": "yes",
            },
        ),
    },
    "get_mailing_list_member": _same(_get(ANN)),
    "update_mailing_list_member": {
        "minimal": _put(ANN, {"subscribed": "no"}),
        "full": _put(ANN, {"subscribed": "no", "address": "ann@example.net", "name": "Ann", "vars": Json({"age": 28})}),
    },
    "delete_mailing_list_member": _delete(ANN),
}


def _suppression(kind: str) -> dict[str, Sent]:
    return {
        "minimal": _get(f"{DOMAIN}/{kind}"),
        "full": _get(f"{DOMAIN}/{kind}", term="user", limit="1000"),
    }


def _suppress(kind: str, **more: str) -> dict[str, Sent]:
    address = {"address": "user+tag@example.net"}
    return {
        "minimal": _post(f"{DOMAIN}/{kind}", address),
        "full": _post(f"{DOMAIN}/{kind}", {**address, **more}),
    }


_SUPPRESSIONS: dict[str, dict[str, Sent]] = {
    "list_bounces": _suppression("bounces"),
    "list_unsubscribes": _suppression("unsubscribes"),
    "list_complaints": _suppression("complaints"),
    "list_whitelists": _suppression("whitelists"),
    "add_bounce": _suppress("bounces", code="550", error="No such mailbox", created_at=_SUPPRESSED_AT),
    "delete_bounce": _delete(f"{DOMAIN}/bounces/{USER}"),
    # The form field is `tag`: with `tags`, Mailgun unsubscribes the address from everything (recorded).
    "add_unsubscribe": _suppress("unsubscribes", tag="newsletter", created_at=_SUPPRESSED_AT),
    "delete_unsubscribe": {
        "minimal": Sent("DELETE", f"{DOMAIN}/unsubscribes/{USER}"),
        "full": Sent("DELETE", f"{DOMAIN}/unsubscribes/{USER}", {"tag": "newsletter"}),
    },
    "add_complaint": _suppress("complaints", created_at=_SUPPRESSED_AT),
    "delete_complaint": _delete(f"{DOMAIN}/complaints/{USER}"),
    "add_whitelist": {
        **_suppress("whitelists"),
        "domain": _post(f"{DOMAIN}/whitelists", {"domain": "example.net"}),
    },
    "delete_whitelist": _delete(f"{DOMAIN}/whitelists/example.net"),
}

_REST: dict[str, dict[str, Sent]] = {
    "get_stats": {
        "minimal": _get(f"{DOMAIN}/stats/total", event="delivered"),
        "full": _get(
            f"{DOMAIN}/stats/total",
            event=["delivered", "failed", "opened"],
            start="Thu, 01 Jan 2026 00:00:00 +0000",
            end="Sat, 31 Jan 2026 09:00:00 +0000",
            resolution="day",
            duration="1m",
        ),
    },
    "list_tags": {"minimal": _get(f"{DOMAIN}/tags"), "full": _get(f"{DOMAIN}/tags", prefix="news", limit="100")},
    "get_tag": _same(_get(f"{DOMAIN}/tags/newsletter")),
    "delete_tag": _delete(f"{DOMAIN}/tags/newsletter"),
    "list_ips": {
        "minimal": _get("/mailgun/v3/ips"),
        "full": _get("/mailgun/v3/ips", dedicated="true", enabled="true"),
    },
    "get_ip": _same(_get("/mailgun/v3/ips/192.0.2.10")),
    "get_tracking": _same(_get(f"{DOMAINS}/tracking")),
    "update_open_tracking": {
        "minimal": _put(f"{DOMAINS}/tracking/open", {"active": "yes"}),
        "full": _put(f"{DOMAINS}/tracking/open", {"active": "yes", "place_at_the_top": "yes"}),
    },
    "update_click_tracking": {
        "minimal": _put(f"{DOMAINS}/tracking/click", {"active": "yes"}),
        "full": _put(f"{DOMAINS}/tracking/click", {"active": "htmlonly"}),
    },
    "update_unsubscribe_tracking": {
        "minimal": _put(f"{DOMAINS}/tracking/unsubscribe", {"active": "no"}),
        "full": _put(
            f"{DOMAINS}/tracking/unsubscribe",
            {
                "active": "yes",
                "html_footer": '<p><a href="%unsubscribe_url%">Unsubscribe</a></p>',
                "text_footer": "Unsubscribe: <%unsubscribe_url%>",
            },
        ),
    },
    "list_credentials": {
        "minimal": _get(f"{DOMAINS}/credentials"),
        "full": _get(f"{DOMAINS}/credentials", limit="100"),
    },
    "create_credential": {
        "minimal": _post(f"{DOMAINS}/credentials", {"login": "alice"}),
        "full": _post(
            f"{DOMAINS}/credentials",
            {"login": "alice@mg.example.com", "password": "canary-password-2", "system": "false"},
        ),
    },
    "delete_credential": _delete(f"{DOMAINS}/credentials/alice"),
}

_NAMED_DOMAINS: dict[str, dict[str, Sent]] = {
    "verify_domain": _same(_put(f"{DOMAINS}/verify", {})),
    "update_domain": {
        "minimal": _put(DOMAINS, {"spam_action": "tag"}),
        "full": _put(
            DOMAINS,
            {
                "spam_action": "tag",
                "wildcard": "true",
                "web_scheme": "https",
                "web_prefix": "links",
                "require_tls": "true",
                "skip_verification": "false",
                "use_automatic_sender_security": "true",
                "archive_to": "https://archive.example.com/mail",
                "message_ttl": "86400",
                "mailfrom_host": "bounce.example.com",
                "smtp_password": "canary-password-3",
            },
        ),
    },
    "get_sending_queues": _same(_get(f"{DOMAINS}/sending_queues")),
    "update_credential_password": {
        "minimal": _put(f"{DOMAINS}/credentials/alice", {}),
        "full": _put(f"{DOMAINS}/credentials/alice", {"password": "canary-password-4"}),
    },
    "match_route": _same(_get("/mailgun/v3/routes/match", address="support@mg.example.com")),
    "get_unsubscribe": _same(_get(f"{DOMAIN}/unsubscribes/{USER}")),
    "get_complaint": _same(_get(f"{DOMAIN}/complaints/{USER}")),
    "get_whitelist": _same(_get(f"{DOMAIN}/whitelists/example.net")),
}

_WELCOME = f"{DOMAIN}/templates/welcome"
_TEMPLATE_VERSIONS: dict[str, dict[str, Sent]] = {
    "update_template": _same(_put(_WELCOME, {"description": "First mail"})),
    "list_template_versions": {
        "minimal": _get(f"{_WELCOME}/versions"),
        "full": _get(f"{_WELCOME}/versions", limit="100"),
    },
    "get_template_version": _same(_get(f"{_WELCOME}/versions/v1")),
    "create_template_version": {
        "minimal": _post(f"{_WELCOME}/versions", {"tag": "v3", "template": "<p>Hello {{name}}</p>"}),
        "full": _post(
            f"{_WELCOME}/versions",
            {
                "tag": "v3",
                "template": "<p>Hello {{name}}</p>",
                "comment": "Shorter\nand kinder",
                "active": "yes",
                "engine": "handlebars",
                "headers": Json({"Subject": "Hello {{name}}"}),
            },
        ),
    },
    "update_template_version": {
        "minimal": _put(f"{_WELCOME}/versions/v1", {"active": "yes"}),
        "full": _put(
            f"{_WELCOME}/versions/v1",
            {
                "template": "<p>Hello {{name}}</p>",
                "comment": "back to the first",
                "active": "yes",
                "headers": Json({"Subject": "Hello {{name}}"}),
            },
        ),
    },
    "delete_template_version": _delete(f"{_WELCOME}/versions/v1"),
}


def _entries(kind: str, **more: Any) -> dict[str, Sent]:
    """Many entries of a suppression list: the body is a JSON array."""
    first = {"address": "user+tag@example.net", **more, "created_at": _SUPPRESSED_AT}
    return {
        "minimal": Sent("POST", f"{DOMAIN}/{kind}", json=[{"address": "user+tag@example.net"}]),
        "full": Sent("POST", f"{DOMAIN}/{kind}", json=[first, {"address": "second@example.org"}]),
    }


_MANY: dict[str, dict[str, Sent]] = {
    "add_bounces": _entries("bounces", code="550", error="No such mailbox"),
    "add_unsubscribes": _entries("unsubscribes", tags=["newsletter", "offers"]),
    "add_complaints": _entries("complaints"),
    "add_mailing_list_members": {
        "minimal": _post(f"{TEAM}/members.json", {"members": Json([{"address": "ann+news@example.net"}])}),
        "full": _post(
            f"{TEAM}/members.json",
            {
                "members": Json(
                    [
                        {"address": "ann+news@example.net", "name": "Amélie", "vars": {"age": 30}, "subscribed": True},
                        {"address": "second@example.org"},
                    ]
                ),
                "upsert": "yes",
            },
        ),
        "from_file": _post(
            f"{TEAM}/members.json",
            {
                "members": Json(
                    [
                        {"address": "ann+news@example.net", "name": "Amélie", "vars": {"age": 30}, "subscribed": False},
                        {"address": "second@example.org"},
                    ]
                )
            },
        ),
    },
}


def _is(attribute: str, value: str) -> dict[str, Any]:
    """One condition of a filter of analytics."""
    return {"attribute": attribute, "comparator": "=", "values": [{"label": value, "value": value}]}


_KEY = "BAABAg92cdf578c47085a5992256f0dcf97d0b19f1f1c9de4d5fe3"
_STORED: dict[str, dict[str, Sent]] = {
    "resend_message": {
        "minimal": _post(f"{DOMAINS}/messages/{_KEY}", {"to": "user+tag@example.net"}),
        "full": _post(
            f"{DOMAINS}/messages/{_KEY}",
            {"to": ["user+tag@example.net", "second@example.org"]},
        ),
    },
    "query_metrics": {
        "minimal": Sent(
            "POST", "/mailgun/v1/analytics/metrics", json={"metrics": ["delivered_count"], "pagination": {"limit": 100}}
        ),
        "full": Sent(
            "POST",
            "/mailgun/v1/analytics/metrics",
            json={
                "start": "Mon, 17 Feb 2025 00:00:00 +0000",
                "end": "Mon, 24 Feb 2025 00:00:00 +0000",
                "duration": "7d",
                "resolution": "day",
                "dimensions": ["time", "domain"],
                "metrics": ["accepted_count", "delivered_rate"],
                "filter": {"AND": [_is("domain", "mg.example.com")]},
                "pagination": {"sort": "time:asc", "skip": 0, "limit": 10},
                "include_subaccounts": False,
                "include_aggregates": True,
            },
        ),
    },
    "query_logs": {
        "minimal": Sent(
            "POST",
            "/mailgun/v1/analytics/logs",
            json={"pagination": {"limit": 50}},
        ),
        "full": Sent(
            "POST",
            "/mailgun/v1/analytics/logs",
            json={
                "start": "Mon, 17 Feb 2025 00:00:00 +0000",
                "end": "Mon, 24 Feb 2025 00:00:00 +0000",
                "events": ["failed"],
                "filter": {"AND": [_is("recipient", "b@example.net")]},
                "pagination": {"sort": "timestamp:asc", "limit": 10},
                "include_subaccounts": False,
                "include_totals": True,
            },
        ),
    },
    "validate_address": {
        "minimal": _get("/mailgun/v4/address/validate", address="user+tag@example.net"),
        "full": _get("/mailgun/v4/address/validate", address="user+tag@example.net", provider_lookup="false"),
    },
    "get_stored_message": _same(_get(f"{DOMAINS}/messages/{_KEY}")),
}

_INVITED = """\
From: Support <support@mg.example.com>
To: ann@example.net
Subject: Handover
MIME-Version: 1.0
Content-Type: multipart/alternative;
 boundary="invitation-39b12347b0e188036d7ad690b667b6eb"

--invitation-39b12347b0e188036d7ad690b667b6eb
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: 7bit

Handover

When: Mon 2036-12-01 10:00 to 11:30 Europe/Berlin
      Mon 2036-12-01 09:00 to 10:30 UTC
Organiser: Support <support@mg.example.com>

--invitation-39b12347b0e188036d7ad690b667b6eb
Content-Transfer-Encoding: 7bit
MIME-Version: 1.0
Content-Type: text/calendar; charset="utf-8"; method="REQUEST"

BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//maton-mailgun//invitation//EN
METHOD:REQUEST
X-WR-TIMEZONE:Europe/Berlin
BEGIN:VEVENT
SUMMARY:Handover
DTSTART:20361201T090000Z
DTEND:20361201T103000Z
DTSTAMP:20000101T000000Z
UID:4951dd38d64274e7281b93b208d0b5b3@mg.example.com
SEQUENCE:0
ATTENDEE;CUTYPE=INDIVIDUAL;PARTSTAT=NEEDS-ACTION;ROLE=REQ-PARTICIPANT;RSVP
 =TRUE:mailto:ann@example.net
ORGANIZER;CN=Support:mailto:support@mg.example.com
STATUS:CONFIRMED
END:VEVENT
END:VCALENDAR

--invitation-39b12347b0e188036d7ad690b667b6eb--
"""
_INVITED_ALL = """\
From: Support <support@mg.example.com>
To: Ann Lee <ann@example.net>, bob@example.org
Subject: =?utf-8?b?R3LDvMOfZSw=?= a handover
MIME-Version: 1.0
Content-Type: multipart/alternative;
 boundary="invitation-38fa99115b6b7c5ca3f81563969c5bc8"

--invitation-38fa99115b6b7c5ca3f81563969c5bc8
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=C3=9Fe, a handover

When: Tue 2036-07-01 09:00 to Wed 2036-07-02 18:00 Europe/Berlin
      Tue 2036-07-01 07:00 to Wed 2036-07-02 16:00 UTC
Where: Room 5, second floor; ring twice
Organiser: Ada <ada@mg.example.com>

Bring the keys.
And the list.

--invitation-38fa99115b6b7c5ca3f81563969c5bc8
Content-Transfer-Encoding: quoted-printable
MIME-Version: 1.0
Content-Type: text/calendar; charset="utf-8"; method="REQUEST"

BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//maton-mailgun//invitation//EN
METHOD:REQUEST
X-WR-TIMEZONE:Europe/Berlin
BEGIN:VEVENT
SUMMARY:Gr=C3=BC=C3=9Fe\\, a handover
DTSTART:20360701T070000Z
DTEND:20360702T160000Z
DTSTAMP:20000101T000000Z
UID:b439610370d5ea5b6f3d7e41526e3587@mg.example.com
SEQUENCE:0
ATTENDEE;CN=3D"Ann Lee";CUTYPE=3DINDIVIDUAL;PARTSTAT=3DNEEDS-ACTION;ROLE=3DRE=
Q-PAR
 TICIPANT;RSVP=3DTRUE:mailto:ann@example.net
ATTENDEE;CUTYPE=3DINDIVIDUAL;PARTSTAT=3DNEEDS-ACTION;ROLE=3DREQ-PARTICIPANT;R=
SVP
 =3DTRUE:mailto:bob@example.org
DESCRIPTION:Bring the keys.\\nAnd the list.
LOCATION:Room 5\\, second floor\\; ring twice
ORGANIZER;CN=3DAda:mailto:ada@mg.example.com
STATUS:CONFIRMED
END:VEVENT
END:VCALENDAR

--invitation-38fa99115b6b7c5ca3f81563969c5bc8--
"""
"""RFC 5545, 5546 and 6047; only the two hashes are this server's own."""


def _with(message: str, **changes: str) -> str:
    """Another version of a message: each text, given by its name here, in the place of the one it stands for."""
    stands_for = {
        "subject": "Subject: Handover",
        "hash": "39b12347b0e188036d7ad690b667b6eb",
        "words": "Handover\n\nWhen",
        "when": "Mon 2036-12-01 10:00 to 11:30 Europe/Berlin\n      Mon 2036-12-01 09:00 to 10:30 UTC",
        "method": 'method="REQUEST"',
        "said": "METHOD:REQUEST",
        "times": "DTSTART:20361201T090000Z\nDTEND:20361201T103000Z\nDTSTAMP:20000101T000000Z",
        "uid": "UID:4951dd38d64274e7281b93b208d0b5b3@mg.example.com\nSEQUENCE:0",
        "asked": ";PARTSTAT=NEEDS-ACTION;ROLE=REQ-PARTICIPANT;RSVP\n =TRUE:",
        "status": "STATUS:CONFIRMED",
    }
    for name, text in changes.items():
        assert stands_for[name] in message
        message = message.replace(stands_for[name], text)
    return message


_LATER = {
    "when": "Mon 2036-12-01 11:00 to 12:30 Europe/Berlin\n      Mon 2036-12-01 10:00 to 11:30 UTC",
}
_CHANGED = _with(
    _INVITED,
    **_LATER,
    subject="Subject: Changed: Handover",
    hash="386aa3720eeca76c6a469073477c348f",
    words="Handover\n\nThis appointment has changed. It is now as follows.\n\nWhen",
    times="DTSTART:20361201T100000Z\nDTEND:20361201T113000Z\nDTSTAMP:20000101T000100Z",
    uid="UID:b8d57ea3@mg.example.com\nSEQUENCE:1",
)
_CANCELLED = _with(
    _INVITED,
    **_LATER,
    subject="Subject: Cancelled: Handover",
    hash="c680d1f1cb6d9e243932940d12873f60",
    words="Handover\n\nThis appointment is cancelled.\n\nWhen",
    method='method="CANCEL"',
    said="METHOD:CANCEL",
    times="DTSTART:20361201T100000Z\nDTEND:20361201T113000Z\nDTSTAMP:20000101T000200Z",
    uid="UID:b8d57ea3@mg.example.com\nSEQUENCE:2",
    asked=";ROLE=REQ-PARTICIPANT:",
    status="STATUS:CANCELLED",
)
"""RFC 5546, 3.2.2 and 3.2.5: the same UID under a higher SEQUENCE; nobody is asked to answer a cancellation."""


def _invitation(to: Value, message: str) -> Sent:
    content = message.replace("\n", "\r\n").encode("ascii")
    part = File("message", "message.eml", "message/rfc822", content)
    return Sent("POST", f"{DOMAIN}/messages.mime", form={"to": to, **_OWN_ID}, files=(part,), multipart=True)


_INVITATIONS: dict[str, dict[str, Sent]] = {
    "send_invitation": {
        "minimal": _invitation("ann@example.net", _INVITED),
        "full": _invitation(["Ann Lee <ann@example.net>", "bob@example.org"], _INVITED_ALL),
        "changed": _invitation("ann@example.net", _CHANGED),
        "cancelled": _invitation("ann@example.net", _CANCELLED),
    },
}

_SUPPRESSED = ("bounces", "unsubscribes", "complaints", "whitelists")


def _diagnosis(recipient: str, *more: Sent, on: tuple[str, ...] = (), **events: Value) -> tuple[Sent, ...]:
    """What there is to read about one address; what it is not on answers 404."""
    domain = recipient.partition("@")[2]
    entries = [f"{kind}/{recipient.replace('@', '%40')}" for kind in _SUPPRESSED] + [f"whitelists/{domain}"]
    return (
        Sent("GET", f"{DOMAIN}/events", {"recipient": recipient, "limit": "100", **events}),
        *(Sent("GET", f"{DOMAIN}/{one}", status=200 if one.partition("/")[0] in on else 404) for one in entries),
        _get(DOMAINS),
        _get(f"{DOMAINS}/sending_queues"),
        *more,
    )


_BOUNCE = (
    _get(f"{DOMAIN}/bounces/{USER}"),
    *(Sent("GET", f"{DOMAIN}/{kind}/{USER}", status=404) for kind in _SUPPRESSED[1:]),
    Sent("GET", f"{DOMAIN}/whitelists/example.net", status=404),
)

_ID = "20260131090000.1.ABC@mg.example.com"
SEVERAL: Mapping[str, Mapping[str, tuple[Sent, ...]]] = {
    "diagnose_delivery": {
        "minimal": _diagnosis("gone@example.net", on=("bounces",)),
        "full": _diagnosis(
            "support@mg.example.com",
            _get("/mailgun/v3/routes/match", address="support@mg.example.com"),
            # Who else got a message that this address did not get.
            _get(f"{DOMAIN}/events", **{"message-id": _ID, "limit": "100"}),
            # Newest first: it begins later than it ends.
            begin="Sun, 01 Feb 2026 09:00:00 +0000",
            end="Sat, 31 Jan 2026 09:00:00 +0000",
            on=(),
            **{"message-id": _ID},
        ),
    },
    "get_bounce": {"minimal": _BOUNCE, "full": _BOUNCE},
    "check_suppressions": {
        "minimal": tuple(
            one for one in _diagnosis("gone@example.net", on=("bounces",)) if one.path.split("/")[4] in _SUPPRESSED
        ),
        # Of more addresses, whole lists are read first.
        "full": tuple(_get(f"{DOMAIN}/{kind}", limit="1000") for kind in _SUPPRESSED),
    },
}
"""Tool -> example -> every request that it makes, in any order: these read at several places for one answer."""

_PAGES = {
    **dict.fromkeys(("list_domains", "list_routes", "list_credentials", "list_bounces", "list_unsubscribes"), 1_000),
    **dict.fromkeys(("list_complaints", "list_whitelists"), 1_000),
    **dict.fromkeys(("list_templates", "list_mailing_lists", "list_mailing_list_members", "list_tags"), 100),
    "list_events": 300,
}
"""How many items the service gives at most in one page, which is what a whole list is counted in."""


def _whole_list(tool: str, listed: Mapping[str, Sent]) -> Mapping[str, Sent]:
    if tool not in _PAGES:
        return listed
    minimal = listed["minimal"]
    whole = Sent("GET", minimal.path, {**minimal.query, "limit": str(_PAGES[tool])})
    return {**listed, "counted": whole, "distinct": whole}


_ALL: dict[str, dict[str, Sent]] = {
    **_CONNECTIONS,
    **_DOMAINS,
    **_MESSAGES,
    **_ROUTES_AND_WEBHOOKS,
    **_TEMPLATES,
    **_LISTS,
    **_SUPPRESSIONS,
    **_REST,
    **_NAMED_DOMAINS,
    **_TEMPLATE_VERSIONS,
    **_MANY,
    **_STORED,
    **_INVITATIONS,
}
WIRE: Mapping[str, Mapping[str, Sent]] = {tool: _whole_list(tool, listed) for tool, listed in _ALL.items()}
"""Tool -> example -> the one request it must make."""
