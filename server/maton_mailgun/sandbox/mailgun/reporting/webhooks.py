"""Webhooks of a domain: up to three URLs for each type of event. The sandbox keeps them and calls none of them."""

from __future__ import annotations

from urllib.parse import urlsplit

from maton_mailgun.sandbox.account.mailgun_account import MailgunAccount
from maton_mailgun.sandbox.web.calls import Call, HttpAnswer, Rejection, encode, ok, refuse
from maton_mailgun.sandbox.web.router import MailgunOperation

TYPES = (
    "accepted",
    "delivered",
    "opened",
    "clicked",
    "unsubscribed",
    "complained",
    "permanent_fail",
    "temporary_fail",
)
_MOST_URLS = 3
_NOT_FOUND = "Webhook not found"


def _reason(url: str, why: str) -> Rejection:
    return Rejection(HttpAnswer(400, encode({"Reason": f"{url} is not a valid url: {why}"})))


def _check_url(url: str) -> None:
    """Mailgun resolves the host. The sandbox asks no name server: it refuses what can never resolve."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _reason(url, "malformed url") from None
    if parts.scheme not in ("http", "https"):
        raise _reason(url, "unsupported protocol scheme")
    host = parts.hostname or ""
    if "." not in host or host.endswith((".invalid", ".localhost")):
        raise _reason(url, "host not found")


def _urls(call: Call) -> list[str]:
    urls = call.form.every("url")
    if not urls:
        raise refuse(400, "Missing parameter 'url'")
    if len(urls) > _MOST_URLS:
        raise refuse(400, f"Only {_MOST_URLS} URLs are allowed per webhook type")
    for url in urls:
        _check_url(url)
    return urls


def list_webhooks(account: MailgunAccount, call: Call) -> HttpAnswer:
    """Only the types that have a URL appear (recorded)."""
    webhooks = account.domain_of(call).webhooks
    return ok({"webhooks": {kind: {"urls": webhooks[kind]} for kind in TYPES if kind in webhooks}})


def create_webhook(account: MailgunAccount, call: Call) -> HttpAnswer:
    webhooks = account.domain_of(call).webhooks
    kind = call.form.first("id")
    if not kind:
        raise refuse(400, "Missing parameter 'id'")
    if kind not in TYPES:
        raise refuse(400, f"Invalid webhook type '{kind}'. It can be any of: {', '.join(TYPES)}")
    urls = _urls(call)
    if kind in webhooks:
        raise refuse(400, f"Webhook '{kind}' already exists")
    webhooks[kind] = urls
    return ok({"message": "Webhook has been created", "webhook": {"urls": urls}})


def _registered(account: MailgunAccount, call: Call) -> tuple[dict[str, list[str]], str]:
    webhooks, kind = account.domain_of(call).webhooks, call.path["type"]
    if kind not in webhooks:
        raise refuse(404, _NOT_FOUND)
    return webhooks, kind


def get_webhook(account: MailgunAccount, call: Call) -> HttpAnswer:
    webhooks, kind = _registered(account, call)
    return ok({"webhook": {"urls": webhooks[kind]}})


def update_webhook(account: MailgunAccount, call: Call) -> HttpAnswer:
    """Replaces every URL of the type. An `id` beside them is tolerated (recorded)."""
    webhooks, kind = _registered(account, call)
    call.form.first("id")
    webhooks[kind] = _urls(call)
    return ok({"message": "Webhook has been updated", "webhook": {"urls": webhooks[kind]}})


def delete_webhook(account: MailgunAccount, call: Call) -> HttpAnswer:
    webhooks, kind = _registered(account, call)
    return ok({"message": "Webhook has been deleted", "webhook": {"urls": webhooks.pop(kind)}})


OPERATIONS = (
    MailgunOperation("GET", "/v3/domains/{domain}/webhooks", list_webhooks),
    MailgunOperation("POST", "/v3/domains/{domain}/webhooks", create_webhook),
    MailgunOperation("GET", "/v3/domains/{domain}/webhooks/{type}", get_webhook),
    MailgunOperation("PUT", "/v3/domains/{domain}/webhooks/{type}", update_webhook),
    MailgunOperation("DELETE", "/v3/domains/{domain}/webhooks/{type}", delete_webhook),
)
