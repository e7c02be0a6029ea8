"""How a browser cuts HTML into tags, texts and comments: where in it one is after a piece of source.

Follows the tokenizer of the HTML standard (13.2.5). Whether some elements hold markup or text alone depends on the tree
around them, which is not built here: where that could make a difference, the place is one that is not known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

_BLANK = r"\t\n\f\r "
_IN_DATA = re.compile(
    r"<(?:(?P<comment>!--)|(?P<open>/?\Z|!-?\Z)|(?P<bogus>[!?]|/(?![a-zA-Z>]))|/?[a-zA-Z][^\t\n\f\r />]*+)"
)
_ATTRIBUTE = re.compile(
    rf"[{_BLANK}/]*+(?:(?P<end>>)|=?+[^{_BLANK}/>=]*+(?P<value>[{_BLANK}]*+=[{_BLANK}]*+(?:(?P<quote>[\"'])|(?=[^>])|\Z))?)"
)
_BARE_END = re.compile(rf"[{_BLANK}>]")
_COMMENT_END = re.compile(r"--!?>")
_BOGUS = "?"
_BOGUS_END = re.compile(">")
_NO_COMMENT = re.compile(r"-?>")
_RAW_NAMES = frozenset({"style", "script", "title", "textarea", "xmp", "iframe", "noembed", "noframes"})
TEXT_ALONE = frozenset({"title", "textarea"})
"""Elements that only their end tag ends; programs read markup or a language in the other ones."""
_UNSURE = frozenset({"svg", "math", "select", "frameset"})
"""Elements in which those of text alone may be markup."""
_OPTIONAL = frozenset(
    "p li dt dd tr td th thead tbody tfoot option optgroup rp rt br img hr input meta link area base col embed source"  # noqa: SIM905
    " track wbr html head body".split()
)
"""Elements that need no end tag, or have none."""
_MOST_OPEN = 200
"""Elements that are remembered."""


@dataclass(frozen=True, slots=True)
class At:
    """Where in HTML one is, as a tokenizer sees it."""

    kind: str = "data"
    """data, tag, quoted, bare, comment, raw, plain (text to the very end) or unknown."""
    mark: str = ""
    """The quote of an attribute and the name of its tag; the name of an element with text only; the name of the tag."""
    unclosed: tuple[str, ...] = ()
    """Elements that were opened since and need an end tag."""
    below: int = 0
    """End tags of what was open before."""
    unsure: bool = field(default=False, compare=False)
    """Whether an element stood before in which text alone may be markup."""

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

    def like(self, other: At) -> bool:
        """Whether what comes behind is read in the same way."""
        return (self.place, self.unclosed, self.below) == (other.place, other.unclosed, other.below)

    @property
    def afresh(self) -> At:
        """The same place, from where on elements are counted anew."""
        return replace(self, unclosed=(), below=0)


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
    if found["comment"]:
        short = _NO_COMMENT.match(text, found.end())
        return (at, short.end()) if short else (replace(at, kind="comment"), found.end())
    if found["bogus"]:
        return _bogus(text, found, at)
    return replace(at, kind="tag", mark=found[0][1:].lower()), found.end()


def _bogus(text: str, found: re.Match[str], at: At) -> tuple[At, int]:
    end = text.find(">", found.end())
    if at.unsure and text.startswith("<![CDATA[", found.start()) and text[max(0, end - 2) : end] != "]]":
        return replace(at, kind="unknown", mark=""), len(text)
    return (at, end + 1) if end >= 0 else (replace(at, kind="comment", mark=_BOGUS), len(text))


def _tag(text: str, position: int, at: At) -> tuple[At, int]:
    found = _ATTRIBUTE.match(text, position)
    if found is None:
        return at, len(text)
    if found["end"]:
        return _left(at, empty=text[found.end() - 2 : found.end() - 1] == "/"), found.end()
    if found["quote"]:
        return replace(at, kind="quoted", mark=f"{found['quote']}{at.mark}"), found.end()
    return (at if found["value"] is None else replace(at, kind="bare")), found.end()


def _left(at: At, *, empty: bool) -> At:
    name, at = at.mark, replace(at, kind="data", mark="")
    if name.startswith("/"):
        return _closed(name[1:], at)
    at = replace(at, unsure=at.unsure or name in _UNSURE)
    if name == "plaintext":
        return replace(at, kind="unknown" if at.unsure else "plain")
    # Only in SVG and MathML does a slash end an element.
    drawn = empty and ("svg" in at.unclosed or "math" in at.unclosed or name in {"svg", "math"})
    open_now = at.unclosed if name in _OPTIONAL or drawn or name in {"!", ""} else (*at.unclosed, name)
    at = replace(at, unclosed=open_now[-_MOST_OPEN:])
    return replace(at, kind="raw", mark=name) if name in _RAW_NAMES else at


def _closed(name: str, at: At) -> At:
    if name in _OPTIONAL or not name:
        return at
    if name in at.unclosed:
        last = len(at.unclosed) - 1 - at.unclosed[::-1].index(name)
        return replace(at, unclosed=at.unclosed[:last] + at.unclosed[last + 1 :])
    return replace(at, below=at.below + 1)


def _quoted(text: str, position: int, at: At) -> tuple[At, int]:
    end = text.find(at.mark[:1], position)
    return (replace(at, kind="tag", mark=at.mark[1:]), end + 1) if end >= 0 else (at, len(text))


def _bare(text: str, position: int, at: At) -> tuple[At, int]:
    found = _BARE_END.search(text, position)
    return (replace(at, kind="tag"), found.start()) if found else (at, len(text))


def _comment(text: str, position: int, at: At) -> tuple[At, int]:
    found = (_BOGUS_END if at.mark == _BOGUS else _COMMENT_END).search(text, position)
    return (replace(at, kind="data", mark=""), found.end()) if found else (at, len(text))


def _raw(text: str, position: int, at: At) -> tuple[At, int]:
    found = re.compile(rf"(?i)</{re.escape(at.mark)}(?=[{_BLANK}/>])").search(text, position)
    held = text[position : found.start() if found else len(text)]
    # In scripts a comment may hold an end tag that is none.
    if (at.unsure and "<" in held) or (at.mark == "script" and "<!--" in held):  # guard: 172-unsure
        return replace(at, kind="unknown", mark=""), len(text)
    if found is None:
        return at, len(text)
    return replace(at, kind="tag", mark=f"/{at.mark}"), found.end()


def _stays(text: str, _position: int, at: At) -> tuple[At, int]:
    return at, len(text)


_STEPS = {
    **{"data": _data, "tag": _tag, "quoted": _quoted, "bare": _bare, "comment": _comment, "raw": _raw},
    **{"plain": _stays, "unknown": _stays},
}
