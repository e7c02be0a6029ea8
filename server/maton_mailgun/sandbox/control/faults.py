"""Faults on demand: what networks, gateways and Mailgun do to a client on a bad day.

A fault is armed with `POST /_sandbox/faults`, matches requests by method and raw path, and is spent after `times`
requests. `act` says whether the operation is carried out first, so that a lost answer can be told from a lost request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from maton_mailgun.sandbox.web.calls import HTML, JSON, TEXT, Call, HttpAnswer, Record, encode, parse_json

_SANDBOX_403 = (
    "Domain sandbox0123456789abcdef0123456789abcdef.mailgun.org is not allowed to send: "
    "Sandbox subdomains are for test purposes only. "
    "Please add your own domain or add the address to authorized recipients in Account Settings."
)
_TOO_FAST = (
    "Domain mg.example.com is not allowed to send: account-requests-per-sec limit exceeded, try again after 120 seconds"
)


def _page(status: int, title: str) -> Record:
    body = f"<html><head><title>{status} {title}</title></head><body><h1>{status} {title}</h1></body></html>\n"
    return {"status": status, "body": body, "content_type": HTML}


PRESETS: dict[str, Record] = {
    "mailgun_401": {"status": 401, "body": "Forbidden", "content_type": TEXT},
    "sandbox_403": {"status": 403, "body": {"message": _SANDBOX_403}},
    "html_404": _page(404, "Not Found"),
    "rate_420": {"status": 420, "body": {"message": _TOO_FAST}},
    "rate_429_message": {"status": 429, "body": {"message": _TOO_FAST}},
    "rate_429_retry_seconds": {"status": 429, "body": {"retry-seconds": 60}},
    "rate_429_retry_after": {
        "status": 429,
        "body": {"message": "Too Many Requests"},
        "headers": {"Retry-After": "2", "X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "0"},
    },
    "maton_429": {"status": 429, "body": {"error": {"message": "Rate limit exceeded", "code": 429}}},
    "html_500": _page(500, "Internal Server Error"),
    "bad_gateway_502": _page(502, "Bad Gateway"),
    "gateway_timeout_504": _page(504, "Gateway Time-out"),
    "wrong_content_type": {"content_type": HTML, "act": True},
    "items_null": {"items_null": True, "act": True},
    "maton_401": {"status": 401, "body": {"error": {"message": "Invalid API key", "code": 401}}},
    "maton_400_no_connection": {
        "status": 400,
        "body": {"error": {"message": "No active connection found for app 'mailgun'", "code": 400}},
    },
    "maton_500": {"status": 500, "body": {"error": {"message": "Internal Server Error", "code": 500}}},
    "sign_in_page": _page(200, "Sign in to the network"),
    "empty_answer": {"status": 200, "body": "", "content_type": TEXT},
    "plain_answer": {"status": 200, "body": "OK", "content_type": TEXT},
    "other_json": {"status": 200, "body": {"hello": 1}},
    "error_with_200": {"status": 200, "body": {"error": {"message": "try later"}}},
    "redirect": {
        "status": 302,
        "body": "",
        "content_type": TEXT,
        "headers": {"Location": "https://login.example.com/"},
    },
    "timeout_408": _page(408, "Request Timeout"),
    "drop_before": {"drop": "before"},
    "drop_after": {"drop": "after", "act": True},
    "truncated": {"truncate": 20, "act": True},
    "slow": {"delay": 1.0, "act": True},
    "slow_body": {"slow_body": 1.0, "act": True},
}
"""Named faults. Words where Maton or Mailgun recorded none are ours."""


@dataclass
class Fault:
    """One armed fault.

    Without `status` and `body` the real answer goes out, changed as the other fields say: that needs `act`. `delay` and
    `slow_body` are seconds before and during the body; `truncate` is how many bytes of it are sent before the
    connection closes; `drop` closes the connection `before` or `after` acting, with no answer at all.
    """

    times: int = 1
    act: bool = False
    status: int | None = None
    body: object = None
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    slow_body: float = 0.0
    truncate: int | None = None
    drop: str | None = None
    items_null: bool = False
    kind: str | None = None
    method: str | None = None
    path_regex: str | None = None

    def matches(self, call: Call) -> bool:
        """`path_regex` is searched in the raw path with its query."""
        if self.method is not None and self.method.upper() != call.method:
            return False
        target = call.raw_path + ("?" + call.raw_query if call.raw_query else "")
        return self.path_regex is None or re.search(self.path_regex, target) is not None

    def apply(self, real: HttpAnswer) -> HttpAnswer:
        """The answer that goes out instead of `real`."""
        answer = real
        if self.items_null:
            answer = replace(answer, body=_without_items(answer.body))
        if self.status is not None or self.body is not None:
            body, kind = _body(self.body)
            answer = replace(answer, status=self.status or real.status, body=body, content_type=kind)
        if self.content_type is not None:
            answer = replace(answer, content_type=self.content_type)
        return replace(answer, headers={**answer.headers, **self.headers})

    def shown(self) -> Record:
        """As `GET /_sandbox/faults` lists it."""
        names = (
            "kind", "status", "body", "content_type", "headers", "delay", "slow_body", "truncate", "drop", "items_null",
        )  # fmt: skip
        fault = {name: value for name in names if (value := getattr(self, name)) not in (None, 0.0, False, {})}
        match = {name: value for name in ("method", "path_regex") if (value := getattr(self, name)) is not None}
        return {"fault": fault, "match": match, "times": self.times, "act": self.act}


def _body(body: object) -> tuple[bytes, str]:
    if body is None:
        return b"", TEXT
    if isinstance(body, str):
        return body.encode(), TEXT
    return encode(body), JSON


def _without_items(body: bytes) -> bytes:
    try:
        payload = parse_json(body)
    except ValueError:
        return body
    if isinstance(payload, dict) and "items" in payload:
        payload["items"] = None
    return encode(payload)


_KNOWN = frozenset(Fault.__dataclass_fields__) - {"times", "act", "method", "path_regex"}


def parse_fault(request: Record) -> Fault:
    """A fault from the JSON of `POST /_sandbox/faults`. Raises ValueError saying what is wrong with it."""
    if set(request) - {"fault", "match", "times", "act"} or "fault" not in request:
        raise ValueError('send {"fault": {...}, "match": {...}, "times": 1, "act": false}')
    given: Record = dict(request["fault"])
    match: Record = request.get("match") or {}
    if unknown := (set(given) - _KNOWN) | (set(match) - {"method", "path_regex"}):
        raise ValueError(f"unknown keys: {', '.join(sorted(unknown))}")
    kind = given.get("kind")
    if kind is not None and kind not in PRESETS:
        raise ValueError(f"unknown kind '{kind}', known are: {', '.join(PRESETS)}")
    if given.get("drop") not in (None, "before", "after"):
        raise ValueError("'drop' is 'before' or 'after'")
    merged = {**PRESETS.get(kind or "", {}), **given}
    answers_itself = merged.get("status") is not None or merged.get("body") is not None
    default_act = merged.pop("act", not answers_itself and merged.get("drop") != "before")
    if (regex := match.get("path_regex")) is not None:
        try:
            re.compile(regex)
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"'path_regex' is no regular expression: {error}") from error
    act = request.get("act")
    return Fault(times=int(request.get("times", 1)), act=default_act if act is None else bool(act), **merged, **match)


def take(faults: list[Fault], call: Call) -> Fault | None:
    """The first armed fault that matches, used once; removed when it is spent."""
    for fault in faults:
        if fault.matches(call):
            fault.times -= 1
            if fault.times <= 0:
                faults.remove(fault)
            return fault
    return None
