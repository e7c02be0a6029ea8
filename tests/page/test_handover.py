"""The file that brings a one-time link to the browser: who can read it, and how long it is there."""

from __future__ import annotations

import asyncio
import os
import re
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from maton_mailgun.approval.channels.page import Handover, PageServer, start
from maton_mailgun.approval.channels.page.handover import NotPrivate, problem_with

from .gate_in_memory import GateInMemory
from .serving import file_of, link_in, token_of

LINK = "http://0a1b.localhost:1234/#/a/apr_0123?t=secret-token"
ELSEWHERE = "http://127.0.0.1:1234/#/a/apr_0123?t=secret-token"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where the files lie; not made yet."""
    return tmp_path / "maton-mailgun-page"


def handed_over(handover: Handover) -> Path:
    file = handover.place()
    handover.put(file, LINK, ELSEWHERE)
    return file


def lying(directory: Path) -> list[Path] | None:
    """The files in a directory; None where there is no directory."""
    return list(directory.iterdir()) if directory.exists() else None


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_file_is_the_users_alone_whatever_the_umask_and_its_name_tells_nothing(directory: Path) -> None:
    before = os.umask(0)
    try:
        file = handed_over(Handover(directory))
    finally:
        os.umask(before)
    assert (mode(directory), mode(file)) == (0o700, 0o600)
    assert re.fullmatch(r"open-approvals-[0-9a-f]{16}\.html", file.name)
    assert "secret-token" not in file.as_uri()


def test_the_file_leads_to_the_link_without_script_and_says_what_to_click(directory: Path) -> None:
    written = handed_over(Handover(directory)).read_text()
    assert f'<meta http-equiv="refresh" content="0; url={LINK}">' in written
    assert f'<a href="{LINK}" rel="noreferrer">open the approval page</a>' in written
    assert f'<a href="{ELSEWHERE}" rel="noreferrer">open it at 127.0.0.1</a>' in written
    assert '<meta name="referrer" content="no-referrer">' in written
    assert "<script" not in written


def test_a_file_that_is_there_already_is_never_written_to(directory: Path) -> None:
    handover = Handover(directory)
    file = handover.place()
    bait = directory / "bait"
    bait.touch()
    file.symlink_to(bait)
    with pytest.raises(NotPrivate, match="cannot be written: File exists"):
        handover.put(file, LINK, ELSEWHERE)
    assert bait.read_text() == ""


def test_a_directory_that_was_opened_to_others_meanwhile_gets_no_link(directory: Path) -> None:
    handover = Handover(directory)
    file = handover.place()
    directory.chmod(0o755)
    with pytest.raises(NotPrivate, match="is open to other users"):
        handover.put(file, LINK, ELSEWHERE)
    assert list(directory.iterdir()) == []


def test_closing_takes_this_pages_files_and_leaves_those_of_another_server(directory: Path) -> None:
    mine, theirs = Handover(directory), Handover(directory)
    handed_over(mine)
    file = handed_over(theirs)
    mine.close()
    assert list(directory.iterdir()) == [file]
    with pytest.raises(NotPrivate, match="closing"):
        handed_over(mine)
    theirs.close()
    assert not directory.exists()


@pytest.mark.parametrize("age", [601.0, -601.0], ids=["old", "from a clock that was set back"])
def test_a_left_over_is_swept_and_what_may_still_be_used_stays(directory: Path, age: float) -> None:
    handover = Handover(directory)
    old, fresh = handed_over(handover), handed_over(handover)
    other = directory / "something-else.html"
    other.touch()
    for path in (old, other):
        os.utime(path, (time.time() - age,) * 2)
    Handover(directory).sweep()
    assert sorted(directory.iterdir()) == sorted([fresh, other])


def test_nothing_is_swept_where_a_link_leads(directory: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    old = handed_over(Handover(elsewhere))
    os.utime(old, (0, 0))
    directory.symlink_to(elsewhere)
    Handover(directory).sweep()
    assert old.exists()


def opened_to(path: Callable[[Path], Path], bits: int) -> Callable[[Path], None]:
    def arrange(directory: Path) -> None:
        directory.mkdir(mode=0o700)
        path(directory).chmod(bits)

    return arrange


def no_home(directory: Path) -> None:
    directory.parent.rmdir()


@pytest.mark.parametrize(
    ("arrange", "problem"),
    [
        (lambda directory: None, None),
        (lambda directory: directory.mkdir(mode=0o700), None),
        (opened_to(lambda directory: directory, 0o710), 'mode 0710). Run: chmod 700 "'),
        (opened_to(lambda directory: directory, 0o701), 'mode 0701). Run: chmod 700 "'),
        (opened_to(lambda directory: directory.parent, 0o775), 'mode 0775). Run: chmod go-w "'),
        (opened_to(lambda directory: directory.parent, 0o1777), 'mode 1777). Run: chmod go-w "'),
        (no_home, "cannot be made"),
    ],
    ids=["missing", "private", "group", "others", "home of the group", "home of all", "no home"],
)
def test_what_is_wrong_with_a_place_is_told_with_what_would_be_right(
    directory: Path, arrange: Callable[[Path], None], problem: str | None
) -> None:
    arrange(directory)
    there = directory.exists()
    told = problem_with(directory)
    assert told is None if problem is None else problem in (told or "")
    assert directory.exists() is there
    if problem is not None:
        with pytest.raises(NotPrivate):
            Handover(directory).place()


def test_without_a_home_there_is_no_place() -> None:
    assert problem_with(None) == "This user has no home directory, or HOME names none."
    with pytest.raises(NotPrivate, match="no home directory"):
        Handover(None).place()


@pytest.fixture
def browser(tmp_path: Path) -> Path:
    """A "browser" that writes down what it was given."""
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\nprintf "%s" "$1" > {tmp_path}/opened\n')
    script.chmod(0o755)
    return script


async def started(browser: Path | str, handover: Handover, *, passphrase: bool = True) -> PageServer:
    async def verify(_given: str, _who: str) -> bool:
        return False

    return await start(
        GateInMemory(),
        reveals=lambda _: False,
        environ={"BROWSER": str(browser)},
        verify_passphrase=verify if passphrase else None,
        handover=handover,
    )


def test_the_file_is_gone_when_the_link_was_used(browser: Path, directory: Path) -> None:
    async def scenario() -> None:
        page = await started(browser, Handover(directory))
        assert await page.open("apr_0123") == "link"
        file = file_of((browser.parent / "opened").read_text())
        assert page.sessions.exchange("another", None) is None
        assert file.exists()
        assert page.sessions.exchange(token_of(link_in(file)), None) is not None
        assert not file.exists()
        await page.close()

    asyncio.run(scenario())


def test_the_file_is_gone_when_the_link_is_too_old_and_when_the_page_closes(browser: Path, directory: Path) -> None:
    async def scenario() -> None:
        page = await started(browser, Handover(directory, life=0.0))
        assert await page.open() == "link"
        # The browser was started after the file's time was over.
        assert lying(directory) == []
        await page.close()
        page = await started(browser, Handover(directory))
        assert await page.open() == "link"
        assert len(lying(directory) or ()) == 1
        await page.close()
        assert lying(directory) is None

    asyncio.run(scenario())


@pytest.mark.parametrize("passphrase", [True, False])
def test_without_a_private_place_the_page_opens_where_one_can_sign_in(browser: Path, passphrase: bool) -> None:
    async def scenario() -> None:
        page = await started(browser, Handover(None), passphrase=passphrase)
        assert await page.open("apr_0123") == ("passphrase" if passphrase else None)
        opened = browser.parent / "opened"
        assert opened.exists() is passphrase
        if passphrase:
            assert opened.read_text() == f"http://{page.host}:{page.port}/#/a/apr_0123"
        await page.close()

    asyncio.run(scenario())


def test_nobody_is_led_to_the_port_of_a_page_that_stopped(browser: Path, directory: Path) -> None:
    async def scenario() -> None:
        page = await started(browser, Handover(directory))
        await page.close()
        assert await page.open("apr_0123") is None
        assert (lying(browser.parent), lying(directory)) == ([browser], None)

    asyncio.run(scenario())


def test_a_browser_on_another_machine_is_given_an_address_and_no_file(browser: Path, directory: Path) -> None:
    editors = browser.parent / "bin" / "helpers" / "browser.sh"
    editors.parent.mkdir(parents=True)
    browser.rename(editors)

    async def scenario() -> None:
        page = await started(editors, Handover(directory))
        assert await page.open() == "passphrase"
        assert (browser.parent / "opened").read_text() == f"http://{page.host}:{page.port}/#/"
        assert lying(directory) is None
        await page.close()

    asyncio.run(scenario())
