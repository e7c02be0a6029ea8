"""Many documents in one page of a browser: written into frames that stay, for making a frame takes ten milliseconds."""

from __future__ import annotations

from collections.abc import Iterator

from .browser import Chromium

AT_ONCE = 60
POLICY = "<meta http-equiv=content-security-policy content=\"default-src 'none'; style-src 'unsafe-inline' data:\">"
_WRITE = """
const [sources] = arguments;
const frames = [...document.querySelectorAll("body > iframe")];
frames.slice(sources.length).forEach((frame) => frame.remove());
return Promise.all(sources.map((source, at) => new Promise((resolve) => {
  let frame = frames[at];
  if (!frame?.contentDocument) {
    const fresh = document.createElement("iframe");
    fresh.setAttribute("sandbox", "allow-same-origin");
    if (frame) frame.replaceWith(fresh); else document.body.append(fresh);
    frame = fresh;
  }
  const inner = frame.contentDocument;
  inner.open();
  frame.onload = resolve;
  inner.write(source);
  inner.close();
}))).then(() => null);
"""
_TEXTS = (
    "return [...document.querySelectorAll('body > iframe')].map((f) => f.contentDocument.documentElement.innerText)"
)


def laid_out(chromium: Chromium, sources: list[str]) -> Iterator[list[str]]:
    """Put `sources` in frames without scripts, some at once; those that are drawn now, until the next ones are."""
    chromium.go("data:text/html,<body>")
    for start in range(0, len(sources), AT_ONCE):
        group = sources[start : start + AT_ONCE]
        chromium.run(_WRITE, [f"<!doctype html>{POLICY}{source}" for source in group])
        yield group


def texts(chromium: Chromium, sources: list[str]) -> list[str]:
    """What is to be read of each."""
    return [text or "" for _ in laid_out(chromium, sources) for text in chromium.run(_TEXTS)]
