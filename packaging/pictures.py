"""Makes the pictures in docs/pictures from the real thing: the demo as it runs in a terminal, as an SVG that moves; and
the approval page with a message that waits, as a browser draws it.

    python packaging/pictures.py            both; the page needs chromium and chromedriver on the PATH
    python packaging/pictures.py demo       only this one

Run it after a change of what they show, and look at them. The demo is recorded from a pseudo-terminal; only its pace is
ours, so that it can be read.
"""

from __future__ import annotations

import asyncio
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from rich.cells import cell_len
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import MONOKAI
from rich.text import Text

from maton_mailgun.cli.demo import BOUNCE, MESSAGE
from maton_mailgun.config import SANDBOX_KEY
from maton_mailgun.sandbox import Sandbox, serve

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
COLUMNS, ROWS = 100, 30
_WIDE, _HIGH, _EDGE = 8.4, 19.0, 14.0
"""Of a character, a line and the frame, in pixels."""
_READ_SECONDS, _LINE_SECONDS, _TOLD_SECONDS, _END_SECONDS = 3.5, 0.09, 1.1, 6.0
"""Before a decision, for a line of a question, for another line, and at the end."""


def main(names: Sequence[str]) -> int:
    """Make those that are named, or all."""
    PICTURES.mkdir(exist_ok=True)
    for name, make in {"demo": _demo, "page": _page}.items():
        if not names or name in names:
            path = make()
            sys.stdout.write(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes\n")
    return 0


def _demo() -> Path:
    path = PICTURES / "demo.svg"
    lines = [line for line in Text.from_ansi(recorded()).split("\n") if not line.plain.startswith("Next: ")]
    while lines and not lines[-1].plain.strip():
        lines.pop()
    path.write_text(moving(lines), encoding="utf-8", newline="\n")
    return path


def recorded() -> str:
    """What `maton-mailgun demo --yes` writes to a terminal, as its user would see it: by its name, and not as root."""
    scripts = Path(sys.executable).parent
    environment = {
        "PATH": os.pathsep.join([str(scripts), os.environ["PATH"]]),
        "TERM": "xterm-256color",
        "COLUMNS": str(COLUMNS),
        "LINES": str(ROWS),
        "LOGNAME": "ann",
        "LANG": "C.UTF-8",
    }
    ours, theirs = pty.openpty()
    with subprocess.Popen(  # noqa: S603 - our own command
        [str(scripts / "maton-mailgun"), "demo", "--yes"], stdin=theirs, stdout=theirs, env=environment
    ) as demo:
        os.close(theirs)
        said = b"".join(_until_closed(ours))
    os.close(ours)
    if demo.returncode:
        raise SystemExit(f"the demo ended with {demo.returncode}")
    return said.decode().replace("\r\n", "\n")


def _until_closed(terminal: int) -> Iterator[bytes]:
    # A terminal whose other side is closed is an error on Linux and an end elsewhere.
    try:
        while part := os.read(terminal, 65536):
            yield part
    except OSError:
        return


def moving(lines: Sequence[Text]) -> str:
    """The lines as an SVG: they appear one after another and move up as a terminal's do. Where nothing moves, the
    first screen stands."""
    moments = list(_moments([line.plain for line in lines]))
    whole = moments[-1] + _END_SECONDS
    width, height = COLUMNS * _WIDE + 2 * _EDGE, ROWS * _HIGH + 2 * _EDGE
    # What is covered is what has not been written yet.
    covers = [(0.0, 0.0), *((moment, (number + 1) * _HIGH) for number, moment in enumerate(moments))]
    scrolls = [(moment, -max(0, number + 1 - ROWS) * _HIGH) for number, moment in enumerate(moments)]
    drawn = "\n".join(_line(number, line) for number, line in enumerate(lines))
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img">
<title>maton-mailgun demo: a message is shown and approved, a deletion is shown and rejected</title>
<style>
text {{ font: 14px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre }}
.cover {{ transform: translateY({len(lines) * _HIGH:g}px) }}
@media (prefers-reduced-motion: no-preference) {{
.scroll {{ animation: scroll {whole:.1f}s step-end infinite }}
.cover {{ animation: cover {whole:.1f}s step-end infinite }}
}}
@keyframes scroll {{ {_frames([(0.0, 0.0), *scrolls], whole)} }}
@keyframes cover {{ {_frames(covers, whole)} }}
</style>
<clipPath id="screen"><rect x="{_EDGE}" y="{_EDGE}" width="{COLUMNS * _WIDE:.0f}" height="{ROWS * _HIGH:.0f}"/>
</clipPath>
<rect width="{width:.0f}" height="{height:.0f}" rx="8" fill="#0c0c0c"/>
<g clip-path="url(#screen)"><g class="scroll">
{drawn}
<rect class="cover" x="0" y="{_EDGE:.0f}" width="{width:.0f}" height="{len(lines) * _HIGH:.0f}" fill="#0c0c0c"/>
</g></g>
</svg>
"""


def _moments(lines: Sequence[str]) -> Iterator[float]:
    """When each line is there."""
    now = 0.5
    for line in lines:
        if line.startswith("Your decision"):
            now += _READ_SECONDS
        elif line.strip():
            now += _LINE_SECONDS if line[0] in "╭│╰" else _TOLD_SECONDS if line[0] in "✔✘" else 3 * _LINE_SECONDS
        yield now


def _frames(steps: Sequence[tuple[float, float]], whole: float) -> str:
    """Keyframes of something that is so many pixels down from each moment on."""
    told = [steps[0], *(after for before, after in pairwise(steps) if after[1] != before[1])]
    return " ".join(f"{100 * moment / whole:.2f}% {{ transform: translateY({down:g}px) }}" for moment, down in told)


def _line(number: int, line: Text) -> str:
    """A line with its colours; each part stands where its column is, whichever font there is."""
    y = _EDGE + (number + 0.75) * _HIGH
    parts, column = [], 0
    for segment in line.render(Console(width=COLUMNS)):
        words = segment.text.rstrip("\n")
        lead = len(words) - len(words.lstrip(" "))
        shown, wide = words.strip(" "), cell_len(words)
        if shown:
            x, length = _EDGE + (column + lead) * _WIDE, cell_len(shown) * _WIDE
            parts.append(f'<tspan x="{x:.1f}" textLength="{length:.1f}"{_ink(segment.style)}>{escape(shown)}</tspan>')
        column += wide
    return f'<text y="{y:.1f}" fill="#d9d9d9">{"".join(parts)}</text>' if parts else ""


def _ink(style: Style | None) -> str:
    if style is None:
        return ""
    colour: Color | None = style.color
    ink = f' fill="{colour.get_truecolor(MONOKAI).hex}"' if colour is not None and not colour.is_default else ""
    return ink + (' font-weight="bold"' if style.bold else "") + (' opacity="0.7"' if style.dim else "")


def _page() -> Path:
    path = PICTURES / "page.png"
    with tempfile.TemporaryDirectory() as folder, serve(Sandbox()) as sandbox:
        asyncio.run(_drawn(Path(folder), sandbox.url, path))
    return path


async def _drawn(folder: Path, api_url: str, path: Path) -> None:
    """Have a deletion and a message proposed by a client that cannot ask, and draw the page that opens."""
    home, opened = folder / "home", folder / "opened"
    home.mkdir()
    browser = folder / "browser"
    browser.write_text(f'#!/bin/sh\nprintf "%s" "$1" > "{opened}"\n', encoding="utf-8")
    browser.chmod(0o755)
    server = StdioServerParameters(
        command=sys.executable,
        args=["-P", "-m", "maton_mailgun", "serve"],
        env={
            "PATH": os.environ["PATH"], "HOME": str(home), "LOGNAME": "ann", "BROWSER": str(browser),
            "MATON_API_KEY": SANDBOX_KEY, "MATON_API_URL": api_url, "MATON_MAILGUN_HOME": str(home / "state"),
        },
    )  # fmt: skip
    async with Client(stdio_client(server)) as client:
        await client.call_tool("delete_bounce", dict(BOUNCE))
        await client.call_tool("send_message", dict(MESSAGE))
        await asyncio.to_thread(_photograph, opened.read_text(encoding="utf-8"), folder / "profile", path)


def _photograph(address: str, profile: Path, path: Path) -> None:
    # Here, as only this picture needs a browser.
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService
    from selenium.webdriver.support.wait import WebDriverWait

    driver, program = shutil.which("chromedriver"), shutil.which("chromium") or shutil.which("google-chrome")
    if driver is None or program is None:
        raise SystemExit("the picture of the page needs chromium and chromedriver on the PATH")
    options = ChromeOptions()
    options.binary_location = program
    for flag in ("--headless=new", "--no-sandbox", "--hide-scrollbars", f"--user-data-dir={profile}"):
        options.add_argument(flag)
    with patch.dict(os.environ, {"SE_OFFLINE": "true", "SE_AVOID_STATS": "true", "NO_PROXY": "*", "no_proxy": "*"}):
        chrome = Chrome(options, ChromeService(executable_path=driver))
    try:
        chrome.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": 1120, "height": 860, "deviceScaleFactor": 1, "mobile": False},
        )
        chrome.get(address)
        page = WebDriverWait(chrome, 20, poll_frequency=0.1)
        page.until(lambda one: re.search(r"Your invoice for November", one.find_element("css selector", "body").text))
        page.until(lambda one: "still loading" not in one.find_element("css selector", "#decision-note").text)
        chrome.save_screenshot(str(path))
    finally:
        chrome.quit()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
