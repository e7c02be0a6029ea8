"""Nothing that Chromium fetches of a message is missing among what the preview tells of it."""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from maton_mailgun.approval.preview import content
from maton_mailgun.mail.letter import Letter

from .browser import Chromium
from .loading_html import inputs

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FRAME = '<iframe sandbox="allow-same-origin" width=300 height=200 srcdoc="{}"></iframe>'


class Listener:
    """A server that answers everything with nothing, but for its first page, and remembers which hosts were asked."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.page = ""
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host = self.headers["Host"].partition(":")[0]
                body = listener.page.encode() if (host, self.path) == ("start.canary.test", "/") else b""
                listener.asked.add(host)
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8" if body else "")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    ear = Listener()
    try:
        yield ear
    finally:
        ear.close()


def told(source: str) -> set[str]:
    """The hosts that the preview says are asked when the message is opened, or that it leads to."""
    reading = content.read(Letter(html=source))
    assert reading.unchecked == []
    return {*reading.remote, *reading.links}


def test_attack_121_no_host_that_chromium_asks_is_missing(
    open_chromium: Callable[..., Chromium], listener: Listener
) -> None:
    chromium = open_chromium()
    sources = inputs(f"h{{}}.canary.test:{listener.port}")
    listener.page = "<!doctype html>" + "".join(FRAME.format(html.escape(source)) for source in sources)
    try:
        chromium.go(f"http://start.canary.test:{listener.port}/")
        chromium.until(lambda: len(listener.asked) > 330, f"only {len(listener.asked)} were asked", 30)
    finally:
        chromium.close()
    missing = [
        source
        for number, source in enumerate(sources)
        if (host := f"h{number}.canary.test") in listener.asked and host not in told(source)
    ]
    assert missing == []
