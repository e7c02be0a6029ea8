"""Attack 185: the process that goes on with the page is started in the folder of a project, as its server was."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from e2e.conftest import wait_until
from journey.desktop import Desktop
from maton_mailgun.approval.channels.page.neighbour import NAME
from maton_mailgun.sandbox import RunningSandbox, Sandbox, serve
from maton_mailgun.search_path import as_here

from .bench import KEY, LETTER, structured
from .traps import Traps

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="a page ends with its server there"),
]
NAMES = ("sitecustomize", "usercustomize", "socket", "json", "asyncio", "uvicorn", "maton_mailgun")


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with serve(Sandbox()) as served:
        yield served


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[Desktop]:
    found = Desktop(tmp_path)
    yield found
    found.kill_lingering()


@pytest.fixture
def traps(tmp_path: Path) -> Traps:
    made = Traps(tmp_path / "project", tmp_path / "marks")
    made.folder.mkdir()
    made.marks.mkdir()
    made.set(NAMES)
    return made


@pytest.mark.parametrize("path", [".", ":/x"])
async def test_attack_185_the_page_that_goes_on_runs_nothing_of_the_folder(
    running: RunningSandbox, desktop: Desktop, traps: Traps, tmp_path: Path, path: str
) -> None:
    """`python -I -m maton_mailgun`, as `install` writes it, where PYTHONPATH names the folder: the server does not
    follow it, and neither does the process that is left to decide."""
    home = tmp_path / "home"
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": path,
        "BROWSER": str(desktop.browser),
        "HOME": str(desktop.home),
        "MATON_API_URL": running.url,
        "MATON_API_KEY": KEY,
        "MATON_MAILGUN_HOME": str(home),
    }
    command = StdioServerParameters(
        command=sys.executable, args=["-I", "-m", "maton_mailgun"], env=env, cwd=traps.folder
    )
    async with Client(stdio_client(command)) as client:
        asked = structured(await client.call_tool("send_message", LETTER))
    assert asked["decide"][0] == {"channel": "page", "opened": True}
    wait_until((home / NAME).exists, "the page that goes on")
    assert (traps.sprung(), len(desktop.lingering())) == ([], 1)


class Flags:
    """`sys.flags` of a server."""

    def __init__(self, *given: str) -> None:
        for name in ("isolated", "ignore_environment", "no_user_site", "no_site"):
            setattr(self, name, int(name in given))


@pytest.mark.parametrize(
    ("given", "handed_on"),
    [
        ((), ["-P"]),
        (("isolated", "ignore_environment", "no_user_site"), ["-I"]),
        (("ignore_environment",), ["-P", "-E"]),
        (("no_user_site", "no_site"), ["-P", "-s", "-S"]),
    ],
)
def test_attack_185_what_the_server_ignored_is_ignored_there(
    monkeypatch: pytest.MonkeyPatch, given: Sequence[str], handed_on: list[str]
) -> None:
    monkeypatch.setattr(sys, "flags", Flags(*given))
    assert as_here() == handed_on
