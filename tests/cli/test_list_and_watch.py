"""What waits, on screens as people have them: short ids, no folded word, and a look that goes on."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from rich.cells import cell_len

from approval.records import a_record
from maton_mailgun.approval.channels.terminal import Terminal
from maton_mailgun.approval.store.record import Record, new_approval_id
from maton_mailgun.config import load

from .conftest import Cli

pytestmark = pytest.mark.slow

T = TypeVar("T")
WORDS = "Supercalifragilistic announcements regarding internationalisation, accessibility, interoperability and more"


def at_desk(home: Path, work: Callable[[Terminal], Awaitable[T]]) -> T:
    """Do something with the approvals of an installation, in this process."""

    async def run() -> T:
        desk = await Terminal.open(load({"MATON_MAILGUN_HOME": str(home)}))
        try:
            return await work(desk)
        finally:
            await desk.close()

    return asyncio.run(run())


def mail(subject: str, *to: str) -> dict[str, Any]:
    """The preview of a message."""
    return {
        "whole": True,
        "action": "send",
        "target": f"message to {len(to)} recipients via mg.example.com",
        "message": {"subject": subject},
        "recipients": [{"address": one} for one in to],
    }


def waits(home: Path, *previews: dict[str, Any], ids: tuple[str, ...] = ()) -> list[str]:
    """Have these wait, the last one longest. Returns their ids."""

    async def insert(desk: Terminal) -> list[str]:
        found = []
        for number, preview in enumerate(previews):
            now = desk.clock()
            name = ids[number] if ids else new_approval_id()
            record = a_record(
                id=name,
                preview=preview,
                created_at=now - number,
                expires_at=now + 900,
                digest=f"sha256:{name.removeprefix('apr_'):0>64}",
            )
            await desk.store.insert(record, b"sealed", max_pending=100)
            found.append(record.id)
        return found

    return at_desk(home, insert)


@pytest.mark.parametrize("columns", [100, 80, 60, 44])
def test_a_list_takes_two_lines_each_and_folds_no_word(cli: Cli, columns: int) -> None:
    previews = [
        mail(WORDS, "ada@example.org"),
        mail("Your invoice", "ada@example.org", "bob@example.org", "carol@example.org"),
        mail("日本語の件名がとても長いときにも一行に収まるかどうかを確かめるための件名です", "x@example.org"),
        {"whole": True, "action": "create", "target": "route forwarding all inbound mail of mg.example.com elsewhere"},
    ]
    ids = waits(cli.home, *previews)
    with cli.terminal("approvals", "list", columns=columns) as terminal:
        assert terminal.finish() == 0
    *lines, see = terminal.lines
    assert see == "See one: maton-mailgun approvals show ID"
    assert [line.split()[:2] for line in lines[::2]] == [[one[:12], "pending"] for one in ids]
    assert len(lines) == 2 * len(ids)
    assert [line for line in lines if cell_len(line) > columns] == []
    told = [line.strip() for line in lines[1::2]]
    for line, subject in zip(told[:2], (WORDS, "Your invoice"), strict=True):
        kept = line.removesuffix(" …").removeprefix("send “").split()
        assert set(kept) <= {*f"{subject}” to ada@example.org and 2 more".split()}, "no word is cut in two"
    if columns >= 80:
        assert told[1] == "send “Your invoice” to ada@example.org and 2 more"
        assert told[3] == "create: route forwarding all inbound mail of mg.example.com elsewhere"


def test_a_pipe_gets_whole_ids_and_columns(cli: Cli) -> None:
    (approval_id,) = waits(cli.home, mail("Your invoice", "ada@example.org"))
    heading, line = cli("approvals", "list").out.splitlines()
    assert heading.split() == ["approval", "state", "operation", "target", "asked"]
    assert line.split()[:3] == [approval_id, "pending", "create_route"]


TWINS = ("apr_aaaabbbb" + "1" * 24, "apr_aaaabbbb" + "2" * 24, "apr_aaaacccc" + "3" * 24)


def test_ids_in_a_list_are_as_long_as_it_takes_to_tell_them_apart(cli: Cli) -> None:
    waits(cli.home, *(mail(f"Mail {number}", "ada@example.org") for number in range(3)), ids=TWINS)
    with cli.terminal("approvals", "list", columns=80) as terminal:
        assert terminal.finish() == 0
    assert [line.split()[0] for line in terminal.lines[:6:2]] == ["apr_aaaabbbb1", "apr_aaaabbbb2", "apr_aaaacccc3"]


@pytest.mark.parametrize("given", [TWINS[2], TWINS[2][4:], "apr_aaaacccc", "aaaac", "apr_aaaac"])
def test_a_beginning_that_only_one_has_names_it(cli: Cli, given: str) -> None:
    waits(cli.home, *(mail(f"Mail {number}", "ada@example.org") for number in range(3)), ids=TWINS)
    assert json.loads(cli("approvals", "show", given, "--json").out)["approval_id"] == TWINS[2]


@pytest.mark.parametrize("given", ["aaa", "apr_aaa", "apr_AAAABBBB", "apr_aaaabbbb%", "apr_dddd", "", "apr_"])
def test_what_is_no_beginning_of_an_id_names_none(cli: Cli, given: str) -> None:
    waits(cli.home, mail("Mail", "ada@example.org"), ids=TWINS[:1])
    done = cli("approvals", "show", given)
    assert (done.status, "There is no approval" in done.err) == (4, True)


def test_watching_shows_what_waits_what_comes_and_what_becomes_of_it_until_ctrl_c(cli: Cli) -> None:
    (first,) = waits(cli.home, mail("First", "ada@example.org"))
    with cli.terminal("approvals", "watch", columns=80) as terminal:
        terminal.expect("Watching what waits.")
        terminal.expect(first[:12])
        terminal.expect("send “First” to ada@example.org")
        (second,) = waits(cli.home, mail("Second", "bob@example.org"), ids=(TWINS[0],))
        terminal.expect(second[:12])
        terminal.expect("send “Second” to bob@example.org")

        async def reject(desk: Terminal) -> Record:
            record = await desk.get(first)
            assert record is not None
            return await desk.store.move(record, "rejected", actor="a person", decided_by="a person")

        at_desk(cli.home, reject)
        terminal.expect(f"{first[:12]}  Rejected by a person. Nothing was sent.")
        terminal.expect("send “First” to ada@example.org")
        terminal.interrupt()
        assert terminal.finish() == 0
    assert "Traceback" not in terminal.seen


def test_watching_on_a_pipe_gives_a_line_of_json_for_each_change(cli: Cli) -> None:
    (first,) = waits(cli.home, mail("First", "ada@example.org"))
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "maton_mailgun", "approvals", "watch", "--json"],
        stdout=subprocess.PIPE,
        env=dict(cli.environ),
        cwd=cli.cwd,
    ) as watching:
        assert watching.stdout is not None
        seen = [json.loads(watching.stdout.readline())]
        (second,) = waits(cli.home, mail("Second", "bob@example.org"), ids=(TWINS[0],))
        seen.append(json.loads(watching.stdout.readline()))
        watching.kill()
    assert [(one["approval_id"], one["state"]) for one in seen] == [(first, "pending"), (second, "pending")]


def test_what_nobody_decides_in_time_is_told_where_no_server_runs(cli: Cli) -> None:
    async def soon_over(desk: Terminal) -> None:
        now = desk.clock()
        record = a_record(preview=mail("Late", "ada@example.org"), created_at=now, expires_at=now + 2.0)
        await desk.store.insert(record, b"sealed", max_pending=10)

    at_desk(cli.home, soon_over)
    with cli.terminal("approvals", "watch", columns=80) as terminal:
        terminal.expect("pending")
        terminal.expect("Expired: nobody decided in time. Nothing was sent.")


def test_output_that_is_not_utf8_gets_words_for_marks(cli: Cli) -> None:
    cli.env |= {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = cli("doctor", "--sandbox")
    assert "OK Python: " in done.out
    assert (done.out.splitlines()[-1], "?" in done.out) == ("OK Ready.", False)
    with cli.terminal("approvals", "resume", columns=80) as terminal:
        assert terminal.finish() == 0
    assert "Nothing is stopped." in terminal.seen


def test_a_list_is_as_readable_where_words_are_ascii(cli: Cli) -> None:
    waits(cli.home, mail("Grüße", "ada@example.org"))
    cli.env |= {"PYTHONIOENCODING": "ascii"}
    with cli.terminal("approvals", "list", columns=60) as terminal:
        assert terminal.finish() == 0
    assert terminal.lines[1] == '    send "Gr??e" to ada@example.org'
