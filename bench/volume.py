"""How the sandbox holds 100,000 messages with their events, and how fast it pages through them.

Run: `python bench/volume.py [--messages 100000]`. Prints one table; exits with 1 where a page deep in the list, or one
of a large account, costs more than a few times a page of the same size at the start of a small one.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qsl, urlencode

from peer import TOLERANCE

from maton_mailgun.sandbox import Sandbox
from maton_mailgun.sandbox.mailgun import operations as mailgun
from maton_mailgun.sandbox.web.calls import Call, HttpAnswer, SentFields
from maton_mailgun.sandbox.web.forms import segments_of
from maton_mailgun.sandbox.web.pages import ORIGIN

DOMAIN = "mg.example.com"
ADDED = "Sun, 26 Jan 2025 07:29:04 UTC"
TOLERATED = 4.0
"""How many times slower than its reference a page may be: well above noise, far below what a scan would cost."""
_REPEATS = 30


@dataclass(frozen=True)
class Line:
    """One measurement, and the one it is compared with."""

    what: str
    seconds: float
    reference: float | None = None

    @property
    def ratio(self) -> float | None:
        return None if self.reference is None else self.seconds / self.reference


def call(sandbox: Sandbox, method: str, path: str, form: list[tuple[str, str]] | None = None) -> HttpAnswer:
    """One operation, without sockets: what is measured is the sandbox and not the network stack."""
    raw_path, _, raw_query = path.partition("?")
    sandbox.account.now = sandbox.now()
    made = Call(
        method=method,
        raw_path=raw_path,
        raw_query=raw_query,
        segments=segments_of(raw_path),
        headers={},
        query=SentFields(parse_qsl(raw_query, keep_blank_values=True)),
        form=SentFields(form or ()),
        content_type="application/x-www-form-urlencoded",
    )
    return mailgun.answer(sandbox.account, made, key_is_good=True)


def filled(messages: int) -> tuple[Sandbox, float]:
    """A sandbox with this many messages (two events each) and as many bounces, and the seconds it took."""
    sandbox, people = Sandbox(), messages // 20
    started = time.perf_counter()
    for number in range(messages):
        form = [
            ("from", "me@mg.example.com"),
            ("to", f"person{number % people}@example.net"),
            ("subject", f"Message {number}"),
            ("text", "Hello"),
            ("o:tag", f"tag{number % 20}"),
        ]
        call(sandbox, "POST", f"/v3/{DOMAIN}/messages", form)
    seconds = time.perf_counter() - started
    bounces = sandbox.account.domains[DOMAIN].bounces
    for number in range(messages):
        address = f"bounce{number:07}@example.net"
        bounces.put(address, {"address": address, "code": "550", "error": "", "created_at": ADDED})
    return sandbox, seconds


def median(measured: Callable[[], object]) -> float:
    times = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        measured()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def walk(sandbox: Sandbox, path: str) -> Iterator[tuple[float, list[object]]]:
    """Every page from `path` on by its `next` URL: seconds and items."""
    while True:
        started = time.perf_counter()
        answer = call(sandbox, "GET", path)
        seconds = time.perf_counter() - started
        body = json.loads(answer.body)
        if not body["items"]:
            return
        yield seconds, body["items"]
        path = body["paging"]["next"].removeprefix(ORIGIN)


def walked(sandbox: Sandbox, what: str, path: str, expected: int) -> list[Line]:
    """The whole list page by page; the last tenth of the pages is compared with the first."""
    pages = list(walk(sandbox, path))
    found = sum(len(items) for _, items in pages)
    if found != expected:
        raise SystemExit(f"{what}: {found} items were found where {expected} are kept")
    tenth = max(1, len(pages) // 10)
    first = statistics.median(seconds for seconds, _ in pages[:tenth])
    last = statistics.median(seconds for seconds, _ in pages[-tenth - 1 : -1] or pages[-1:])
    total = sum(seconds for seconds, _ in pages)
    return [
        Line(f"{what}: all {len(pages)} pages", total),
        Line(f"{what}: a page of the first tenth", first),
        Line(f"{what}: a page of the last tenth", last, first),
    ]


def lines(messages: int) -> Iterator[Line]:
    small, _ = filled(1000)
    large, seconds = filled(messages)
    yield Line(f"accepting one message, {messages:,} in all", seconds / messages)
    events = f"/v3/{DOMAIN}/events?"
    history = events + urlencode({"begin": 1, "ascending": "yes", "limit": 300})
    yield from walked(large, "events, 300 a page", history, 2 * messages)
    yield from walked(large, "bounces, 1000 a page", f"/v3/{DOMAIN}/bounces?limit=1000", messages + 2)
    for what, path in {
        "first 100 events": events + "limit=100",
        "events of one recipient": events + "recipient=person17%40example.net&limit=100",
        "failed events, of which there are none": events + "event=failed&limit=100",
        "last page of bounces": f"/v3/{DOMAIN}/bounces?page=last&limit=100",
        "bounces beginning with a text": f"/v3/{DOMAIN}/bounces?term=bounce00005&limit=100",
        "20 tags": f"/v3/{DOMAIN}/tags",
        "statistics of a week": f"/v3/{DOMAIN}/stats/total?event=accepted&event=delivered",
    }.items():
        yield Line(what, median(partial(call, large, "GET", path)), median(partial(call, small, "GET", path)))


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures the sandbox with many messages.")
    parser.add_argument("--messages", type=int, default=100_000)
    messages = parser.parse_args().messages
    print(f"{'':52} {'milliseconds':>12}   times the reference")
    slow = []
    for line in lines(messages):
        ratio = "" if line.ratio is None else f"{line.ratio:8.1f}"
        print(f"{line.what:52} {line.seconds * 1000:12.3f}   {ratio}")
        if line.ratio is not None and line.ratio > TOLERATED * TOLERANCE:
            slow.append(line.what)
    print(f"\nMemory at its peak: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")
    print("A reference is the same page of an account with 1,000 messages, or a page at the start of the same list.")
    if slow:
        print(f"More than {TOLERATED * TOLERANCE:g} times slower than the reference: {', '.join(slow)}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
