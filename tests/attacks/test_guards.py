"""Every guard that `prove.py` takes away stands in the source, and can be taken away."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import maton_mailgun

from .guards import GUARDS, Guard
from .taking import places, without

PACKAGE = Path(maton_mailgun.__file__).parent
MARKS = [mark for guard in GUARDS for mark in guard.marks]
PLACES = places(PACKAGE)


def test_every_mark_stands_once_in_the_source_and_once_in_the_table() -> None:
    assert sorted(mark for mark, files in PLACES.items() for _ in files) == sorted(MARKS)


@pytest.mark.slow
@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: next(iter(guard.marks)))
def test_a_guard_can_be_taken_away(guard: Guard) -> None:
    assert set(without(PLACES, guard.marks)) == {path for mark in guard.marks for path in PLACES[mark]}


def test_a_mark_says_its_number_and_a_name() -> None:
    assert [mark for mark in MARKS if not re.fullmatch(r"\d{2,}-[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)?", mark)] == []
    numbered = [(guard.tests if guard.tests.isdigit() else "00", mark) for guard in GUARDS for mark in guard.marks]
    assert [(number, mark) for number, mark in numbered if mark.partition("-")[0] != number] == []


def test_every_attack_and_accident_with_a_test_has_a_guard() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    tested = set(re.findall(r"def test_(?:attack|accident)_(\d{2,})_", sources))
    assert {guard.tests for guard in GUARDS if guard.tests.isdigit()} == tested
    assert {f"{number:02d}" for number in range(1, 41)} - tested == set()
