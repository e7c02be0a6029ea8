"""Numbers for Prometheus, on an address of their own.

No label holds an address, an id or a name of a person, and there are only so many of each: tools of the catalogue,
words of this server, statuses of HTTP. What is not one of them is counted as `other`.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, get_args

from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from maton_mailgun import __version__
from maton_mailgun.config import count_together_in
from maton_mailgun.errors import SetupError
from maton_mailgun.measures import Measures

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Metric

    from maton_mailgun.call import Engine

log = logging.getLogger(__name__)

METRICS_PATH = "/metrics"
OTHER = "other"
MOST_OUTCOMES = 64
"""Words for outcomes that are counted apart; there are some thirty."""
COUNT_SECONDS = 5.0
"""What counting approvals may take."""
KEPT_SECONDS = 1.0
"""For which their numbers are kept."""
_WORD = re.compile(r"[a-z_]{1,40}")
_STATUS = re.compile(r"[1-5][0-9]{2}")
_LOOPBACK = re.compile(rb"(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)
# People are part of a call: it may take a minute, where a read takes a fifth of a second.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@contextmanager
def counting_together() -> Iterator[Path]:
    """Have the processes that are begun from here on count together, in files of a directory that is gone afterwards.

    Before the library is loaded first: it looks then.
    """
    with TemporaryDirectory(prefix="maton-mailgun-numbers-") as folder:
        count_together_in(folder)
        try:
            yield Path(folder)
        finally:
            count_together_in(None)


def no_more(pid: int, together: Path) -> None:
    """A process that counted there has ended: what it held is no more, what it counted stays."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(pid, str(together))  # type: ignore[no-untyped-call]


class PrometheusMeasures(Measures):
    """Counts of one process, or of all workers of a server.

    Args:
        tools: Names that are counted apart.
        together: Where all workers count; None where there is this process alone.

    Raises:
        SetupError: The library is not installed.
    """

    def __init__(self, tools: Collection[str], together: Path | None = None) -> None:
        try:
            from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
        except ImportError:
            raise SetupError(
                "MATON_MAILGUN_METRICS needs another package: install maton-mailgun[metrics], or leave it out."
            ) from None
        self.registry = CollectorRegistry()
        self._together = together
        if together is None:
            ProcessCollector(registry=self.registry)
        self._tools = frozenset(tools)
        self._outcomes: set[str] = set()
        name = "maton_mailgun"
        info = Gauge(
            f"{name}_build_info", "Always 1; the version is its label.", ["version"], registry=self.registry,
            multiprocess_mode="max",
        )  # fmt: skip
        info.labels(__version__).set(1)
        self._calls = Counter(f"{name}_calls", "Calls that were answered.", ["tool", "outcome"], registry=self.registry)
        self._seconds = Histogram(
            f"{name}_call_seconds",
            "How long calls took, with the time that people were waited for.",
            registry=self.registry,
            buckets=_BUCKETS,
        )
        self._exchanges = Counter(
            f"{name}_gateway_requests",
            "Requests to the gateway by HTTP status, not_sent or no_answer.",
            ["status"],
            registry=self.registry,
        )
        self._exchange_seconds = Histogram(
            f"{name}_gateway_request_seconds",
            "How long requests to the gateway took.",
            registry=self.registry,
            buckets=_BUCKETS,
        )
        self._refused = Counter(
            f"{name}_refused_requests",
            "Requests that were turned away before they became calls.",
            ["why"],
            registry=self.registry,
        )
        self.approvals = Gauge(
            f"{name}_approvals", "Approvals kept in the store, by state.", ["state"], registry=self.registry,
            multiprocess_mode="livemostrecent",
        )  # fmt: skip
        self.store_up = Gauge(
            f"{name}_store_up",
            "Whether the store of approvals answered the last time; NaN while nothing has asked it.",
            registry=self.registry,
            multiprocess_mode="livemostrecent",
        )
        self.store_up.set(float("nan"))

    def called(self, tool: str, outcome: str, seconds: float) -> None:
        """See `Measures`."""
        known = tool if tool in self._tools else OTHER  # guard: 330-tool
        self._calls.labels(known, self._outcome(outcome)).inc()
        self._seconds.observe(seconds)

    def exchanged(self, status: str, seconds: float) -> None:
        """See `Measures`."""
        known = status in ("not_sent", "no_answer") or _STATUS.fullmatch(status)
        self._exchanges.labels(status if known else OTHER).inc()
        self._exchange_seconds.observe(seconds)

    def turned_away(self, why: str) -> None:
        """See `Measures`."""
        self._refused.labels(why).inc()

    def shown(self) -> CollectorRegistry:
        """What is shown now."""
        if self._together is None:
            return self.registry
        from prometheus_client import CollectorRegistry
        from prometheus_client.multiprocess import MultiProcessCollector

        shown = CollectorRegistry()
        MultiProcessCollector(shown, str(self._together))  # type: ignore[no-untyped-call]
        shown.register(_Processes(self._together))
        return shown

    def nothing_known(self) -> None:
        """The store does not answer: what it held before is not said again."""
        self.store_up.set(0)
        if self._together is None:
            self.approvals.clear()
            return
        for state in get_args(_state()):
            self.approvals.labels(state).set(float("nan"))

    def _outcome(self, word: str) -> str:
        if word not in self._outcomes:
            if len(self._outcomes) >= MOST_OUTCOMES or not _WORD.fullmatch(word):
                return OTHER
            self._outcomes.add(word)
        return word


