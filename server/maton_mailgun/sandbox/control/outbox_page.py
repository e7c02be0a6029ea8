"""The outbox in a browser, at `/_sandbox/`: what was "sent", how each recipient sees it, and what became of it.

Mail is untrusted text. The page puts it in place as text only; an HTML body is a response of its own that may run
nothing, load nothing and reach nothing, shown in a frame that is sandboxed once more.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from maton_mailgun.sandbox.account.eventlog import EventLog, Series
from maton_mailgun.sandbox.account.mailgun_account import Domain, Message
from maton_mailgun.sandbox.account.state import State
from maton_mailgun.sandbox.control.outbox import shown_message
from maton_mailgun.sandbox.mailgun.messages.delivery import deliver_what_is_due
from maton_mailgun.sandbox.mailgun.messages.rendering import copies
from maton_mailgun.sandbox.mailgun.messages.stored import header_pairs, mime_text
from maton_mailgun.sandbox.mailgun.reporting.eventview import show
from maton_mailgun.sandbox.web.calls import Record

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_SAFE = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "cache-control": "no-store"}
_STATIC = {
    "index.html": "text/html; charset=utf-8",
    "outbox.css": "text/css; charset=utf-8",
    "outbox.js": "text/javascript; charset=utf-8",
    "detail.js": "text/javascript; charset=utf-8",
    "dom.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_LISTED = 200
_STATES = ("accepted", "scheduled", "delivered", "failed", "rejected")
_CID = re.compile(r"cid:([^\"'\s)>]+)", re.IGNORECASE)
_IMAGE = re.compile(r"image/(?:png|gif|jpeg|webp|svg\+xml)", re.IGNORECASE)
_UNSAFE_NAME = re.compile(r"[^\w.() -]")

Endpoint = Callable[[Request], Awaitable[Response]]


def _newest(sandbox: State, words: str) -> Iterator[tuple[Domain, Message]]:
    """Messages whose sender, recipients or subject hold all the words, newest first."""
    rows = [
        (domain, message)
        for domain in sandbox.account.domains.values()
        for message in islice(reversed(domain.messages.values()), None if words else _LISTED)
    ]
    rows.sort(key=lambda row: row[1].number, reverse=True)
    wanted = words.lower().split()
    for domain, message in rows:
        text = " ".join((message.sender, message.subject, message.domain, *message.recipients)).lower()
        if all(word in text for word in wanted):
            yield domain, message


def _states(domain: Domain, message: Message) -> Record:
    """How many recipients are in which state, by the last event that says one."""
    last: dict[str, str] = {}
    for event in domain.log.messages.get(message.key, Series()).events:
        if event.kind in ("accepted", "delivered", "failed", "rejected"):
            last[event.recipient] = event.kind
    kinds = ["scheduled" if kind == "accepted" and message.deliver_at else kind for kind in last.values()]
    return {kind: kinds.count(kind) for kind in _STATES if kind in kinds}


def _summary(domain: Domain, message: Message) -> Record:
    seen = (copies(domain, message) or [{}])[0]
    body = str(seen.get("text") or re.sub(r"<[^>]*>", " ", str(seen.get("html") or "")))
    return {
        "key": message.key,
        "from": message.sender,
        "to": message.recipients[:3],
        "recipients": len(message.recipients),
        "subject": str(seen.get("subject") or message.subject),
        "snippet": " ".join(body[:600].split())[:140],
        "at": message.at,
        "attachments": len(message.attachments),
        "template": message.template,
        "test_mode": message.test_mode,
        "states": _states(domain, message),
    }


def mail_html(html: str, message: Message) -> str:
    """An HTML body whose inline images are in place: `cid:name` becomes the data of the part with that file name."""
    parts = {part.filename: part for part in message.inline if _IMAGE.fullmatch(part.content_type)}

    def image(match: re.Match[str]) -> str:
        part = parts.get(match[1])
        return match[0] if part is None else f"data:{part.content_type};base64,{b64encode(part.data).decode()}"

    return _CID.sub(image, html)


class OutboxPage:
    """Endpoints of the page over one sandbox."""

    def __init__(self, sandbox: State) -> None:
        self._sandbox = sandbox
        self._files = StaticFiles(packages=[("maton_mailgun.sandbox.control", "outbox_static")])

    def _mark(self) -> str:
        """Differs when anything the list shows has changed."""
        account = self._sandbox.account
        kept = sum(len(domain.messages) for domain in account.domains.values())
        return f"{account.message_number}.{account.event_number}.{kept}"

    def _found(self, request: Request) -> tuple[Domain, Message] | None:
        key = request.path_params["key"]
        for domain in self._sandbox.account.domains.values():
            if key in domain.messages:
                return domain, domain.messages[key]
        return None

    async def static(self, request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        if name not in _STATIC:
            return Response("Not found", 404, _SAFE, "text/plain")
        answer = await self._files.get_response(name, request.scope)
        # Types of our own: what a file ending means is a setting of some operating systems.
        own = {"content-type": _STATIC[name], "content-security-policy": PAGE_POLICY}
        answer.headers.update({**_SAFE, **own})
        return answer

    async def listed(self, request: Request) -> Response:
        """The newest messages; 204 when nothing has changed since `mark`."""
        self._sandbox.account.now = self._sandbox.now()
        deliver_what_is_due(self._sandbox.account)
        mark = self._mark()
        if request.query_params.get("mark") == mark:
            return Response(None, 204, _SAFE)
        words = request.query_params.get("q", "")
        rows = [_summary(domain, message) for domain, message in islice(_newest(self._sandbox, words), _LISTED)]
        kept = sum(len(domain.messages) for domain in self._sandbox.account.domains.values())
        return JSONResponse({"mark": mark, "kept": kept, "messages": rows}, headers=_SAFE)

    async def detail(self, request: Request) -> Response:
        found = self._found(request)
        if found is None:
            return JSONResponse({"problem": "no such message"}, 404, _SAFE)
        domain, message = found
        forwarder = self._sandbox.forwarder
        log = domain.log.messages.get(message.key, Series())
        shown = {
            **shown_message(domain, message),
            "message_headers": header_pairs(message),
            "events": [show(domain, event) for event in log.events],
            "states": _states(domain, message),
            "source": mime_text(domain, message),
            "forwarding": forwarder.outcomes.get(message.key) if forwarder else None,
        }
        return JSONResponse(shown, headers=_SAFE)

    async def html(self, request: Request) -> Response:
        """The HTML body as one recipient sees it: `?copy=` is its place among the recipients."""
        found = self._found(request)
        seen = copies(*found) if found else []
        number = request.query_params.get("copy", "0")
        if found is None or not number.isdigit() or int(number) >= len(seen) or not seen[int(number)]["html"]:
            return Response("There is no HTML body.", 404, _SAFE, "text/plain")
        body = mail_html(str(seen[int(number)]["html"]), found[1])
        return Response(body, 200, {**_SAFE, "content-security-policy": MAIL_POLICY}, "text/html")

    async def attachment(self, request: Request) -> Response:
        """A file for download: never shown by the browser, whatever its type."""
        found = self._found(request)
        parts = [*found[1].attachments, *found[1].inline] if found else []
        number = request.path_params["number"]
        if number >= len(parts):
            return Response("There is no such file.", 404, _SAFE, "text/plain")
        name = _UNSAFE_NAME.sub("_", parts[number].filename.encode("ascii", "replace").decode()) or "file"
        kept = {"content-disposition": f'attachment; filename="{name}"', "content-security-policy": "sandbox"}
        return Response(parts[number].data, 200, {**_SAFE, **kept}, "application/octet-stream")

    async def clear(self, request: Request) -> Response:
        """Forgets messages and their events; everything else of the account stays."""
        if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return JSONResponse({"problem": "only the page itself may do this"}, 403, _SAFE)
        for domain in self._sandbox.account.domains.values():
            domain.messages.clear()
            domain.received.clear()
            domain.log = EventLog()
        self._sandbox.account.scheduled.clear()
        return JSONResponse({"cleared": True}, headers=_SAFE)


def outbox_routes(sandbox: State) -> list[Route]:
    """The routes of the page, all below `/_sandbox/`."""
    page = OutboxPage(sandbox)
    table: list[tuple[str, str, Endpoint]] = [
        ("GET", "", page.static),
        ("GET", "outbox", page.static),
        ("GET", "outbox/static/{name}", page.static),
        ("GET", "outbox/messages", page.listed),
        ("GET", "outbox/messages/{key}", page.detail),
        ("GET", "outbox/messages/{key}/html", page.html),
        ("GET", "outbox/messages/{key}/files/{number:int}", page.attachment),
        ("POST", "outbox/clear", page.clear),
    ]
    return [Route(f"/_sandbox/{path}", endpoint, methods=[method]) for method, path, endpoint in table]
