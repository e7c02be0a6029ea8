"""Values and template tags that break the markup around them: they open or close a tag, an attribute or a comment.

What they are put into then means something else than it says before it is filled. Where that is in doubt, a value
counts as one that breaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from maton_mailgun.mail import filling
from maton_mailgun.mail.cut_into_tags import TEXT_ALONE, At, passed
from maton_mailgun.mail.template_tags import TemplateTag, tags

_FURTHER = re.compile(r"(?:\{{2,4}[^{}]{0,200}\}{2,4}){0,20}([\s\S]?)")
"""More template tags, and the sign behind them."""
_MOST_PLACES = 5_000
_MOST_TAGS = 10_000
"""Of one value; nobody puts so many into a message, and reading them takes its time."""
_MOST_TRIED = 20_000_000
"""Characters of values that are held against the places of a text."""
_MOST_VALUES = 10_000
"""Values in a template's data that are looked at."""
_OPEN = frozenset({"if", "range", "with", "block"})
_CUT = re.compile(r"<(?:/[a-zA-Z]*|!-?)?\Z")


def breaks(value: str, at: At) -> bool:
    """Whether `value`, put in at `at`, changes what the text around it is."""
    match at.kind:
        case "data":
            if "<" not in value:
                return False
            if value.count("<") > _MOST_TAGS:
                return True
            odd = re.search(r"<!--|<[/!?]?\Z|<(?:plaintext|base|meta)\b", value, re.IGNORECASE)
            return odd is not None or passed(value, At(unsure=at.unsure)) != At()
        case "quoted":
            return at.mark[:1] in value
        case "bare":
            return re.search(r"[\s>\"'`]", value) is not None or not value
        case "comment":
            return ">" in value or value.endswith(("-", "!"))
        case "plain":
            return False
        case "unknown":
            return True
        case "raw" if at.mark in TEXT_ALONE and not at.unsure:
            return "<" in value
        case "raw":
            return re.search(r"[<{}\"'\\;]|/\*|\*/", value) is not None
    return re.search(r"[^\w-]", value) is not None


def places(source: str) -> dict[str, list[At]]:
    """What each place in HTML names (`filling.used`) -> where its value will stand, each once; of many, the first."""
    found: dict[str, dict[tuple[At, bool], At]] = {}
    at, start = At(), 0
    for place in islice(filling.USED.finditer(source), _MOST_PLACES):
        at = _behind(source[start : place.start()], at, word=start > 0).afresh
        found.setdefault(place[1], {})[at, at.unsure] = at
        start = place.end()
    return {key: [*ats.values()] for key, ats in found.items()}


def _behind(text: str, at: At, *, word: bool) -> At:
    """Where one is after `text`, with a word before it where a value was: what breaks there is judged alone."""
    return passed(f"x{text}" if word and at.kind == "tag" else text, at)


def by_values(source: str, values: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """What is to be said of each place in `source` (HTML); `values` has all that may stand there (`filling.used`)."""
    left = _MOST_TRIED
    for key, ats in places(source).items():
        given = list(dict.fromkeys(values.get(key, ())))
        for at in ats:
            left -= sum(map(len, given))
            broken = next((value for value in given if breaks(value, at)), None) if left > 0 else None
            if broken is not None:
                yield f"%recipient{key}% in {at.words}\n{broken}"
            elif left <= 0 or at.kind in {"tag", "comment", "unknown"}:
                yield f"%recipient{key}% in {at.words}\n"
    if next(islice(filling.USED.finditer(source), _MOST_PLACES, None), None):  # guard: 172-many
        yield f"Every place behind the first {_MOST_PLACES:,}\n"


def by_template(source: str, given: Mapping[str, Any]) -> Iterator[str]:
    """Tags of a template in `source` (HTML) that break its markup, as they stand: those that do so themselves, as they
    are gone when it is filled in; blocks that open or close what is around them; and values in `given` that do.

    Values in two braces arrive escaped.
    """
    at, start, word, last = At(), 0, False, ""
    blocks: list[_Block] = []
    for number, tag in enumerate(tags(source)):
        before = source[start : tag.start]
        at, start, word, last = _behind(before, at, word=word), tag.end, tag.shows, before[-1:] or last
        own = passed(tag.text, at)
        cut = at.kind == "tag" and not tag.shows and _joins(last, source, tag.end)  # guard: 171-joined
        if number >= _MOST_PLACES or cut or _splits(before, at) or not at.like(own):  # guard: 171-tags
            yield tag.text
        if number >= _MOST_PLACES:
            return
        if tag.sign in {"#", "^"} or (not tag.sign and tag.word in _OPEN):
            blocks.append(_Block(tag.text, tag.word, at))
        elif blocks and (tag.word == "else" or tag.sign == "/" or (not tag.sign and tag.word == "end")):
            block = blocks[-1]
            block.ends.append(at)
            if tag.word == "else":
                at = block.before
                continue
            if block.breaks:
                yield block.opened
            blocks.pop()
        elif tag.shows and _value_breaks(tag, at, given):
            yield tag.text


def _joins(last: str, source: str, end: int) -> bool:
    """Whether what stands before and behind a template tag, of which nothing is left, becomes one name of HTML."""
    behind = _FURTHER.match(source, end)
    return all(re.match(r"[^\s\"'/>=]", sign) for sign in (last, behind[1] if behind else ""))


def _splits(before: str, at: At) -> bool:
    """Whether the template tag behind `before` stands in the middle of a sign that begins or ends markup."""
    if at.kind == "comment":
        return before.endswith(("-", "!"))
    return at.mark in {"", "!", "!-", "/"} if at.kind == "tag" else _CUT.search(before[-20:]) is not None


def _value_breaks(tag: TemplateTag, at: At, given: Mapping[str, Any]) -> bool:
    if at.kind in {"tag", "bare", "comment", "unknown"}:
        return True
    code = at.kind == "raw" and at.mark not in TEXT_ALONE
    return (tag.whole or code) and any(breaks(text, at) for text in _values(tag, given))


def _values(tag: TemplateTag, given: Mapping[str, Any]) -> Iterator[str]:
    """Every text of `given` that may stand in place of the tag: in blocks and behind dots, what has its name."""
    inner = tag.text.strip("{}&~ \t\n")
    name = re.split(r"[./]", tag.word.rstrip("]"))[-1].strip("[]@")
    whole = name in {"", "this", "lookup"} or tag.word.startswith("@") or re.search(r"[\s(]", inner) is not None
    todo: list[tuple[str, Any]] = [*given.items()]
    for number in range(_MOST_VALUES):
        if number >= len(todo):
            return
        key, value = todo[number]
        if whole or key == name:  # guard: 171-values
            yield filling.text_of(value)
        inside = value.items() if isinstance(value, Mapping) else ((key, one) for one in value)
        todo += [(str(one), held) for one, held in inside] if isinstance(value, Mapping | list) else []
    yield "<"  # So many that not all are looked at.


@dataclass(slots=True)
class _Block:
    """A block of a template."""

    opened: str
    word: str
    before: At
    ends: list[At] = field(default_factory=list)
    """Where each of its branches ends."""

    @property
    def breaks(self) -> bool:
        """Whether what comes behind depends on which branch is taken; without an `else` none may be."""
        whole = len(self.ends) > 1 and self.word in {"if", "unless"}
        first = self.ends[0] if whole else self.before
        return not all(first.like(one) for one in self.ends)
