"""Change any one thing in a write, and what a person is shown changes, on every channel that takes a yes."""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st

from maton_mailgun.approval.preview.document import Preview
from maton_mailgun.approval.preview.filled_message import copies, filled
from maton_mailgun.approval.preview.terminal_text import copy_lines

from .calls import BATCH_OF_1000, MESSAGES, OTHERS, Call, Made, made
from .changes import Change, Path, changed, changes
from .plant import OMISSIONS, PACKAGE, ROOT, Omission
from .screens import screens

CALLS = MESSAGES + OTHERS
USUAL = 10_000
EACH = int(os.environ.get("MATON_MAILGUN_TEST_CHANGES", USUAL)) // 2
"""Changes that each of the two parts looks at; 100,000 in all in the long run."""

SECRET = {(f"{verb}_domain", "smtp_password") for verb in ("create", "update")}
SECRET |= {("create_credential", "password"), ("update_credential_password", "password")}
"""Arguments that nobody is shown, on purpose."""
STEERING = {"connection_id", "members_file"}
"""Never sent: which account it is for stands at the top, by what the account is called; what a file holds is shown."""

# Whoever only wants to know whether there is one needs no smallest example of it.
_settings = settings(
    max_examples=EACH,
    deadline=None,
    database=None,
    phases=(Phase.generate,) if "MATON_MAILGUN_TEST_FIRST_FOUND" in os.environ else tuple(Phase),
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


def _seeded(first: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The same changes every time, so that a failure is one of the change under test; other ones in the long run."""
    return seed(first if EACH == USUAL // 2 else random.getrandbits(32))


def exempt(call: Call, path: Path) -> bool:
    """What need not be seen where it stands; all else must be."""
    return path[0] == "arguments" and ((call.tool, path[1]) in SECRET or path[1] in STEERING)


def reaches(found: Made) -> str:
    """What leaves. Mail has one kind of line end, and domains are the same in any letter case (RFC 4343)."""
    text = re.sub(r"(?:\\r)?\\n", r"\\n", repr(found.leaves))
    return re.sub(r"(?<=[@/])[\w.-]+\.[A-Za-z]{2,}", lambda domain: domain[0].casefold(), text)


def invisible(number: int, call: Call, change: Change) -> list[str] | None:
    """The channels on which nothing tells of a change; None for what changes nothing or is refused."""
    other, path = changed(call, change)
    after = made(other)
    before = _made(number)
    if after is None or exempt(call, path) or reaches(before) == reaches(after):
        return None
    # What an opaque key names is shown whole, and the key beside it: it has no words that could be read otherwise.
    opaque = path[0] == "files" or path[:2] == ("arguments", "storage_key")
    digests = opaque or (path[0] == "mime" and _in_a_file(other, path))
    was, now = _screens(number, digests=digests), screens(after.preview, digests=digests)
    return [channel for channel in was.keys() & now.keys() if was[channel] == now[channel]]


def _in_a_file(call: Call, path: Path) -> bool:
    """Whether a place in a ready message is the content of what mail programs show as a file."""
    part: Any = call.mime
    for step in path[1:-1]:
        part = part[step]
    if path[-1] != "text" or not isinstance(part, dict):
        return False
    return any(value.casefold().startswith("attachment") for name, value in part["headers"])


@cache
def _made(number: int) -> Made:
    found = made(_call(number))
    assert found is not None
    return found


@cache
def _screens(number: int, *, digests: bool) -> dict[str, str]:
    return screens(_made(number).preview, digests=digests)


def _call(number: int) -> Call:
    return CALLS[number] if number >= 0 else BATCH_OF_1000


def test_every_call_to_begin_with_would_be_asked() -> None:
    assert [call for call in (*CALLS, BATCH_OF_1000) if made(call) is None] == []


class TestAMessage:
    @pytest.mark.slow
    def test_no_change_is_invisible(self) -> None:
        _look_at_changes(st.sampled_from(range(len(MESSAGES))), first=0)


class TestAnyWrite:
    """In a class of its own, so that another core may take it."""

    @pytest.mark.slow
    def test_no_change_is_invisible(self) -> None:
        _look_at_changes(st.sampled_from(range(len(CALLS))), first=1)


def _look_at_changes(numbers: st.SearchStrategy[int], *, first: int) -> None:
    @_seeded(first)
    @_settings
    @given(numbers, changes)
    def holds(number: int, change: Change) -> None:
        hidden = invisible(number, CALLS[number], change)
        assume(hidden is not None)
        assert hidden == [], changed(CALLS[number], change)[1]

    holds()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("«", "»"),
        ("“", '"'),
        ("'", "’"),
        ("\u2028", "\u2029"),
        ("\x0b", "\x0c"),
        (" ", "\u00a0"),
        ("|", ","),
        ("é", "e\u0301"),
    ],
)
@pytest.mark.parametrize("place", ["subject", "text", "html", "variable", "name", "header", "value"])
def test_two_signs_that_look_alike_or_stand_for_others_are_told_apart(one: str, other: str, place: str) -> None:
    def letter(sign: str) -> Made | None:
        words = f'Say "{sign}" and « once'
        call = MESSAGES[2 if place == "value" else 1].copy()
        if place == "variable":
            call.arguments["variables"]["note"] = words
        elif place == "name":
            call.arguments["bcc"] = [f"{json.dumps(f'Dora {sign} E.')} <dora@example.org>"]
        elif place == "header":
            call.arguments["headers"]["X-Order"] = words
        elif place == "value":
            call.arguments["recipient_variables"]["person3@example.net"]["first"] = words
        else:
            call.arguments[place] = words
        return made(call)

    was, now = letter(one), letter(other)
    if was is None or now is None:
        # The value stands in the subject too.
        assert place in {"name", "header", "subject", "value"}, "only these must be one printable line"
        return
    before, after = (screens(found.preview, digests=False) for found in (was, now))
    assert [channel for channel in before if before[channel] == after.get(channel)] == []


@pytest.mark.slow
@settings(_settings, max_examples=20)
@given(changes)
def test_no_change_to_the_last_of_a_thousand_recipients_is_invisible(change: Change) -> None:
    last = Change(10_000 - change.pick % 3, change.how, change.where, change.text)
    assert invisible(-1, BATCH_OF_1000, last) in ([], None)


@pytest.mark.parametrize(
    "number", [index for index, call in enumerate(MESSAGES) if "recipient_variables" in call.arguments]
)
def test_a_value_that_a_message_names_changes_the_copy_of_its_recipient_and_no_other(number: int) -> None:
    call = MESSAGES[number]
    before = _copies(_made(number))
    named = set(re.findall(r"%recipient\.(\w+)%", repr((call.arguments, call.mime, call.template))))
    for address, own in call.arguments["recipient_variables"].items():
        for key in own.keys() & named:
            other = call.copy()
            other.arguments["recipient_variables"][address][key] = "Quite another"
            after = made(other)
            assert after is not None
            now = _copies(after)
            assert [one for one in before if before[one] != now[one]] == [address], key


def _copies(found: Made) -> dict[str, list[str]]:
    preview = Preview.of(found.preview)
    return {one: copy_lines(copy, one) for one in copies(preview) if (copy := filled(preview, one))}


@pytest.mark.parametrize("omission", OMISSIONS, ids=lambda omission: omission.what)
def test_each_omission_that_can_be_planted_fits_the_source(omission: Omission) -> None:
    path = ROOT / PACKAGE / omission.file
    source = path.read_text(encoding="utf-8")
    assert omission.planted(source) != source
