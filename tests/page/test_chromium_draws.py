"""168: the frame draws what the mail does: the same letters at the same places, whatever a style sheet asks for.

The source itself is the other opinion, in the same browser.
"""

from __future__ import annotations

import pytest

from maton_mailgun.approval.channels.page.frame import render

from .browser import Chromium
from .many_frames import laid_out

pytestmark = pytest.mark.browser

AMOUNT = "<p>Pay <span style='display:inline-block'>{}</span> EUR</p>"
SPANS = AMOUNT.format("<span data-n>1</span><span data-n>,00</span><span data-n>5</span>")
LINKS = AMOUNT.format("".join(f"<a href='https://x.com/{n}' title=t>{n}</a>" for n in ("1", ",00", "5")))
SOURCES = [
    f"<style>{selector}{{float:right}}</style>{markup}"
    for markup, selectors in {
        SPANS: ("span[data-n]", "span[data-n]:nth-child(n)", "body>p>span>span", "html>body span span", "*|*[data-n]"),
        LINKS: (
            *("a[href]", "a:link", "a:any-link", "a[href^='https://x']", "a[href$='1'],a[href*=','],a[href$='5' i]"),
            *("a[title=t]", "a[title]", "a[title='https://x.com/1']", "a[ href ]", "a[*|href]", "a[h\\72 ef]"),
            "a:not([data-of-the-mail-href])",
        ),
        AMOUNT.format("<label for=a>1</label><label for=b>,00</label><label for=c>5</label>"): ("label", "label[for]"),
        AMOUNT.format("<x-n>1</x-n><x-n>,00</x-n><x-n>5</x-n>"): ("x-n", "p x-n:nth-of-type(n)"),
    }.items()
    for selector in selectors
] + [
    f"<html lang=de><style>html[lang=de] i{{float:right}}</style>{AMOUNT.format('<i>1</i><i>5</i>')}",
    f"<body id=z class=k><style>#z.k i{{float:right}}</style>{AMOUNT.format('<i>1</i><i>5</i>')}",
    f"<html dir=rtl>{AMOUNT.format('<b>1</b> <b>5</b>')}",
    f"<body dir=rtl>{AMOUNT.format('<b>1</b> <b>5</b>')}",
    f"<style>p:first-child i{{float:right}}</style>{AMOUNT.format('<i>1</i><i>5</i>')}",
    f"<html><head><style>body>p:first-child i{{float:right}}</style></head><body>{AMOUNT.format('<i>1</i><i>5</i>')}",
    "<div style='width:70px;overflow:hidden;font:16px sans-serif'>We&nbsp;agree&nbsp;not&nbsp;at&nbsp;all</div>",
    "<style>.y{display:none}a[href] .y{display:inline}</style><p>Pay <a href=//x.com>now <b class=y>5,000</b></a></p>",
    "<style>label .y{display:none}</style><p>We do <label><b class=y>not</b></label> agree</p>",
]
DRAWN = """
return [...document.querySelectorAll("body > iframe")].map((frame) => {
  const inner = frame.contentDocument, body = inner.body, found = [];
  const walker = inner.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.parentElement.closest("style, script, title")) continue;
    for (let at = 0; at < node.length; at++) {
      const range = inner.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + 1);
      const box = range.getBoundingClientRect();
      if (box.width > 0 && node.data[at].trim()) found.push([Math.round(box.x), Math.round(box.y), node.data[at]]);
    }
  }
  return found;
});
"""
MARGIN = "<style>body{margin:16px!important}</style>"


def drawn(chromium: Chromium, sources: list[str]) -> list[object]:
    chromium.go("about:blank")
    return [places for _ in laid_out(chromium, sources) for places in chromium.run(DRAWN)]


def test_attack_168_letters_stand_where_they_stand_in_the_mail(chromium: Chromium) -> None:
    mail = drawn(chromium, [source + MARGIN for source in SOURCES])
    frame = drawn(chromium, [render(source).document.removeprefix("<!doctype html>") for source in SOURCES])
    chromium.console()
    different = [source for source, one, other in zip(SOURCES, mail, frame, strict=True) if one != other]
    assert different == []
    assert all(mail)
