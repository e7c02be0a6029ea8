"""Numbers in running text by what they are worth: 1,500.00 and 1500 are the same, 1.50 and 150 are not, nor 5 and -5.

What is no plain number (an IBAN, a date, the number of an account, an invoice or a telephone) counts by its letters and
digits.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

_SPACE = " \u00a0\u2009\u202f"
_CODES = (
    "EUR|USD|GBP|CHF|JPY|CNY|INR|SEK|NOK|DKK|PLN|CZK|HUF|CAD|AUD|NZD|ZAR|BRL|MXN|TRY|ILS|AED|SGD|HKD|KRW|THB|SAR|RON|BGN"
    "|ISK|UAH|RUB|NGN|KES|GHS|EGP|MAD|PHP|IDR|MYR|VND|TWD|ARS|CLP|COP|PEN|PKR|BDT|LKR|KWD|QAR|OMR|BHD|JOD|BTC|ETH|USDT"
    "|USDC|kr|zł|Kč|Ft|lei"
)
_SIGNS = "$\u00a2-\u00a5\u058f\u060b\u09f2\u09f3\u0e3f\u17db\u20a0-\u20c0\ufdfc\ufe69\uff04\uffe0\uffe1\uffe5\uffe6"
"""Unicode's currency signs, as ranges."""
_UNITS = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR", "₿": "BTC", "₩": "KRW", "₪": "ILS", "₺": "TRY"}
_TIMES = {
    **dict.fromkeys(("k", "K", "thousand", "Tausend"), 3),
    **dict.fromkeys(("m", "M", "mn", "Mio", "mio", "million", "millions", "Million", "Millionen"), 6),
    **dict.fromkeys(
        ("b", "B", "bn", "Mrd", "billion", "billions", "Milliarde", "Milliarden", "milliard", "milliards"), 9
    ),
    **dict.fromkeys(("trillion", "trillions"), 12),
    **{"lakh": 5, "lakhs": 5, "crore": 7, "crores": 7},
}
"""How many zeros are meant; the short ones beside a currency only."""
_WORDS = "|".join(sorted((word for word in _TIMES if len(word) > 2), key=len, reverse=True))
_IBAN = rf"\b[A-Z]{{2}}[0-9]{{2}}(?:[{_SPACE}]?[A-Z0-9]{{2,4}}){{2,8}}\b"
_FOUND = re.compile(
    rf"(?P<iban>{_IBAN})"
    rf"|(?:(?P<before>\b(?:{_CODES})\b|[{_SIGNS}])[{_SPACE}]?)?"
    rf"(?P<sign>(?<![\w.,)\]])(?:[-\u2212]|(?<![0-9][{_SPACE}])\u2013))?"
    rf"(?P<lead>[{_SIGNS}]?)(?P<letters>\b[A-Za-z]{{1,4}}-?)?"
    rf"(?P<digits>(?<![0-9])[0-9](?:[.,'’/{_SPACE}-]?[0-9])*)"
    rf"(?P<tail>[A-Za-z]*)"
    rf"(?:[{_SPACE}](?P<times>{_WORDS})\b\.?)?"
    rf"(?:[{_SPACE}]?(?P<after>[%‰]|[{_SIGNS}]|(?:{_CODES})\b))?"
)
_BETWEEN = re.compile(r"[^0-9]{17,}")
"""What lies between two numbers, and can belong to neither: looked for at each of its signs, it would take seconds."""
_BLANK = re.compile(rf"[{_SPACE}]+")


@dataclass(slots=True)
class Amounts:
    """The numbers of one text."""

    by_worth: dict[str, dict[str, str]] = field(default_factory=dict)
    """What it is worth -> its currency or other unit (empty where none stands beside it) -> how it is said."""
    whole: bool = True
    """Whether those are all of them."""

    def beyond(self, other: Amounts) -> list[str]:
        """Those that the other text does not have: another number, or the same of another currency."""
        return [
            said
            for worth, units in self.by_worth.items()
            for unit, said in units.items()
            if not _there(unit, other.by_worth.get(worth))
        ]


