"""What is sent to the sandbox, so that every operation gives its success and its documented errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .operations import OPERATIONS

Pairs = Sequence[tuple[str, str]]

KEY = "key-sandbox"
PLACES: Mapping[str, str] = {
    "domain": "mg.example.com",
    "route": "6797c62f6ee0a9fcb1ec5eee",
    "webhook": "delivered",
    "template": "welcome",
    "version": "v1",
    "list": "developers@mg.example.com",
    "member": "alice@example.com",
    "address": "gone@example.net",
    "value": "example.com",
    "tag": "newsletter",
    "ip": "192.0.2.10",
    "login": "alice",
    "key": "BAABAg92cdf578c47085a5992256f0dcf97d0b19f1f1c9de4d5fe3",
}
"""Path values that exist in the seed, or come to be by a case's `first`."""


@dataclass(frozen=True)
class Case:
    """One request and the status it must get.

    `first` are cases sent before it on the same sandbox. `missing` names a field that is left out, which is why the
    sandbox refuses. `fault` arms one of the sandbox's named faults.
    """

    operation: str
    status: int = 200
    path: Mapping[str, str] = field(default_factory=dict)
    query: Pairs = ()
    form: Pairs = ()
    files: Sequence[tuple[str, tuple[str, bytes, str]]] = ()
    json: Any = None
    first: Sequence[Case] = ()
    missing: str | None = None
    fault: str | None = None
    key: str = KEY

    @property
    def name(self) -> str:
        """What makes the case different, for the list of tests."""
        words = [self.operation, str(self.status)]
        words += [f"without {self.missing}"] if self.missing else []
        words += [self.fault] if self.fault else []
        words += [f"{key}={value}" for key, value in self.path.items()]
        words += sorted({key for key, _ in (*self.query, *self.form)})
        words += ["json"] if self.json is not None else []
        return " ".join(words)


MESSAGE: Pairs = (("from", "Me <me@mg.example.com>"), ("to", "you@example.net"), ("subject", "Hi"), ("text", "Hello"))
MIME = b"From: me@mg.example.com\r\nTo: you@example.net\r\nSubject: Hi\r\n\r\nHello\r\n"
_MIME_PART = ("message", ("mail.eml", MIME, "message/rfc822"))
_OTHER_PART = ("letter", ("mail.eml", MIME, "message/rfc822"))
_SENT = Case("send_message", form=(*MESSAGE, ("o:tag", "newsletter")))
_SUPPRESSED = Case("send_message", form=[*MESSAGE[:1], ("to", "gone@example.net"), *MESSAGE[2:]])
_LOGIN = Case("create_credential", form=[("login", "alice"), ("password", "correct-horse")])
_ROUTE: Pairs = (("expression", "catch_all()"), ("action", "stop()"), ("priority", "1"), ("description", "all"))
_LONG = "x" * 33
_VERSION: Pairs = (("template", "<p>Hi {{name}}</p>"), ("tag", "v3"))
_NUMBERS = {"resolution": "day", "dimensions": ["time"], "metrics": ["accepted_count", "delivered_rate"]}
_TABLES = ("bounces", "unsubscribes", "complaints", "whitelists")


def _without(pairs: Pairs, name: str) -> Pairs:
    return [pair for pair in pairs if pair[0] != name]


