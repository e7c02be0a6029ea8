"""What stands in the place of a write's target: a creation over something that is there is called what it does, and
what the service is sure to refuse is put before nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maton_mailgun.approval.preview.proposal import ReadAnswer
from maton_mailgun.wire.speakers import says_absent

if TYPE_CHECKING:
    from maton_mailgun.catalogue.operation import Operation

LOOK_IT_UP = "Check the name with the matching list tool, and tell the user."
_REPLACED = "What it holds now is lost, and would have to be written again."


@dataclass(frozen=True, slots=True)
class Called:
    """What a write is called, and what it does."""

    title: str
    action: str
    """One of `Access`."""
    verb: str
    effect: str
    """The template of the sentence."""
    undo: str
    """As above."""
    warning: str = ""
    """That there is one already; holds {target}, and is empty where the difference says so."""


def called(operation: Operation, before: ReadAnswer | None) -> Called:
    """What a write is called, by what is in its target's place."""
    verb, _, rest = operation.title.partition(" ")
    if operation.access != "create" or not _is_there(before):  # guard: 380-called
        return Called(operation.title, operation.access, verb, operation.effect, operation.undo)
    if not operation.there_effect:
        warning = "Already there: {target}. This will overwrite it or be refused."
        return Called(operation.title, operation.access, verb, operation.effect, operation.undo, warning)
    undo = operation.undo if operation.adds else _REPLACED
    warning = "" if operation.adds else "Already there: {target}. What it holds now is overwritten."
    return Called(f"{operation.there} {rest}", "change", operation.there, operation.there_effect, undo, warning)


def refused(
    operation: Operation, given: Mapping[str, Any], target: str, before: ReadAnswer | None, within: ReadAnswer | None
) -> str:
    """Why the service is sure to refuse it; empty where it is not.

    A 404 counts only where the service says that the thing itself is missing: one of another place, such as an address
    that the gateway does not know, says nothing about it.
    """
    if operation.access == "create" and _is_there(before):
        needed = operation.there_needs
        if operation.there == "refused" or (needed is not None and not given.get(needed)):
            return f"{sentence(target.removeprefix('new '))} exists already, and the service refuses another."
        return ""
    if within is not None and says_absent(within.status, within.data, operation.service):
        return f"{sentence(target)} cannot be: what it is to be a part of does not exist."
    missing = before is not None and says_absent(before.status, before.data, operation.service)
    if missing and operation.access in ("change", "delete"):
        return f"{sentence(target)} does not exist."
    return ""


def sentence(target: str) -> str:
    """A target at the beginning of a sentence. An address keeps its letters: with a capital it would look like another
    one."""
    return target if "@" in target.partition(" ")[0] else f"{target[:1].upper()}{target[1:]}"


def _is_there(before: ReadAnswer | None) -> bool:
    return before is not None and before.status != 404
