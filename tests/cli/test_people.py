"""`maton-mailgun approvals people`: who may decide is set on a terminal, and from then on every decision names one."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import Any

import httpx2
import pytest

from attacks.authenticator import Authenticator
from e2e.serving import Serving, serving
from maton_mailgun.sandbox import RunningSandbox

from .conftest import PASSPHRASE, Cli, set_passphrase
from .test_approvals import SEND, propose, with_server, writes

pytestmark = pytest.mark.slow
ANAS, BOBS = "ana's plain words", "bob's plain words"


def add(cli: Cli, name: str, passphrase: str, *, by: tuple[str, str] | None = None, shared: str | None = None) -> str:
    with cli.terminal("approvals", "people", "add", name) as terminal:
        if shared is not None:
            terminal.expect("Passphrase that is shared so far: ")
            terminal.enter(shared)
        if by is not None:
            terminal.expect("Your name: ")
            terminal.enter(by[0])
            terminal.expect(f"Passphrase, to add {name}: ")
            terminal.enter(by[1])
        terminal.expect(f"New passphrase of {name}: ")
        terminal.enter(passphrase)
        terminal.expect("The same again: ")
        terminal.enter(passphrase)
        assert terminal.finish() == 0, terminal.seen
        return terminal.seen


def make_passkey(printed: str) -> None:
    """As a browser and a device do that are given the address in what a terminal printed."""
    (found,) = re.findall(r"http://localhost:(\d+)/#/passkey\?t=([\w-]+)", printed)
    origin = f"http://localhost:{found[0]}"

    def post(path: str, content: dict[str, Any]) -> Any:
        body = json.dumps(content).encode()
        headers = {"Content-Type": "application/json", "Origin": origin}
        request = urllib.request.Request(f"{origin}{path}", body, headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())

    options = post("/api/passkey/options", {"token": found[1]})
    made = Authenticator().make(options["challenge"], origin=origin)
    assert post("/api/passkey", {"token": found[1], "credential": made}) == {"person": "Ana"}


OUTSIDE = "https://approve.example.com"


def make_passkey_outside(server: Serving, token: str) -> None:
    """As Ana's browser and her device do, which come to a server through its proxy."""
    headers = {"Host": "approve.example.com", "Origin": OUTSIDE, "Sec-Fetch-Site": "same-origin"}
    with httpx2.Client(base_url=f"{server.url}/approvals", headers=headers) as http:
        signed_in = http.post("/api/session", json={"name": "Ana", "passphrase": ANAS})
        cookies = "; ".join(one.partition(";")[0] for one in signed_in.headers.get_list("set-cookie"))
        http.headers |= {"X-Approval-Key": signed_in.json()["key"], "Cookie": cookies}
        options = http.post("/api/passkey/options", json={"token": token}).json()
        made = Authenticator().make(options["challenge"], origin=OUTSIDE, rp_id="approve.example.com")
        assert http.post("/api/passkey", json={"token": token, "credential": made}).json() == {"person": "Ana"}


@pytest.mark.long
def test_a_passkey_is_made_at_the_address_of_a_running_server_outside(cli: Cli) -> None:
    cli.env |= {"MATON_MAILGUN_HTTP_URL": OUTSIDE, "MATON_API_KEY": "key"}
    with (
        serving(cli.environ) as server,
        cli.terminal("approvals", "people", "add", "Ana", "--passkey", columns=200) as terminal,
    ):
        for question in ("New passphrase of Ana: ", "The same again: "):
            terminal.expect(question)
            terminal.enter(ANAS)
        terminal.expect("It works once:")
        terminal.expect("/#/passkey?t=")
        terminal.expect("\n")
        (token,) = re.findall(rf"{OUTSIDE}/approvals/#/passkey\?t=([\w-]+)", "\n".join(terminal.lines))
        make_passkey_outside(server, token)
        assert terminal.finish() == 0, terminal.seen
        assert f"Ana signs with a passkey at {OUTSIDE} what a rule asks it for." in terminal.seen
    assert cli("approvals", "people", "list").out == "Ana, signs with a passkey\n"


