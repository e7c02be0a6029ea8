"""A token from the operator's command: run once for many, again when it is refused, and in nothing that is told."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shlex
import stat
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from maton_mailgun.call import Engine
from maton_mailgun.cli import doctor
from maton_mailgun.config import NAMES, load
from maton_mailgun.errors import SetupError, TokenCommandFailed
from maton_mailgun.lingering import _plain, _settings
from maton_mailgun.sandbox import Sandbox
from maton_mailgun.wire.token_command import KEPT_SECONDS, TokenCommand

from .doubles import DOMAIN, Says, Scripted, approved, called, engine_over, error

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(os.name != "posix", reason="the commands of these tests are shell scripts"),
]
REFUSED = {"error": {"message": "Invalid API key", "code": 401}}
BOUNCE = {"domain": DOMAIN, "address": "dead@example.net"}


class Printer:
    """A command that counts its runs and prints `token-1`, `token-2` and so on."""

    def __init__(self, folder: Path, script: str = 'echo "token-$(wc -l < "$RUNS" | tr -d " ")"') -> None:
        self.runs_file = folder / "runs"
        self.runs_file.touch()
        self.path = folder / "print-token"
        self.path.write_text(f'#!/bin/sh\nRUNS={shlex.quote(str(self.runs_file))}\necho run >> "$RUNS"\n{script}\n')
        self.path.chmod(stat.S_IRWXU)

    @property
    def runs(self) -> int:
        return len(self.runs_file.read_text().splitlines())

    @property
    def command(self) -> tuple[str, ...]:
        return (str(self.path),)


@pytest.fixture
def printer(tmp_path: Path) -> Printer:
    return Printer(tmp_path)


def commanded(transport: httpx2.AsyncBaseTransport, printer: Printer, home: Path, **settings: Any) -> Engine:
    home.mkdir(mode=0o700, exist_ok=True)
    return engine_over(transport, home, api_key=None, token_command=printer.command, **settings)


def bearers(transport: Scripted) -> list[str]:
    return [request.headers["authorization"] for request in transport.arrived]


async def test_one_run_serves_many_calls_at_once_and_those_after_it(printer: Printer, tmp_path: Path) -> None:
    sandbox = Sandbox(api_keys=("token-1",))
    engine = commanded(httpx2.ASGITransport(app=sandbox.app), printer, tmp_path / "home")
    some = await asyncio.gather(*(called(engine, "list_domains") for _ in range(8)))
    assert [one.is_error for one in some] == [False] * 8
    await called(engine, "list_domains")
    assert printer.runs == 1


async def test_a_refused_token_is_renewed_once_and_the_read_goes_on(printer: Printer, tmp_path: Path) -> None:
    """The gateway took the first token until it expired."""
    sandbox = Sandbox(api_keys=("token-1",))
    engine = commanded(httpx2.ASGITransport(app=sandbox.app), printer, tmp_path / "home")
    assert not (await called(engine, "list_domains")).is_error
    sandbox.api_keys = ("token-2",)
    some = await asyncio.gather(*(called(engine, "list_domains") for _ in range(5)))
    assert [one.is_error for one in some] == [False] * 5
    assert printer.runs == 2


async def test_a_token_that_stays_refused_is_told_after_one_more_run(printer: Printer, tmp_path: Path) -> None:
    transport = Scripted([Says(401, REFUSED)])
    outcome = await called(commanded(transport, printer, tmp_path / "home"), "list_domains", connection_id="c")
    assert error(outcome)["kind"] == "maton_key_rejected"
    assert "sign in to Maton again" in error(outcome)["next"]
    assert bearers(transport) == ["Bearer token-1", "Bearer token-2"]


async def test_the_same_token_again_is_not_sent_again(tmp_path: Path) -> None:
    printer, transport = Printer(tmp_path, "echo same"), Scripted([Says(401, REFUSED)])
    await called(commanded(transport, printer, tmp_path / "home"), "list_domains", connection_id="c")
    assert (bearers(transport), printer.runs) == (["Bearer same"], 2)


async def test_a_write_that_maton_refused_is_sent_with_a_new_token_and_once(printer: Printer, tmp_path: Path) -> None:
    """The token is refused between the look and the write."""
    sandbox = Sandbox(api_keys=("token-1", "token-2"))
    inner = httpx2.ASGITransport(app=sandbox.app)
    seen: list[tuple[str, str]] = []

    class Expiring(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            if request.method == "POST":
                sandbox.api_keys = ("token-2",)
                seen.append((request.method, request.headers["authorization"]))
            return await inner.handle_async_request(request)

    outcome = await approved(commanded(Expiring(), printer, tmp_path / "home"), "add_bounce", **BOUNCE)
    assert outcome.content["status"] == "executed"
    assert seen == [("POST", "Bearer token-1"), ("POST", "Bearer token-2")]
    assert [request["status"] for request in sandbox.requests if request["method"] == "POST"] == [401, 200]
    assert "dead@example.net" in sandbox.account.domains[DOMAIN].bounces


async def test_a_write_whose_command_fails_is_told_as_not_sent(printer: Printer, tmp_path: Path) -> None:
    sandbox = Sandbox(api_keys=("token-1",))
    engine = commanded(httpx2.ASGITransport(app=sandbox.app), printer, tmp_path / "home")
    assert not (await called(engine, "list_domains")).is_error
    tokens = engine.gateway._tokens
    assert tokens is not None
    asked: list[Callable[[], bool] | None] = []
    write = engine.gateway.write

    async def late(*given: Any, **more: Any) -> Any:
        # Old by now, and the person has signed out.
        tokens._at -= KEPT_SECONDS
        printer.path.write_text("#!/bin/sh\nexit 3\n")
        asked.append(None)
        return await write(*given, **more)

    engine.gateway.write = late  # type: ignore[method-assign]
    outcome = await approved(engine, "add_bounce", **BOUNCE)
    assert asked == [None]
    assert outcome.content["status"] not in ("executed", "outcome_unknown")
    assert "MATON_TOKEN_COMMAND ended with status 3" in outcome.text
    assert [request for request in sandbox.requests if request["method"] == "POST"] == []


async def test_a_token_is_asked_for_anew_before_it_is_old(printer: Printer) -> None:
    now = [0.0]
    tokens = TokenCommand(printer.command, (), clock=lambda: now[0])
    assert [await tokens.token(), await tokens.token()] == ["token-1", "token-1"]
    now[0] = KEPT_SECONDS
    assert await tokens.token() == "token-2"
    # One that was refused long ago says nothing about the one of now.
    assert await tokens.token(refused="token-1") == "token-2"


FAILING = {
    "an error": ("echo secret-output; echo secret-complaint >&2; exit 7", "ended with status 7"),
    "nothing": ("true", "printed nothing"),
    "words": ("echo secret-output and more", "printed something that is no token alone"),
    "two lines": ("printf 'secret-output\\nx\\n'", "printed something that is no token alone"),
    "a header": ("printf 'secret-output\\r\\nX-Evil: 1'", "printed something that is no token alone"),
    "another script": ("printf 'secret-output\\303\\251'", "printed something that is no token alone"),
    "a flood": ("yes secret-output", "printed far more than a token"),
    "no end": ("sleep 600", "did not end within 0.5 seconds"),
}


@pytest.mark.parametrize("case", FAILING)
async def test_a_command_without_a_token_is_told_by_how_it_ended_and_by_nothing_it_printed(
    case: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    script, why = FAILING[case]
    printer, transport = Printer(tmp_path, script), Scripted([Says(200, {"items": []})])
    engine = commanded(transport, printer, tmp_path / "home")
    assert engine.gateway._tokens is not None
    engine.gateway._tokens._seconds = 0.5
    outcome = await called(engine, "list_domains", connection_id="c")
    assert error(outcome) == {
        "kind": "maton_key_missing",
        "who": "operator",
        "message": f"MATON_TOKEN_COMMAND {why}, so there is no token to reach Mailgun with.",
        "next": "Nothing was sent. Ask the user to run that command in a terminal: it must print a token alone, and "
        "may want a sign-in first (maton login). Then call again.",
    }
    assert transport.arrived == []
    assert "secret" not in outcome.text + caplog.text
    assert printer.path.name not in outcome.text + caplog.text


async def test_what_a_command_started_ends_with_it(tmp_path: Path) -> None:
    """A run that takes too long leaves nothing behind that goes on."""
    printer = Printer(tmp_path, f"sh -c 'echo $$ > {shlex.quote(str(tmp_path))}/pid; exec sleep 600' & wait")
    with pytest.raises(TokenCommandFailed):
        await TokenCommand(printer.command, (), seconds=0.5).token()
    assert not _goes_on(int((tmp_path / "pid").read_text()))


def _goes_on(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # One that has ended stays in the table until whoever took it over asks for it.
    state = Path(f"/proc/{process}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


async def test_a_call_that_is_given_up_takes_no_other_with_it(tmp_path: Path) -> None:
    printer = Printer(tmp_path, 'read line < "$RUNS.go"; echo token')
    os.mkfifo(f"{printer.runs_file}.go")
    tokens = TokenCommand(printer.command, ())
    first, second = asyncio.create_task(tokens.token()), asyncio.create_task(tokens.token())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.to_thread(Path(f"{printer.runs_file}.go").write_text, "go\n")
    assert await second == "token"
    assert (first.cancelled(), printer.runs) == (True, 1)


async def test_closing_ends_a_run(tmp_path: Path) -> None:
    printer = Printer(tmp_path, "exec sleep 600")
    tokens = TokenCommand(printer.command, ())
    waiting = asyncio.create_task(tokens.token())
    await asyncio.sleep(0)
    await tokens.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_service_that_quotes_the_token_is_not_repeated(printer: Printer, tmp_path: Path) -> None:
    tokens = Scripted([Says(400, {"message": "bad header: Bearer token-1"})])
    outcome = await called(commanded(tokens, printer, tmp_path / "home"), "list_domains", connection_id="c")
    assert "token-1" not in outcome.text


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("maton token", ("maton", "token")),
        ("'/opt/my tools/maton' token --profile \"at work\"", ("/opt/my tools/maton", "token", "--profile", "at work")),
        ("maton token; rm -rf $(pwd) | x", ("maton", "token;", "rm", "-rf", "$(pwd)", "|", "x")),
        ("", ()),
    ],
)
def test_the_command_is_split_into_words_and_no_shell_reads_it(written: str, words: tuple[str, ...]) -> None:
    settings = load({"MATON_TOKEN_COMMAND": written})
    assert (settings.token_command, settings.has_key) == (words, bool(words))
    assert "rm" not in repr(settings)


def test_a_command_with_half_a_quotation_stops_the_start_without_its_words() -> None:
    with pytest.raises(SetupError) as told:
        load({"MATON_TOKEN_COMMAND": "vault read 'hunter2"})
    assert str(told.value) == ("MATON_TOKEN_COMMAND cannot be split into words: a quotation mark has no other one.")


async def test_a_key_wins_and_the_command_is_not_run(printer: Printer, tmp_path: Path) -> None:
    transport = Scripted([Says(200, {"items": []})])
    engine = engine_over(transport, tmp_path, api_key="the-key", token_command=printer.command)
    await called(engine, "list_domains", connection_id="c")
    assert (bearers(transport), printer.runs) == (["Bearer the-key"], 0)


def test_the_sandbox_runs_no_command() -> None:
    assert load({"MATON_TOKEN_COMMAND": "maton token"}, sandbox=True).token_command == ()


def test_a_page_that_goes_on_has_the_same_command() -> None:
    settings = load({"MATON_TOKEN_COMMAND": "maton token", "PATH": "/usr/bin:/bin"})
    assert _settings(json.loads(json.dumps(_plain(settings)))) == settings


DOCTOR = {
    "a token": ("echo doctor-token", {}, "✔ Maton key: MATON_TOKEN_COMMAND gave a token"),
    "none": ("exit 4", {}, "MATON_TOKEN_COMMAND ended with status 4"),
    "a key as well": ("exit 4", {"MATON_API_KEY": "doctor-token"}, "is set, and wins over MATON_TOKEN_COMMAND"),
    "a place": (
        "echo doctor-token",
        {"MATON_API_KEY": "${KEY}"},
        "MATON_API_KEY is ${KEY}: MATON_TOKEN_COMMAND is run",
    ),
}


@pytest.mark.parametrize("case", DOCTOR)
def test_doctor_runs_the_command_and_says_what_came_of_it(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from maton_mailgun.sandbox import serve

    script, more, told = DOCTOR[case]
    printer = Printer(tmp_path, script)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    with serve(Sandbox(api_keys=("doctor-token",))) as running:
        given = {"MATON_API_URL": running.url, "MATON_TOKEN_COMMAND": str(printer.path), **more}
        for name, value in {**given, "MATON_MAILGUN_HOME": str(tmp_path / "home")}.items():
            monkeypatch.setenv(name, value)
        doctor.run(Namespace(sandbox=False, json=False, notify=False))
    said = " ".join(capsys.readouterr().out.split())
    assert told.removeprefix("✔ ") in said
    assert ("answers and takes the key" in said) == (case != "none")
    assert "doctor-token" not in said
    assert printer.path.name not in said


async def test_a_served_process_uses_the_command_over_pipes(printer: Printer, tmp_path: Path) -> None:
    from maton_mailgun.sandbox import serve

    from .child import process

    with serve(Sandbox(api_keys=("token-1",))) as running:
        environ = {"MATON_API_URL": running.url, "MATON_TOKEN_COMMAND": str(printer.path), "MATON_API_KEY": ""}
        with process(tmp_path, "-P", "-m", "maton_mailgun", "serve", environ=environ) as server:
            server.start()
            answer = server.ask(1, "tools/call", name="list_domains", arguments={})
    assert answer["result"]["structuredContent"]["status"] == "ok"
    assert printer.runs == 1
