"""Attack 108: the socket by which a page that goes on is asked to show one more approval."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import sys
from pathlib import Path

import pytest

from maton_mailgun.approval.channels.page import Opened
from maton_mailgun.approval.channels.page.neighbour import NAME, Neighbour, opened_by_neighbour
from maton_mailgun.config import Settings
from maton_mailgun.lingering import _plain, _settings

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="a page ends with its server there"),
]
ID = "apr_" + "0" * 32


class Opening:
    """Notes what it was asked to show."""

    def __init__(self, answer: Opened | None = "link") -> None:
        self.asked: list[str] = []
        self._answer = answer

    async def __call__(self, approval_id: str) -> Opened | None:
        self.asked.append(approval_id)
        return self._answer


async def test_attack_108_the_socket_is_this_users_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        neighbour = Neighbour(tmp_path, Opening())
        await neighbour.listen()
        assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600
        assert os.umask(0) == 0
        await neighbour.close()
    finally:
        os.umask(before)
    assert not (tmp_path / NAME).exists()


async def test_the_first_page_answers_and_the_second_takes_nothing_from_it(tmp_path: Path) -> None:
    first, second = Opening("passphrase"), Opening()
    one, other = Neighbour(tmp_path, first), Neighbour(tmp_path, second)
    await one.listen()
    await other.listen()
    assert await opened_by_neighbour(tmp_path, ID) == "passphrase"
    await other.close()
    assert await opened_by_neighbour(tmp_path, ID) == "passphrase"
    assert (first.asked.count(ID), second.asked) == (2, [])
    await one.close()
    assert await opened_by_neighbour(tmp_path, ID) is None


async def test_a_socket_that_a_killed_process_left_is_taken_and_asked_in_vain_before(tmp_path: Path) -> None:
    left = await asyncio.start_unix_server(lambda reader, writer: None, tmp_path / NAME)
    left.close()
    assert (tmp_path / NAME).exists()
    assert await opened_by_neighbour(tmp_path, ID) is None
    neighbour = Neighbour(tmp_path, Opening())
    await neighbour.listen()
    assert await opened_by_neighbour(tmp_path, ID) == "link"
    await neighbour.close()


@pytest.mark.parametrize("line", [b"", b"\xff\xfe\n", b"a" * 100_000, b"\n" * 1000, b"../../approvals.sqlite\n"])
async def test_attack_108_what_is_no_question_is_answered_with_nothing_and_ends_nothing(
    tmp_path: Path, line: bytes
) -> None:
    neighbour = Neighbour(tmp_path, Opening(None))
    await neighbour.listen()
    reader, writer = await asyncio.open_unix_connection(tmp_path / NAME)
    writer.write(line)
    writer.write_eof()
    with contextlib.suppress(ConnectionError):
        assert await reader.read() in (b"", b"\n")
    writer.close()
    assert await opened_by_neighbour(tmp_path, ID) is None
    await neighbour.close()


@pytest.mark.parametrize("answer", [b"", b'"anything"\n', b"{}\n", b"\xff\n", b"[" * 10_000 + b"\n"])
async def test_attack_108_an_answer_that_is_none_opens_nothing_and_raises_nothing(
    tmp_path: Path, answer: bytes
) -> None:
    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        writer.close()

    server = await asyncio.start_unix_server(answers, tmp_path / NAME)
    assert await opened_by_neighbour(tmp_path, ID) is None
    server.close()


def test_settings_travel_whole(tmp_path: Path) -> None:
    settings = Settings(
        api_key="k", home=tmp_path, toolsets=("messages",), policy=tmp_path / "policy.toml", sandbox=True, page=False
    )
    assert _settings(_plain(settings)) == settings
