"""Which words of a message a person sees in Chromium: those of which other letters change some pixel.

Each word is replaced by other letters as wide (all is set in one fixed width), and the pictures of before and after are
compared where it stands. Neither colours nor boxes nor effects have to be understood for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .browser import Chromium
from .many_frames import laid_out

WIDTH = 600
_LEAST_CONTRAST = 20
_LEAST_HEIGHT = 2.0
_SMALL = 10.0
"""So low are letters whose edges are all that a pixel has of them, in a mixed colour."""
_MOST_ROUNDS = 4
"""Words that overlap are replaced one after the other; with more of them in one place nothing is said."""

_PREPARE = """
document.body.style.cssText = "margin:0;width:1200px;background:#fff";
document.documentElement.style.overflow = "hidden";
const frames = [...document.querySelectorAll("body > iframe")];
frames.forEach((frame, at) => {
  const inner = frame.contentDocument;
  const sheet = new frame.contentWindow.CSSStyleSheet();
  sheet.replaceSync("*{font-family:'DejaVu Sans Mono',monospace!important;font-variant-ligatures:none!important}");
  inner.adoptedStyleSheets = [sheet];
  frame.style.cssText = "display:block;border:0;float:left;width:600px;height:100px;color-scheme:light";
});
for (const frame of frames) {
  const inner = frame.contentDocument;
  const most = Math.max(inner.documentElement.scrollHeight, inner.body?.scrollHeight ?? 0);
  frame.style.height = Math.min(most + 8, 700) + "px";
}
window.places = frames.map((frame) => {
  const inner = frame.contentDocument, box = frame.getBoundingClientRect(), found = [];
  if (!inner.body) return found;
  const walker = inner.createTreeWalker(inner.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.parentElement.closest("style, script, title, template, noscript")) continue;
    for (const match of node.data.matchAll(/[\\p{L}\\d]+/gu)) {
      const range = inner.createRange();
      range.setStart(node, match.index);
      range.setEnd(node, match.index + match[0].length);
      const rects = [...range.getClientRects()].filter((one) => one.width && one.height).map((one) => (
        {x: one.x + box.x, y: one.y + box.y, right: one.right + box.x, bottom: one.bottom + box.y}));
      const beyond = rects.some((one) => one.right > box.right || one.bottom > box.bottom);
      found.push({node, at: match.index, word: match[0], rects, beyond});
    }
  }
  const meets = (one, other) => one.rects.some((a) => other.rects.some((b) =>
    a.x < b.right && b.x < a.right && a.y < b.bottom && b.y < a.bottom));
  found.forEach((one, at) => {
    const taken = new Set(found.slice(0, at).filter((other) => meets(one, other)).map((other) => other.round));
    one.round = 0;
    while (taken.has(one.round)) one.round++;
  });
  return found;
});
return Math.max(...frames.map((frame) => frame.getBoundingClientRect().bottom), 1);
"""
_FORGET = """
const frames = [...document.querySelectorAll("body > iframe")];
for (const at of arguments[0]) frames[at].remove();
"""
"""The canvas of a frame stays dark under the next message."""
_ROUNDS = "return 1 + Math.max(0, ...window.places.flat().map((one) => one.round))"
_REPLACE = """
const [round, back] = arguments;
const others = (word) => word.replace(/l|([^])/g, (_, other) => (other ? "l" : "m"));
for (const one of window.places.flat()) if (one.round === round || back)
  one.node.replaceData(one.at, one.word.length, back ? one.word : others(one.word));
"""
_COMPARE = """
const pictures = arguments[0];
const pixels = async (data) => {
  const blob = await (await fetch("data:image/png;base64," + data)).blob();
  const picture = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = canvas.getContext("2d", {willReadFrequently: true});
  context.drawImage(picture, 0, 0);
  return context.getImageData(0, 0, picture.width, picture.height);
};
return Promise.all(pictures.map(pixels)).then((all) => window.places.map((words) => words.map((one) => {
  const before = all[0], after = all[one.round + 1];
  let most = 0, changed = 0, high = 0;
  for (const rect of one.rects) {
    high = Math.max(high, rect.bottom - rect.y);
    const right = Math.min(Math.ceil(rect.right), before.width);
    const bottom = Math.min(Math.ceil(rect.bottom), before.height);
    for (let y = Math.max(0, Math.floor(rect.y)); after && y < bottom; y++)
      for (let x = Math.max(0, Math.floor(rect.x)); x < right; x++) {
        const at = 4 * (y * before.width + x);
        for (let part = 0; part < 3; part++) {
          const apart = Math.abs(before.data[at + part] - after.data[at + part]);
          if (apart > most) most = apart;
          if (apart > 24) changed++;
        }
      }
  }
  return [one.word, one.beyond || (one.rects.length > 0 && !after) ? -1 : most, changed, high];
})));
"""


@dataclass(frozen=True, slots=True)
class Word:
    """How much of a word is seen."""

    word: str
    contrast: int
    """The most that a pixel changes with its letters, from 0 to 255 in one of red, green and blue; -1 where nothing is
    said of it, for one would have to scroll."""
    pixels: int
    """How many change by more than nothing to speak of."""
    height: float
    """Of its line, in pixels; 0 of one that is not laid out."""

    @property
    def unseen(self) -> bool:
        """Whether nobody sees or reads it."""
        least = _LEAST_CONTRAST if self.height >= _SMALL else _LEAST_CONTRAST / 2
        return 0 <= self.contrast <= least or (self.contrast >= 0 and self.height < _LEAST_HEIGHT)

    @property
    def seen(self) -> bool:
        """Whether somebody sees it for certain: all the ink of it, nothing that is blurred or cut."""
        return self.contrast > 2 * _LEAST_CONTRAST and self.height >= 3 * _LEAST_HEIGHT


def seen_words(chromium: Chromium, sources: list[str]) -> Iterator[tuple[str, list[Word]]]:
    """Each source with the words of its texts, in order."""
    chromium.look(2 * WIDTH, 800)
    for group in laid_out(chromium, sources):
        chromium.look(2 * WIDTH, min(16_000, int(chromium.run(_PREPARE)) + 1))
        pictures = [_picture(chromium)]
        for number in range(min(_MOST_ROUNDS, int(chromium.run(_ROUNDS)))):
            chromium.run(_REPLACE, number, False)
            pictures.append(_picture(chromium))
            chromium.run(_REPLACE, number, True)
        for source, found in zip(group, chromium.run(_COMPARE, pictures), strict=True):
            yield source, [Word(*one) for one in found]
        chromium.run(_FORGET, [at for at, source in enumerate(group) if "color-scheme" in source])


def _picture(chromium: Chromium) -> str:
    return str(chromium.devtools("Page.captureScreenshot", format="png", optimizeForSpeed=True)["data"])
