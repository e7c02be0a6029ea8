"""`serve --http` as an OAuth resource server: who comes in, what they may do, and that they stay apart."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

from catalogue.files import EXAMPLES

from .account import Account
from .deciding import decide, set_passphrase
from .host import VERSIONS, Era, Host, content, host
from .issuer import AUDIENCE, Issuer, issuing
from .serving import Serving, serving

pytestmark = pytest.mark.slow

Environment = Callable[[], dict[str, str]]
ERAS: tuple[Era, ...] = ("modern", "legacy")
SHARED = "http-token-of-forty-characters-0123456789"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with issuing() as made:
        yield made


def settings(issuer: Issuer, **more: str) -> dict[str, str]:
    return {
        "MATON_MAILGUN_OAUTH_ISSUER": issuer.url,
        "MATON_MAILGUN_OAUTH_AUDIENCE": AUDIENCE,
        "MATON_MAILGUN_OAUTH_KEYS": f"{issuer.url}/jwks",
        **more,
    }


@pytest.fixture(scope="module")
def server(environment: Environment, issuer: Issuer) -> Iterator[tuple[Serving, dict[str, str]]]:
    env = {**environment(), **settings(issuer, MATON_MAILGUN_HTTP_TOKEN=SHARED)}
    set_passphrase(env, Path(env["MATON_MAILGUN_HOME"]))
    with serving(env) as started:
        yield started, env


@contextmanager
def signed_in(server: Serving, token: str, era: Era = "modern") -> Iterator[Host]:
    client = httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30)
    with host(streamable_http_client(f"{server.url}/mcp", http_client=client), era=era) as connected:
        yield connected


def knock(
    server: Serving, authorization: str | None, session: str | None = None, tool: str | None = None
) -> tuple[int, dict[str, str], Any]:
    """One request for the list of tools, or a call of one as the examples have it."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    }
    headers = {
        "Accept": "application/json, text/event-stream", "Content-Type": "application/json",
        "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list",
    }  # fmt: skip
    if authorization is not None:
        headers["Authorization"] = authorization
    if session is not None:
        headers |= {"Mcp-Session-Id": session, "MCP-Protocol-Version": "2025-11-25"}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}})
    if tool is not None:
        params = {"name": tool, "arguments": EXAMPLES[tool]["full"]}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    connection = HTTPConnection(server.netloc, timeout=20)
    connection.request("POST", "/mcp", body, headers)
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    found = {name.lower(): value for name, value in answer.getheaders()}
    return answer.status, found, json.loads(said) if said.startswith(b"{") else said


