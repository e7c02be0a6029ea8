"""`POST /_sandbox/inbound`: mail arrives, as a raw message or as fields; and what Mailgun posts because of events."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from email.message import EmailMessage
from email.policy import SMTP
from secrets import token_hex
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from maton_mailgun.sandbox.account.state import State
from maton_mailgun.sandbox.mailgun.arrivals import Arrival, Post, forwarded, receive
from maton_mailgun.sandbox.mailgun.mailboxes import split_list
from maton_mailgun.sandbox.mailgun.reporting.eventview import show, storage_url
from maton_mailgun.sandbox.mailgun.signing import signature
from maton_mailgun.sandbox.web.calls import JSON, Call, Record, Upload, encode
from maton_mailgun.sandbox.web.forms import MULTIPART, URLENCODED, read_call

_FIELDS = ("sender", "recipient", "from", "to", "cc", "subject", "text", "html", "headers", "mime")


async def arrive(sandbox: State, request: Request) -> Record:
    """Takes in one message and answers when every forward has ended. Raises ValueError saying what is wrong."""
    call = await read_call(request)
    raw, sender, recipients = _given(call, await request.body())
    account = sandbox.account
    account.now = sandbox.now()
    arrivals = receive(account, raw, sender, recipients, call.origin)
    for arrival in arrivals:
        for post in arrival.posts:
            await _made(sandbox, post)
            account.now = sandbox.now()
            forwarded(account, arrival, post)
    post_news(sandbox, call.origin)
    return {"messages": [_shown(arrival, call.origin) for arrival in arrivals]}


def _shown(arrival: Arrival, origin: str | None) -> Record:
    message = arrival.message
    return {
        "recipient": message.recipients[0],
        "domain": message.domain,
        "message_id": message.id.strip("<>"),
        "routes": [route["id"] for route in arrival.routes],
        "stored": arrival.stored,
        "storage_key": message.key if arrival.stored else None,
        "storage_url": storage_url(message, origin) if arrival.stored else None,
        "posts": [{"action": post.action, "target": post.outcome["url"], **_end(post)} for post in arrival.posts],
    }


def _end(post: Post) -> Record:
    return {name: post.outcome[name] for name in ("state", "status", "error")}


async def _made(sandbox: State, post: Post) -> None:
    """Posts it; a mailbox gets nothing, which is noted."""
    now = sandbox.now()
    if not post.is_called:
        post.outcome = {
            "kind": post.action,
            "url": post.target,
            "state": "noted",
            "status": None,
            "error": None,
            "at": now,
        }
        sandbox.callbacks.outcomes.append(post.outcome)
        return
    body, kind = form_body(post.fields, post.files)
    post.outcome, future = sandbox.callbacks.post(post.action, post.target, body, kind, now)
    if future is not None:
        await asyncio.wrap_future(future)


def post_news(sandbox: State, origin: str | None) -> None:
    """Posts the events that webhooks wait for, in order and behind the answer."""
    account = sandbox.account
    news, account.news = account.news, []
    for name, kind, event in news:
        domain = account.domains.get(name)
        if domain is None or event.message_key not in domain.log.messages:
            continue
        for url in domain.webhooks.get(kind, []):
            told = {
                "signature": signature(account),
                "event-data": {**show(domain, event, origin), "domain": {"name": name}},
            }
            sandbox.callbacks.post("webhook", url, encode(told), JSON, sandbox.now())


def form_body(fields: Iterable[tuple[str, str]], files: Iterable[Upload]) -> tuple[bytes, str]:
    """Fields as Mailgun posts them: urlencoded, or multipart when there are files. Returns body and content type."""
    files = list(files)
    if not files:
        return urlencode(list(fields), errors="replace").encode(), URLENCODED
    boundary = token_hex(16)
    body = bytearray()
    for name, value in fields:
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n'.encode()
        body += value.encode("utf-8", "replace") + b"\r\n"
    for upload in files:
        disposition = f'form-data; name="{_quoted(upload.name)}"; filename="{_quoted(upload.filename)}"'
        body += f"--{boundary}\r\nContent-Disposition: {disposition}\r\n".encode("utf-8", "replace")
        body += f"Content-Type: {_quoted(upload.content_type)}\r\n\r\n".encode() + upload.data + b"\r\n"
    return bytes(body) + f"--{boundary}--\r\n".encode(), f"{MULTIPART}; boundary={boundary}"


def _quoted(text: str) -> str:
    """A name as browsers write it into a part's header: nothing in it ends the name or the line."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _given(call: Call, body: bytes) -> tuple[bytes, str, list[str]]:
    """The message as text, and its envelope: sender and recipients, where they were given."""
    if call.malformed:
        raise ValueError(call.malformed)
    if call.content_type == JSON:
        return _of_fields(call.json, ())
    if call.content_type in (MULTIPART, URLENCODED):
        given: Record = {}
        for name, value in call.form.pairs:
            if name.startswith("h:"):
                given.setdefault("headers", {})[name.removeprefix("h:")] = value
            else:
                given[name] = [*given.get(name, []), value] if name in ("recipient", "to", "cc") else value
        uploads = call.files.uploads
        if "mime" not in given and (files := call.files.named("mime")):
            return _of_fields({**given, "mime": files[0].data}, ())
        return _of_fields(given, uploads)
    if not body.strip():
        raise ValueError("send a message: RFC 5322 text, a form or JSON")
    return body, call.query.first("sender") or "", call.query.every("recipient")


def _of_fields(given: Any, uploads: Iterable[Upload]) -> tuple[bytes, str, list[str]]:
    if not isinstance(given, dict):
        raise ValueError("send a JSON object")  # noqa: TRY004 - the caller's input, not a type of ours
    if unknown := set(given) - set(_FIELDS):
        raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}; known are: {', '.join(_FIELDS)}")
    sender, recipients = str(given.get("sender") or ""), _texts(given.get("recipient"))
    if (mime := given.get("mime")) is not None:
        return mime if isinstance(mime, bytes) else str(mime).encode(), sender, recipients
    built = EmailMessage(policy=SMTP)
    try:
        built["From"] = str(given.get("from") or sender)
        built["To"] = ", ".join(_texts(given.get("to")) or recipients)
        if cc := _texts(given.get("cc")):
            built["Cc"] = ", ".join(cc)
        built["Subject"] = str(given.get("subject") or "")
        headers = given.get("headers") or {}
        for name, value in headers.items():
            built[name] = str(value)
    except (ValueError, AttributeError, IndexError) as problem:
        raise ValueError(f"no header can be made of this: {problem}") from None
    _fill(built, given, uploads)
    return built.as_bytes(), sender, recipients


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value] if value else []
    return [piece for item in values for piece in split_list(str(item))]


def _fill(built: EmailMessage, given: Record, uploads: Iterable[Upload]) -> None:
    text, html = given.get("text"), given.get("html")
    if text is not None or html is None:
        built.set_content(str(text or ""))
        if html is not None:
            built.add_alternative(str(html), subtype="html")
    else:
        built.set_content(str(html), subtype="html")
    for upload in uploads:
        main, _, sub = upload.content_type.partition(";")[0].partition("/")
        known = bool(sub) and main not in ("message", "multipart")
        built.add_attachment(
            upload.data,
            maintype=main if known else "application",
            subtype=sub if known else "octet-stream",
            filename=upload.filename,
        )
