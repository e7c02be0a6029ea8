"""Ordinary newsletters bring no warning about their looks."""

from __future__ import annotations

import pytest

from maton_mailgun.approval.preview import content
from maton_mailgun.mail.letter import Letter
from page import newsletters, ordinary_colours

ORDINARY = {**newsletters.ALL, **ordinary_colours.ALL}


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_newsletter_is_no_alarm(name: str) -> None:
    reading = content.read(Letter(html=ORDINARY[name]))
    assert (reading.warnings, reading.unchecked, reading.raises) == ([], [], 0)
