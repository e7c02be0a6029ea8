from __future__ import annotations

import pytest

from maton_mailgun.mail.addresses import (
    Address,
    address_flags,
    ascii_domain,
    domain_flags,
    parse,
    parse_all,
    split,
    unicode_domain,
)


def test_a_list_is_split_at_commas_and_semicolons_outside_quotes_and_brackets() -> None:
    assert split('Ann <ann@example.com>, "Doe; John" <john@example.com>;bob@example.net,;') == [
        "Ann <ann@example.com>",
        '"Doe; John" <john@example.com>',
        "bob@example.net",
    ]


@pytest.mark.parametrize(
    "text",
    ['"open, a@example.com, b@example.net', "Ann <a@example.com; b@example.net", "(a@example.com;b@example.net"],
)
def test_unbalanced_quotes_never_hide_a_recipient(text: str) -> None:
    assert any("b@example.net" in part and "a@example.com" not in part for part in split(text))


def test_an_address_is_taken_apart() -> None:
    assert parse('"Doe, \\"JD\\"" <John.Doe@Example.COM>') == Address(
        '"Doe, \\"JD\\"" <John.Doe@Example.COM>', 'Doe, "JD"', "John.Doe", "example.com", "example.com"
    )
    assert parse("ö@bücher.example") == Address("ö@bücher.example", "", "ö", "bücher.example", "xn--bcher-kva.example")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("nobody", "has no @"),
        ("a b@example.com", "the part before the @ is not valid"),
        ("a@example.com b@example.net", "the part before the @ is not valid"),
        ("a@example.com.", "the domain is not valid"),
        ("friends: a@example.com", "the part before the @ is not valid"),
        ("<@relay.test:a@example.com>", "the part before the @ is not valid"),
        ("a@example.com (b@example.net)", "the domain is not valid"),
        ("a@exa mple.com", "the domain is not valid"),
        ("a@-example.com", "the domain is not valid"),
        ("a@example..com", "the domain is not valid"),
        ("a@[127.0.0.1]", "the domain is not valid"),
        ("a@example.com\r\nBcc: b@example.net", "holds a line break or control character"),
        ("a@example.com\x00", "holds a line break or control character"),
    ],
)
def test_what_is_not_plainly_an_address_has_a_problem(text: str, problem: str) -> None:
    assert any(problem in told for one in parse_all([text]) for told in one.problems)


def test_spellings_of_one_address_have_one_key() -> None:
    assert {parse(text).key for text in ("A@Bücher.example", "a@xn--bcher-kva.example", "x <a@BÜCHER.example>")} == {
        "a@xn--bcher-kva.example"
    }


@pytest.mark.parametrize(
    ("domain", "flags"),
    [
        ("example.com", []),
        ("日本語.example", ["international domain: xn--wgv71a119e.example shows as 日本語.example"]),
        ("münchen.example", ["international domain: xn--mnchen-3ya.example shows as münchen.example"]),
        (
            "pаypal.com",  # the first a is Cyrillic
            [
                "international domain: xn--pypal-4ve.com shows as pаypal.com",
                "letters of different scripts in one word",
                "looks like paypal.com but is not",
            ],
        ),
        (
            "xn--80ak6aa92e.com",  # all Cyrillic
            [
                "international domain: xn--80ak6aa92e.com shows as аррӏе.com",
                "looks like apple.com but is not",
            ],
        ),
        ("mg.examp1e.com", ["looks like mg.example.com but is not"]),
        ("mg.exarnple.com", ["looks like mg.example.com but is not"]),
    ],
)
def test_attack_11_imitated_domains_are_told_apart(domain: str, flags: list[str]) -> None:
    assert domain_flags(domain, known="mg.example.com") == flags


def test_attack_11_a_display_name_that_shows_another_address_is_flagged() -> None:
    assert address_flags(parse('"boss@example.com" <thief@example.net>')) == [
        "the name shows another address: boss@example.com"
    ]
    assert address_flags(parse('"ann@example.com" <Ann@example.com>')) == []


def test_ascii_forms_round_trip() -> None:
    assert unicode_domain(ascii_domain("bücher.example")) == "bücher.example"
    assert [ascii_domain(bad) for bad in ("", "a_b.com", "xn--\u202e.com", "a" * 64 + ".com", "exa\nmple.com")] == [
        ""
    ] * 5
    assert unicode_domain("xn--999999999.com") == "xn--999999999.com"
