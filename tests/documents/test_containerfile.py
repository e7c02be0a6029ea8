"""The container's recipe: what it copies is there, and what it starts is the sandbox, reached from outside."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from catalogue.files import ROOT
from maton_mailgun.cli.parser import build

RECIPE = (ROOT / "packaging" / "Containerfile").read_text(encoding="utf-8")


def entry_point() -> list[str]:
    (line,) = re.findall(r"^ENTRYPOINT (.+)$", RECIPE, re.MULTILINE)
    words: list[str] = json.loads(line)
    return words


def test_everything_it_copies_is_in_the_repository() -> None:
    sources = [
        word for line in re.findall(r"^COPY (?!--from)(.+)$", RECIPE, re.MULTILINE) for word in line.split()[:-1]
    ]
    assert sources
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_it_copies_all_that_a_wheel_is_made_of() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (listed,) = re.findall(r"^only-include = (\[.+\])$", project, re.MULTILINE)
    sources = set(re.findall(r"^COPY (\S+) \S+$", RECIPE, re.MULTILINE))
    assert {place.partition("/")[0] for place in json.loads(listed)} <= sources


def test_it_starts_the_sandbox_on_the_port_it_exposes() -> None:
    _, *arguments = entry_point()
    started = build().parse_args(arguments)
    (exposed,) = re.findall(r"^EXPOSE (\d+)$", RECIPE, re.MULTILINE)
    assert (started.run, started.host, started.port) == ("sandbox:run", "0.0.0.0", int(exposed))  # noqa: S104
    assert re.findall(r"^USER (\S+)$", RECIPE, re.MULTILINE) == ["65534:65534"]


@pytest.mark.slow
def test_what_it_starts_answers_and_ends_with_the_signal_of_a_stop(tmp_path: Path) -> None:
    _, *arguments = entry_point()
    arguments[arguments.index("--port") + 1] = "0"
    process = subprocess.Popen(
        [sys.executable, "-u", "-P", "-m", "maton_mailgun", *arguments],
        stdout=subprocess.PIPE, cwd=tmp_path, text=True, encoding="utf-8",
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        address = next(line.split()[-1] for line in process.stdout if line.startswith("Maton gateway"))
        assert any("Stop with Ctrl-C" in line for line in process.stdout)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(address.replace("0.0.0.0", "127.0.0.1") + "/_sandbox/messages", timeout=10) as reply:  # noqa: S104
            assert json.load(reply) == {"messages": []}
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert list(tmp_path.iterdir()) == []
