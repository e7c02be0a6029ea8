"""Calls to begin with: every write as its examples have it, and messages as rich and as nasty as people make them.

A call is plain data throughout, so that any one thing in it can be changed: the arguments, the files beside them, the
parts of a ready message, and what the account holds and Mailgun puts into the message.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import hashlib
import json
import quopri
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from email.utils import getaddresses
from functools import cache
from typing import Any
from urllib.parse import quote

from catalogue.files import EXAMPLES, WRITES
from maton_mailgun.approval.preview.look import make
from maton_mailgun.approval.preview.proposal import Proposal, ReadAnswer
from maton_mailgun.catalogue import arguments as holding
from maton_mailgun.catalogue import rows as catalogue
from maton_mailgun.catalogue.operation import Catalogue
from maton_mailgun.errors import BadArguments
from maton_mailgun.exchange import Account
from maton_mailgun.mail.mime import refusals
from maton_mailgun.wire.request import FilePart, Request, build

D = "mg.example.com"
_ADDRESSES = frozenset({"from", "sender", "to", "cc", "reply-to"})
NOW = 1_795_000_000.0
"""18 November 2026, 11:06:40 UTC."""

Data = dict[str, Any]


@dataclass
class Call:
    """One write, and what of the account goes into it."""

    tool: str
    arguments: Data
    files: list[Data] = field(default_factory=list)
    """Attachments and inline pictures: field, name, type, content (text)."""
    mime: Data | None = None
    """A ready message in parts: headers, and either `parts` or `text` (or `bytes`, of a file) with its encoding."""
    template: Data | None = None
    """The stored template that the call names: template (its source) and headers."""

    def copy(self) -> Call:
        return copy.deepcopy(self)

    def changeable(self) -> Data:
        """Everything that a change may touch, as one tree."""
        parts = {"arguments": self.arguments, "files": self.files, "mime": self.mime, "template": self.template}
        return {name: part for name, part in parts.items() if part}


@dataclass(frozen=True)
class Made:
    """What would leave, and what a person is shown of it."""

    request: Request
    leaves: tuple[Any, ...]
    """All that reaches a recipient or the account: the request, decoded, and the template."""
    preview: Data


class _AtOnce(ThreadPoolExecutor):
    """Does the work where it is asked for: changing threads costs more than most of the work, 20,000 times over."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as problem:
            done.set_exception(problem)
        return done


@cache
def _runner() -> asyncio.Runner:
    """One loop for all previews."""
    runner = asyncio.Runner()
    runner.get_loop().set_default_executor(_AtOnce())
    return runner


@cache
def operations() -> Catalogue:
    return catalogue.load()


def made(call: Call) -> Made | None:
    """The preview of a call; None where it is refused before anybody is asked."""
    operation = operations()[call.tool]
    arguments = dict(call.arguments)
    files = [_file(one) for one in call.files]
    for name in ("attachment", "inline"):
        if named := [one.filename for one in files if one.field == name]:
            arguments["attachments" if name == "attachment" else "inline"] = named
    if call.mime is not None:
        content = mime_bytes(call.mime)
        arguments["message"] = "given as a file"
        if refusals(content):
            return None
        digest = hashlib.sha256(content).hexdigest()
        files.append(FilePart("message", "message.eml", "message/rfc822", len(content), digest, None, content))
    try:
        holding.check(operation, arguments)
        request = build(operation, arguments, tuple(files))
    except (BadArguments, ValueError):
        return None
    proposal = Proposal(
        operation=operation, arguments=arguments, request=request, account=Account("conn-1", "Main", sandbox=False),
        client="a client", principal="ada", read=_Reads(call), now=NOW,
    )  # fmt: skip
    preview = _runner().run(make(proposal)).preview
    return Made(request, _leaves(call, request), preview)


