"""Numbers of two texts are compared by what they are worth."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maton_mailgun.mail.amounts import amounts

MOST = 1_000


def beyond(one: str, other: str) -> tuple[list[str], list[str]]:
    """What only the one says, and what only the other does."""
    here, there = amounts(one, MOST), amounts(other, MOST)
    return here.beyond(there), there.beyond(here)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Pay 1,500.00 EUR", "Pay 1500 EUR"),
        ("Pay 1.500,00 €", "Pay €1,500"),
        ("Pay 1\u202f500,50\u00a0€", "Pay 1,500.50 EUR"),
        ("Pay CHF 1’500.50", "Pay 1'500.50 CHF"),
        ("It is 0.50 $", "It is $.5 or $0.5"),
        ("12,34,567.00", "1234567"),
        ("Your total: 49.00", "Your total: € 49"),
        ("DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("Invoice INV-2024", "Invoice INV2024"),
        ("1. First 2. Second", "First Second"),
        ("3–5 days", "3-5 days, 35"),
        ("call 030 123456", "call 030-123456"),
        ("on 2026-11-26", "on 20261126"),
        ("50%", "50 %"),
        ("-5.00 EUR", "\u22125 EUR"),
    ],
)
def test_the_same_in_another_spelling_is_the_same(one: str, other: str) -> None:
    assert beyond(one, other)[0] == []


@pytest.mark.parametrize(
    ("one", "other", "only"),
    [
        ("Pay 1.50 EUR", "Pay 150 EUR", ["1.50 EUR"]),
        ("Pay 1.50 EUR", "Pay 1500 EUR", ["1.50 EUR"]),
        ("You get 5.00 EUR", "You get -5.00 EUR", ["5.00 EUR"]),
        ("Change: -250", "Change: 250", ["-250"]),
        ("Pay $5", "Pay $9", ["$5"]),
        ("Pay 5 EUR", "Pay 5 USD", ["5 EUR"]),
        ("Save 5%", "Save 50%", ["5%"]),
        ("0.05", "0.5", ["0.05"]),
        ("1.05", "1.5", ["1.05"]),
        ("DE89 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0130 01", ["DE89 3704 0044 0532 0130 00"]),
        ("Room 1204", "Room 1240", ["1204"]),
    ],
)
def test_another_amount_is_told(one: str, other: str, only: list[str]) -> None:
    assert beyond(one, other)[0] == only


@given(cents=st.integers(0, 10**9), other=st.integers(0, 10**9))
def test_amounts_are_equal_in_every_spelling_exactly_when_they_are_worth_the_same(cents: int, other: int) -> None:
    def spelled(value: int) -> list[str]:
        english = f"{Decimal(value) / 100:,.2f}"
        german = english.translate(str.maketrans(",.", ".,"))
        return [f"{english} EUR", f"{german} €", f"EUR {english.replace(',', '’')}", f"{german.replace('.', ' ')} EUR"]

    for one in spelled(cents):
        for same in spelled(cents):
            assert beyond(one, same) == ([], [])
        for another in spelled(other):
            assert (beyond(one, another) == ([], [])) is (cents == other)


def test_more_numbers_than_can_be_compared_are_said_to_be_more() -> None:
    text = "; ".join(str(1000 + number) for number in range(50))
    assert (amounts(text, 20).whole, len(amounts(text, 20).by_worth)) == (False, 20)
    assert amounts(text, 50).whole
