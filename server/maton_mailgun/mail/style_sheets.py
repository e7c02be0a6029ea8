"""What style sheets do to the words of a message: which they hide, and which they add.

No cascade is worked out: a rule that hides counts wherever it may apply, because programs disagree about which rules
they follow (many drop style sheets altogether), and both what is shown and what may be hidden is told.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

HIDES = re.compile(
    r"(?i)display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|mso-hide\s*:\s*all"
    r"|font-size\s*:\s*0(?:\.0*)?(?:px|pt|em|rem|%)?\s*(?:!|;|\}|$)|opacity\s*:\s*0(?:\.0*)?%?\s*(?:!|;|\}|$)"
)
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_BRACE = re.compile(r"([{}])")
_SIMPLE = re.compile(r"(?i)^(\*|[a-z][\w:-]*)?((?:[.#][\w-]+)*)$")
_PART = re.compile(r"[.#][\w-]+")
_PLACE = re.compile(r"[\s>+~]+")
_TOKEN = re.compile(r"([;{}])|\"([^\"\\\n]*(?:\\.[^\"\\\n]*)*)\"?|'([^'\\\n]*(?:\\.[^'\\\n]*)*)'?", re.DOTALL)
"""The ends of declarations, and strings. Each character is looked at once."""
_NOT_SAID = re.compile(
    r"(?i)^\s*(?:font(?:-family|-feature-settings|-variation-settings)?|src|grid-.*|mso-.*|filter)\s*$"
)
"""Properties whose strings nobody reads."""
_NAMES_A_FILE = re.compile(r"(?i)(?:url|format|local)\(\s*$")
_ATTRIBUTE = re.compile(r"(?i)attr\(\s*([a-z][\w-]*)")
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\n\f\r]?|\n|(.))", re.DOTALL)
_MOST_QUOTES = 20_000
_MOST_RULES = 20
"""With one class in common; more would take long, and nobody has them."""


class TooManyStrings(ValueError):
    """A style sheet would take long to be read."""

    def __init__(self) -> None:
        super().__init__("styled with too many strings to be read")


@dataclass(slots=True)
class Styles:
    """All style sheets of one message."""

    added: dict[str, None] = field(default_factory=dict)
    """Strings that they put in front of recipients."""
    attributes: set[str] = field(default_factory=set)
    """Attributes whose values they put there: `content: attr(data-price)`."""
    hidden: dict[str, list[tuple[str, frozenset[str]]]] = field(default_factory=dict)
    """What rules hide: tag and all of `.class` and `#id` that an element must have, by one of them."""

    def hides(self, tag: str, attributes: Mapping[str, str]) -> bool:
        """Whether a rule hides an element with these attributes."""
        if not self.hidden:
            return False
        marks = {f".{name}" for name in attributes.get("class", "").split()}
        if "id" in attributes:
            marks.add(f"#{attributes['id']}")
        rules = (rule for key in (*marks, tag, "*") for rule in self.hidden.get(key, ()))
        return any(one in ("", tag) and wanted <= marks for one, wanted in rules)


def read(sheets: Iterable[str]) -> Styles:
    """Take in every sheet."""
    styles = Styles()
    for sheet in sheets:
        css = _COMMENT.sub(" ", sheet)
        parts = _BRACE.split(css)
        for before, brace, declarations in zip(parts[::2], parts[1::2], parts[2::2], strict=False):
            if brace == "{" and HIDES.search(_unescaped(declarations)):
                _hide(styles, before.rpartition(";")[2])
        _say(styles, css)
    return styles


def _hide(styles: Styles, selectors: str) -> None:
    """Remember what a rule hides; of selectors that name the place of an element, only what it must be itself."""
    for selector in selectors.split(","):
        last = _PLACE.split(selector.strip())[-1]
        simple = _SIMPLE.match(last)
        if simple is None or not last:
            continue
        tag = (simple[1] or "").lower().replace("*", "")
        wanted = frozenset(_PART.findall(simple[2]))
        key = min(wanted, default=tag or "*")
        rules = styles.hidden.setdefault(key, [])
        if (tag, wanted) not in rules and len(rules) < _MOST_RULES:
            rules.append((tag, wanted))


def _say(styles: Styles, css: str) -> None:
    """Every string in `css` that may be shown, whatever property brings it: `content`, `quotes`, list markers."""
    for words in strings(css):
        styles.added[words] = None
    styles.attributes.update(name.lower() for name in _ATTRIBUTE.findall(_unescaped(css)))


def strings(css: str) -> Collection[str]:
    """The strings of the declarations in `css` that recipients may read."""
    if '"' not in css and "'" not in css:
        return ()
    if css.count('"') + css.count("'") > _MOST_QUOTES:
        raise TooManyStrings
    found: dict[str, None] = {}
    start = 0
    for token in _TOKEN.finditer(css):
        if token[1]:
            start = token.end()
            continue
        before = css[start : min(token.start(), start + 200)]
        name, colon, _ = before.partition(":")
        if before.count("[") > before.count("]") or (colon and _NOT_SAID.match(_unescaped(name))) or "@" in name:
            continue
        said = _unescaped(token[2] if token[2] is not None else token[3]).strip()
        a_file = _NAMES_A_FILE.search(css[max(start, token.start() - 40) : token.start()])
        if not a_file and any(character.isalnum() for character in said):
            found[said] = None
    return tuple(found)


def _unescaped(css: str) -> str:
    return _ESCAPE.sub(_character, css) if "\\" in css else css


def _character(found: re.Match[str]) -> str:
    if found[1]:
        number = int(found[1], 16)
        return chr(number) if 0 < number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"
    return found[2] or ""