def _successes() -> list[Case]:
    return [
        Case("list_domains"),
        Case("get_domain"),
        Case("create_domain", form=[("name", "new.example.com"), ("spam_action", "tag"), ("wildcard", "true")]),
        Case("delete_domain"),
        Case("send_message", form=MESSAGE),
        Case("send_message", form=MESSAGE, files=[("attachment", ("a.txt", b"one", "text/plain"))]),
        Case("send_message", form=[*_without(MESSAGE, "subject")[:2], ("template", "welcome")]),
        Case("send_mime_message", form=[("to", "you@example.net")], files=[_MIME_PART]),
        Case("list_events"),
        Case("list_events", first=[_SENT, _SUPPRESSED]),
        Case("list_events", query=[("begin", "Mon, 24 Feb 2025 00:00:00 +0000"), ("ascending", "yes")], first=[_SENT]),
        Case("list_routes", query=[("limit", "5"), ("skip", "0")]),
        Case("create_route", form=_ROUTE),
        Case("get_route"),
        Case("update_route", form=[("priority", "3")]),
        Case("delete_route"),
        Case("list_webhooks"),
        Case("create_webhook", form=[("id", "opened"), ("url", "https://hooks.example.com/opened")]),
        Case("get_webhook"),
        Case("update_webhook", form=[("url", "https://hooks.example.com/other")]),
        Case("delete_webhook"),
        Case("list_templates"),
        Case("create_template", form=[("name", "empty"), ("description", "no content yet")]),
        Case("create_template", form=[("name", "full"), ("template", "<p>{{name}}</p>"), ("tag", "v1")]),
        Case("get_template"),
        Case("get_template", query=[("active", "yes")]),
        Case("delete_template"),
        Case("list_mailing_lists", query=[("limit", "10")]),
        Case("create_mailing_list", form=[("address", "news@mg.example.com"), ("name", "News")]),
        Case("get_mailing_list"),
        Case("update_mailing_list", form=[("reply_preference", "sender"), ("description", "new")]),
        Case("delete_mailing_list"),
        Case("list_mailing_list_members", query=[("limit", "10")]),
        Case("add_mailing_list_member", form=[("address", "zoe@example.com"), ("vars", '{"age": 30}')]),
        Case("get_mailing_list_member"),
        Case("update_mailing_list_member", form=[("subscribed", "no")]),
        Case("delete_mailing_list_member"),
        Case("list_bounces"),
        Case("list_bounces", query=[("page", "next"), ("address", "full@example.org"), ("term", "g"), ("limit", "1")]),
        Case("add_bounce", form=[("address", "new@example.net"), ("code", "550"), ("error", "No such mailbox")]),
        Case("add_bounce", json=[{"address": "new@example.net"}, {"address": "other@example.net"}]),
        Case("get_bounce"),
        Case("delete_bounce"),
        Case("list_unsubscribes"),
        Case("add_unsubscribe", form=[("address", "new@example.net"), ("tag", "newsletter")]),
        Case("add_unsubscribe", json=[{"address": "new@example.net", "tags": ["a", "b"]}]),
        Case("delete_unsubscribe", path={"address": "quiet@example.net"}),
        Case("list_complaints"),
        Case("add_complaint", form=[("address", "new@example.net")]),
        Case("add_complaint", json=[{"address": "new@example.net"}]),
        Case("delete_complaint", path={"address": "angry@example.net"}),
        Case("list_whitelists"),
        Case("add_whitelist", form=[("address", "friend@example.net")]),
        Case("add_whitelist", form=[("domain", "example.net")]),
        Case("delete_whitelist"),
        Case("get_stats", query=[("event", "accepted"), ("event", "failed")], first=[_SENT]),
        Case("list_tags", first=[_SENT]),
        Case("get_tag", first=[_SENT]),
        Case("delete_tag", first=[_SENT]),
        Case("list_ips"),
        Case("get_ip"),
        Case("get_tracking"),
        Case("get_tracking", first=[Case("update_click_tracking", form=[("active", "htmlonly")])]),
        Case("update_open_tracking", form=[("active", "yes"), ("place_at_the_top", "no")]),
        Case("update_click_tracking", form=[("active", "htmlonly")]),
        Case("update_click_tracking", form=[("active", "yes")]),
        Case("update_unsubscribe_tracking", form=[("active", "true"), ("text_footer", "%unsubscribe_url%")]),
        Case("list_credentials"),
        Case("create_credential", form=[("login", "alice"), ("password", "correct-horse")]),
        Case("create_credential", form=[("login", "alice")]),
        Case("delete_credential", first=[_LOGIN]),
        Case("verify_domain"),
        Case("update_domain", form=[("spam_action", "tag"), ("wildcard", "true"), ("mailfrom_host", "b.example.com")]),
        Case("get_sending_queues"),
        Case("update_credential_password", first=[_LOGIN]),
        Case("update_credential_password", form=[("password", "battery-staple")], first=[_LOGIN]),
        Case("match_route", query=[("address", "support@mg.example.com")]),
        Case("get_unsubscribe", path={"address": "quiet@example.net"}),
        Case("get_complaint", path={"address": "angry@example.net"}),
        Case("get_whitelist"),
        Case("update_template", form=[("description", "For new customers")]),
        Case("list_template_versions", query=[("limit", "10")]),
        Case("create_template_version", form=[*_VERSION, ("comment", "shorter"), ("active", "yes")]),
        Case("get_template_version"),
        Case("update_template_version", form=[("template", "<p>{{name}}</p>"), ("active", "yes")]),
        Case("delete_template_version"),
        Case("add_mailing_list_members", form=[("members", '["zoe@example.com"]'), ("upsert", "yes")]),
        Case("get_stored_message", first=[_SENT]),
        *(
            Case("validate_address", query=[("address", one)])
            for one in ("bob@example.net", "info@mailinator.com", "no")
        ),
        Case("query_metrics", first=[_SENT], json=_NUMBERS),
        Case("query_metrics", first=[_SENT], json={**_NUMBERS, "include_aggregates": True, "dimensions": ["domain"]}),
        Case("query_logs", first=[_SENT, _SUPPRESSED], json={"pagination": {"limit": 10}, "include_totals": True}),
        Case("resend_message", first=[_SENT], form=[("to", "bob@example.net")]),
    ]


