"""A server over HTTP that writes down how many tasks it has when it gets SIGUSR1: `counted.py FILE HOST:PORT`."""

import asyncio
import signal
import sys
from pathlib import Path

from maton_mailgun.__main__ import main
from maton_mailgun.call import Engine
from maton_mailgun.protocol import http

_serve_http = http.serve_http


async def counted(engine: Engine, address: str) -> int:
    """`serve_http`, which is asked for its tasks."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _count)
    return await _serve_http(engine, address)


def _count() -> None:
    _FILE.write_text(str(len(asyncio.all_tasks())))


if __name__ == "__main__":
    _FILE = Path(sys.argv[1])
    sys.argv = ["maton-mailgun", "serve", "--http", sys.argv[2]]
    http.serve_http = counted
    sys.exit(main())
