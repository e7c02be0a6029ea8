"""The operator's command for tokens opens no way: to a second write, into a header, for a stranger's program."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import httpx2
import pytest

from engine.doubles import DOMAIN, Says, Scripted, approved, called
from engine.test_token_command import Printer, commanded
from maton_mailgun.errors import TokenCommandFailed
from maton_mailgun.sandbox import Sandbox
from maton_mailgun.wire.token_command import TokenCommand

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(os.name != "posix", reason="the commands of these tests are shell scripts"),
]
NOT_MATONS = {
    "Mailgun's key": httpx2.Response(401, text="Forbidden"),
    "Mailgun's words": httpx2.Response(401, json={"message": "Invalid private key"}),
    "a sign-in page": httpx2.Response(401, html="<html>Sign in</html>"),
    "nothing": httpx2.Response(401),
    "a failure of Maton's": httpx2.Response(500, json={"error": {"message": "Internal Server Error", "code": 500}}),
}


@pytest.mark.parametrize("case", NOT_MATONS)
async def test_attack_215_only_a_refusal_by_maton_lets_a_write_be_sent_again(case: str, tmp_path: Path) -> None:
    """Any other 401 may come from behind the gateway, where the write was seen, and a second is one too many."""
    inner = httpx2.ASGITransport(app=Sandbox(api_keys=("token-1", "token-2")).app)
    written: list[str] = []

    class Refusing(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            if request.method != "POST":
                return await inner.handle_async_request(request)
            written.append(request.headers["authorization"])
            given = NOT_MATONS[case]
            return httpx2.Response(given.status_code, headers=given.headers, content=given.content)

    engine = commanded(Refusing(), Printer(tmp_path), tmp_path / "home")
    await approved(engine, "add_bounce", domain=DOMAIN, address="dead@example.net")
    assert written == ["Bearer token-1"]


async def test_attack_215_a_write_is_sent_twice_at_most_and_the_second_refusal_is_the_outcome(tmp_path: Path) -> None:
    inner = httpx2.ASGITransport(app=Sandbox(api_keys=("token-1",)).app)
    written: list[str] = []

    class Refusing(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            if request.method != "POST":
                return await inner.handle_async_request(request)
            written.append(request.headers["authorization"])
            return httpx2.Response(401, json={"error": {"message": "expired", "code": 401}})

    outcome = await approved(
        commanded(Refusing(), Printer(tmp_path), tmp_path / "home"),
        "add_bounce",
        domain=DOMAIN,
        address="dead@example.net",
    )
    assert written == ["Bearer token-1", "Bearer token-2"]
    assert outcome.content["status"] == "failed"


async def test_attack_216_many_calls_start_no_storm_of_commands(tmp_path: Path) -> None:
    """Also where it fails: a locked key ring would be locked for good by a hundred tries."""
    printer = Printer(tmp_path, "exit 1")
    tokens = TokenCommand(printer.command, ())
    ended = await asyncio.gather(*(tokens.token() for _ in range(100)), return_exceptions=True)
    assert {type(one) for one in ended} == {TokenCommandFailed}
    assert printer.runs == 1


@pytest.mark.parametrize(
    "script",
    [
        "printf 'token\\r\\nMaton-Connection: another'",
        "printf 'token\\nX-Other: 1'",
        "printf 'token another'",
        "printf 'token\\000'",
        "printf 'tok\\303\\251n'",
        "echo token; exit 1",
    ],
)
async def test_attack_217_what_is_no_single_word_or_comes_with_an_error_never_becomes_a_header(
    script: str, tmp_path: Path
) -> None:
    transport = Scripted([Says(200, {"items": []})])
    outcome = await called(
        commanded(transport, Printer(tmp_path, script), tmp_path / "home"), "list_domains", connection_id="c"
    )
    assert outcome.content["error"]["kind"] == "maton_key_missing"
    assert transport.arrived == []


@pytest.mark.parametrize("path", ["", ".", "./", "tools", ":{good}", "{good}:"])
async def test_attack_218_a_program_in_the_folder_of_a_stranger_is_never_run(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Assistants start servers in folders of others, and shells leave empty entries in PATH, which mean that folder."""
    good, theirs = tmp_path / "good", tmp_path / "theirs"
    for folder in (good, theirs, theirs / "tools"):
        folder.mkdir()
    mine, traps = Printer(good, "echo mine"), [Printer(theirs, "echo theirs"), Printer(theirs / "tools", "echo theirs")]
    monkeypatch.chdir(theirs)
    for command in ("print-token", "./print-token", "tools/print-token"):
        tokens = TokenCommand((command,), path.format(good=good).split(":"))
        if "{good}" in path and command == "print-token":
            assert await tokens.token() == "mine"
            continue
        with pytest.raises(TokenCommandFailed, match="names no program on PATH"):
            await tokens.token()
    assert [trap.runs for trap in traps] == [0, 0]
    assert mine.runs == ("{good}" in path)


async def test_attack_218_a_script_that_is_named_by_half_is_not_taken_from_there_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`sh token.sh`: the program is the operator's, and its argument would be the stranger's."""
    trap = Printer(tmp_path, "echo theirs")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TokenCommandFailed, match="ended with status"):
        await TokenCommand(("sh", "print-token"), ("/bin", "/usr/bin")).token()
    assert trap.runs == 0


async def test_attack_217_a_token_stands_in_no_result_even_where_the_service_sends_it_back(tmp_path: Path) -> None:
    secret = "t" * 40
    printer = Printer(tmp_path, f"echo {secret}")
    inner = httpx2.ASGITransport(app=Sandbox(api_keys=(secret,)).app)

    class Quoting(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            if request.method != "POST":
                return await inner.handle_async_request(request)
            return httpx2.Response(400, json={"message": f"not understood: {request.headers['authorization']}"})

    outcome = await approved(
        commanded(Quoting(), printer, tmp_path / "home"), "add_bounce", domain=DOMAIN, address="dead@example.net"
    )
    assert outcome.content["status"] == "failed"
    assert secret not in outcome.text
