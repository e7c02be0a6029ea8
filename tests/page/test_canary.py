"""A hostile message in a real browser, with a server that notes every request and a log of every name looked up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.approval.channels.page.fence import FRAME_POLICY
from maton_mailgun.approval.channels.page.frame import render

from .browser import Chromium
from .records import a_send
from .serving import RunningPage

pytestmark = pytest.mark.browser

HEAD = """
<html><head>
<base href="http://{host}/base/">
<meta http-equiv="refresh" content="0;url=http://{host}/refresh">
<link rel="stylesheet" href="http://{host}/sheet.css"><link rel="preload" as="image" href="http://{host}/preload">
<link rel="prefetch" href="http://{host}/prefetch"><link rel="icon" href="http://{host}/icon">
<link rel="dns-prefetch" href="//dns.canary.test"><link rel="preconnect" href="http://preconnect.canary.test/">
<link rel="prerender" href="http://{host}/prerender"><link rel="modulepreload" href="http://{host}/module">
<link rel="manifest" href="http://{host}/manifest">
<style>@import "http://{host}/import.css"; @font-face {{ font-family: f; src: url(http://{host}/font) }}
body {{ background: url(http://{host}/css) }} p {{ font-family: f; background: u\\72l(http://{host}/escaped) }}
i {{ background: image-set("http://{host}/image-set" 1x); list-style: url(//{host}/list) }}
b {{ cursor: url(//{host}/cursor), auto }}</style>
<script src="http://{host}/script.js"></script>
<script>fetch("http://{host}/fetch"); new Image().src = "http://{host}/js"</script>
</head>"""
BODY = """
<body background="http://{host}/background" onload="fetch('http://{host}/onload')">
<img src="http://{host}/img"><img srcset="http://{host}/srcset 1x"><img src="relative.png">
<img src="//{host}/noscheme"><picture><source srcset="http://{host}/source"><img src="http://{host}/picture"></picture>
<img src="data:image/png;base64,x" onerror="fetch('http://{host}/onerror')">
<input type="image" src="http://{host}/input"><iframe src="http://{host}/iframe"></iframe>
<iframe srcdoc="<img src=http://{host}/srcdoc>"></iframe>
<object data="http://{host}/object"></object><embed src="http://{host}/embed">
<video poster="http://{host}/poster" src="http://{host}/video" autoplay></video>
<audio src="http://{host}/audio" autoplay></audio><track src="http://{host}/track">
<svg><image href="http://{host}/svg"/><use href="http://{host}/use#a"/>
<style>@import "http://{host}/svgstyle";</style><script>fetch("http://{host}/svgjs")</script></svg>
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=http://{host}/mxss&gt;"></table></math>
<table background="http://{host}/table"><tr><td style="background-image:url(http://{host}/inline)">x</td></tr></table>
<form id="f" action="http://{host}/form"><input name="a" autofocus onfocus="this.form.submit()"></form>
<script>f.submit()</script>
<noscript><img src="http://{host}/noscript"></noscript><template><img src="http://{host}/template"></template>
<p>text</p><i>styled</i><a id="link" href="http://{host}/link" ping="http://{host}/ping">a link</a>
<a href="javascript:fetch('http://{host}/javascript')">script link</a>
<marquee onstart="fetch('http://{host}/marquee')">m</marquee>
<p id="end">The end</p></body></html>"""
HOSTILE = HEAD + BODY


class Canary:
    """Answers everything and remembers the paths; `pages` are what it serves on purpose."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.pages: dict[str, tuple[str, dict[str, str]]] = {}
        self.sang = threading.Event()
        canary = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body, headers = canary.pages.get(self.path, ("", {}))
                if self.path not in canary.pages and self.path != "/favicon.ico":
                    canary.paths.append(self.path)
                    canary.sang.set()
                self.send_response(200)
                for name, value in {"Content-Type": "text/html", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body.encode())

            do_POST = do_GET

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.host = f"canary.test:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    bird = Canary()
    try:
        yield bird
    finally:
        bird.close()


@pytest.fixture
def watched(open_chromium: Callable[..., Chromium], tmp_path: Path) -> Iterator[tuple[Chromium, Path]]:
    """A browser that logs what it does on the network."""
    log = tmp_path / "net.json"
    browser = open_chromium(f"--log-net-log={log}", "--net-log-capture-mode=Everything")
    try:
        browser.look(1280, 1000)
        yield browser, log
    finally:
        browser.close()


def settle(chromium: Chromium, canary: Canary) -> None:
    """Read to the end of the message, click its links, and give a request time to arrive that must not."""
    chromium.until_text("The end")
    for link in range(len(chromium.all("a"))):
        chromium.click(f"a:nth-of-type({link + 1})")
    canary.sang.wait(1.5)


def test_17_the_canary_sings_when_nothing_protects(watched: tuple[Chromium, Path], canary: Canary) -> None:
    """The control: the same message, opened as a plain page, makes all these requests."""
    chromium, log = watched
    # Without what leads away from the page at once.
    tame = (
        HOSTILE.replace('<meta http-equiv="refresh"', "<meta ")
        .replace("f.submit()", "")
        .replace("this.form.submit()", "")
    )
    canary.pages["/control"] = (tame.format(host=canary.host), {})
    chromium.go(f"http://{canary.host}/control")
    features = (
        "img script.js css import.css srcset iframe object poster svg fetch onload table preload sheet.css inline"
    )
    wanted = {f"/{name}" for name in [*features.split(), "srcdoc", "base/relative.png", "escaped", "manifest"]}
    chromium.until(lambda: wanted <= set(canary.paths), "the canary heard too little", 15)
    chromium.close()
    assert "preconnect.canary.test" in log.read_text()


def test_17_a_hostile_message_on_the_page_makes_no_request(
    watched: tuple[Chromium, Path], canary: Canary, page: RunningPage
) -> None:
    chromium, log = watched
    record = a_send()
    record.preview["message"]["html"] = HOSTILE.format(host=canary.host)
    page.gate.add(record)
    chromium.go(page.page.link(record.id))
    chromium.find("iframe")
    chromium.enter_frame("iframe")
    settle(chromium, canary)
    assert (
        chromium.all(
            "link, base, script, form, input, iframe, object, svg, meta[http-equiv], [href]:not([href='#']), [srcset]"
        )
        == []
    )
    chromium.leave_frame()
    for tab in range(1, 5):
        chromium.click(f"#message-tab-{tab}")
    assert "javascript: runs or opens something" in chromium.text("#message-panel")
    chromium.click("#message-tab-0")
    chromium.enter_frame("iframe")
    settle(chromium, canary)
    chromium.close()
    assert canary.paths == []
    assert ("//canary.test" in log.read_text(), ".canary.test/" in log.read_text()) == (False, False)


@pytest.mark.parametrize("wall", ["rebuilt", "policy"])
def test_17_each_wall_holds_alone(watched: tuple[Chromium, Path], canary: Canary, wall: str) -> None:
    """The message rebuilt but served without any policy, and the message as it came under the frame's policy."""
    chromium, _ = watched
    hostile = HOSTILE.format(host=canary.host)
    canary.pages["/rebuilt"] = (render(hostile).document, {})
    canary.pages["/policy"] = (
        hostile.replace('id="link" href', 'id="link" name'),
        {"Content-Security-Policy": FRAME_POLICY},
    )
    chromium.go(f"http://{canary.host}/{wall}")
    chromium.until_text("The end")
    canary.sang.wait(1.5)
    assert canary.paths == []