def test_who_has_no_token_is_told_where_to_get_one(server: tuple[Serving, dict[str, str]], issuer: Issuer) -> None:
    started, _ = server
    status, headers, _ = knock(started, None)
    assert status == 401
    metadata = headers["www-authenticate"].partition('resource_metadata="')[2].rstrip('"')
    assert metadata == f"{started.url}/.well-known/oauth-protected-resource/mcp"
    connection = HTTPConnection(started.netloc, timeout=20)
    connection.request("GET", metadata.removeprefix(started.url))
    assert json.loads(connection.getresponse().read()) == {
        "resource": f"{started.url}/mcp",
        "authorization_servers": [issuer.url],
        "scopes_supported": ["read", "propose"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Mailgun through Maton",
    }


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://other.example.com/mcp"},
        {"aud": f"{AUDIENCE}/"},
        {"aud": None},
        {"iss": "https://login.example.com"},
        {"exp": 1},
        {"exp": None},
        {"nbf": 4_000_000_000},
        {"sub": None},
        {"sub": ""},
        {"sub": "ann\nbob"},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_here_and_now_is_refused(
    claims: dict[str, Any], server: tuple[Serving, dict[str, str]], issuer: Issuer
) -> None:
    started, _ = server
    token = issuer.token(**claims)
    status, headers, body = knock(started, f"Bearer {token}")
    assert (status, "resource_metadata=" in headers["www-authenticate"]) == (401, True)
    assert token not in str(body)


def test_a_token_without_the_scope_read_is_told_which_scope_it_lacks(
    server: tuple[Serving, dict[str, str]], issuer: Issuer
) -> None:
    status, headers, _ = knock(server[0], f"Bearer {issuer.token(scope='propose')}")
    assert status == 403
    assert 'error="insufficient_scope"' in headers["www-authenticate"]


@pytest.mark.parametrize("said", [{"scope": None, "scp": ["read"]}, {"scope": None, "scp": "read other"}], ids=str)
def test_scopes_may_stand_in_scp(said: dict[str, Any], server: tuple[Serving, dict[str, str]], issuer: Issuer) -> None:
    claims = {**said}
    scope = claims.pop("scope")
    assert knock(server[0], f"Bearer {issuer.token('ann', scope, **claims)}")[0] == 200


@pytest.mark.parametrize("era", ERAS)
def test_who_may_read_reads_and_proposes_nothing(
    era: Era, server: tuple[Serving, dict[str, str]], issuer: Issuer, account: Account
) -> None:
    account.prepare("delete_bounce")
    with signed_in(server[0], issuer.token(scope="read"), era) as reader:
        assert content(reader.call("list_domains", {}))["status"] == "ok"
        refused = content(reader.call("delete_bounce", EXAMPLES["delete_bounce"]["full"]))
        assert refused["error"]["kind"] == "scope_missing"
        assert content(reader.call("list_approvals", {}))["approvals"] == []
        withdrawn = content(reader.call("cancel_approval", {"approval_id": "apr_0000000000000000"}))
        assert withdrawn["error"]["kind"] in ("scope_missing", "bad_arguments")
    assert reader.asked == []
    assert account.writes() == []


@pytest.mark.parametrize("era", ERAS)
def test_who_may_propose_does_not_approve_and_the_terminal_does(
    era: Era, server: tuple[Serving, dict[str, str]], issuer: Issuer, account: Account
) -> None:
    """The client would say yes to any form: it is not asked."""
    started, env = server
    account.prepare("delete_bounce")
    with signed_in(started, issuer.token("ann"), era) as client:
        waiting = content(client.call("delete_bounce", EXAMPLES["delete_bounce"]["full"]))
        assert (waiting["status"], waiting["executed"]) == ("approval_required", False)
        assert client.asked == []
        assert account.writes() == []
        shown = run(env, "approvals", "show", waiting["approval_id"], "--json")
        assert f"oauth:{issuer.url}#ann" in shown
        decide("approve", waiting["approval_id"], env, Path(env["MATON_MAILGUN_HOME"]))
        told = content(client.call("get_approval", {"approval_id": waiting["approval_id"], "wait_seconds": 4}))
        assert told["status"] == "executed"
    assert len(account.writes()) == 1


def run(env: dict[str, str], *words: str) -> str:
    command = [sys.executable, "-P", "-m", "maton_mailgun", *words]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("era", ERAS)
def test_people_see_nothing_of_each_other(
    era: Era, server: tuple[Serving, dict[str, str]], issuer: Issuer, account: Account
) -> None:
    account.prepare("delete_bounce")
    started, _ = server
    call = EXAMPLES["delete_bounce"]["full"]
    with (
        signed_in(started, issuer.token("ann"), era) as ann,
        signed_in(started, issuer.token("bob"), era) as bob,
        signed_in(started, SHARED, era) as shared,
    ):
        everybody = {"ann": ann, "bob": bob, "shared": shared}
        ids = {name: content(one.call("delete_bounce", call))["approval_id"] for name, one in everybody.items()}
        assert len(set(ids.values())) == 3
        for name, one in everybody.items():
            listed = content(one.call("list_approvals", {"open_only": True}))["approvals"]
            assert [item["approval_id"] for item in listed] == [ids[name]]
            others = [other for other in ids if other != name]
            for other in others:
                for tool in ("get_approval", "cancel_approval"):
                    told = content(one.call(tool, {"approval_id": ids[other]}))
                    assert told["error"]["message"] == "There is no such approval."
        for name, one in everybody.items():
            assert content(one.call("cancel_approval", {"approval_id": ids[name]}))["status"] == "cancelled"


def test_a_session_belongs_to_whom_it_was_opened_for(server: tuple[Serving, dict[str, str]], issuer: Issuer) -> None:
    started, _ = server
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    connection = HTTPConnection(started.netloc, timeout=20)
    headers = {
        "Accept": "application/json, text/event-stream", "Content-Type": "application/json",
        "Authorization": f"Bearer {issuer.token('ann')}",
    }  # fmt: skip
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
    connection.request("POST", "/mcp", body, headers)
    session = connection.getresponse().headers["Mcp-Session-Id"]
    connection.close()
    assert knock(started, f"Bearer {issuer.token('ann')}", session)[0] == 200
    assert knock(started, f"Bearer {issuer.token('bob')}", session)[0] == 404
    assert knock(started, f"Bearer {SHARED}", session)[0] == 404
    # Each request has the rights of its own token, not of the one that the session was opened with.
    _, _, told = knock(started, f"Bearer {issuer.token('ann', 'read')}", session, "delete_bounce")
    assert b"scope_missing" in told


def test_a_new_key_counts_at_once_and_the_old_one_no_longer(environment: Environment) -> None:
    with issuing() as own, serving({**environment(), **settings(own)}) as started:
        before = own.token()
        assert knock(started, f"Bearer {before}")[0] == 200
        asked = own.asked
        own.rotate("two")
        # The first question was a moment ago: the address is not asked again for every strange token.
        assert {knock(started, f"Bearer {own.token()}")[0] for _ in range(5)} == {401}
        assert own.asked == asked


def test_nobody_comes_in_while_the_keys_cannot_be_had(environment: Environment) -> None:
    with issuing() as own, serving({**environment(), **settings(own)}) as started:
        own.broken = True
        status, headers, body = knock(started, f"Bearer {own.token()}")
        assert (status, headers["retry-after"], body["error"]) == (503, "10", "temporarily_unavailable")


def test_keys_that_lie_elsewhere_are_not_fetched(environment: Environment) -> None:
    with issuing() as own:
        moved = {**environment(), **settings(own, MATON_MAILGUN_OAUTH_KEYS=f"{own.url}/moved")}
        with serving(moved) as started:
            assert knock(started, f"Bearer {own.token()}")[0] == 503
        assert own.asked == 0


@pytest.mark.parametrize("era", ERAS)
def test_a_client_signs_in_by_itself_and_works(era: Era, environment: Environment, account: Account) -> None:
    """The SDK's own client: metadata of the resource, of its authorization server, a token, and then the call."""
    account.prepare("")

    class Kept:
        tokens: OAuthToken | None = None
        client: OAuthClientInformationFull | None = None

        async def get_tokens(self) -> OAuthToken | None:
            return self.tokens

        async def set_tokens(self, tokens: OAuthToken) -> None:
            self.tokens = tokens

        async def get_client_info(self) -> OAuthClientInformationFull | None:
            return self.client

        async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
            self.client = client_info

    with issuing() as own:
        port = free_port()
        url = f"http://127.0.0.1:{port}/mcp"
        env = {**environment(), **settings(own, MATON_MAILGUN_OAUTH_AUDIENCE=url)}

        async def working() -> dict[str, Any]:
            provider = ClientCredentialsOAuthProvider(
                server_url=url, storage=Kept(), client_id="robot", client_secret="secret-of-robot",
                scope="read propose", issuer=own.url,
            )  # fmt: skip
            http = httpx2.AsyncClient(auth=provider, timeout=30)
            mode: Any = "legacy" if era == "legacy" else "auto"
            async with Client(streamable_http_client(url, http_client=http), mode=mode) as client:
                assert client.protocol_version == VERSIONS[era]
                return content(await client.call_tool("list_domains", {}))

        with serving(env, f"127.0.0.1:{port}") as started:
            assert "(access token needed)" in started.said
            assert anyio.run(working)["status"] == "ok"


def test_attack_340_a_person_who_calls_too_often_waits_and_nobody_else_does(environment: Environment) -> None:
    with issuing() as own, serving({**environment(), **settings(own, MATON_MAILGUN_CALLS_PER_MINUTE="6")}) as started:
        busy = [knock(started, f"Bearer {own.token('ann', jti=str(number))}") for number in range(20)]
        assert [status for status, _, _ in busy] == [200] * 10 + [429] * 10
        assert 1 <= int(busy[-1][1]["retry-after"]) <= 10
        assert knock(started, f"Bearer {own.token('bob')}")[0] == 200


def free_port() -> int:
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"MATON_MAILGUN_OAUTH_KEYS": ""}, "MATON_MAILGUN_OAUTH_KEYS is missing"),
        ({"MATON_MAILGUN_OAUTH_AUDIENCE": ""}, "MATON_MAILGUN_OAUTH_AUDIENCE is missing"),
        ({"MATON_MAILGUN_OAUTH_KEYS": "http://keys.example.com/jwks"}, "must be an https address"),
        ({"MATON_MAILGUN_OAUTH_KEYS": "file:///etc/passwd"}, "must be an https address"),
        ({"MATON_MAILGUN_OAUTH_ISSUER": "login.example.com"}, "must be an https address"),
        ({"MATON_MAILGUN_APPROVAL": "client"}, "MATON_MAILGUN_APPROVAL can only be operator"),
        ({"MATON_MAILGUN_APPROVAL": "relay"}, "MATON_MAILGUN_APPROVAL can only be operator"),
    ],
    ids=str,
)
def test_half_a_setting_stops_the_start(
    changed: dict[str, str], said: str, environment: Environment, issuer: Issuer
) -> None:
    told = run({**environment(), **settings(issuer), **changed}, "serve", "--http", "127.0.0.1:0")
    assert said in told