def test_a_person_is_added_with_a_passkey_that_a_browser_makes(cli: Cli) -> None:
    with cli.terminal("approvals", "people", "add", "Ana", "--passkey", columns=200) as terminal:
        for question in ("New passphrase of Ana: ", "The same again: "):
            terminal.expect(question)
            terminal.enter(ANAS)
        terminal.expect("It works once:")
        terminal.expect("/#/passkey?t=")
        terminal.expect("\n")
        make_passkey("\n".join(terminal.lines))
        assert terminal.finish() == 0, terminal.seen
        assert "Ana signs with a passkey what a rule asks it for." in terminal.seen
    assert cli("approvals", "people", "list").out == "Ana, signs with a passkey\n"


def decide(cli: Cli, verb: str, approval_id: str, name: str, passphrase: str) -> tuple[int, str]:
    with cli.terminal("approvals", verb, approval_id) as terminal:
        terminal.expect("Your name: ")
        terminal.enter(name)
        terminal.expect("Passphrase, to ")
        terminal.enter(passphrase)
        return terminal.finish(), terminal.seen


def test_two_people_are_added_say_yes_and_are_named_in_what_is_told(online: Cli, sandbox: RunningSandbox) -> None:
    policy = online.cwd / "policy.toml"
    policy.write_text('[[rule]]\nname = "two"\ndecision = "ask"\napprovers = 2\n')
    policy.chmod(0o600)
    online.env |= {"MATON_MAILGUN_POLICY": str(policy)}
    set_passphrase(online)
    seen = add(online, "Ana", ANAS, shared=PASSPHRASE)
    add(online, "Bob", BOBS, by=("ana", ANAS))
    assert "Ana may decide from now on." in seen
    assert ANAS not in seen
    assert online("approvals", "people", "list").out.splitlines() == ["Ana", "Bob"]

    def both(approval_id: str) -> tuple[tuple[int, str], tuple[int, str], tuple[int, str]]:
        return (
            decide(online, "approve", approval_id, "Ana", ANAS),
            decide(online, "approve", approval_id, "Ana", ANAS),
            decide(online, "approve", approval_id, "Bob", BOBS),
        )

    (first, again, second), told = with_server(online, "send_message", SEND, both)
    assert (first[0], "Your yes is recorded: Ana said yes, 1 more person needed." in first[1]) == (5, True), first
    assert (again[0], "Ana said yes already" in again[1]) == (1, True), again
    assert (second[0], "carried out once" in second[1]) == (0, True), second
    assert told["approved_by"] == "Ana, by passphrase at a terminal and Bob, by passphrase at a terminal"
    assert writes(sandbox) == 1


def test_the_shared_passphrase_and_a_script_open_nothing_once_there_is_a_person(
    online: Cli, sandbox: RunningSandbox
) -> None:
    set_passphrase(online)
    add(online, "Ana", ANAS, shared=PASSPHRASE)
    approval_id = propose(online, "send_message", SEND)
    status, seen = decide(online, "approve", approval_id, "Ana", PASSPHRASE)
    assert (status, "Nobody of this name has that passphrase. Nothing was decided." in seen) == (3, True), seen
    scripted = online("approvals", "approve", approval_id, typed=f"Ana\n{ANAS}\n")
    assert (scripted.status, "typed on a terminal" in scripted.err) == (3, True)
    alone = online("approvals", "people", "add", "Eve", typed=f"Ana\n{ANAS}\n")
    assert alone.status == 3
    assert json.loads(online("approvals", "show", approval_id, "--json").out)["state"] == "pending"
    assert (online("approvals", "people", "list").out, writes(sandbox)) == ("Ana\n", 0)


def test_a_person_changes_their_own_passphrase_and_the_last_one_stays(online: Cli) -> None:
    add(online, "Ana", ANAS)
    with online.terminal("approvals", "people", "passphrase") as terminal:
        for question, typed in (
            ("Your name: ", "Ana"),
            ("Current passphrase: ", ANAS),
            ("New passphrase of Ana: ", BOBS),
            ("The same again: ", BOBS),
        ):
            terminal.expect(question)
            terminal.enter(typed)
        assert terminal.finish() == 0, terminal.seen
    gone = online("approvals", "people", "remove", "Ana")
    assert (gone.status, "Nothing was changed." in gone.err, "add another" in gone.err) == (1, True, True)
    assert online("approvals", "people", "list").out == "Ana\n"