def _leaves(call: Call, request: Request) -> tuple[Any, ...]:
    """What reaches a reader. Only the order among things of one name is information, as is that of recipients."""
    files = [(one["field"], one["name"], one["type"], one["content"]) for one in call.files]
    form = [(name, _unordered(text) if name == "recipient-variables" else text) for name, text in request.form]
    template = {**(call.template or {})}
    headers = template.get("headers")
    template["headers"] = sorted(headers.items(), key=_name) if isinstance(headers, dict) else headers
    return (
        request.method, request.path, request.query, sorted(form, key=_name), request.json, sorted(files, key=_name),
        decoded(call.mime), sorted(template.items()),
    )  # fmt: skip


def _name(pair: Any) -> str:
    return str(pair[0]).casefold()


def _unordered(text: str) -> str:
    """Whose values come first tells nothing; which of one person's do is what a template may list."""
    return repr(sorted(json.loads(text).items()))


class _Reads:
    """An account that holds one template, no list and an active domain."""

    def __init__(self, call: Call) -> None:
        self._template = call.template
        name = quote(str(call.arguments.get("template")), safe="")
        domain = quote(str(call.arguments.get("domain")), safe="")
        self._path = f"GET /v3/{domain}/templates/{name}"

    async def __call__(self, source: str, arguments: Any, /) -> ReadAnswer:
        asked = source
        for name, value in arguments.items():
            asked = asked.replace(f"{{{name}}}", quote(str(value), safe=""))
        if asked.startswith("GET /v3/domains/"):
            return ReadAnswer(200, {"domain": {"state": "active", "type": "custom", "is_disabled": False}})
        if self._template is not None and asked.startswith(self._path):
            version = {"tag": "v1", "engine": "handlebars", "active": True, **self._template}
            return ReadAnswer(200, {"template": {"name": "welcome", "version": version}})
        if asked.startswith(("GET /v3/lists/pages", "GET /v3/")) and "?" in asked:
            return ReadAnswer(200, {"items": []})
        return ReadAnswer(404, {"message": "Not found"})


def _file(one: Data) -> FilePart:
    content = str(one["content"]).encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(content).hexdigest()
    return FilePart(one["field"], one["name"], one["type"], len(content), digest, None, content)


# Ready messages -----------------------------------------------------------------------------------------------------


