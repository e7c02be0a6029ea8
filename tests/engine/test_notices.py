"""Whoever is elsewhere is told that something waits: once a minute at most, and never in the way of a proposal."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from maton_mailgun.approval.channels.notice import TEST, Named, Notice, harmless, notice
from maton_mailgun.approval.channels.notices import EVERY, FILE, Last, Notices, last_notice
from maton_mailgun.approval.channels.notifier import EXTRA, Notifier, NotNotified
from maton_mailgun.approval.store.record import Record
from maton_mailgun.call import Engine
from maton_mailgun.config import load
from maton_mailgun.errors import SetupError
from maton_mailgun.lingering import _plain, _settings
from maton_mailgun.sandbox import Sandbox

from .doubles import DOMAIN, KEY, called, engine_over

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(os.name != "posix", reason="the commands of these tests are shell scripts"),
]
LETTER = {
    "domain": DOMAIN,
    "from": f"Desk <desk@{DOMAIN}>",
    "to": ["customer@example.net"],
    "subject": "Your order",
    "text": "The secret of the body.",
}


class Kept:
    """A command that keeps each notice it reads, and can be waited for without looking again and again."""

    def __init__(self, folder: Path, then: str = "") -> None:
        self.file = folder / "notices"
        self.done = folder / "done"
        os.mkfifo(self.done)
        script = folder / "keep notice"
        script.write_text(
            f'#!/bin/sh\n{{ cat; echo "== $# ${{MATON_API_KEY-none}}"; }} >> {shlex.quote(str(self.file))}\n'
            f"echo > {shlex.quote(str(self.done))}\n{then}\n"
        )
        script.chmod(stat.S_IRWXU)
        self.words = (str(script), "one", "two words")

    async def another(self) -> str:
        """What it has kept, after the next notice."""
        await asyncio.to_thread(self.done.read_text)
        return self.file.read_text()


def engine_with(home: Path, *notify: str, **settings: Any) -> Engine:
    home.mkdir(mode=0o700, exist_ok=True)
    return engine_over(httpx2.ASGITransport(app=Sandbox(api_keys=(KEY,)).app), home, notify=notify, **settings)


async def test_a_notice_says_operation_target_effect_and_where_and_never_the_body(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATON_API_KEY", "the-key")
    kept = Kept(tmp_path)
    engine = engine_with(tmp_path / "home", *kept.words)
    engine.page_url = "https://mcp.example.com/approvals/"
    outcome = await called(engine, "send_message", **LETTER)
    told = await kept.another()
    await engine.aclose()
    assert told == (
        "Waiting for your yes: Send a message\n"
        "message to 1 recipient via mg(.)example(.)com\n"
        "Sends 1 message from “Desk ‹desk@mg.example.com›” to customer@example.net, outside mg(.)example(.)com, with "
        "the subject “Your order”. Once sent, the message cannot be recalled.\n"
        f"Decide at https://mcp.example.com/approvals/#/a/{outcome.content['approval_id']}\n"
        "== 2 none\n"
    )
    assert "secret of the body" not in told


async def test_without_a_page_it_says_what_to_run(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    engine = engine_with(tmp_path / "home", *kept.words)
    outcome = await called(engine, "add_bounce", domain=DOMAIN, address="dead@example.net")
    told = await kept.another()
    await engine.aclose()
    assert f"approvals show {outcome.content['approval_id']}\n" in told


async def test_a_write_that_is_joined_is_not_told_again_and_a_read_never(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    engine = engine_with(tmp_path / "home", *kept.words)
    await called(engine, "list_domains")
    assert engine.opened is None
    gate = await engine.gate()
    seen: list[str] = []
    assert gate._notices is not None
    gate._notices.waits = lambda record: seen.append(record.id)  # type: ignore[method-assign]
    first = await called(engine, "add_bounce", domain=DOMAIN, address="dead@example.net")
    await called(engine, "add_bounce", domain=DOMAIN, address="dead@example.net")
    await engine.aclose()
    assert seen == [first.content["approval_id"]]


async def test_a_failing_notice_hinders_nothing_and_is_logged_and_noted_without_the_command(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = Kept(tmp_path, "echo hunter2 >&2; exit 7")
    engine = engine_with(tmp_path / "home", *kept.words)
    outcome = await called(engine, "add_bounce", domain=DOMAIN, address="dead@example.net")
    await kept.another()
    await engine.aclose()
    assert outcome.content["status"] == "approval_required"
    logged = [(one.message, vars(one).get("why")) for one in caplog.records]
    assert ("a notice did not reach everybody", "the command ended with status 7") in logged
    last = last_notice(tmp_path / "home")
    assert last is not None
    assert last.failed == "the command ended with status 7"
    assert "keep notice" not in caplog.text + (tmp_path / "home" / FILE).read_text()


async def test_a_command_that_does_not_end_is_ended(tmp_path: Path) -> None:
    script = tmp_path / "hang"
    script.write_text("#!/bin/sh\nexec sleep 600\n")
    script.chmod(stat.S_IRWXU)
    with pytest.raises(NotNotified) as told:
        await Notifier((str(script),), (), {}, seconds=0.3).send(TEST)
    assert told.value.why == "the command did not end within 0.3 seconds"


async def test_a_command_that_reads_nothing_is_no_failure() -> None:
    await Notifier(("true",), ("/usr/bin", "/bin"), {}).send(TEST)


# One a minute ---------------------------------------------------------------------------------------------------------


@dataclass
class Clock:
    """A clock that sleeping puts on."""

    now: float = 1_000.0
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class Waiting:
    """The part of a store that notices look at."""

    records: list[Record] = field(default_factory=list)

    async def list(self, principal: str | None = None, states: Any = None, limit: int = 50) -> list[Record]:
        return [one for one in self.records if one.principal == principal and one.state in states]


@dataclass
class Told:
    """A way to be told that only remembers."""

    notices: list[Notice] = field(default_factory=list)
    held: asyncio.Event | None = None
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, notice: Notice) -> None:
        self.notices.append(notice)
        self.began.set()
        if self.held is not None:
            await self.held.wait()


def record(number: int, **changed: Any) -> Record:
    preview = {"target": f"thing {number}", "effect": f"Does {number}."}
    given: dict[str, Any] = {
        "id": f"apr_{number}", "digest": f"d{number}", "operation": "add_bounce", "access": "create",
        "principal": "local:me", "client": "test", "connection_id": "c", "preview": preview, "snapshot": None,
        "risk": "low", "rule": None, "level": "client", "state": "pending", "version": 1, "created_at": 1_000.0,
        "expires_at": 9_000.0,
    }  # fmt: skip
    return Record(**{**given, **changed})


def notices_of(home: Path, clock: Clock, store: Waiting, told: Told) -> Notices:
    return Notices(told, store, {}, home, lambda one: f"Decide: {one}", clock=lambda: clock.now, sleep=clock.sleep)  # type: ignore[arg-type]


async def settled(notices: Notices) -> None:
    while (telling := notices._telling) is not None:
        await asyncio.wait({telling})
        await asyncio.sleep(0)


async def test_the_first_is_told_at_once_and_those_after_it_as_a_count_when_the_minute_is_over(tmp_path: Path) -> None:
    clock, told = Clock(), Told()
    store = Waiting([record(1)])
    notices = notices_of(tmp_path, clock, store, told)
    notices.waits(store.records[0])
    await settled(notices)
    assert (told.notices, clock.slept) == (
        [Notice("Waiting for your yes: add_bounce", "thing 1\nDoes 1.\nDecide: apr_1")],
        [],
    )
    clock.now += 20
    store.records = [record(number) for number in (5, 4, 3, 2, 1)]
    for one in store.records[:4]:
        notices.waits(one)
    await settled(notices)
    assert told.notices[1:] == [
        Notice(
            "5 writes wait for your yes",
            "add_bounce: thing 5\nadd_bounce: thing 4\nadd_bounce: thing 3\nand 2 more\nDecide: None",
        )
    ]
    assert clock.slept == [40.0]


async def test_what_was_decided_before_its_turn_is_not_told(tmp_path: Path) -> None:
    clock, told = Clock(), Told()
    store = Waiting([record(1)])
    notices = notices_of(tmp_path, clock, store, told)
    notices.waits(store.records[0])
    await settled(notices)
    notices.waits(record(2))
    store.records = [record(2, state="rejected"), record(1)]
    await settled(notices)
    assert (len(told.notices), clock.slept) == (1, [])


async def test_one_that_is_new_among_others_is_told_whole(tmp_path: Path) -> None:
    told = Told()
    store = Waiting([record(3), record(2), record(1), record(9, principal="local:other")])
    notices = notices_of(tmp_path, Clock(), store, told)
    notices.waits(store.records[0])
    await settled(notices)
    assert told.notices[0].body == "thing 3\nDoes 3.\n2 others wait too.\nDecide: apr_3"


async def test_another_process_goes_by_the_same_minute(tmp_path: Path) -> None:
    clock, told = Clock(), Told()
    store = Waiting([record(1)])
    for _ in range(2):
        notices = notices_of(tmp_path, clock, store, told)
        notices.waits(store.records[0])
        await settled(notices)
    assert (len(told.notices), clock.slept) == (2, [EVERY])


async def test_a_directory_that_takes_nothing_leaves_one_a_minute_for_each_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, told = Clock(), Told()
    store = Waiting([record(1)])
    notices = notices_of(tmp_path / "not-there", clock, store, told)
    for _ in range(2):
        notices.waits(store.records[0])
        await settled(notices)
    assert (len(told.notices), clock.slept) == (2, [EVERY])
    assert "the time of the last notice cannot be kept" in caplog.text


async def test_a_clock_that_was_put_back_silences_nothing(tmp_path: Path) -> None:
    told, store = Told(), Waiting([record(1)])
    (tmp_path / FILE).write_text(json.dumps({"at": 5_000.0, "failed": None}))
    notices = notices_of(tmp_path, Clock(), store, told)
    notices.waits(store.records[0])
    await settled(notices)
    assert len(told.notices) == 1


@pytest.mark.parametrize("kept", ["", "[]", "{}", '{"at": "x", "failed": null}', "\x00"])
def test_a_spoilt_file_is_none(kept: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(kept)
    assert last_notice(tmp_path) is None


async def test_closing_waits_for_one_on_its_way_and_not_for_the_minute(tmp_path: Path) -> None:
    clock, told, store = Clock(), Told(held=asyncio.Event()), Waiting([record(1)])
    notices = notices_of(tmp_path, clock, store, told)
    notices.waits(store.records[0])
    await told.began.wait()
    closing = asyncio.create_task(notices.aclose())
    await asyncio.sleep(0)
    assert not closing.done()
    assert told.held is not None
    told.held.set()
    await closing

    async def for_ever(seconds: float) -> None:
        await asyncio.Event().wait()

    later = notices_of(tmp_path, clock, store, told)
    later._sleep = for_ever
    later.waits(store.records[0])
    await asyncio.wait_for(later.aclose(), 5)
    assert len(told.notices) == 1


# Words ----------------------------------------------------------------------------------------------------------------


def test_several_are_counted_and_three_are_named() -> None:
    news = [Named(record(number), "Add a bounce") for number in (3, 2)]
    assert notice(news, 2, "Decide: here") == Notice(
        "2 writes wait for your yes", "Add a bounce: thing 3\nAdd a bounce: thing 2\nDecide: here"
    )


def test_what_waits_in_the_sandbox_is_told_as_that() -> None:
    inside = record(1, preview={"target": "t", "effect": "e", "account": {"sandbox": True}})
    assert notice([Named(inside, "Add a bounce")], 1, "x").title == "Sandbox: Waiting for your yes: Add a bounce"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("customer@example.net", "customer@example.net"),
        ("two\nlines", "two⏎lines"),
        ("@everyone look", "＠everyone look"),
        ("see https://evil.example/yes", "see https(:)//evil(.)example/…"),
        ("message to a.b@example.net by mg.example.com", "message to a.b@example.net by mg(.)example(.)com"),
        ("<!channel> [here](x)", "‹!channel› (here)(x)"),
        ("x" * 300, "x" * 200 + "… (100 more characters)"),
    ],
)
def test_words_of_others_are_only_words(said: str, told: str) -> None:
    assert harmless(said, 200) == told


# The setting ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("ntfys://ntfy.sh/topic slack://a/b/c", ("ntfys://ntfy.sh/topic", "slack://a/b/c")),
        ("'/opt/my tools/tell' \"a b\"; rm -rf /", ("/opt/my tools/tell", "a b;", "rm", "-rf", "/")),
        ("curl -d @- https://ntfy.sh/topic", ("curl", "-d", "@-", "https://ntfy.sh/topic")),
        ("", ()),
    ],
)
def test_it_is_addresses_or_a_command(written: str, words: tuple[str, ...]) -> None:
    settings = load({"MATON_MAILGUN_NOTIFY": written, "PATH": "/bin"})
    assert (settings.notify, settings.command_path) == (words, ("/bin",) if words else ())
    assert _settings(json.loads(json.dumps(_plain(settings)))) == settings


@pytest.mark.parametrize("written", ["ntfys://h/hunter2 hunter2", "tell 'hunter2", "://hunter2"])
def test_a_wrong_one_stops_the_start_without_its_words(written: str) -> None:
    with pytest.raises(SetupError) as told:
        load({"MATON_MAILGUN_NOTIFY": written})
    assert "MATON_MAILGUN_NOTIFY" in str(told.value)
    assert "hunter2" not in str(told.value)


async def test_without_apprise_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "apprise.py").write_text("raise ImportError\n")
    notifier = Notifier(("json://127.0.0.1:9/x",), (), {"PYTHONPATH": str(tmp_path)})
    with pytest.raises(NotNotified) as told:
        await notifier.send(TEST)
    assert (told.value.why, told.value.right) == ("apprise is not installed", EXTRA)


def test_what_was_kept_is_read_again(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(json.dumps({"at": 5.0, "failed": "x"}))
    assert last_notice(tmp_path) == Last(5.0, "x")
