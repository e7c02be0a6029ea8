"""Carries out the cases against a sandbox on a real port, in Mailgun's own shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import httpx2

from maton_mailgun.sandbox import RunningSandbox, Sandbox, serve

from .cases import CASES, PLACES, Case
from .findings import Exchange
from .operations import OPERATIONS

_URLENCODED = {"content-type": "application/x-www-form-urlencoded"}


def carried_out() -> list[Exchange]:
    """Every case with its answer, each on a sandbox put back to its seed."""
    with serve(Sandbox()) as running, httpx2.Client(base_url=running.url, trust_env=False) as client:
        return list(_all(running, client))


def _all(running: RunningSandbox, client: httpx2.Client) -> Iterator[Exchange]:
    for case in CASES:
        running.sandbox.reset()
        for before in case.first:
            prepared = _send(client, before)
            assert prepared.status == before.status, prepared
        if case.fault is not None:
            client.post("/_sandbox/faults", json={"fault": {"kind": case.fault}}).raise_for_status()
        yield _send(client, case)


def _send(client: httpx2.Client, case: Case) -> Exchange:
    operation = OPERATIONS[case.operation]
    places = {name: quote(value, safe="") for name, value in {**PLACES, **case.path}.items()}
    target = operation.path.format_map(places)
    if case.query:
        target += "?" + urlencode(list(case.query))
    answer = client.request(operation.method, target, auth=("api", case.key), **_body(case))
    kind = answer.headers.get("content-type", "").partition(";")[0]
    return Exchange(case, answer.status_code, kind, answer.content)


def _body(case: Case) -> dict[str, Any]:
    if case.files:
        return {"files": [*((name, (None, value.encode())) for name, value in case.form), *case.files]}
    if case.json is not None:
        return {"json": case.json}
    return {"content": urlencode(list(case.form)).encode(), "headers": _URLENCODED} if case.form else {}
