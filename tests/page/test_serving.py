"""The page's own server: where it listens, what it leaves alone, and how it opens a browser."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from maton_mailgun.approval.channels.page import Handover, PageServer, Sessions, start
from maton_mailgun.approval.channels.page.app import create_app
from maton_mailgun.approval.channels.page.page_server import graphical_browser

from .gate_in_memory import GateInMemory
from .records import a_record
from .serving import RunningPage, file_of, token_of


def no_secret(_: str) -> bool:
    return False


async def started(environ: Mapping[str, str] | None = None, *, directory: Path | None = None) -> PageServer:
    handover = Handover(directory) if directory else None
    return await start(GateInMemory(), reveals=no_secret, environ=environ or {}, handover=handover)


def test_it_listens_on_the_loopback_only_and_lets_go_of_the_port() -> None:
    async def scenario() -> None:
        page = await started()
        async with httpx2.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"http://127.0.0.1:{page.port}/")).status_code == 200
        with socket.socket() as elsewhere:
            elsewhere.bind(("127.0.0.2", page.port))
        await page.close()
        with socket.socket() as again:
            again.bind(("127.0.0.1", page.port))

    asyncio.run(scenario())


def test_it_leaves_signals_and_standard_output_alone(capfd: pytest.CaptureFixture[str]) -> None:
    def handlers() -> list[object]:
        return [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    async def scenario() -> None:
        before = handlers()
        page = await started()
        async with httpx2.AsyncClient(trust_env=False) as client:
            await client.get(f"http://127.0.0.1:{page.port}/api/approvals")
        assert handlers() == before
        await page.close()

    asyncio.run(scenario())
    assert capfd.readouterr().out == ""


def test_importing_the_package_loads_no_web_server() -> None:
    names = "starlette", "uvicorn"
    code = f"import sys, maton_mailgun.approval.channels.page; print([name for name in {names} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_link_keeps_its_token_in_the_fragment() -> None:
    async def scenario() -> None:
        page = await started()
        link = urlsplit(page.link("apr_0123"))
        assert (link.scheme, link.netloc, link.path, link.query) == ("http", f"{page.host}:{page.port}", "/", "")
        assert link.fragment.startswith("/a/apr_0123?t=")
        assert page.sessions.exchange(token_of(link.geturl()), None) is not None
        await page.close()

    asyncio.run(scenario())


@pytest.fixture
def browser_script(tmp_path: Path) -> Path:
    """A "browser" that is noisy and writes down what it was given."""
    script = tmp_path / "noisy-browser"
    script.write_text(
        f'#!/bin/sh\necho noise; echo noise >&2\nprintf "%s" "$1" > {tmp_path}/opened\nenv > {tmp_path}/environment\n'
    )
    script.chmod(0o755)
    return script


def test_the_users_browser_is_opened_and_nothing_it_prints_reaches_us(
    browser_script: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATON_API_KEY", "sandbox-maton-key")
    monkeypatch.setenv("TERM", "xterm")

    async def scenario() -> None:
        page = await started({"BROWSER": str(browser_script)}, directory=browser_script.parent / "page")
        assert await page.open("apr_0123") == "link"
        opened = (browser_script.parent / "opened").read_text()
        assert opened.startswith((browser_script.parent / "page").as_uri())
        assert f"http://{page.host}:{page.port}/#/a/apr_0123?t=" in file_of(opened).read_text()
        await page.close()

    asyncio.run(scenario())
    assert capfd.readouterr().out == ""
    environment = (browser_script.parent / "environment").read_text()
    assert "sandbox-maton-key" not in environment
    assert "\nTERM=" not in environment


class CountingSessions(Sessions):
    """Counts the tokens that are made."""

    made = 0

    def token(self, **settings: Any) -> str:
        self.made += 1
        return super().token(**settings)


def test_without_a_graphical_browser_nothing_is_opened_and_no_token_made(tmp_path: Path) -> None:
    async def scenario() -> None:
        sessions = CountingSessions()
        page = await start(
            GateInMemory(),
            reveals=no_secret,
            environ={"BROWSER": "lynx"},
            sessions=sessions,
            handover=Handover(tmp_path / "page"),
        )
        assert await page.open() is None
        assert sessions.made == 0
        assert not (tmp_path / "page").exists()
        await page.close()

    asyncio.run(scenario())


def test_a_browser_that_cannot_start_is_reported_and_leaves_no_link(tmp_path: Path) -> None:
    async def scenario() -> None:
        page = await started({"BROWSER": str(tmp_path / "missing")}, directory=tmp_path / "page")
        assert await page.open() is None
        assert list((tmp_path / "page").iterdir()) == []
        await page.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("environ", "platform", "browser"),
    [
        ({}, "linux", None),
        ({"TERM": "xterm"}, "linux", None),
        ({"DISPLAY": ":0"}, "linux", ""),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", ""),
        ({"BROWSER": "/usr/bin/lynx"}, "linux", None),
        ({"BROWSER": "w3m %s", "DISPLAY": ":0"}, "linux", ""),
        ({"BROWSER": os.pathsep.join(["links", "firefox"])}, "linux", "firefox"),
        ({"BROWSER": "/opt/code/browser.sh"}, "linux", "/opt/code/browser.sh"),
        ({}, "darwin", ""),
        ({}, "win32", ""),
    ],
)
def test_a_text_browser_is_never_chosen(environ: Mapping[str, str], platform: str, browser: str | None) -> None:
    assert graphical_browser(environ, platform) == browser


def test_it_works_below_a_prefix_behind_a_proxy_that_ends_tls() -> None:
    async def scenario() -> None:
        record = a_record()
        sessions = Sessions()
        page = create_app(
            GateInMemory([record]),
            sessions=sessions,
            allowed_hosts=lambda: {"mcp.example.com"},
            reveals=no_secret,
            prefix="/approvals",
            origin="https://mcp.example.com",
        )
        app = Starlette(routes=[Mount("/approvals", page)])
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://mcp.example.com") as client:
            opened = await client.post(
                "/approvals/api/session",
                json={"token": sessions.token()},
                headers={"Origin": "https://mcp.example.com"},
            )
            assert opened.status_code == 200
            cookie = opened.headers["set-cookie"]
            assert cookie.startswith("maton_mailgun_approvals=")
            assert "Path=/approvals;" in cookie
            assert "Secure" in cookie
            both = {"Cookie": cookie.partition(";")[0], "X-Approval-Key": opened.json()["key"]}
            listed = await client.get("/approvals/api/approvals", headers=both)
            assert [one["id"] for one in listed.json()["pending"]] == [record.id]
            document = (await client.get("/approvals/")).text
            script = document.partition('<script type="module" src="')[2].partition('"')[0]
            assert (await client.get(f"/approvals/{script}")).status_code == 200
            cleartext = await client.post(
                "/approvals/api/session", json={}, headers={"Origin": "http://mcp.example.com"}
            )
            assert cleartext.status_code == 403

    asyncio.run(scenario())


def test_connections_with_unfinished_headers_keep_nobody_out(page: RunningPage) -> None:
    """More of them than the page takes at once."""
    with ExitStack() as held:
        for _ in range(150):
            junk = held.enter_context(socket.create_connection(("127.0.0.1", page.page.port), timeout=20))
            junk.sendall(b"POST /api/session HTTP/1.1\r\nHost: localhost\r\nX-Half: ")
        assert page.send("GET", "/").status == 200
        assert page.browser().get("/api/approvals").status == 200