def mime_bytes(part: Data, depth: int = 0) -> bytes:
    """A ready message as it goes on the wire; headers and texts beyond ASCII are encoded as mail wants it."""
    lines = [f"{name}: {_header(name, value)}" for name, value in part["headers"]]
    if "parts" in part:
        boundary = f"=_{depth}_"
        lines.append(f'Content-Type: multipart/{part["kind"]}; boundary="{boundary}"')
        inner = b"".join(
            b"--" + boundary.encode() + b"\r\n" + mime_bytes(one, depth + 1) + b"\r\n" for one in part["parts"]
        )
        return _head(lines) + inner + b"--" + boundary.encode() + b"--\r\n"
    content: bytes = part["text"].replace("\r\n", "\n").replace("\n", "\r\n").encode("utf-8", "surrogatepass")
    kind = f"Content-Type: {part['kind']}"
    lines.append(kind + ("; charset=utf-8" if part["kind"].startswith("text/") else ""))
    lines.append(f"Content-Transfer-Encoding: {part['encoding']}")
    if part["encoding"] == "base64":
        content = base64.encodebytes(content).replace(b"\n", b"\r\n").removesuffix(b"\r\n")
    elif part["encoding"] == "quoted-printable":
        content = quopri.encodestring(content.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    return _head(lines) + content


def decoded(part: Data | None) -> Any:
    """What a reader decodes of a ready message; how it was encoded makes no difference."""
    if part is None:
        return None
    kind = part["kind"].strip().casefold()
    headers = sorted(([name.casefold(), _said(name, value)] for name, value in part["headers"]), key=_name)
    if "parts" in part:
        return kind, headers, [decoded(one) for one in part["parts"]]
    return kind, headers, _marked(part["text"])


def _said(name: str, value: str) -> Any:
    """A header's value; of addresses what the standard library reads, however they are spaced, and without the empty
    places that lists may have (RFC 5322, 4.4)."""
    if name.casefold() in _ADDRESSES:
        return getaddresses([value.strip(" \t\r\n,;")])
    return _marked(value).strip()


def _marked(text: str) -> str:
    """A byte order mark at the beginning is no character of the text (RFC 3629, 6)."""
    return text.removeprefix("\ufeff")


def _head(lines: list[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "surrogatepass") + b"\r\n"


def _header(name: str, value: str) -> str:
    plain = value.isascii() and value.isprintable() and "=?" not in value
    if plain or name in {"From", "To", "Content-Disposition", "Content-ID"}:
        return value
    word = base64.b64encode(value.encode("utf-8", "surrogatepass")).decode()
    return f"=?utf-8?b?{word}?="


# Where the changing begins ------------------------------------------------------------------------------------------

LETTER: Data = {"domain": D, "from": f"Support <support@{D}>", "to": ["ann@example.net"], "subject": "Your order 7"}
TEXT = "Dear Ann,\n\nplease pay 100 EUR to DE89 3704 0044 0532 0130 00.\n\tThank you\n"
HTML = (
    "<html><head><style>.x{color:red}</style></head><body><p class=x title='a tip'>Dear Ann,</p>"
    "<p>please pay <b>100 EUR</b> to <a href='https://pay.example.com/i/7'>your account</a>"
    "<img src='cid:logo.png' alt='Our logo'></p><!-- a comment --></body></html>"
)
UUENCODED = 'begin 644 note.txt\n,4&%Y(#$P,"!%55(*\n`\nend\n'
AMP = "<!doctype html><html amp4email><head></head><body>Please pay 100 EUR</body></html>"

MESSAGES = (
    Call("send_message", {**LETTER, "text": TEXT}),
    Call(
        "send_message",
        {
            **LETTER,
            "to": ["Ann Example <ann@example.net>", '"Doe, John" <john@example.org>'],
            "cc": ["carl@example.org"],
            "bcc": ["Dora <dora@example.org>", f"erik@{D}"],
            "text": TEXT,
            "html": HTML,
            "amp_html": AMP,
            "headers": {"Reply-To": "help@example.com", "X-Order": "7 of 8", "In-Reply-To": "<1@example.com>"},
            "variables": {"order": "7", "paid": False, "cart": {"items": [1, 2.5, None, "a\nb"], "note": 'say "x"'}},
            "tags": ["spring", "welcome mail"],
            "test_mode": True,
            "delivery_time": "2026-11-19T09:00:00Z",
            "deliver_within": "1h30m",
            "time_zone_localize": "09:00",
            "tracking": "yes",
            "tracking_clicks": "htmlonly",
            "tracking_opens": False,
            "dkim": True,
            "secondary_dkim": "example.com/s1",
            "require_tls": True,
            "skip_verification": False,
            "sending_ip": "192.0.2.10",
            "sending_ip_pool": "pool-1",
            "archive_to": "https://archive.example.com/mail",
            "suppress_headers": ["X-Mailgun-Tag"],
        },
        files=[
            {"field": "attachment", "name": "invoice.pdf", "type": "application/pdf", "content": "%PDF-1.4"},
            {"field": "attachment", "name": "terms.txt", "type": "text/plain", "content": "All of them"},
            {"field": "inline", "name": "logo.png", "type": "image/png", "content": "PNG"},
        ],
    ),
    Call(
        "send_message",
        {
            **LETTER,
            "to": [f"person{number}@example.net" for number in range(12)],
            "subject": "Hello %recipient.first%",
            "text": "Dear %recipient.first%, pay %recipient.sum% at %recipient.link%",
            "recipient_variables": {
                f"person{number}@example.net": {
                    "first": f"Person {number}",
                    "sum": number * 10,
                    "link": f"https://pay.example.com/{number}",
                    "more": {"deep": [f'a "{number}"', True]},
                }
                for number in range(12)
            },
        },
    ),
    Call(
        "send_message",
        {
            "domain": D,
            "to": ["ann@example.net", "Bob <bob@example.net>"],
            "template": "welcome",
            "template_text": True,
            "template_variables": {"name": "Amélie", "order": {"id": 7, "paid": False}, "lines": ["one; two", "three"]},
            "recipient_variables": {"ann@example.net": {"n": "Ann"}, "bob@example.net": {"n": "Bob"}},
        },
        template={
            "template": "<h1>Hi {{name}}, %recipient.n%</h1>{{#if order.paid}}Paid{{else}}Due{{/if}} <i>{{lines}}</i>",
            "headers": {
                "From": f"Billing <billing@{D}>",
                "Subject": "Order {{order.id}}",
                "Reply-To": "answers@example.com",
            },
        },
    ),
    Call(
        "send_mime_message",
        {"domain": D, "to": ["ann@example.net", "Bob <bob@example.net>"], "tags": ["ready"], "variables": {"k": "v"}},
        mime={
            "headers": [
                ["From", f"Support <support@{D}>"],
                ["To", "ann@example.net"],
                ["Subject", "Grüße, your order"],
                ["Reply-To", "help@example.com"],
                ["X-Order", "7 of 8"],
                ["MIME-Version", "1.0"],
            ],
            "kind": "mixed",
            "parts": [
                {
                    "headers": [],
                    "kind": "alternative",
                    "parts": [
                        {"headers": [], "kind": "text/plain", "encoding": "quoted-printable", "text": TEXT},
                        {"headers": [], "kind": "text/html", "encoding": "base64", "text": HTML},
                    ],
                },
                {"headers": [], "kind": "text/plain", "encoding": "base64", "text": "A second text, of terms\n"},
                {
                    "headers": [["Content-Disposition", 'attachment; filename="plan.pdf"']],
                    "kind": "application/pdf",
                    "encoding": "base64",
                    "text": "%PDF-1.4 plan",
                },
                {
                    "headers": [["Content-Disposition", "inline"]],
                    "kind": "text/calendar",
                    "encoding": "base64",
                    "text": "BEGIN:VCALENDAR\nSUMMARY:Meet at ten\nEND:VCALENDAR\n",
                },
            ],
        },
    ),
    Call(
        "send_mime_message",
        {
            "domain": D,
            "to": ["ann@example.net", "bob@example.net"],
            "recipient_variables": {
                "ann@example.net": {"first": "Ann", "room": "Room 1"},
                "bob@example.net": {"first": "Bob", "room": "Room 2"},
            },
        },
        mime={
            "headers": [
                ["From", f"Support <support@{D}>"],
                ["To", "ann@example.net"],
                ["Subject", "Hello %recipient.first%"],
                ["X-Room", "%recipient.room%"],
                ["MIME-Version", "1.0"],
            ],
            "kind": "mixed",
            "parts": [
                {
                    "headers": [["Subject", "Another subject"], ["Reply-To", "inner@example.com"]],
                    "kind": "text/plain; hp=clear",
                    "encoding": "quoted-printable",
                    "text": "Dear %recipient.first%, see example.com/pay or file.txt\n" + UUENCODED,
                },
                {
                    "headers": [],
                    "kind": "text/calendar",
                    "encoding": "base64",
                    "text": "BEGIN:VCALENDAR\nSUMMARY:Meet in %recipient.room%\nEND:VCALENDAR\n",
                },
            ],
        },
    ),
)

OTHERS = tuple(
    Call(tool, dict(arguments))
    for tool in WRITES
    if not tool.startswith("send_")
    for arguments in EXAMPLES[tool].values()
    if arguments
)

BATCH_OF_1000 = Call(
    "send_message",
    {
        **LETTER,
        "to": [f"person{number}@example.net" for number in range(1000)],
        "text": "Dear %recipient.first%, pay at %recipient.link%",
        "recipient_variables": {
            f"person{number}@example.net": {"first": f"Person {number}", "link": f"https://pay.example.com/{number}"}
            for number in range(1000)
        },
    },
)
