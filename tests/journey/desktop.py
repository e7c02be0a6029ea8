"""A user's desktop, a server started on it, and what the person does on the page."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from e2e.conftest import wait_until
from maton_mailgun.sandbox import RunningSandbox
from page.browser import Chromium
from page.serving import file_of, link_in

READY = "return performance.now() - (window.armed ??= performance.now()) > 1050"
"""A click on Approve counts 700 ms after the request appeared."""


def lingering(home: Path) -> list[int]:
    """The processes that go on serving a page for the user with this home."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line, environment = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
        except OSError:
            continue
        if b"maton_mailgun.lingering" in line and f"HOME={home}".encode() in environment.split(b"\0"):
            found.append(int(entry.name))
    return found


class Desktop:
    """A user's desktop: `BROWSER` is a program that notes which address it was asked to open."""

    def __init__(self, folder: Path) -> None:
        self._opened = folder / "opened"
        self.home = folder / "user"
        self.home.mkdir(mode=0o755)
        self.browser = folder / "browser"
        self.browser.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" >> "{self._opened}"\n')
        self.browser.chmod(0o755)

    def addresses(self) -> list[str]:
        return self._opened.read_text().split() if self._opened.exists() else []

    def handed_over(self) -> list[Path]:
        """The files that still lead to the page."""
        return sorted((self.home / "maton-mailgun-page").glob("*"))

    def lingering(self) -> list[int]:
        """The processes of this user that go on serving a page."""
        return lingering(self.home)

    def kill_lingering(self) -> None:
        for process in self.lingering():
            os.kill(process, signal.SIGKILL)


def approve_in(chromium: Chromium, desktop: Desktop, number: int = -1, *, go: bool = True) -> None:
    """Open what the server asked the browser to open, and say yes."""
    if go:
        wait_until(lambda: bool(desktop.addresses()), "the page being opened")
        chromium.go(desktop.addresses()[number])
    chromium.find("#approve")
    chromium.until(lambda: "still loading" not in chromium.text("#decision-note"), "the message is not drawn")
    chromium.run("window.armed = undefined")
    chromium.until(lambda: chromium.run(READY), "the buttons do not count yet")
    if chromium.all("#checked"):
        chromium.click("#checked")
    chromium.click("#approve")


def writes(running: RunningSandbox) -> list[str]:
    return [f"{r['method']} {r['path']}" for r in running.sandbox.requests if r["method"] != "GET"]


def port_of(desktop: Desktop, number: int = -1) -> int:
    """The port of the page that the browser was led to."""
    return int(link_in(file_of(desktop.addresses()[number])).partition("/#")[0].rpartition(":")[2])
