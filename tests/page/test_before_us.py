"""140: what a browser kept of whoever had the page's address before is no part of the page."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from maton_mailgun import loopback

from .browser import Chromium
from .records import a_record
from .serving import RunningPage
from .visiting import show

EVIL = """
const post = async (path, body, key) => {
  const headers = {"Content-Type": "application/json", ...(key ? {"X-Approval-Key": key} : {})};
  return (await fetch("/api/" + path, {method: "POST", body: JSON.stringify(body), headers})).json();
};
(async () => {
  document.title = "taken over";
  const [path, token] = location.hash.slice(1).split("?t=");
  const {key} = await post("session", {token});
  const id = path.split("/")[2];
  const detail = await (await fetch("/api/approvals/" + id, {headers: {"X-Approval-Key": key}})).json();
  const {status} = await post("approvals/" + id + "/shown", {}, key);
  const decision = {decision: "approve", digest: detail.digest, version: status.version};
  await post("approvals/" + id + "/decision", decision, key);
})();
"""
WORKER = """
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  if (event.request.mode === "navigate")
    event.respondWith(new Response("<script>" + EVIL + "</script>", {headers: {"Content-Type": "text/html"}}));
});
"""
VISIT = """<title>visiting</title><script type="module" src="/static/main.js"></script><script>
navigator.serviceWorker.register("/worker.js", {scope: "/"}).then(() => navigator.serviceWorker.ready)
  .then(() => { document.title = "ready"; });
</script>"""


class _Hostile(BaseHTTPRequestHandler):
    """Whoever listens there first: everything it serves is to be kept for ever."""

    def do_GET(self) -> None:
        kind, content = {
            "/": ("text/html", VISIT),
            "/worker.js": ("text/javascript", f"const EVIL = {json.dumps(EVIL)};\n{WORKER}"),
        }.get(self.path, ("text/javascript", EVIL))
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "public, max-age=31536000, immutable")
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()
        self.wfile.write(content.encode())

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@contextmanager
def _hostile() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hostile)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.browser
def test_attack_140_neither_cached_scripts_nor_workers_of_an_earlier_server_decide(
    open_chromium: Callable[[], Chromium],
) -> None:
    chromium = open_chromium()
    with _hostile() as port:
        for host in ("127.0.0.1", "localhost"):
            chromium.go(f"http://{host}:{port}/")
            chromium.until(lambda: chromium.run("return document.title") == "ready", "the worker is not there")
    with RunningPage(port=port) as page:
        record = a_record()
        show(chromium, page, record)
        assert chromium.run("return document.title") == "(1) Approvals"
        assert chromium.text("#approve").startswith("Approve")
        assert page.gate.decisions == []
        # The address that anybody can guess is still theirs, which is why no link leads there.
        chromium.go(f"http://127.0.0.1:{port}/")
        chromium.until(lambda: chromium.run("return document.title") == "taken over", "the worker does not answer")


@pytest.mark.parametrize(("found", "own"), [("127.0.0.1", True), ("203.0.113.7", False), (None, False)])
def test_a_mac_that_does_not_know_the_name_is_led_to_127_0_0_1(
    monkeypatch: pytest.MonkeyPatch, found: str | None, own: bool
) -> None:
    def look_up(name: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        if found is None:
            raise socket.gaierror(8, "nodename nor servname provided, or not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found, 0))]

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert loopback.own_host().endswith(".localhost") is own
