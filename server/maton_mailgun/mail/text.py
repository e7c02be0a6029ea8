"""Text from outside, made harmless to look at.

Whatever a caller, a recipient or the service wrote is shown with every invisible or reordering character spelled
out (`⟨U+202E⟩`), so that it can neither hide something, nor imitate a line of ours, nor steer a terminal.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_MOST_MARKS = 4
"""Combining marks on one letter before the rest is spelled out; no living orthography stacks more in running text."""

_PLAIN_SPACES = "\u0020\u00a0\u202f\u3000"
"""Spaces that people type; the other space separators only serve to imitate or to pad."""

_ESCAPED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})

_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\uffa0\ufff9-\ufffc\U0001d159]")
"""Characters that draw nothing although their category says letter, mark or symbol (Unicode, Default_Ignorable)."""

_ORDINARY = re.compile(
    "[ -~\u00a1-\u02ff\u0370-\u0482\u048a-\u0513\u2010-\u2027\u2030-\u205e\u20a0-\u20bf"
    "\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3]*"
)
"""Letters and signs among which nothing that is printable combines or is invisible: most text is looked at at once."""

_SELECTORS = "\ufe0e\ufe0f"
_DOUBLE = re.compile('["“”„‟❝❞〝〞＂]')
_PADDING = re.compile(f"[{_PLAIN_SPACES}]{{16,}}")
_LINE_BREAKS = re.compile("\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")


def safe(text: str, *, keep: str = "") -> str:
    """`text` with every character that cannot be seen for what it is as a visible escape, except those in `keep`."""
    if text.isprintable() and _ORDINARY.fullmatch(text):
        return text
    # Judging a character takes long, so each that does not depend on those before it is judged once.
    found = set(text)
    alone = {one: one if one in keep or _is_plain(one) else _spelt(one) for one in found}
    stacked = {one for one in found if one not in keep and unicodedata.category(one) in {"Mn", "Me"}}
    if not stacked:
        return text.translate({ord(one): said for one, said in alone.items()})
    shown: list[str] = []
    marks = 0
    for index, character in enumerate(text):
        marks = marks + 1 if character in stacked else 0
        if marks and character in _SELECTORS:
            shown.append(character if _selects_an_emoji(text, index) else _spelt(character))
        else:
            shown.append(alone[character] if marks <= _MOST_MARKS else _spelt(character))
    return "".join(shown)


def _spelt(character: str) -> str:
    return f"⟨U+{ord(character):04X}⟩"


def safe_line(text: str) -> str:
    """`text` on one line: line breaks appear as ⏎, tabs as ⇥ and long runs of spaces, which could push words into
    a line of their own, as their number; the rest as `safe` has it. Applying it twice changes nothing."""
    line = safe(text.replace("\r\n", "⏎").replace("\n", "⏎").replace("\t", "⇥"))
    return _PADDING.sub(lambda run: f" ⟨{len(run[0])} spaces⟩ ", line)  # guard: 12-display-safe


def safe_block(text: str) -> str:
    """`text` with its line breaks and tabs (as `⇥` and three spaces), the rest as in `safe`. All kinds of line breaks
    break the line, and those that mail does not have are spelled out there."""
    return safe(_LINE_BREAKS.sub(_broken, text).replace("\t", "⇥   "), keep="\n")


def _broken(found: re.Match[str]) -> str:
    return "\n" if found[0] in {"\n", "\r\n"} else f"{_spelled(found)}\n"


def mark(text: str, limit: int) -> str:
    """`text`, or its first `limit` characters and how many more there are."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text) - limit:,} more characters)"


def short(text: str, limit: int) -> str:
    """One safe line of at most `limit` characters of `text`."""
    return safe_line(mark(text, limit))


def quoted(text: str, limit: int = 200) -> str:
    """Someone else's words inside a sentence of ours: in “ ”, which the words themselves cannot close; in « » where
    the words hold quotation marks that should stay what they are, as route expressions do, and « » are spelled out."""
    words = short(text, limit)
    return f"«{re.sub('[«»]', _spelled, words)}»" if _DOUBLE.search(words) else f"“{words}”"


def _spelled(found: re.Match[str]) -> str:
    return _spelt(found[0])


def unclosing(text: str) -> str:
    """`text` whose double quotes of any shape cannot be taken for ours."""
    return _DOUBLE.sub("'", text)


def count(number: int, one: str, many: str | None = None) -> str:
    """`3 recipients`, `1 recipient`; `many` where adding an s is not enough."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def moment(seconds: float) -> str:
    """A time in Unix seconds as a person reads it: `22 Nov 2026 21:34 UTC`, whatever the machine's language."""
    try:
        when = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return f"{seconds} seconds after 1970"
    return f"{when.day} {_MONTHS[when.month - 1]} {when:%Y %H:%M} UTC"


def _is_plain(character: str) -> bool:
    """Whether `character` is seen for what it is, whatever stands before it."""
    if 0xFE00 <= ord(character) <= 0xFE0F or 0xE0000 <= ord(character) <= 0xE0FFF or _INVISIBLE.match(character):
        return False
    return unicodedata.category(character) not in _ESCAPED_CATEGORIES or character in _PLAIN_SPACES


def _selects_an_emoji(text: str, index: int) -> bool:
    """Whether the variation selector at `index` does its honest work; runs of selectors can carry hidden text."""
    previous = text[index - 1] if index else ""
    if previous in "0123456789#*" and previous:
        return text[index + 1 : index + 2] == "\u20e3"
    return previous > "\u00a8" and unicodedata.category(previous) in {"So", "Sm", "Po", "Pd"}
