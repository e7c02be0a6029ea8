"""Two readings of an address, one meaning: what a rule may rely on is what a person is shown and what is sent."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from maton_mailgun.approval.policy.case import case_of
from maton_mailgun.catalogue import rows as catalogue
from maton_mailgun.exchange import Account, Prepared
from maton_mailgun.mail import addresses
from maton_mailgun.mail import plain_address as plain
from maton_mailgun.mail.unclear import Unclear
from maton_mailgun.wire.request import build

_PLAIN = [*"aB0o-_+'=~&#$ßςü", "日本", "xn--bcher-kva", "r3---x"]
_ODD = [
    *("%", "!", "/", "|", "*", "?", "^", "`", "{", "}", ".", "..", "@", " ", "\t", "\n", "\r\n", "\x00", "\x7f"),
    *('"', "\\", "(", ")", ",", ":", ";", "<", ">", "[", "]", "\x85", "xn--", "com.", "Ü", "u\u0308", "İ", "ı", "ſ"),
    *("\u212a", "а", "ｍ", "．", "。", "①", "\u200b", "\u200d", "\u00ad", "\u00a0", "\u2028", "\u202e", "\ufeff"),
    *("\ud800", "א", "١", "😀", "ﬁ", "·", "\u0301"),
]


def _made(seed: int, number: int) -> Iterator[str]:
    """Texts that are nearly addresses, of what has ever been read in two ways."""
    draw = random.Random(seed)

    def some() -> str:
        return "".join(draw.choice(_PLAIN if draw.random() < 0.75 else _ODD) for _ in range(draw.randint(0, 4)))

    for _ in range(number):
        begin, end = draw.choice(("", "a", "Ann <a", "x" * 63)), draw.choice(("", ".com", ".test>", "example"))
        yield f"{begin}{some()}@{some()}{end}"


_LISTED = (
    *("ann@example.com", "A.N.N+x@EXAMPLE.com", "a@bücher.example", "a@xn--bcher-kva.example", "a@straße.example"),
    *("a@οδος.example", "a@日本語.example", "a@r3---x.example"),
    *("o'neil=x&y~#$@example.com", f"{'x' * 64}@example.com", f"a@{'.'.join(['y' * 63] * 3)}.example", "a@localhost"),
)


@pytest.mark.parametrize("text", _LISTED)
def test_these_are_plain_addresses(text: str) -> None:
    assert plain.parse(text) is not None


@pytest.mark.parametrize(
    "text", ["a@xn--zzzz99999.example", "a@bücher.r3---x.example", "a@bücher.xn--zzzz99999.example"]
)
def test_a_domain_that_stands_for_no_letters_is_not_plain(text: str) -> None:
    """Mailgun's parser drops such an address and sends to the others."""
    assert plain.parse(text) is None
    assert addresses.parse(text).problems == ("the domain is not valid",)


@pytest.mark.parametrize("seed", range(4))
def test_38_what_a_rule_may_rely_on_is_read_the_same_by_everybody(seed: int) -> None:
    accepted = 0
    for text in (*_LISTED, *_made(seed, 10_000)):
        ruled = plain.parse(text)
        if ruled is None:
            continue
        accepted += 1
        [shown] = addresses.parse_all(text)
        assert (shown.local.lower(), shown.ascii_domain, shown.name, shown.problems) == (
            ruled.local,
            ruled.domain,
            "",
            (),
        ), text
        assert plain.parse(shown.address) == ruled, text
    assert accepted > 300, "too few were plain for this to tell anything"


@pytest.mark.parametrize("seed", range(4))
def test_38_what_has_no_problem_has_the_domain_that_is_written(seed: int) -> None:
    """Nothing is folded on its way to a rule: a reader that does not fold would send to another domain."""
    sound = 0
    for text in (*_LISTED, *_made(seed, 10_000)):
        for one in addresses.parse_all(text):
            if not one.problems:
                sound += 1
                written = one.raw.strip().rstrip(">").rpartition("@")[2].strip().removesuffix(".")
                assert one.ascii_domain == plain.ascii_domain(written), text
    assert sound > 300, "too few were sound for this to tell anything"


def _recipients(*to: str) -> tuple[str, ...]:
    operation = catalogue.load()["send_message"]
    arguments = {"domain": "mg.example.com", "from": "me@mg.example.com", "to": list(to), "subject": "s", "text": "t"}
    return case_of(Prepared(operation, arguments, build(operation, arguments, ()), Account("conn-1", ""))).recipients


def test_38_a_recipient_is_judged_by_the_domain_that_is_written() -> None:
    assert _recipients("ann@straße.example") == ("ann@xn--strae-oqa.example",)


@pytest.mark.parametrize(
    "text",
    [
        "ann@strasse.example@straße.example",
        "ann@ｓtrasse.example",
        "ann@stra\u200bsse.example",
        "ann@stra\u00adsse.example",
        "ann@straſſe.example",
        "ann@strasse。example",
        "Ann <ann@\u2003strasse.example>",
        "ann@ strasse.example",
        "ann@strasse.example..",
    ],
)
def test_38_no_folding_turns_a_recipient_into_an_allowed_one(text: str) -> None:
    with pytest.raises(Unclear):
        _recipients(text)


def test_38_a_recipient_is_not_hidden_behind_one_that_it_folds_to() -> None:
    assert len(_recipients("anns@strasse.example", "ann@strasse.example", "ann@straße.example")) == 3
    for other in ("ann@ｓtrasse.example", "annſ@strasse.example"):
        with pytest.raises(Unclear):
            _recipients("anns@strasse.example", "ann@strasse.example", other)


def test_spellings_that_mean_the_same_for_certain_are_one_recipient() -> None:
    assert _recipients("Ann@Example.COM", "Ann <ann@example.com>", "a@Bücher.example", "a@xn--bcher-kva.example") == (
        "Ann@example.com",
        "a@xn--bcher-kva.example",
    )
