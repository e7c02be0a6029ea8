"""A running page, and a real browser where there is one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .browser import Chromium, chromedriver_at, chromium_at
from .serving import RunningPage

EXPECTED = re.compile(
    r"the server responded with a status of (400|401|409|404|429)|ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE"
)
"""What a browser notes about answers that say no; anything else on its console is a defect of the page."""
CLOCK = "window.testTime = 100000; performance.now = () => window.testTime"


@pytest.fixture
def page() -> Iterator[RunningPage]:
    """The page with no records yet."""
    with RunningPage() as running:
        yield running


@pytest.fixture(scope="session")
def open_chromium(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Chromium]:
    """Starts a headless Chromium with a fresh profile; whoever calls it closes it."""
    driver, program = chromedriver_at(), chromium_at()
    if driver is None or program is None:
        pytest.skip("needs chromium and chromedriver on the PATH")

    def start(*flags: str) -> Chromium:
        return Chromium(driver, program, tmp_path_factory.mktemp("profile"), flags=flags)

    return start


@pytest.fixture(scope="session")
def shared_chromium(open_chromium: Callable[..., Chromium]) -> Iterator[Chromium]:
    """One browser for most tests: starting one takes a second."""
    browser = open_chromium()
    try:
        yield browser
    finally:
        browser.close()


@pytest.fixture
def chromium(shared_chromium: Chromium) -> Iterator[Chromium]:
    """The shared browser in a tab of its own, of desktop size, with nothing on its console at the end."""
    first = shared_chromium.tab()
    shared_chromium.console()  # What other modules showed in this browser is theirs.
    shared_chromium.new_tab()
    shared_chromium.look(1280, 900)
    yield shared_chromium
    complaints = shared_chromium.console()
    shared_chromium.close_tab()
    shared_chromium.switch(first)
    unexpected = [line for line in complaints if not EXPECTED.search(line)]
    assert unexpected == []


@pytest.fixture
def timed(chromium: Chromium) -> Iterator[Chromium]:
    """A browser whose pages have a clock that only the test moves."""
    script = chromium.devtools("Page.addScriptToEvaluateOnNewDocument", source=CLOCK)
    yield chromium
    chromium.devtools("Page.removeScriptToEvaluateOnNewDocument", identifier=script["identifier"])


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go."""
    directory = tmp_path_factory.getbasetemp() / "pictures"
    directory.mkdir(exist_ok=True)
    return directory
