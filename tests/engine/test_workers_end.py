"""The first process of several: a signal ends all of them, whenever it comes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no workers where no process forks")

_SIGNALLED_EARLY = """
import asyncio, os, signal
from types import SimpleNamespace
from maton_mailgun.protocol import workers

async def work(*_):
    await asyncio.sleep(5)

def forked(fork=os.fork):
    pid = fork()
    if pid and not server.pids:
        # While its handler is held back, as a signal that comes just now is.
        os.kill(os.getpid(), signal.SIGTERM)
    return pid

workers._work, workers.tell, os.fork = work, lambda *_: None, forked
engine = SimpleNamespace(settings=SimpleNamespace(workers=3))
at = SimpleNamespace(sockets=[[], [], []], together=None)
server = workers._Workers(engine, at)
status = server.run()
print(status, len(server.begun))
"""


def test_a_signal_that_comes_while_workers_are_begun_leaves_none_behind() -> None:
    done = subprocess.run([sys.executable, "-c", _SIGNALLED_EARLY], capture_output=True, text=True, timeout=20)
    assert (done.stdout, done.stderr) == ("0 1\n", "")
