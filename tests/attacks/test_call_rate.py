"""How often one person may call."""

from __future__ import annotations

from maton_mailgun.protocol import call_rate
from maton_mailgun.protocol.call_rate import CallRate


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_attack_340_a_person_gets_their_rate_and_others_theirs() -> None:
    clock = Clock()
    rate = CallRate(60, clock=clock)
    assert [rate.wait("ann") for _ in range(10)] == [0.0] * 10
    assert (rate.wait("ann"), rate.wait("bob")) == (1.0, 0.0)
    clock.now = 0.5
    assert rate.wait("ann") == 0.5
    clock.now = 1.0
    assert (rate.wait("ann"), rate.wait("ann")) == (0.0, 1.0)
    clock.now = 3600.0
    assert [rate.wait("ann") for _ in range(11)] == [0.0] * 10 + [1.0]


def test_it_remembers_so_many_people_and_forgets_the_quiet_ones() -> None:
    rate = CallRate(60, clock=Clock())
    for number in range(call_rate.MOST_PEOPLE + 50):
        rate.wait(f"person {number}")
    assert len(rate._left) == call_rate.MOST_PEOPLE
    assert "person 0" not in rate._left
