"""Nothing that Chromium shows of a message, or where it leads, is missing in our reading, and nothing that it hides by
style is told as shown: held against inputs of html5lib, and others made by dice."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.approval.preview import content
from maton_mailgun.mail import links
from maton_mailgun.mail.html import Page, read
from maton_mailgun.mail.letter import Letter
from maton_mailgun.mail.pieces import HIDDEN, words

from .browser import Chromium
from .generated_html import inputs
from .many_frames import laid_out
from .nasty_html import NastyHtml

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HTML5LIB = Path(__file__).parent / "html5lib" / "inputs.json"
HOSTS = """
const look = (root) => [...root.querySelectorAll("*")].flatMap((element) => {
  const inner = element.shadowRoot ?? (element.tagName === "IFRAME" ? element.contentDocument : null);
  const found = inner ? look(inner) : [];
  if (!element.getClientRects().length && element.tagName !== "AREA") return found;
  const raw = element.getAttribute("href") ?? element.getAttribute("formaction") ?? element.getAttribute("action");
  if (raw === null || /^(link|base|use|image)$/i.test(element.tagName)) return found;
  try { found.push(new URL(raw, element.baseURI).hostname); } catch {}
  return found;
});
return [...document.querySelectorAll("iframe")].map((frame) => look(frame.contentDocument));
"""
HIDING = (
    "[data-x]", "[data-x='1']", "[data-x=\"1\" i]", "p:not([data-y])", "p:not(.z)", ":not(b):not(html):not(body)",
    ":is(p, .z)", ":where(.k)", "p:nth-child(1)", ":nth-last-child(n + 1)", "p:first-of-type", "p:only-of-type",
    "[class^=k]", "[class$=l]", "[class*='k l']", "[class~=l]", "[lang|=de]", "p[data-x][class]", "p:has(b)", "\\70",
    ".\\6b", "p.k.l", "#i", "p:lang(de)", "p:empty, p", "*|p", "|p", "body :not(:has(i))", "p:not(:hover)", "P",
    "div > p", "body p", "div :is(p)", "i, .z ~ p, p", "x{}p", "}p", "p/**/", "<!-- p", "p:is(:is(:is(.k)))",
    ":is(%,p)",
    "@media screen{p", "@supports (display:grid){p", "@layer x{p", "@scope (div){p", "@container (width > 1px){p",
    "div{p", "div{& p", "div{color:red;> p", "p{i{color:red}}p", "@media print{}p", "@import 'x';p", "p:read-only",
    "i:after{content:'}'}p", "i{content:\"/*\"}p", "i{content:'{'}p", "[data-x='1']:not([title='{'])", "p[class]",
    "p:dir(ltr)", "p:any-link, p", ":root p", "div:first-child p", "p:nth-child(1 of .k)", "p:not(:nth-child(2))",
    "i{a:(});b:c}p", "i{--x:{}}p", "[data-x=\\31 ]", "p:is()+i,p", "html:not(.z) p", "p:not(#j,.j)", "p:where(:not(a))",
)  # fmt: skip

"""Each selects the paragraph of `PARAGRAPH`, or none where Chromium thinks so."""
PARAGRAPH = "<div><p id=i class='k l' lang=de data-x=1 title=t>w1x<b>w2x</b></p></div>"
OWN = frozenset({"Details", "This content is blocked. Contact the site owner to fix the issue."})
"""Chromium's own words: of a summary that is not there, and in a frame that it blocks."""
HOW = ("display:none", "dis\\70lay:none", "DISPLAY:/**/none!important", "color:red;display:none;}")


def shown(chromium: Chromium, sources: list[str]) -> Iterator[tuple[str, list[str], list[str]]]:
    """Each source, all that Chromium shows of it in a frame without scripts, and the hosts that links in it lead to."""
    for group in laid_out(chromium, sources):
        yield from zip(group, texts_in(chromium), chromium.run(HOSTS), strict=True)


def texts_in(chromium: Chromium) -> list[list[str]]:
    """All that Chromium shows in each frame that is drawn now."""
    return list(_texts(chromium.devtools("DOMSnapshot.captureSnapshot", computedStyles=["visibility"])))


