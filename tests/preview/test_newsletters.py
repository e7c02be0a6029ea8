"""Ordinary newsletters bring no warning about their looks."""

from __future__ import annotations

import pytest

from maton_mailgun.approval.preview import content
from maton_mailgun.mail.letter import Letter
from page import newsletters


@pytest.mark.parametrize("name", newsletters.ALL)
def test_an_ordinary_newsletter_is_no_alarm(name: str) -> None:
    reading = content.read(Letter(html=newsletters.ALL[name]))
    assert (reading.warnings, reading.unchecked, reading.raises) == ([], [], 0)