def _refusals() -> list[Case]:
    address = "nobody@example.net"
    return [
        Case("create_domain", 400, form=[("name", "mg.example.com")]),
        Case("create_domain", 400, form=[("name", "new.example.com"), ("smtp_password", "abc")]),
        Case("create_domain", 400, missing="name", form=[("wildcard", "true")]),
        Case("delete_domain", 403, path={"domain": "sandbox0123456789abcdef0123456789abcdef.mailgun.org"}),
        *(Case("send_message", 400, form=_without(MESSAGE, name), missing=name) for name in ("from", "to")),
        Case("send_message", 400, form=[*_without(MESSAGE, "to"), ("to", "nobody")]),
        Case("send_message", 400, form=_without(MESSAGE, "text")),
        Case("send_message", 400, form=[*MESSAGE, ("o:deliverytime", "tomorrow")]),
        Case("send_message", 403, path={"domain": "unverified.example.com"}, form=MESSAGE),
        Case("send_message", 429, form=MESSAGE, fault="rate_429_message"),
        Case("send_mime_message", 400, form=[("to", "you@example.net"), ("message", "text")]),
        Case("send_mime_message", 400, form=[("to", "you@example.net")], missing="message", files=[_OTHER_PART]),
        Case("send_mime_message", 429, form=[("to", "you@example.net")], files=[_MIME_PART], fault="rate_429_message"),
        Case("list_events", 400, query=[("limit", "301")]),
        Case("list_routes", 400, query=[("limit", "1001")]),
        Case("create_route", 400, form=_without(_ROUTE, "expression"), missing="expression"),
        Case("create_route", 400, form=_without(_ROUTE, "action"), missing="action"),
        *(
            Case(f"{verb}_route", 404, path={"route": "0" * 24}, form=[("priority", "1")] if verb == "update" else ())
            for verb in ("get", "update", "delete")
        ),
        Case("create_webhook", 400, form=[("url", "https://hooks.example.com/")], missing="id"),
        Case("create_webhook", 400, form=[("id", "opened"), ("url", "https://hooks.invalid/")]),
        Case("create_webhook", 429, fault="rate_429_retry_seconds"),
        Case("get_webhook", 404, path={"webhook": "opened"}),
        Case("update_webhook", 400, missing="url"),
        Case("update_webhook", 400, form=[("url", "https://hooks.invalid/")]),
        Case("delete_webhook", 404, path={"webhook": "opened"}),
        Case("create_template", 400, form=[("description", "no name")], missing="name"),
        Case("create_template", 400, form=[("name", "welcome")]),
        Case("get_template", 404, path={"template": "none"}),
        Case("delete_template", 404, path={"template": "none"}),
        Case("create_mailing_list", 400, form=[("name", "News")], missing="address"),
        Case("create_mailing_list", 400, form=[("address", "developers@mg.example.com")]),
        Case("create_mailing_list", 400, form=[("address", "news@mg.example.com"), ("access_level", "fake")]),
        Case("create_mailing_list", 400, form=[("address", "news@mg.example.com"), ("reply_preference", "x")]),
        *(
            Case(name, 404, path={"list": "none@mg.example.com"}, form=form)
            for name, form in (
                ("get_mailing_list", ()),
                ("update_mailing_list", [("name", "x")]),
                ("delete_mailing_list", ()),
                ("list_mailing_list_members", ()),
                ("add_mailing_list_member", [("address", address)]),
            )
        ),
        *(Case(name, 429, fault="rate_429_retry_after") for name in OPERATIONS if "mailing_list" in name),
        Case("add_mailing_list_member", 400, form=[("name", "Zoe")], missing="address"),
        Case("add_mailing_list_member", 400, form=[("address", "alice@example.com")]),
        *(Case(f"{verb}_mailing_list_member", 404, path={"member": address}) for verb in ("get", "update", "delete")),
        *(Case(f"list_{kind}", 400, query=[("limit", "1001")]) for kind in _TABLES),
        *(Case(f"add_{kind}", 400, form=[("created_at", "x")], missing="address") for kind in ("bounce", "complaint")),
        Case("add_unsubscribe", 400, form=[("tag", "*")], missing="address"),
        *(
            Case(f"add_{kind}", 400, json=[{"address": f"a{number}@example.net"} for number in range(1001)])
            for kind in ("bounce", "unsubscribe", "complaint")
        ),
        Case("add_whitelist", 400, form=[("reason", "none")]),
        Case("get_bounce", 404, path={"address": address}),
        *(Case(f"delete_{kind}", 404, path={"address": address}) for kind in ("bounce", "unsubscribe", "complaint")),
        Case("delete_unsubscribe", 404, path={"address": "no-news@example.org"}, query=[("tag", "other")]),
        Case("delete_whitelist", 404, path={"value": address}),
        Case("get_stats", 400, missing="event"),
        Case("get_stats", 400, query=[("event", "accepted"), ("start", "2025-01-01")]),
        Case("list_tags", 400, query=[("limit", "x")]),
        Case("get_tag", 404),
        Case("delete_tag", 404),
        Case("get_ip", 404, path={"ip": "192.0.2.99"}),
        Case("list_credentials", 400, query=[("limit", "1001")]),
        Case("create_credential", 400, form=[("password", "correct-horse")], missing="login"),
        Case("create_credential", 400, form=[("login", "alice"), ("password", _LONG)]),
        Case("create_credential", 400, form=[("login", "alice"), ("password", "correct-horse")], first=[_LOGIN]),
        Case("delete_credential", 400, path={"login": "postmaster"}),
        Case("delete_credential", 404, path={"login": "nobody"}),
        Case("verify_domain", 429, fault="rate_429_message"),
        Case("update_domain", 400, form=[("spam_action", "maybe")]),
        Case("update_domain", 400, form=[("mailfrom_host", "no host")]),
        Case("update_credential_password", 404, path={"login": "nobody"}),
        Case("update_credential_password", 400, form=[("password", _LONG)], first=[_LOGIN]),
        Case("match_route", 404, query=[("address", "nobody@mg.example.com")]),
        Case("match_route", 400, missing="address"),
        *(Case(f"get_{kind}", 404, path={"address": address}) for kind in ("unsubscribe", "complaint")),
        Case("get_whitelist", 404, path={"value": address}),
        Case("update_template", 404, path={"template": "none"}),
        *(Case(f"{verb}_template_version", 404, path={"version": "none"}) for verb in ("get", "update", "delete")),
        *(Case("create_template_version", 400, form=[one], missing="tag") for one in _VERSION[:1]),
        *(Case("create_template_version", 400, form=[one], missing="template") for one in _VERSION[1:]),
        Case("create_template_version", 400, form=[_VERSION[0], ("tag", "v1")]),
        Case("add_mailing_list_members", 404, path={"list": "none@mg.example.com"}, form=[("members", "[]")]),
        Case("add_mailing_list_members", 400, form=[("members", "zoe@example.com")]),
        Case("add_mailing_list_members", 400, form=[("upsert", "yes")], missing="members"),
        Case("get_stored_message", 404),
        Case("query_metrics", 400, json={"metrics": ["wishes_count"]}),
        Case("query_logs", 400, json={"start": "yesterday"}),
        Case("validate_address", 400, missing="address"),
        Case("resend_message", 404, form=[("to", "bob@example.net")]),
        Case("resend_message", 400, first=[_SENT], missing="to"),
    ]


def _wrong_key(operation: str) -> Case:
    # Mailgun says no before it reads anything else, so that the rest of the request does not matter.
    return Case(operation, 401, key="key-wrong")


def _unknown_domain(operation: str) -> Case:
    return Case(operation, 404, path={"domain": "unknown.example.com"}, form=MESSAGE if "send" in operation else ())


CASES = (
    *_successes(),
    *_refusals(),
    *(_wrong_key(name) for name in OPERATIONS),
    *(_unknown_domain(name) for name, operation in OPERATIONS.items() if operation.has_domain),
)
