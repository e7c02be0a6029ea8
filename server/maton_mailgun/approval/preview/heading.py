"""What an approval is called, so that a person knows at a glance which one it is."""

from __future__ import annotations

from collections.abc import Sequence

from maton_mailgun.approval.preview.document import Preview, ShownRecipient
from maton_mailgun.mail.text import count, short

NO_SUBJECT = "(no subject)"
_LONGEST = 160
_SMALL = frozenset({"a", "an", "the", "of", "at", "from", "on", "in", "to", "with"})


def heading(preview: Preview) -> str:
    """The subject of a message; else what is done to what."""
    if preview.message is not None:
        return short(preview.message.subject.strip(), _LONGEST) or NO_SUBJECT
    return short(preview.headline or f"{preview.title}: {preview.target}", _LONGEST)


def effect_beyond(preview: Preview) -> str:
    """The effect, without a first sentence that says only what the heading says: each of its words stands there."""
    first, end, rest = preview.effect.partition(". ")
    said = _words(heading(preview)) | _SMALL
    return rest if end and rest and _words(first) <= said else preview.effect


def _words(sentence: str) -> set[str]:
    """Its words, with the verb that it begins with as it is in a title."""
    verb, *others = sentence.split()
    return {verb.casefold().removesuffix("s"), *others}


def whom(recipients: Sequence[ShownRecipient]) -> str:
    """Who gets a message, in a few words; empty without recipients."""
    if not recipients:
        return ""
    first = short(recipients[0].address, 80)
    if len(recipients) == 1:
        return f"to {first}"
    if len(recipients) == 2:
        return f"to {first} and {short(recipients[1].address, 80)}"
    return f"to {first} and {count(len(recipients) - 1, 'other')}"
