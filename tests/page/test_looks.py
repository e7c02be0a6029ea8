"""How the page looks and sounds: layout, contrast, names for assistive technology. Leaves screenshots behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.approval.store.record import Record

from .browser import Chromium
from .records import a_domain_deletion, a_send, an_update
from .serving import RunningPage
from .visiting import show

pytestmark = pytest.mark.browser

LONG = "Invoice " + "and so on " * 40
RTL = "\u062f\u0639\u0648\u0629 \u0644\u0644\u0627\u062c\u062a\u0645\u0627\u0639 \u2014 \u05e9\u05dc\u05d5\u05dd"


def the_worst_to_lay_out() -> Record:
    """Long words, other directions, many warnings."""
    record = a_send()
    preview = {**record.preview}
    preview["target"] = "message to " + "very-long-mailbox-name." * 12 + "@" + "sub." * 30 + "example.com"
    preview["warnings"] = [f"Warning {n}: {'long ' * (n % 7 * 6)}{RTL}" for n in range(40)]
    preview["message"] = {**preview["message"], "subject": RTL + " " + LONG, "from": "x" * 300 + "@example.com"}
    preview["recipients"] = [{"address": "y" * 200 + "@example.com", "kind": "to", "flags": ["z" * 80, RTL]}]
    preview["sections"] = [{"heading": "H" * 120, "rows": [{"label": "L" * 90, "value": "v" * 400, "flags": []}]}]
    return replace(record, preview=preview)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (360, 780)], ids=["desktop", "phone"])
@pytest.mark.parametrize("what", [a_send, a_domain_deletion, an_update, the_worst_to_lay_out])
def test_nothing_sticks_out_and_everything_can_be_read(
    chromium: Chromium, page: RunningPage, pictures: Path, what: Any, width: int, height: int, dark: bool
) -> None:
    """Nothing scrolls sideways, text has a contrast of 4.5 (WCAG 2.2, 1.4.3), targets are 24 pixels (2.5.8)."""
    chromium.look(width, height, dark=dark)
    show(chromium, page, what())
    chromium.run("document.querySelector('#more-warnings')?.click(); document.querySelector('details').open = true")
    chromium.picture(pictures / f"{what.__name__}-{width}-{'dark' if dark else 'light'}.png")
    assert chromium.run("return document.documentElement.scrollWidth <= window.innerWidth")
    assert chromium.run(CONTRAST) == []
    assert chromium.run(SMALL) == []


SMALL = """
return [...document.querySelectorAll('main button, main summary, header button')]
  .filter((e) => e.offsetParent && e.getBoundingClientRect().height < 24).map((e) => e.innerText)
"""

CONTRAST = """
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const paint = (layers) => {
  canvas.clearRect(0, 0, 1, 1);
  for (const layer of layers) { canvas.fillStyle = layer; canvas.fillRect(0, 0, 1, 1); }
  return [...canvas.getImageData(0, 0, 1, 1).data];
};
const light = (rgb) => {
  const [r, g, b] = rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const bad = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || element.closest("noscript, .unseen, .skip")) continue;
  if (!element.checkVisibility()) continue;
  const layers = [];
  for (let e = element; e; e = e.parentElement) layers.unshift(getComputedStyle(e).backgroundColor);
  const behind = light(paint(layers).slice(0, 3));
  const ink = light(paint([...layers, getComputedStyle(element).color]).slice(0, 3));
  const ratio = (Math.max(ink, behind) + 0.05) / (Math.min(ink, behind) + 0.05);
  const off = element.closest("[aria-disabled=true]");
  if (ratio < 4.5 && !off) bad.push(`${ratio.toFixed(2)} ${element.className} ${walker.currentNode.data.slice(0, 30)}`);
}
return bad;
"""


def test_a_screen_reader_finds_its_way(chromium: Chromium, page: RunningPage) -> None:
    """Landmarks and names as the browser computes them for assistive technology."""
    show(chromium, page, a_send())
    chromium.find("iframe")
    tree = chromium.devtools("Accessibility.getFullAXTree")["nodes"]
    found = {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node["ignored"]}
    assert {
        ("navigation", "Approvals"),
        ("main", ""),
        ("article", "Request"),
        ("heading", "Your invoice for March"),
        ("heading", "1 warning"),
        ("region", "Decision"),
        ("button", "Reject…"),
        ("button", "Approve and send"),
        ("tab", "Rendered"),
        ("Iframe", "The HTML body, without scripts, remote pictures and working links"),
    } <= found
    nameless = [role for role, name in found if role in {"button", "link", "textbox", "tab", "checkbox"} and not name]
    assert nameless == []
