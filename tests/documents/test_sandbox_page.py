"""docs/sandbox.md: what it has you type does what it says, without anything of ours but the sandbox."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from maton_mailgun.sandbox import RunningSandbox, Sandbox, serve

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    """As `maton-mailgun sandbox` starts it."""
    with serve(Sandbox()) as served:
        yield served


def typed(command: list[str], script: str, url: str) -> str:
    """What a program prints for a block of the page."""
    here = script.replace("http://127.0.0.1:8025", url)
    done = subprocess.run(
        [*command, here], capture_output=True, encoding="utf-8", timeout=60, check=True, env={"PATH": "/usr/bin:/bin"}
    )
    return done.stdout


@pytest.mark.node
def test_the_program_in_javascript_sends_and_looks(running: RunningSandbox) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node.js")
    (program,) = re.findall(r"^```js\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert typed([node, "--input-type=module", "-e"], program, running.url) == "200 1 [ 'ann@example.net' ]\n"


def test_the_commands_send_look_and_spoil_the_next_answer(running: RunningSandbox) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    running.sandbox.reset()
    send, _, spoil = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    answers = typed(["sh", "-c"], send.replace("maton-mailgun sandbox &\n", ""), running.url)
    assert '"message":"Queued. Thank you."' in answers.replace(": ", ":")
    assert '"recipients":["you@example.org"]' in answers.replace(": ", ":")
    typed(["sh", "-c"], spoil, running.url)
    assert [fault.shown()["match"] for fault in running.sandbox.faults] == [{"method": "POST"}]
