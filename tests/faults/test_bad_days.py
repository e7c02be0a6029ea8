"""Every fault against every kind of access, through the whole engine: `table.txt` says what must come of it.

The faults last: a caller that tries again meets the same one. That shows how often each request is really made.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.sandbox import RunningSandbox

from .bad_day import CALLS, Seen, be_impatient, run

pytestmark = pytest.mark.slow

_WRITES = ("create", "change", "delete", "send")
_LASTING = 10

# The sandbox's named faults take a second; these are the same ones in less time, and beyond the client's patience.
_MADE_QUICK: dict[str, dict[str, Any]] = {
    "slow": {"kind": "slow", "delay": 0.02},
    "slow_body": {"kind": "slow_body", "slow_body": 0.02},
    "slower_than_patience": {"kind": "slow", "delay": 1.0},
    "body_slower_than_patience": {"kind": "slow_body", "slow_body": 3.5},
}


def _rows() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Fault, access and the expected columns, for each line and each access it stands for."""
    text = Path(__file__).with_name("table.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    head, *body = ([cell.strip() for cell in line.split("|")] for line in lines)
    for cells in body:
        row = dict(zip(head, cells, strict=True))
        for access in _WRITES if row["access"] == "writes" else (row["access"],):
            yield row["fault"], access, row


ROWS = list(_rows())


def _control(running: RunningSandbox, method: str, path: str, body: object = None) -> Any:
    connection = http.client.HTTPConnection(running.host, running.port, timeout=20)
    connection.request(method, f"/_sandbox/{path}", None if body is None else json.dumps(body))
    answer = connection.getresponse()
    said = json.loads(answer.read())
    connection.close()
    assert answer.status == 200, said
    return said


def _arm(running: RunningSandbox, fault: str, access: str) -> None:
    name, _, acted = fault.partition("+")
    made = CALLS[access]
    body: dict[str, Any] = {
        "fault": _MADE_QUICK.get(name, {"kind": name}),
        "match": {"method": made.method, "path_regex": f"^{made.path}(\\?|$)"},
        "times": _LASTING,
    }
    _control(running, "POST", "faults", {**body, "act": True} if acted else body)


def _as_cells(seen: Seen) -> dict[str, str]:
    executed = {True: "yes", False: "no", "unknown": "unknown", None: "-"}[seen.executed]
    return {
        "told": seen.answer,
        "http": "-" if seen.http is None else str(seen.http),
        "error": "yes" if seen.is_error else "no",
        "executed": executed,
        "again": "-" if seen.again is None else f"{seen.again:g}",
        "arrived": str(seen.arrived),
        "done": str(seen.carried_out),
        "waited": f"{seen.waited:g}",
    }


@pytest.mark.parametrize(("fault", "access", "expected"), ROWS, ids=[f"{fault}-{access}" for fault, access, _ in ROWS])
def test_fault_is_told_as_it_is_and_no_write_arrives_twice(
    fault: str,
    access: str,
    expected: dict[str, str],
    running: RunningSandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    be_impatient(monkeypatch)
    _arm(running, fault, access)
    seen = run(running, tmp_path, access)
    assert _as_cells(seen) == {name: cell for name, cell in expected.items() if name not in ("fault", "access")}
    if access != "read":
        assert (seen.arrived, seen.may_have_happened) == (1, seen.executed == "unknown")


def test_the_table_holds_every_fault_against_every_access_once(running: RunningSandbox) -> None:
    pairs = [(fault, access) for fault, access, _ in ROWS]
    assert len(pairs) == len(set(pairs))
    wanted = {(kind, access) for kind in _control(running, "GET", "faults")["kinds"] for access in CALLS}
    assert wanted <= set(pairs)


@pytest.mark.parametrize("fault", ["drop_before", "html_500", "maton_429", "rate_429_retry_after"])
def test_a_read_succeeds_when_the_fault_passes(fault: str, running: RunningSandbox, tmp_path: Path) -> None:
    _control(running, "POST", "faults", {"fault": {"kind": fault}, "match": {"path_regex": "/bounces"}})
    seen = run(running, tmp_path, "read")
    assert (seen.status, seen.arrived, seen.carried_out) == ("ok", 2, 1)
