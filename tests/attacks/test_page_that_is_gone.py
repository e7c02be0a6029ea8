"""Attack 189: the page on which something was opened is gone, and the person is still sent there. Attack 420: what is
remembered of approvals for that grows as long as the server goes on."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from approval.records import a_record
from journey.desktop import Desktop
from maton_mailgun.approval.channels import ways
from maton_mailgun.approval.channels.page import Opened
from maton_mailgun.approval.channels.page.neighbour import Neighbour, opened_by_neighbour
from maton_mailgun.approval.store.failures import StoreUnavailable
from maton_mailgun.approval.store.record import Record
from maton_mailgun.config import load

from .bench import LETTER, Desk, structured

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(
        sys.platform == "win32", reason="shell scripts stand for browsers, and pages have no neighbours"
    ),
]
OPEN = {"channel": "page", "opened": True}


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desktop:
    """A desktop with a browser, for servers in this process."""
    found = Desktop(tmp_path)
    monkeypatch.setenv("BROWSER", str(found.browser))
    monkeypatch.setenv("HOME", str(found.home))
    return found


async def shows(_: str) -> Opened | None:
    return "link"


async def test_attack_189_the_page_of_a_process_that_is_gone_is_opened_anew(desk: Desk, desktop: Desktop) -> None:
    neighbour = Neighbour(desk.home, shows)
    await neighbour.listen()
    async with desk.open(page=True) as house, house.client() as client:
        asked = structured(await client.call_tool("send_message", LETTER))
        again = {"approval_id": asked["approval_id"]}
        assert (asked["decide"][0], desktop.addresses()) == (OPEN, [])
        assert structured(await client.call_tool("get_approval", again))["decide"][0] == OPEN
        assert desktop.addresses() == []

        await neighbour.close()
        assert structured(await client.call_tool("get_approval", again))["decide"][0] == OPEN
        assert len(desktop.addresses()) == 1
        assert structured(await client.call_tool("get_approval", again))["decide"][0] == OPEN
        assert len(desktop.addresses()) == 1


async def test_attack_189_so_is_the_page_of_a_server_whose_own_one_stopped(desk: Desk, desktop: Desktop) -> None:
    async with desk.open(page=True) as house, house.client() as client:
        asked = structured(await client.call_tool("send_message", LETTER))
        other = structured(await client.call_tool("send_message", {**LETTER, "subject": "Another"}))
        assert len(desktop.addresses()) == 2
        await (await house.gate.page()).close()
        for number, one in enumerate((asked, other, asked, other), 3):
            again = structured(await client.call_tool("get_approval", {"approval_id": one["approval_id"]}))
            assert again["decide"][0] == OPEN
            assert len(desktop.addresses()) == min(number, 4)


async def test_attack_189_without_a_browser_nobody_is_sent_to_a_page_that_is_gone(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    neighbour = Neighbour(desk.home, shows)
    await neighbour.listen()
    async with desk.open(page=True) as house, house.client() as client:
        asked = structured(await client.call_tool("send_message", LETTER))
        assert asked["decide"][0] == OPEN
        await neighbour.close()
        again = structured(await client.call_tool("get_approval", {"approval_id": asked["approval_id"]}))
        assert [way["channel"] for way in again["decide"]] == ["cli"]


async def test_attack_189_a_page_that_cannot_show_it_says_so_at_once(tmp_path: Path) -> None:
    async def fails(_: str) -> Opened | None:
        raise StoreUnavailable("the disk is full")

    neighbour = Neighbour(tmp_path, fails)
    await neighbour.listen()
    async with asyncio.timeout(4):
        assert await opened_by_neighbour(tmp_path, "apr_" + "0" * 32) is None
    await neighbour.close()


FINISHED = a_record(id="apr_" + "7" * 32)


class Approvals:
    """A gate of which one knows what is open."""

    def __init__(self, *left: Record) -> None:
        self.left = left

    async def list(self, *, states: Collection[str], limit: int) -> list[Record]:
        return [record for record in self.left if record.state in states][:limit]


async def test_attack_420_a_server_forgets_what_is_finished_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "_TIDIED_AT", 20)
    waits = replace(FINISHED, id="apr_waits", state="pending", replaces="apr_0")
    gate: Any = Approvals(waits, replace(FINISHED, id="apr_7", state="succeeded"))
    access: Any = SimpleNamespace(page_url="http://127.0.0.1:8000/approvals/")
    found = ways.Ways(gate, load({"MATON_MAILGUN_PAGE": "false"}), lambda _: False, access)
    await found.asking(waits)
    found._led_to["apr_waits"] = "http://127.0.0.1:8000/approvals/#/a/apr_waits"
    most = 0
    for number in range(100):
        one = f"apr_{number}"
        found._led_to[one] = found._opened[one] = found._beside[one] = "passphrase"
        found._lost.add(one)
        await found.asking(replace(FINISHED, id=one))
        most = max(most, len(found._asked))
    left = (*found._asked, *found._lost, *found._led_to, *found._opened, *found._beside)
    assert most <= 21
    assert {"apr_waits", "apr_0"} <= found._asked
    assert len(left) <= 5 * 21
    assert "apr_waits" in found._led_to
    assert "apr_7" not in left
