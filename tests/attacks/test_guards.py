"""Every guard that `prove.py` takes away is still in the source, once."""

from __future__ import annotations

from pathlib import Path

import pytest

import maton_mailgun

from .guards import GUARDS

PACKAGE = Path(maton_mailgun.__file__).parent
EDITS = [(guard.what, name, old) for guard in GUARDS for name, old, _ in guard.edits]


@pytest.mark.parametrize(("what", "name", "old"), EDITS)
def test_a_guard_stands_in_the_source_once(what: str, name: str, old: str) -> None:
    assert (PACKAGE / name).read_text(encoding="utf-8").count(old) == 1, what
