"""What Chromium shows of a message is in our reading of it and in the frame that is rebuilt."""

from __future__ import annotations

import random
import re
from itertools import product

import pytest

from maton_mailgun.approval.channels.page.frame import render
from maton_mailgun.mail.html import read
from maton_mailgun.mail.pieces import words

from .browser import Chromium
from .many_frames import texts

pytestmark = [pytest.mark.browser, pytest.mark.slow]

OUTER = (
    "svg", "math", "select", "table", "noscript", "template", "xmp", "listing", "textarea", "button", "details",
    "frameset", "title", "svg><foreignObject", "svg><desc", "math><mtext", "math><annotation-xml", "iframe", "noembed",
    "marquee", "legend", "object", "ruby><rt", "table><caption", "select><option", "head", "p", "a href=x",
    "svg><title",
)  # fmt: skip
INNER = (
    "<style><p>{}</p></style>", "<script><p>{}</p></script>", "<iframe><p>{}</p></iframe>", "<plaintext>{}",
    "<![CDATA[{}]]>", "<!-- {} ", "<p>{}", "<select><div>{}", "<title><b>{}</b>", "<xmp><i>{}</i>",
    "<td>{}", "</svg></math><b>{}", "<!--><u>{}</u>-->", "<textarea><p>{}", "<noscript><em>{}",
)  # fmt: skip
FRAGMENTS = (
    *("<p>", "</p>", "<b>", "</b>", "<a href='https://x.example.net'>", "</a>", "<table>", "</table>", "<tr>", "<td>"),
    *("<svg>", "</svg>", "<math>", "</math>", "<mi>", "<mtext>", "<desc>", "<foreignObject>", "<title>", "</title>"),
    *("<style>", "</style>", "<script>", "</script>", "<xmp>", "</xmp>", "<select>", "<option>", "</select>", "<!--"),
    *("-->", "<![CDATA[", "]]>", "<template>", "</template>", "<noscript>", "</noscript>", "<textarea>", "</textarea>"),
    *("<div>", "</div>", "<button>", "</form>", "<form>", "<br>", "<li>", "<caption>", "<plaintext>", "<h1>", "</h2>"),
    *("<frameset>", "<body>", "</body>", "</html>", "<!doctype html>", "<?x", "<x title='", "'>", "<input>", "<nobr>"),
)


def inputs() -> list[str]:
    """Every inner one in every outer one, and some hundred by chance."""
    nasty = [f"<{outer}>{inner.format('w1x')}</{outer.split()[0]}>w2x" for outer, inner in product(OUTER, INNER)]
    dice = random.Random(45)
    for _ in range(200):
        parts = [dice.choice(FRAGMENTS) + (f" w{n}x " if dice.random() < 0.6 else "") for n in range(12)]
        nasty.append("".join(parts))
    return nasty


def test_45_nothing_that_chromium_shows_is_missing(shared_chromium: Chromium) -> None:
    sources = inputs()
    seen = texts(shared_chromium, sources)
    rebuilt = texts(shared_chromium, [render(source).document for source in sources])
    lost = [
        (word, source)
        for source, text, frame in zip(sources, seen, rebuilt, strict=True)
        for word in re.findall(r"w\d+x", text)
        if word not in words(read(source).pieces) or word not in frame
    ]
    assert sum(bool(text.strip()) for text in seen) > 400
    assert lost == []
