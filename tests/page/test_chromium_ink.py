"""Attacks 225 to 227: a word that Chromium does not show is told as one, whatever keeps it from being seen; one that it
shows is among the words that are told; and mails as people send them, all of which it shows, bring no warning."""

from __future__ import annotations

import re

import pytest

from maton_mailgun.approval.preview import content
from maton_mailgun.mail import placing
from maton_mailgun.mail.hiding import CLIPS, PAPER
from maton_mailgun.mail.html import read
from maton_mailgun.mail.letter import Letter
from maton_mailgun.mail.pieces import HIDDEN, PREHEADER, words

from . import newsletters, ordinary_colours
from .browser import Chromium
from .inked_html import InkedHtml
from .seen_words import seen_words

pytestmark = pytest.mark.browser

ORDINARY = {**newsletters.ALL, **ordinary_colours.ALL}
_SAID = re.compile(r"w\d+x")


def listed(source: str) -> set[str]:
    """All words that are told, shown or not."""
    return set(_SAID.findall(words(read(source).pieces)))


def warned(source: str) -> set[str]:
    """Words that are said to be hidden, cut off, drawn elsewhere or not to be judged."""
    page = read(source)
    drawn = placing.drawn(page.pieces, CLIPS, PAPER, covered=page.covered)
    told = (words(page.pieces, HIDDEN, PREHEADER), *drawn.turned, *drawn.cut, *drawn.unjudged)
    return set(_SAID.findall(" ".join(told)))


def in_warnings(source: str) -> set[str]:
    """The same from what a person reads; for short mails, as warnings quote the beginning."""
    reading = content.read(Letter(html=source))
    return set(_SAID.findall(" ".join((*reading.warnings, *(row.value for row in reading.rows)))))


def held(chromium: Chromium, sources: list[str], *, quoted: bool = False) -> int:
    """Hold each of `sources` against what Chromium shows; return how many words it does not show."""
    unseen, untold, lost = 0, [], []
    for source, found in seen_words(chromium, sources):
        told = in_warnings(source) if quoted else warned(source)
        every = listed(source)
        ours = [one for one in found if _SAID.fullmatch(one.word)]
        unseen += sum(one.unseen for one in ours)
        untold += [(one, source) for one in ours if one.unseen and one.word not in told]
        lost += [(one, source) for one in ours if one.word not in every]
    assert (untold, lost) == ([], [])
    return unseen


def test_attack_225_a_word_of_each_kind_that_the_browser_does_not_show_is_in_a_warning(chromium: Chromium) -> None:
    assert held(chromium, InkedHtml(1).one_each(), quoted=True) > 300
    chromium.console()


@pytest.mark.parametrize("seed", [11])
def test_attack_225_words_made_by_dice_that_the_browser_does_not_show_are_told(chromium: Chromium, seed: int) -> None:
    mails = InkedHtml(seed)
    assert held(chromium, [mails.next() for _ in range(80)]) > 200
    chromium.console()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20, 30))
def test_attack_225_so_are_those_of_thousands_of_mails(chromium: Chromium, seed: int) -> None:
    mails = InkedHtml(seed)
    assert held(chromium, [mails.next() for _ in range(1_000)]) > 3_000
    chromium.console()


def test_225_the_browser_shows_all_of_an_ordinary_mail_and_nothing_is_warned_of(chromium: Chromium) -> None:
    names = {source: name for name, source in ORDINARY.items()}
    shown = {names[source]: [one for one in found if not one.seen] for source, found in seen_words(chromium, [*names])}
    chromium.console()
    assert shown == {name: [] for name in ORDINARY}
    assert {name: content.read(Letter(html=source)).warnings for name, source in ORDINARY.items()} == {
        name: [] for name in ORDINARY
    }
