"""A host of MCP Apps as the specification has one: our app in a sandboxed frame, behind the policy that hosts must set,
answered over `postMessage`; every request that reaches this machine is noted."""

from __future__ import annotations

import json
import threading
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from maton_mailgun.protocol.approval_app import document

from .browser import Chromium

POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "img-src 'self' data:; font-src 'self'; media-src 'self' data:; frame-src 'none'; object-src 'none'; "
    "base-uri 'self'; sandbox allow-scripts"
)
"""What the specification has of an app that names no domain (2026-01-26, Content Security Policy Enforcement)."""
PAGE = """<!doctype html><title>Host</title><style>body { margin: 0; background: #999 }
iframe { border: 0; width: 100%; height: 300px }</style><script>
window.heard = [];
window.replies = {};
addEventListener("message", ({ data, source }) => {
  window.heard.push(data);
  const reply = data.id === undefined ? undefined : window.replies[data.method];
  if (reply) source.postMessage({ jsonrpc: "2.0", id: data.id, ...reply }, "*");
  if (data.method === "ui/notifications/size-changed") {
    document.querySelector("iframe").style.height = `${data.params.height}px`;
  }
});
window.say = (message) => document.querySelector("iframe").contentWindow.postMessage(message, "*");
</script><body></body>"""


class AppHost(AbstractContextManager["AppHost"]):
    """Serves the host's page and the app."""

    def __init__(self) -> None:
        self.requested: list[str] = []
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.requested.append(self.path)
                found = {"/host": (PAGE, ""), "/app": (document(), POLICY)}.get(self.path)
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                if found and found[1]:
                    self.send_header("Content-Security-Policy", found[1])
                self.end_headers()
                self.wfile.write(found[0].encode() if found else b"")

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class Frame:
    """The app in one tab of a browser.

    Args:
        capabilities: What the host can do for it.
        context: What the host tells of itself.
    """

    def __init__(
        self, browser: Chromium, host: AppHost, capabilities: dict[str, Any], context: dict[str, Any] | None = None
    ) -> None:
        self._browser = browser
        browser.go(f"{host.origin}/host")
        self.reply(
            "ui/initialize",
            {
                "protocolVersion": "2026-01-26",
                "hostInfo": {"name": "host", "version": "1"},
                "hostCapabilities": capabilities,
                "hostContext": context or {},
            },
        )
        browser.run(
            "const frame = document.createElement('iframe'); frame.src = '/app'; frame.sandbox = 'allow-scripts';"
            "document.body.append(frame)"
        )
        browser.until(lambda: "ui/notifications/initialized" in self.methods(), "the app did not begin")

    def reply(self, method: str, result: dict[str, Any]) -> None:
        """What a request is answered from now on."""
        self._browser.run("window.replies[arguments[0]] = {result: arguments[1]}", method, result)

    def notify(self, method: str, params: dict[str, Any]) -> None:
        self._browser.run("window.say({jsonrpc: '2.0', method: arguments[0], params: arguments[1]})", method, params)

    def result(self, shown: dict[str, Any] | None, content: dict[str, Any] | None = None) -> None:
        """The tool's result, as hosts hand it on."""
        meta = {"_meta": {"maton-mailgun/shown": shown}} if shown is not None else {}
        text = {"type": "text", "text": json.dumps(content or {})}
        params = {"content": [text], "structuredContent": content or {}, "isError": False, **meta}
        self.notify("ui/notifications/tool-result", params)

    def heard(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._browser.run("return window.heard")
        return found

    def methods(self) -> set[str]:
        """What the app has said so far."""
        return {str(one.get("method")) for one in self.heard()}

    def inside(self, script: str, *arguments: Any) -> Any:
        """What a script gives that runs in the frame, by the driver's own hand."""
        self._browser.enter_frame("iframe")
        try:
            return self._browser.run(script, *arguments)
        finally:
            self._browser.leave_frame()

    def text(self) -> str:
        return str(self.inside("return document.body.innerText"))

    def until(self, words: str) -> str:
        """What is to be read, as soon as it holds these words."""
        self._browser.until(lambda: words in self.text(), f"the app does not say {words!r}")
        return self.text()
