"""A headless Chromium as these tests use it, driven by Selenium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver import ActionChains, Chrome, ChromeOptions, ChromeService, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

T = TypeVar("T")
POLL_SECONDS = 0.05
KEYS = {
    "tab": Keys.TAB,
    "enter": Keys.ENTER,
    "space": Keys.SPACE,
    "shift": Keys.SHIFT,
    "control": Keys.CONTROL,
    "escape": Keys.ESCAPE,
    "right": Keys.ARROW_RIGHT,
}
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
    "--host-resolver-rules=MAP *.canary.test 127.0.0.1,MAP canary.test 127.0.0.1,MAP * ~NOTFOUND,"
    "EXCLUDE 127.0.0.1,EXCLUDE localhost,EXCLUDE *.localhost",
)

ENVIRONMENT = {
    # No statistics, no download, and should Selenium Manager ever be started to look for a driver, it cannot be.
    "SE_AVOID_STATS": "true",
    "SE_OFFLINE": "true",
    "SE_MANAGER_PATH": os.devnull,
    # The driver is on this machine.
    "NO_PROXY": "*",
    "no_proxy": "*",
}
"""What Selenium and its driver are started under."""


def chromium_at() -> str | None:
    """The installed browser, if there is one."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def chromedriver_at() -> str | None:
    """The installed driver, if there is one."""
    return shutil.which("chromedriver")


class Chromium:
    """One browser with a fresh profile; close it when done."""

    def __init__(self, chromedriver: str, chromium: str, profile: Path, *, flags: tuple[str, ...] = ()) -> None:
        options = ChromeOptions()
        options.binary_location = chromium
        for flag in (*FLAGS, f"--user-data-dir={profile}", *flags):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        with patch.dict(os.environ, ENVIRONMENT):
            self._driver = Chrome(options, ChromeService(executable_path=chromedriver))
        self._open = True
        self._in_front()

    def close(self) -> None:
        """End the browser and the driver; nothing happens the second time."""
        if self._open:
            self._open = False
            self._driver.quit()

    def go(self, url: str) -> None:
        self._driver.get(url)

    def run(self, script: str, *arguments: Any) -> Any:
        """The value that `script` returns."""
        return self._driver.execute_script(script, *arguments)

    def devtools(self, command: str, **settings: Any) -> Any:
        """A command of the DevTools protocol, for what WebDriver has no word for."""
        return self._driver.execute_cdp_cmd(command, settings)

    def find(self, css: str) -> WebElement:
        """The first element of `css`, as soon as it is there."""
        return self.until(lambda: self.all(css), f"no {css}")[0]

    def all(self, css: str) -> list[WebElement]:
        return self._driver.find_elements(By.CSS_SELECTOR, css)

    def text(self, css: str = "body") -> str:
        """What is to be read of the first element of `css`."""
        return self.find(css).text

    def click(self, css: str) -> None:
        """A real click; the driver refuses one that would reach something else."""
        self._in_the_middle(css).click()

    def type(self, css: str, text: str) -> None:
        self.find(css).send_keys(text)

    def press(self, *names: str, holding: str | None = None) -> None:
        """Real key strokes to whatever has the focus."""
        strokes = ActionChains(self._driver)
        if holding:
            strokes.key_down(KEYS[holding])
        for name in names:
            strokes.send_keys(KEYS.get(name, name))
        if holding:
            strokes.key_up(KEYS[holding])
        strokes.perform()

    def click_at(self, css: str, *, counts: tuple[int, ...] = (1,)) -> None:
        """Mouse clicks where the middle of an element is; 1, 2 are the two of a double click."""
        x, y = self.run(
            "const box = arguments[0].getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]",
            self.find(css),
        )
        for count in counts:
            for kind in ("mousePressed", "mouseReleased"):
                self.devtools("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=count)

    def new_tab(self) -> str:
        """Open another tab and go on there."""
        self._driver.switch_to.new_window("tab")
        self._in_front()
        return self.tab()

    def _in_front(self) -> None:
        """Nobody looks at a headless browser: without this the first click would be what brings its window forward."""
        self.devtools("Emulation.setFocusEmulationEnabled", enabled=True)

    def tab(self) -> str:
        return self._driver.current_window_handle

    def close_tab(self) -> None:
        self._driver.close()

    def switch(self, handle: str) -> None:
        self._driver.switch_to.window(handle)

    def enter_frame(self, css: str) -> None:
        self._driver.switch_to.frame(self._in_the_middle(css))

    def leave_frame(self) -> None:
        self._driver.switch_to.default_content()

    def console(self) -> list[str]:
        """What the browser complained about since the last time."""
        entries = self._driver.execute("getLog", {"type": "browser"})["value"]
        return [entry["message"] for entry in entries]

    def look(self, width: int, height: int, *, dark: bool = False) -> None:
        """Viewport and colour scheme; no scroll bars that a phone would not have."""
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.devtools("Emulation.setEmulatedMedia", features=scheme)

    def picture(self, path: Path) -> None:
        """A screenshot of what is in view."""
        assert self._driver.save_screenshot(str(path))

    def until(self, condition: Callable[[], T], why: str, seconds: float = 10.0) -> T:
        """What `condition` gives once it is true."""
        waiting = WebDriverWait(self._driver, seconds, POLL_SECONDS, (StaleElementReferenceException,))
        try:
            return waiting.until(lambda _: condition())
        except TimeoutException:
            page = self.run("return document.body.innerText")
            raise AssertionError(f"{why}; the page says:\n{page}") from None

    def until_text(self, words: str, css: str = "body") -> None:
        self.until(
            lambda: words in self.run("return document.querySelector(arguments[0])?.innerText ?? ''", css),
            f"no “{words}”",
        )

    def _in_the_middle(self, css: str) -> WebElement:
        """The first element of `css`, scrolled away from what sticks to the edges."""
        element = self.find(css)
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        return element