class _Processes:
    """What the system says of all workers: sums, but for when the first began and how many files one may open."""

    _LEAST = frozenset({"process_start_time_seconds", "process_max_fds"})

    def __init__(self, together: Path) -> None:
        self._together = together

    def collect(self) -> Iterator[Metric]:
        """One metric for each that a single process has."""
        from prometheus_client import ProcessCollector
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        found: dict[str, list[Metric]] = {}
        for pid in self._counting():
            for metric in ProcessCollector(registry=None, pid=partial(int, pid)).collect():
                found.setdefault(metric.name, []).append(metric)
        for name, metrics in found.items():
            values = [sample.value for metric in metrics for sample in metric.samples]
            kind = CounterMetricFamily if metrics[0].type == "counter" else GaugeMetricFamily
            yield kind(name, metrics[0].documentation, (min if name in self._LEAST else sum)(values))

    def _counting(self) -> list[int]:
        """Those that count and are alive."""
        return [int(file.stem.rpartition("_")[2]) for file in self._together.glob("gauge_live*_*.db")]


def _state() -> object:
    from maton_mailgun.approval.store.record import State

    return State


class MetricsPage:
    """Answers Prometheus.

    Args:
        engine: Whose approvals are counted.
        measures: What was counted.
        only_here: Whether the address is this machine's own: then a page that rebinds its name to it is turned away.
    """

    def __init__(self, engine: Engine, measures: PrometheusMeasures, *, only_here: bool) -> None:
        self._engine = engine
        self._measures = measures
        self._only_here = only_here
        self._counting = asyncio.Lock()
        self._counted: float | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (await self._answer(scope))(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response:
        host = next((value for name, value in scope["headers"] if name == b"host"), b"")
        if self._only_here and not _LOOPBACK.fullmatch(host):  # guard: 331-rebound
            return PlainTextResponse("Ask under a name of this machine.\n", 421)
        if scope["path"] != METRICS_PATH:
            return PlainTextResponse(f"There is nothing here but {METRICS_PATH}.\n", 404)
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("Only GET.\n", 405, {"Allow": "GET, HEAD"})
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        await self._count_approvals()
        return Response(generate_latest(self._measures.shown()), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _count_approvals(self) -> None:
        """Bring the numbers of approvals up to date; nothing of the gate is loaded for it."""
        gate, now = self._engine.opened, asyncio.get_running_loop().time()
        if gate is None:
            return
        async with self._counting:
            if self._counted is not None and now - self._counted < KEPT_SECONDS:
                return
            self._counted = now
            from maton_mailgun.approval.store.failures import StoreError

            try:
                async with asyncio.timeout(COUNT_SECONDS):
                    numbers = await gate.store.by_state()
            except (StoreError, TimeoutError) as problem:
                log.warning("approvals cannot be counted", extra={"why": type(problem).__name__})
                self._measures.nothing_known()
                return
            self._measures.store_up.set(1)
            for state in get_args(_state()):
                self._measures.approvals.labels(state).set(numbers.get(state, 0))