def _texts(snapshot: dict[str, Any]) -> Iterator[list[str]]:
    """What is laid out in each frame of the page, with what style sheets and attributes bring, frames in frames too."""
    strings, documents = snapshot["strings"], snapshot["documents"]

    def frames(index: int) -> list[int]:
        inner = documents[index]["nodes"]["contentDocumentIndex"]
        return [found for _, found in sorted(zip(inner["index"], inner["value"], strict=True))]

    def text(index: int) -> Iterable[str]:
        layout = documents[index]["layout"]
        for at, styles in zip(layout["text"], layout["styles"], strict=True):
            if at >= 0 and (not styles or strings[styles[0]] == "visible"):
                yield strings[at]
        for frame in frames(index):
            yield from text(frame)

    return (list(text(frame)) for frame in frames(0))


def told(page: Page) -> str:
    """All that our page lets a person read of `page`, in and beside the frame."""
    return "\n".join((words(page.pieces), *page.added))


def hosts(page: Page) -> set[str]:
    return {link["host"] for link in links.find(page, "")[0]}


def test_45_no_word_of_html5libs_inputs_that_chromium_shows_is_missing(shared_chromium: Chromium) -> None:
    sources = json.loads(HTML5LIB.read_text(encoding="utf-8"))
    lost, number = [], 0
    for source, texts, _ in shown(shared_chromium, sources):
        have = unicodedata.normalize("NFKC", told(read(source)))
        found = re.findall(r"\w+", unicodedata.normalize("NFKC", " ".join(texts)))
        number += len(found)
        lost += [(word, source) for word in found if word not in have]
    assert lost == []
    assert (len(sources), number > 1_000) == (1_631, True)


def test_45_no_word_or_link_of_nasty_inputs_that_chromium_shows_is_missing(shared_chromium: Chromium) -> None:
    nasty = NastyHtml(45)
    sources = [*nasty.one_of_each(), *(nasty.next() for _ in range(1_000))]
    lost, number = [], 0
    for source, texts, leads in shown(shared_chromium, sources):
        page = read(source)
        have, known = told(page).casefold(), hosts(page)
        # Chromium joins what stands in different elements; styles may change case and letters.
        found = re.findall(r"[wvc]\d+x", unicodedata.normalize("NFKC", "".join(texts)).casefold())
        number += len(found)
        lost += [(word, source) for word in found if word not in have]
        lost += [(host, source) for host in leads if host not in known and host]
    assert lost == []
    assert number > 1_000


def test_45_nothing_that_a_style_hides_in_chromium_is_told_as_shown(shared_chromium: Chromium) -> None:
    sources = []
    for number, selector in enumerate(HIDING):
        how = HOW[number % len(HOW)]
        close = "}" * (1 + selector.count("{") - selector.count("}"))
        sources.append(f"<style>{selector}{{{how}{close}</style>{PARAGRAPH}")
    lost, number = [], 0
    for source, texts, _ in shown(shared_chromium, sources):
        hidden = words(read(source).pieces, HIDDEN)
        gone = [word for word in ("w1x", "w2x") if word not in texts]
        number += len(gone)
        lost += [(word, source) for word in gone if word not in hidden]
    assert lost == []
    assert number > 100


def test_attack_124_nothing_that_chromium_makes_up_itself_is_missing_or_it_is_said(shared_chromium: Chromium) -> None:
    """Numbers of lists, counters, quotes, attributes, default texts of controls."""
    sources = inputs()
    lost, number = [], 0
    for source, texts, _ in shown(shared_chromium, sources):
        have = unicodedata.normalize("NFKC", told(read(source))).casefold()
        found = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", " ".join(set(texts) - OWN)).casefold())
        number += len(found)
        counted = any("counts" in one for one in content.read(Letter(html=source)).warnings)
        # The numbers of a list that counts 1, 2, 3 are not told.
        lost += [(word, source) for word in found if word not in have and not re.fullmatch(r"\d", word) and not counted]
    assert lost == []
    assert number > 1_000