def _there(unit: str, others: Mapping[str, str] | None) -> bool:
    # Where a table has the currency in another cell, nothing is known of it.
    return others is not None and (not unit or unit in others or not any(others))  # guard: 174-units


def amounts(text: str, most: int) -> Amounts:
    """The numbers in `text` that a reader would act on: at most `most` different ones.

    One or two digits without a currency, a sign or a fraction are left out: lists are counted by those.
    """
    found = Amounts()
    seen: set[str] = set()
    text = _plain_digits(text)
    for match in _FOUND.finditer(_BETWEEN.sub(lambda between: f"{between[0][:8]}\n{between[0][-8:]}", text)):
        said = match[0].strip()
        if said in seen:
            continue
        if len(seen) >= most:
            found.whole = False
            break
        seen.add(said)
        worth, unit = _worth(match)
        if worth:
            found.by_worth.setdefault(worth, {}).setdefault(unit, _BLANK.sub(" ", said))
    return found


def _plain_digits(text: str) -> str:
    """`text` with the decimal digits of every script as those of ours."""
    if text.isascii():
        return text
    others = {
        ord(sign): str(unicodedata.decimal(sign)) for sign in set(text) if sign.isdecimal() and not sign.isascii()
    }
    return text.translate(others)  # guard: 174-digits


def _worth(match: re.Match[str]) -> tuple[str, str]:
    """What one is worth, empty where nobody acts on it; and its unit."""
    if match["iban"]:
        return _BLANK.sub("", match["iban"]).casefold(), ""
    unit = next((match[name] for name in ("before", "lead", "after") if match[name]), "")
    unit = _UNITS.get(unit, unit)
    zeros = _TIMES.get(match["times"] or (match["tail"] if unit else ""), 0)
    if match["letters"] or (match["tail"] and not (zeros and match["times"] is None)):
        name = re.sub(r"[\W_]", "", f"{match['letters'] or ''}{match['digits']}{match['tail']}").casefold()
        return (name, unit) if len(name) >= (1 if unit else 3) else ("", "")
    number = _number(match["digits"])
    if number is None:
        name = re.sub(r"[\W_]", "", match["digits"])
        return (name, unit) if len(name) >= 3 else ("", "")
    if zeros:  # guard: 174-times
        whole, _, part = number.partition(".")
        number = f"{whole}{part[:zeros]:0<{zeros}}".lstrip("0") + (f".{part[zeros:]}" if part[zeros:] else "")
        number = number or "0"
    if len(number) < 3 and not unit and not match["sign"]:
        return "", ""
    return f"{'-' if match['sign'] and number != '0' else ''}{number}", unit


def _number(digits: str) -> str | None:
    """A decimal without grouping and without zeros that say nothing; None of what is no plain number."""
    if "-" in digits or "/" in digits:
        return None
    marks = [sign for sign in digits if sign in ".,"]
    point = ""
    if marks and (len(set(marks)) == 2 or len(marks) == 1):
        whole, _, fraction = digits.rpartition(marks[-1])
        # Of one mark before three digits nobody can tell; it groups more often than it divides.
        if len(set(marks)) == 2 or len(fraction) != 3 or whole.lstrip("0") == "":
            if marks.count(marks[-1]) > 1:
                return None
            digits, point = whole, fraction
    groups = re.split(rf"[.,'’{_SPACE}]", digits)
    if len(groups) > 1 and not (
        len(groups[0]) <= 3 and len(groups[-1]) == 3 and all(2 <= len(one) <= 3 for one in groups[1:])
    ):
        return None
    if not all(one.isdigit() for one in (*groups, point or "0")):
        return None
    whole, fraction = "".join(groups).lstrip("0") or "0", point.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole
