"""An invitation is at the hour that was shown, wherever it is read: never at an hour that somebody guessed."""

from __future__ import annotations

import pytest

from engine.test_invitation import CALL
from maton_mailgun.mail.invitation import read
from maton_mailgun.mail.unclear import Unclear


@pytest.mark.parametrize(
    ("zone", "start", "wrong"),
    [
        # Clocks go from 02:00 to 03:00, and from 03:00 back to 02:00.
        ("Europe/Berlin", "2027-03-28T02:30", "skip"),
        ("Europe/Berlin", "2027-10-31T02:30", "show twice"),
        ("America/New_York", "2027-03-14T02:15", "skip"),
        ("America/New_York", "2027-11-07T01:15", "show twice"),
        # By half an hour.
        ("Australia/Lord_Howe", "2027-10-03T02:15", "skip"),
        ("Australia/Lord_Howe", "2027-04-04T01:45", "show twice"),
    ],
)
def test_attack_219_an_hour_that_is_none_or_two_is_refused(zone: str, start: str, wrong: str) -> None:
    call = {**CALL, "time_zone": zone, "start": start, "end": f"{start[:11]}09:00"}
    with pytest.raises(Unclear, match=wrong):
        read(call)


def test_attack_219_an_offset_says_which_of_two_hours() -> None:
    call = {**CALL, "end": "2027-10-31T09:00"}
    first, second = (read({**call, "start": f"2027-10-31T02:30+0{hours}:00"}) for hours in (2, 1))
    assert (first.when_utc[:20], second.when_utc[:20]) == ("Sun 2027-10-31 00:30", "Sun 2027-10-31 01:30")


def test_attack_219_an_end_that_comes_first_on_the_world_s_clock_is_none() -> None:
    """Later by the digits, earlier in time."""
    with pytest.raises(Unclear, match="is not after the start"):
        read({**CALL, "start": "2027-10-31T02:10+01:00", "end": "2027-10-31T02:50+02:00"})
