"""Attack 174: an amount that is another one in the text than in the HTML, written so that nobody compares it."""

from __future__ import annotations

import pytest

from maton_mailgun.mail.amounts import amounts


def beyond(one: str, other: str) -> tuple[list[str], list[str]]:
    """What only the one says, and what only the other does."""
    here, there = amounts(one, 1_000), amounts(other, 1_000)
    return here.beyond(there), there.beyond(here)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Pay $5k", "Pay $9k"),
        ("Pay 5M EUR", "Pay 9M EUR"),
        ("Pay 5M EUR", "Pay 5k EUR"),
        ("Pay 1.5 million EUR", "Pay 1.5 billion EUR"),
        ("Pay 5 Mio. EUR", "Pay 5 Mrd. EUR"),
        ("Pay 50 ₽", "Pay 80 ₽"),
        ("Pay 50 kr", "Pay 80 kr"),
        ("Pay SAR 50", "Pay SAR 80"),
        ("Pay USDT 50", "Pay USDT 80"),
        ("Pay ５０００ EUR", "Pay ９０００ EUR"),
        ("Pay \U0001d7d3\U0001d7ce\U0001d7ce\U0001d7ce EUR", "Pay \U0001d7d7\U0001d7ce\U0001d7ce\U0001d7ce EUR"),
        ("\u0665\u0660\u0660\u0660", "\u0669\u0660\u0660\u0660"),
        ("You get –500 EUR", "You get 500 EUR"),
        ("Order 500: pay $500", "Order 500: pay 500 EUR"),
    ],
)
def test_attack_174_amounts_that_differ_are_told(one: str, other: str) -> None:
    assert [found != [] for found in beyond(one, other)] == [True, True]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Pay $1.5 million", "Pay $1,500,000"),
        ("Pay 1,25 Mio. EUR", "Pay 1.250.000 EUR"),
        ("Pay $5k", "Pay 5,000 $"),
        ("Pay ５００ EUR", "Pay 500 EUR"),
        ("Pay 3 crore", "Pay 30000000"),
        ("A 5k run, 10 m long", "A run, long"),
        ("500 EUR each, 500 pieces", "500 pieces, EUR 500 each"),
        ("10 –12 days", "10-12 days, 12"),
    ],
)
def test_attack_174_amounts_that_are_the_same_are_not(one: str, other: str) -> None:
    assert beyond(one, other)[0] == []
