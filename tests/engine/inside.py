"""An engine over a sandbox in this process, and a way to put things into the sandbox."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from maton_mailgun.call import Engine
from maton_mailgun.sandbox import Sandbox

from .doubles import engine_over

_BASIC = "Basic " + b64encode(b"api:key-sandbox").decode()


@contextmanager
def in_process(sandbox: Sandbox, home: Path = Path("unused"), **settings: Any) -> Iterator[Engine]:
    """An engine whose gateway is the sandbox, with nothing in between."""
    yield engine_over(httpx2.ASGITransport(app=sandbox.app), home, **settings)


async def put(sandbox: Sandbox, path: str, **form: str) -> None:
    """Make something in the sandbox, in Mailgun's own shape."""
    transport = httpx2.ASGITransport(app=sandbox.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        reply = await client.post(path, data=form, headers={"Authorization": _BASIC})
        assert reply.status_code == 200, reply.text
