"""Values and template tags that break the markup around them: they open or close a tag, an attribute or a comment.

What they are put into then means something else than it says before it is filled. How the text is cut into tags
follows the tokenizer of the HTML standard; where that is in doubt, a value counts as one that breaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from maton_mailgun.mail.filling import USED

_IN_DATA = re.compile(r"<(?:(!--)|([!?])|/?([a-zA-Z][^\s/>]*+)|$|/$|!-?$)", re.MULTILINE)
_IN_TAG = re.compile(r">|=\s*+([\"'])|=\s*+(?=[^\s\"'>])")
_RAW_NAMES = frozenset({"style", "script", "title", "textarea", "xmp", "iframe", "noembed", "noframes"})
_OPTIONAL = frozenset(
    "p li dt dd tr td th thead tbody tfoot option optgroup rp rt br img hr input meta link area base col embed source"  # noqa: SIM905
    " track wbr html head body".split()
)
"""Elements that need no end tag, or have none."""
_TEMPLATE_TAG = re.compile(r"\{\{!--(?:(?!--\}|\{\{!--).)*+--\}?\}?\}|\{\{\{?[^{}]*\}?\}\}", re.DOTALL)
_INSIDE = re.compile(r"\{\{\{?[~\s]*([#^/&!>]?)[~\s]*([^\s{}~]*)")
_MOST_PLACES = 2_000
_MOST_TAGS = 10_000
"""Of one value; nobody puts so many into a message, and reading them takes its time."""
_MOST_TRIED = 20_000_000
"""Characters of values that are held against the places of a text."""


@dataclass(frozen=True, slots=True)
class At:
    """Where in HTML one is, as a tokenizer sees it."""

    kind: str = "data"
    """data, tag, quoted, bare, comment or raw."""
    mark: str = ""
    """The quote of an attribute; the name of an element with text only; the name of the tag."""
    unclosed: tuple[str, ...] = ()
    """Elements that were opened since and need an end tag."""
    below: int = 0
    """End tags of what was open before."""

    @property
    def words(self) -> str:
        names = {
            "tag": "a tag",
            "quoted": "an attribute",
            "bare": "an attribute without quotes",
            "comment": "a comment",
        }
        return names.get(self.kind, f"a {self.mark} element" if self.kind == "raw" else "the text")

    @property
    def place(self) -> tuple[str, str]:
        return self.kind, self.mark if self.kind in {"quoted", "raw"} else ""


def passed(text: str, at: At) -> At:
    """Where one is after `text`."""
    position = 0
    while position < len(text):
        at, position = _STEPS[at.kind](text, position, at)
    return at


def _data(text: str, position: int, at: At) -> tuple[At, int]:
    found = _IN_DATA.search(text, position)
    if found is None:
        return at, len(text)
    if found[1]:
        short = re.compile(r"-?>").match(text, found.end())
        return (at, short.end()) if short else (replace(at, kind="comment"), found.end())
    if found[2]:
        end = text.find(">", found.end())
        return (at, end + 1) if end >= 0 else (replace(at, kind="tag", mark="!"), len(text))
    return replace(at, kind="tag", mark=found[0][1:].lower()), found.end()


def _tag(text: str, position: int, at: At) -> tuple[At, int]:
    found = _IN_TAG.search(text, position)
    if found is None:
        return (replace(at, kind="bare") if text.rstrip().endswith("=") else at), len(text)
    if found[0] == ">":
        return _left(at, empty=text[found.start() - 1 : found.start()] == "/"), found.end()
    return replace(at, kind="quoted", mark=f"{found[1]}{at.mark}") if found[1] else replace(
        at, kind="bare"
    ), found.end()


def _left(at: At, *, empty: bool) -> At:
    name = at.mark
    if name.startswith("/"):
        name = name[1:]
        if name in _OPTIONAL or not name:
            return replace(at, kind="data", mark="")
        if name in at.unclosed:
            last = len(at.unclosed) - 1 - at.unclosed[::-1].index(name)
            return replace(at, kind="data", mark="", unclosed=at.unclosed[:last] + at.unclosed[last + 1 :])
        return replace(at, kind="data", mark="", below=at.below + 1)
    if name in _RAW_NAMES:
        return replace(at, kind="raw", mark=name)
    open_now = at.unclosed if name in _OPTIONAL or empty or name == "!" else (*at.unclosed, name)
    return replace(at, kind="data", mark="", unclosed=open_now[-200:])


def _quoted(text: str, position: int, at: At) -> tuple[At, int]:
    end = text.find(at.mark[:1], position)
    return (replace(at, kind="tag", mark=at.mark[1:]), end + 1) if end >= 0 else (at, len(text))


def _bare(text: str, position: int, at: At) -> tuple[At, int]:
    found = re.compile(r"[\s>]").search(text, position)
    return (replace(at, kind="tag"), found.start()) if found else (at, len(text))


def _comment(text: str, position: int, at: At) -> tuple[At, int]:
    found = re.compile(r"--!?>").search(text, position)
    return (replace(at, kind="data", mark=""), found.end()) if found else (at, len(text))


def _raw(text: str, position: int, at: At) -> tuple[At, int]:
    found = re.compile(rf"(?i)</{re.escape(at.mark)}(?=[\s/>])[^>]*+>").search(text, position)
    return (replace(at, kind="data", mark=""), found.end()) if found else (at, len(text))


_STEPS = {"data": _data, "tag": _tag, "quoted": _quoted, "bare": _bare, "comment": _comment, "raw": _raw}


def breaks(value: str, at: At) -> bool:
    """Whether `value`, put in at `at`, changes what the text around it is."""
    match at.kind:
        case "data":
            if "<" not in value:
                return False
            if value.count("<") > _MOST_TAGS:
                return True
            after = passed(value, At())
            return (
                after != At()
                or re.search(r"<!--|<[/!?]?$|<(?:plaintext|base|meta)\b", value, re.IGNORECASE) is not None
            )
        case "quoted":
            return at.mark[:1] in value
        case "bare":
            return re.search(r"[\s>\"'`]", value) is not None or not value
        case "comment":
            return ">" in value or value.endswith(("-", "!"))
        case "raw":
            return re.search(r"[<{}\"'\\;]|/\*|\*/", value) is not None
    return re.search(r"[^\w-]", value) is not None


def places(source: str) -> dict[str, list[At]]:
    """What each place in HTML names (`filling.used`) -> where its value will stand, each once."""
    found: dict[str, dict[At, None]] = {}
    at, start = At(), 0
    for number, place in enumerate(USED.finditer(source)):
        if number >= _MOST_PLACES:
            break
        at = replace(passed(source[start : place.start()], at), unclosed=(), below=0)
        found.setdefault(place[1], {})[at] = None
        # What will stand there is no tag of its own; it is judged alone.
        start = place.end()
        if at.kind == "tag" and at.mark and source[start - 1 : start] == "<":
            start = place.start()
    return {key: [*ats] for key, ats in found.items()}


def by_values(source: str, values: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """What is to be said of each place in `source` (HTML); `values` has all that may stand there (`filling.used`)."""
    left = _MOST_TRIED
    for key, ats in places(source).items():
        given = list(dict.fromkeys(values.get(key, ())))
        for at in ats:
            left -= sum(map(len, given))
            broken = next((value for value in given if breaks(value, at)), None) if left > 0 else None
            if left <= 0:
                yield f"could not be held against its values in {at.words}: they are too many"
            elif broken is not None:
                yield f"%recipient{key}% in {at.words}\n{broken}"
            elif at.kind in {"tag", "comment"}:
                yield f"%recipient{key}% in {at.words}\n"


def by_template(source: str, given: Mapping[str, str]) -> Iterator[str]:
    """Tags of a template in `source` (HTML) that break its markup, as they stand: blocks that open or close what is
    around them, and values of `given` that do. Values in two braces arrive escaped."""
    at, start = At(), 0
    blocks: list[_Block] = []
    for number, tag in enumerate(_TEMPLATE_TAG.finditer(source)):
        if number >= _MOST_PLACES:
            return
        at, start = passed(source[start : tag.start()], at), tag.end()
        told = _INSIDE.match(tag[0])
        sign, word = (told[1], told[2]) if told else ("", "")
        if sign in {"#", "^"} or (not sign and word in {"if", "range", "with", "block"}):
            blocks.append(_Block(tag[0], word, at))
        elif word == "else" or sign == "/" or (not sign and word == "end"):
            if not blocks:
                continue
            block = blocks[-1]
            block.ends.append(at)
            if word == "else":
                at = block.before
                continue
            if block.breaks:
                yield block.opened
            blocks.pop()
        elif not sign or sign == "&":
            whole = tag[0].startswith("{{{") or sign == "&"
            if at.kind in {"tag", "bare", "comment"} or (whole and breaks(given.get(word, ""), at)):
                yield tag[0]


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
        return any(
            one.place != first.place or one.unclosed != first.unclosed or one.below != first.below for one in self.ends
        )
