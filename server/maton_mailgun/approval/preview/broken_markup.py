"""Warnings about values and template tags that change what the HTML around them is: what a recipient gets is then built
otherwise than the message that was shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from maton_mailgun.mail import breaking, filling, template_tags
from maton_mailgun.mail.html import MOST, read
from maton_mailgun.mail.letter import Letter
from maton_mailgun.mail.nesting import why_too_costly
from maton_mailgun.mail.pieces import words
from maton_mailgun.mail.text import quoted, short

_MOST = 10


def of_values(letter: Letter, values: Iterable[tuple[Mapping[str, Any], str]]) -> list[str]:
    """Of the places for recipients' values in `letter`; `values` holds those of each recipient, and their name."""
    entries = [*values]
    lines: list[str] = []
    for name, source in _html(letter):
        found = breaking.by_values(source, _Given(entries))
        lines += [_told(name, line) for line in dict.fromkeys(found)]  # guard: 156-values
    return _some(lines)


def of_template(letter: Letter, given: Mapping[str, Any]) -> list[str]:
    """Of the tags of a template in `letter`, which `given` has the values for."""
    lines: list[str] = []
    for name, source in _html(letter):
        if "{{" not in source:
            continue
        found = breaking.by_template(source, given)
        lines += [_told_of_tag(name, tag) for tag in dict.fromkeys(found)]  # guard: 156-template
        if more := _beyond(source):  # guard: 171-built
            lines.append(f"Once the template is filled in, the {name} also says: {short(more, 300)}")
    return _some(lines)


def _beyond(source: str) -> str:
    """Words that nobody sees in the source of a template, and everybody in what is made of it."""
    blank = template_tags.filled_blank(source)
    as_it_is, built = ({*_lines(one)} for one in (source, blank))
    return "; ".join(line for line in _lines(blank) if line in built - as_it_is)


def _lines(source: str) -> list[str]:
    said = words(read(source).pieces)
    return [line for part in template_tags.around(said) for one in part.split("\n") if (line := one.strip())]


def _told_of_tag(name: str, tag: str) -> str:
    return (
        f"{quoted(tag, 80)} in the {name} may open or close a tag, an attribute or a comment: what recipients get is "
        "built otherwise than what is shown."
    )


class _Given(dict[str, Iterable[str]]):
    """Every text that a place stands for among all entries, read when it is asked for."""

    def __init__(self, entries: list[tuple[Mapping[str, Any], str]]) -> None:
        super().__init__()
        self._entries = entries

    def get(self, key: str, default: Any = None) -> Any:
        found = self.setdefault(
            key, [text for own, name in self._entries if (text := filling.given(key, own, name)) is not None]
        )
        return found or default


def _html(letter: Letter) -> Iterator[tuple[str, str]]:
    for name, source in (("HTML", letter.html), ("AMP HTML", letter.amp_html)):
        if source and not _unread(source):
            yield name, source
    for part in letter.parts:
        if "html" in part.type and not _unread(part.text):
            yield short(part.label, 80), part.text


def _unread(source: str) -> bool:
    """Whether it is told already that only the source can be shown."""
    return len(source) > MOST or bool(why_too_costly(source))


def _told(name: str, line: str) -> str:
    place, _, value = line.partition("\n")
    if value:
        return (
            f"A value opens or closes a tag, an attribute or a comment ({place} of the {name}): what its recipient "
            f"gets is built otherwise than what is shown: {quoted(value, 100)}."
        )
    return f"{place} of the {name}: its values may change what is shown."


def _some(lines: list[str]) -> list[str]:
    return [*lines[:_MOST], *(["There is more like this in the message."] if len(lines) > _MOST else [])]
