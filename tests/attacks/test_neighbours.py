"""Attack 42: another user of the same machine, who may look at all processes and connect to the page's port."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from mcp.client.stdio import StdioServerParameters

from e2e.conftest import wait_until
from e2e.host import Host, content, host, text
from journey.desktop import lingering
from maton_mailgun.sandbox import RunningSandbox, Sandbox, serve
from page.serving import file_of, link_in, token_of

from .bench import KEY, LETTER

pytestmark = pytest.mark.slow

NEIGHBOUR = Path(__file__).with_name("neighbour.py")
NOBODY_ELSES = 54_321
"""A user id that no account has."""
needs_root = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="becoming another user, to attack as one, needs root"
)


class Machine:
    """A machine with several users: a home that the others may enter, and a browser that stays open."""

    def __init__(self, folder: Path, api_url: str) -> None:
        self.home = folder / "alice"
        self.home.mkdir()
        # Other users may enter it, as they may on many systems: nothing but our own directory keeps them out.
        for path in (folder, self.home):
            path.chmod(0o755)
        self.place = self.home / "maton-mailgun-page"
        self._folder = folder
        self._opened = folder / "opened"
        self._open = folder / "open"
        os.mkfifo(self._open)
        browser = folder / "browser"
        browser.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" >> {self._opened}\n: < {self._open}\n')
        browser.chmod(0o755)
        self._environment = {
            **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
            "HOME": str(self.home),
            "BROWSER": f"{browser} %s &",
            "MATON_API_URL": api_url,
            "MATON_API_KEY": KEY,
            "MATON_MAILGUN_HOME": str(folder / "state"),
        }

    @contextmanager
    def client(self, *command: str) -> Iterator[Host]:
        """A client that cannot ask, with a server of its own."""
        command = command or (sys.executable, "-P", "-m", "maton_mailgun")
        with host(
            StdioServerParameters(command=command[0], args=list(command[1:]), env=self._environment), "absent"
        ) as one:
            yield one

    def opened(self) -> list[str]:
        """The addresses that the browser was given."""
        return self._opened.read_text().split() if self._opened.exists() else []

    def opens(self, number: int = 1) -> str:
        """The address the browser is given, once it is."""
        wait_until(lambda: len(self.opened()) == number, "the browser being opened")
        return self.opened()[-1]

    def neighbour(self, port: int) -> dict[str, Any]:
        """What another user of this machine finds and achieves."""
        command = [sys.executable, str(NEIGHBOUR), str(NOBODY_ELSES), str(port), str(self.home)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def close(self) -> None:
        """Close the browsers that are open, and end the pages that still wait for somebody."""
        for process in lingering(self.home):
            os.kill(process, signal.SIGKILL)
        while True:
            try:
                os.close(os.open(self._open, os.O_WRONLY | os.O_NONBLOCK))
            except OSError:
                break
        shutil.rmtree(self._folder)


@pytest.fixture
def running() -> Iterator[RunningSandbox]:
    with serve(Sandbox()) as served:
        yield served


@pytest.fixture
def machine(running: RunningSandbox) -> Iterator[Machine]:
    # Not pytest's own directory, which other users may not enter: it would stand in for the guard under test.
    made = Machine(Path(tempfile.mkdtemp(prefix="machine-")), running.url)
    try:
        yield made
    finally:
        made.close()


def writes(running: RunningSandbox) -> list[str]:
    return [f"{r['method']} {r['path']}" for r in running.sandbox.requests if r["method"] != "GET"]


def sign_in(link: str) -> int:
    """What the page answers to the one-time token of a link."""
    place = urlsplit(link)
    # Browsers know where names below localhost lead; not every resolver does.
    headers = {"Origin": f"http://{place.netloc}", "Host": place.netloc}
    with httpx2.Client(trust_env=False) as client:
        return client.post(
            f"http://127.0.0.1:{place.port}/api/session", json={"token": token_of(link)}, headers=headers
        ).status_code


@needs_root
def test_attack_42_another_user_of_the_machine_finds_no_token_and_gets_no_yes(
    machine: Machine, running: RunningSandbox
) -> None:
    (machine.home / "notes.txt").write_text("Everybody may read this.")
    with machine.client() as client:
        pending = content(client.call("send_message", LETTER))
        address = machine.opens()
        link = link_in(file_of(address))
        port = urlsplit(link).port
        assert port is not None
        found = machine.neighbour(port)

        # They did see the browser's command line, and all of the home that is not closed to them.
        lines = found.pop("command_lines")
        assert [line for line in lines if address in line]
        assert [line for line in lines if token_of(link) in line] == []
        assert found == {
            "files": [str(machine.home / "notes.txt")],
            "tried": [401] * len(found["tried"]),
            "without a session": 401,
            "decided": [],
        }
        assert found["tried"]
        assert content(client.call("get_approval", {"approval_id": pending["approval_id"]}))["status"] == (
            "approval_required"
        )
        # The person whose link it is gets in, and then there is nothing left to find.
        assert sign_in(link) == 200
        assert list(machine.place.iterdir()) == []
    assert writes(running) == []


def foreign(machine: Machine) -> None:
    """Another user was there first."""
    machine.place.mkdir(mode=0o700)
    os.chown(machine.place, NOBODY_ELSES, NOBODY_ELSES)


def link(machine: Machine) -> None:
    """A link to where others see everything."""
    elsewhere = machine.home / "shared"
    elsewhere.mkdir(mode=0o700)
    machine.place.symlink_to(elsewhere)


def open_to_others(machine: Machine) -> None:
    machine.place.mkdir()
    machine.place.chmod(0o750)


def home_open_to_others(machine: Machine) -> None:
    """Whoever may write to the home can put another directory in place of ours."""
    machine.home.chmod(0o777)


def a_file(machine: Machine) -> None:
    machine.place.write_text("not a directory")


@pytest.mark.parametrize(
    ("arrange", "why"),
    [
        pytest.param(foreign, "belongs to another user", marks=needs_root),
        (link, "is a link"),
        (open_to_others, "is open to other users (mode 0750)"),
        (home_open_to_others, "is open to other users (mode 0777)"),
        (a_file, "cannot be used as a directory"),
    ],
)
def test_attack_42_where_another_user_could_see_it_no_token_is_written_and_the_page_asks_to_sign_in(
    machine: Machine, running: RunningSandbox, arrange: Any, why: str
) -> None:
    arrange(machine)
    before = sorted(machine.home.rglob("*"))
    said = machine.home.parent / "said"
    with machine.client("/bin/sh", "-c", f'exec "{sys.executable}" -P -m maton_mailgun 2> "{said}"') as client:
        asked = client.call("send_message", LETTER)
        pending = content(asked)
        address = urlsplit(machine.opens())
    assert pending["decide"][0] == {"channel": "page", "opened": True, "sign_in": "passphrase"}
    assert "It asks for the approver's passphrase" in text(asked)
    assert re.fullmatch(r"[0-9a-f]{20}\.localhost", str(address.hostname))
    assert (address.scheme, address.path, address.query, address.fragment) == (
        "http", "/", "", f"/a/{pending['approval_id']}",
    )  # fmt: skip
    assert sorted(machine.home.rglob("*")) == before
    assert why in said.read_text()
    assert writes(running) == []


def test_attack_42_nothing_leads_to_the_port_once_the_server_has_let_go_of_it(machine: Machine) -> None:
    with machine.client() as client:
        asked = content(client.call("send_message", LETTER))
        assert file_of(machine.opens()).exists()
        # What waits would be left to a process that goes on with the page.
        client.call("cancel_approval", {"approval_id": asked["approval_id"]})
    assert not machine.place.exists()


def test_attack_42_what_a_killed_server_left_is_swept_and_worth_nothing(machine: Machine) -> None:
    number = machine.home.parent / "number"
    with machine.client("/bin/sh", "-c", f'echo $$ > {number}; exec "{sys.executable}" -P -m maton_mailgun') as client:
        client.call("send_message", LETTER)
        left = file_of(machine.opens())
        os.kill(int(number.read_text()), 9)
    assert left.exists()
    dead = link_in(left)
    foreign = left.with_name("mine.html")
    foreign.write_text("not one of ours")
    long_ago = time.time() - 11 * 60
    for path in (left, foreign):
        os.utime(path, (long_ago, long_ago))

    with machine.client() as client:
        client.call("send_message", {**LETTER, "subject": "Another"})
        alive = file_of(machine.opens(2))
        assert sorted(machine.place.iterdir()) == sorted([alive, foreign])
        here = link_in(alive).partition("?t=")[0]
        assert sign_in(f"{here}?t={token_of(dead)}") == 401
        assert sign_in(link_in(alive)) == 200
