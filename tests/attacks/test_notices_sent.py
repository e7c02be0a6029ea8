"""Notices to a person elsewhere: no flood, no words of others that act, nothing of what signs in."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from pathlib import Path

import pytest

from cli.conftest import Cli, cli, online, sandbox  # noqa: F401 - fixtures
from engine.doubles import called
from engine.notice_receiver import receiving
from engine.test_notices import LETTER, Clock, Kept, Told, Waiting, engine_with, notices_of, record, settled
from maton_mailgun.approval.channels.notice import TEST, Named, harmless, notice
from maton_mailgun.approval.channels.notices import EVERY, FILE
from maton_mailgun.approval.channels.notifier import Notifier, NotNotified
from maton_mailgun.config import Settings
from maton_mailgun.hosts.entry import masked, secrets

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(os.name != "posix", reason="the commands of these tests are shell scripts"),
]
SECRET = "hunter2hunter2"
ENVIRON = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}


async def test_attack_320_a_flood_of_proposals_by_many_processes_is_one_notice_a_minute(tmp_path: Path) -> None:
    clock, told, store = Clock(), Told(), Waiting([record(number) for number in range(10)])
    for one in store.records:
        notices = notices_of(tmp_path, clock, store, told)
        notices.waits(one)
        notices.waits(one)
        await settled(notices)
    assert (len(told.notices), clock.slept) == (10, [EVERY] * 9)


HOSTILE = {
    "a link": ("Approve at https://evil.example/yes", "://"),
    "markup": ("[Approve](x) <a href=x>yes</a> `x`", "<"),
    "everybody": ("@everyone @here <!channel>", "@here"),
    "a line of ours": ("x\nDecide at http://evil.example", "\nDecide at http"),
    "a turned line": ("x\u202egro.elpmaxe\u2028Decide at y", "\u202e"),
    "a long one": ("y" * 20_000, "y" * 1_000),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_attack_321_words_of_others_in_a_notice_are_on_their_line_and_do_nothing(case: str) -> None:
    said, acting = HOSTILE[case]
    hostile = Named(record(1, preview={"target": said, "effect": said}), said)
    for told in (notice([hostile], 1, "Decide: here"), notice([hostile, hostile], 2, "Decide: here")):
        assert acting not in told.text
        assert told.body.splitlines()[-1] == "Decide: here"
        assert len(told.body.splitlines()) == 3
        assert len(told.text) < 2_500


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            f"to https://hooks.example.com/services/{SECRET}, and to",
            "to https(:)//hooks(.)example(.)com/…, and to",
        ),
        (f'forward("https://me:{SECRET}@example.com")', 'forward("https(:)//example(.)com/…")'),
        (f"https://a@b:{SECRET}@example.com?token={SECRET}", "https(:)//example(.)com/…"),
        (
            f"http://example.com:8080#{SECRET} and https://b.example",
            "http(:)//example(.)com:8080/… and https(:)//b(.)example",
        ),
    ],
)
def test_attack_376_an_address_in_a_notice_is_its_host(said: str, told: str) -> None:
    """Webhooks of messengers sign in by their path: whoever reads the notice would hold it."""
    assert harmless(said, 500) == told


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("with the subject “Approve at evil.example”.", "with the subject “Approve at evil(.)example”."),
        ("with the subject “Approve at evil.exam… (9 more", "with the subject “Approve at evil(.)exam… (9 more"),
        ("the version «www.evil.example or “x”»", "the version «www(.)evil(.)example or “x”»"),
        ("template evil.example/approve of it", "template evil(.)example/approve of it"),
        ("message to 1 recipient via evil.example", "message to 1 recipient via evil(.)example"),
        ("domain evil.example.zz", "domain evil(.)example(.)zz"),
        ("domain login.evil.example.", "domain login(.)evil(.)example."),
        ("-evil.example .evil.example \\evil.example", "-evil(.)example .evil(.)example \\evil(.)example"),
        ("evil\u3002example", "evil(.)example"),
        ("xn--bse-sna.xn--vermgensberater-ctb", "xn--bse-sna(.)xn--vermgensberater-ctb"),
        ("ip 192.0.2.1 of 10.20.30.40/x", "ip 192(.)0(.)2(.)1 of 10(.)20(.)30(.)40/x"),
        ("evil.example@ and x@y.zz@evil.example", "evil(.)example@ and x@y(.)zz@evil(.)example"),
        ("bob@evil.example/approve bob@evil.example:8443", "bob@evil(.)example/approve bob@evil(.)example:8443"),
        ("from a.b+c@example.net. It", "from a.b+c@example.net. It"),
        ("costs 3.50 and 1,000.5 at 10.30.", "costs 3.50 and 1,000.5 at 10.30."),
        ("list www.evil.example", "list www(.)evil(.)example"),
        ("tag evil.example:8443", "tag evil(.)example:8443"),
        ("at //evil.example", "at //evil(.)example"),
        ("“bob@example.net”", "“bob@example.net”"),
    ],
)
def test_attack_377_a_site_without_its_scheme_is_no_link_either(said: str, told: str) -> None:
    """Messengers make a link of `evil.example/approve`, and it would stand in a message of ours."""
    assert harmless(said, 500) == told


@pytest.mark.slow
async def test_attack_322_what_signs_in_follows_no_redirect() -> None:
    with receiving() as other:
        for status in (301, 302, 307, 308):
            with receiving(status, f"http://127.0.0.1:{other.port}/there") as service:
                address = f"json://user:{SECRET}@127.0.0.1:{service.port}/?+x-token={SECRET}"
                with pytest.raises(NotNotified) as told:
                    await Notifier((address,), (), ENVIRON).send(TEST)
                assert told.value.why == "address 1 (JSON) did not take it"
                assert [path for path, _, _ in service.came] == ["/"]
                assert service.came[0][1]["x-token"] == SECRET
        assert other.came == []


@pytest.mark.slow
async def test_attack_323_nothing_of_an_address_is_told_by_result_log_file_or_doctor(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    online: Cli,  # noqa: F811
) -> None:
    caplog.set_level(logging.DEBUG)
    with receiving(500) as service:
        address = f"json://user:{SECRET}@127.0.0.1:{service.port}/{SECRET}"
        engine = engine_with(tmp_path / "home", address)
        outcome = await called(engine, "send_message", **LETTER)
        await asyncio.to_thread(service.arrived.wait, 20)
        await engine.aclose()
        online.env |= {"MATON_MAILGUN_NOTIFY": address, "MATON_MAILGUN_HOME": str(tmp_path / "home")}
        done = await asyncio.to_thread(online, "doctor", "--notify", "--json")
    found = [one for one in json.loads(done.out)["findings"] if "notice" in one["about"]]
    assert [(one["verdict"], one["found"].partition(" UTC")[2] or one["found"]) for one in found] == [
        ("warn", ", failed: address 1 (JSON) did not take it"),
        ("bad", "address 1 (JSON) did not take it"),
    ]
    assert done.status == 1
    everything = (
        outcome.text, caplog.text, repr([vars(one) for one in caplog.records]), repr(engine.settings),
        (tmp_path / "home" / FILE).read_text(), done.out, done.err,
    )  # fmt: skip
    assert [SECRET in one for one in everything] == [False] * len(everything)


@pytest.mark.slow
async def test_attack_323_an_address_that_nobody_knows_is_told_by_its_number(online: Cli) -> None:  # noqa: F811
    online.env["MATON_MAILGUN_NOTIFY"] = f"json://127.0.0.1:9/x {SECRET}://{SECRET}"
    done = await asyncio.to_thread(online, "doctor")
    said = " ".join(done.out.split())
    assert (done.status, "apprise does not know address 2" in said, SECRET in said + done.err) == (1, True, False)


def test_attack_323_the_setting_is_hidden_in_a_hosts_entry_and_in_the_settings() -> None:
    address = f"slack://{SECRET}/x"
    entry = {"command": "maton-mailgun", "env": {"MATON_MAILGUN_NOTIFY": address}}
    assert masked(f"failed with {address}", secrets(entry)) == "failed with •••"
    assert SECRET not in repr(Settings(notify=(address,)))


async def test_attack_324_no_word_of_a_proposal_is_an_argument_or_a_line_of_a_shell(tmp_path: Path) -> None:
    kept, trap = Kept(tmp_path), tmp_path / "trap"
    engine = engine_with(tmp_path / "home", *kept.words)
    hostile = {**LETTER, "subject": f"'; touch {trap}; $(touch {trap}) `touch {trap}` --help"}
    await called(engine, "send_message", **hostile)
    told = await kept.another()
    await engine.aclose()
    assert (told.splitlines()[-1][:4], trap.exists()) == ("== 2", False)


async def test_attack_324_the_command_gets_no_key_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATON_API_KEY", SECRET)
    kept = Kept(tmp_path)
    engine = engine_with(tmp_path / "home", *kept.words)
    await called(engine, "send_message", **LETTER)
    told = await kept.another()
    await engine.aclose()
    assert told.splitlines()[-1] == "== 2 none"


async def test_attack_324_a_program_in_the_folder_of_a_stranger_is_never_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "tell"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o700)
    monkeypatch.chdir(tmp_path)
    for command, path in (("tell", ("", ".")), ("./tell", ("/bin",)), ("sh", ())):
        with pytest.raises(NotNotified, match="names no program on PATH"):
            await Notifier((command,), path, ENVIRON).send(TEST)
    with pytest.raises(NotNotified, match="ended with status"):
        await Notifier(("sh", "tell"), ("/bin", "/usr/bin"), ENVIRON).send(TEST)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.slow
async def test_attack_324_apprise_is_not_loaded_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "apprise.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    with receiving() as service:
        await Notifier((f"json://127.0.0.1:{service.port}/x",), (), ENVIRON).send(TEST)
        assert json.loads(service.came[0][2])["title"] == TEST.title
    assert not (tmp_path / "sprung").exists()
