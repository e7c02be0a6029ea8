"""As much of the W3C WebDriver protocol as these tests speak, over plain HTTP."""

from __future__ import annotations

import base64
import http.client
import json
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {"tab": "\ue004", "enter": "\ue007", "space": " ", "shift": "\ue008", "escape": "\ue00c", "right": "\ue014"}
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    # Names of the canary lead to this machine, all other names nowhere: no test reaches the internet.
    "--host-resolver-rules=MAP *.canary.test 127.0.0.1,MAP canary.test 127.0.0.1,MAP * ~NOTFOUND,EXCLUDE 127.0.0.1",
)


class WebDriverError(Exception):
    """What the driver said instead of an answer."""


class Chromium:
    """One browser with a fresh profile; close it when done."""

    def __init__(self, chromedriver: str, chromium: str, profile: Path, *, flags: tuple[str, ...] = ()) -> None:
        self._driver = subprocess.Popen([chromedriver, "--port=0"], stdout=subprocess.PIPE, text=True)
        assert self._driver.stdout is not None
        ports = (re.search(r"successfully on port (\d+)", line) for line in self._driver.stdout)
        self._port = next(int(found[1]) for found in ports if found)
        options = {"binary": chromium, "args": [*FLAGS, f"--user-data-dir={profile}", *flags]}
        wanted = {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}
        try:
            self._session = "/session/" + self._call("POST", "/session", {"capabilities": wanted})["sessionId"]
        except BaseException:
            self._stop()
            raise

    def close(self) -> None:
        """End the browser and the driver; nothing happens the second time."""
        if self._driver.poll() is not None:
            return
        try:
            self._call("DELETE", self._session)
        finally:
            self._stop()

    def go(self, url: str) -> None:
        self._do("POST", "/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """The value that `script` returns."""
        return self._do("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def devtools(self, command: str, **settings: Any) -> Any:
        """A command of the DevTools protocol, for what WebDriver has no word for."""
        return self._do("POST", "/goog/cdp/execute", {"cmd": command, "params": settings})

    def find(self, css: str) -> str:
        """The first element of `css`, as soon as it is there."""
        return self.until(lambda: self.all(css), f"no {css}")[0]

    def all(self, css: str) -> list[str]:
        found = self._do("POST", "/elements", {"using": "css selector", "value": css})
        return [one[ELEMENT] for one in found]

    def text(self, css: str = "body") -> str:
        """What is to be read of the first element of `css`."""
        return str(self._do("GET", f"/element/{self.find(css)}/text"))

    def click(self, css: str) -> None:
        """A real click; the driver refuses one that would reach something else."""
        self._do("POST", f"/element/{self._in_the_middle(css)}/click", {})

    def type(self, css: str, text: str) -> None:
        self._do("POST", f"/element/{self.find(css)}/value", {"text": text})

    def press(self, *names: str, holding: str | None = None) -> None:
        """Real key strokes to whatever has the focus."""
        strokes = [{"type": kind, "value": KEYS.get(name, name)} for name in names for kind in ("keyDown", "keyUp")]
        if holding:
            strokes = [{"type": "keyDown", "value": KEYS[holding]}, *strokes, {"type": "keyUp", "value": KEYS[holding]}]
        self._do("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]})

    def click_at(self, css: str, *, counts: tuple[int, ...] = (1,)) -> None:
        """Mouse clicks where the middle of an element is; 1, 2 are the two of a double click."""
        x, y = self.run(
            "const box = arguments[0].getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]",
            {ELEMENT: self.find(css)},
        )
        for count in counts:
            for kind in ("mousePressed", "mouseReleased"):
                self.devtools("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=count)

    def new_tab(self) -> str:
        """Open another tab and go on there."""
        handle = str(self._do("POST", "/window/new", {"type": "tab"})["handle"])
        self.switch(handle)
        return handle

    def tab(self) -> str:
        return str(self._do("GET", "/window"))

    def close_tab(self) -> None:
        self._do("DELETE", "/window")

    def switch(self, handle: str) -> None:
        self._do("POST", "/window", {"handle": handle})

    def enter_frame(self, css: str) -> None:
        self._do("POST", "/frame", {"id": {ELEMENT: self._in_the_middle(css)}})

    def leave_frame(self) -> None:
        self._do("POST", "/frame", {"id": None})

    def console(self) -> list[str]:
        """What the browser complained about since the last time."""
        return [entry["message"] for entry in self._do("POST", "/se/log", {"type": "browser"})]

    def look(self, width: int, height: int, *, dark: bool = False) -> None:
        """Viewport and colour scheme; no scroll bars that a phone would not have."""
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.devtools("Emulation.setEmulatedMedia", features=scheme)

    def picture(self, path: Path) -> None:
        """A screenshot of what is in view."""
        shot = self.devtools("Page.captureScreenshot")
        path.write_bytes(base64.b64decode(shot["data"]))

    def until(self, condition: Callable[[], T], why: str, seconds: float = 10.0) -> T:
        """What `condition` gives once it is true."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if found := condition():
                    return found
            except WebDriverError as problem:
                if "stale element" not in str(problem):
                    raise
            assert time.monotonic() < deadline, f"{why}; the page says:\n{self.run('return document.body.innerText')}"

    def until_text(self, words: str, css: str = "body") -> None:
        self.until(
            lambda: words in self.run("return document.querySelector(arguments[0])?.innerText ?? ''", css),
            f"no “{words}”",
        )

    def _in_the_middle(self, css: str) -> str:
        """The first element of `css`, scrolled away from what sticks to the edges."""
        element = self.find(css)
        self.run("arguments[0].scrollIntoView({block: 'center'})", {ELEMENT: element})
        return element

    def _do(self, method: str, path: str, body: Any = None) -> Any:
        return self._call(method, self._session + path, body)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            connection.request(
                method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"}
            )
            value = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        if isinstance(value, dict) and "error" in value:
            raise WebDriverError(f"{value['error']}: {value['message']}")
        return value

    def _stop(self) -> None:
        self._driver.terminate()
        self._driver.wait(10)
        if self._driver.stdout is not None:
            self._driver.stdout.close()
