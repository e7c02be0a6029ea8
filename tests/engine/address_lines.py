"""Texts that are nearly address lists, of everything that readers have ever disagreed about."""

from __future__ import annotations

import random
from collections.abc import Iterator

_WORDS = [
    *("Ann", "Bob", "Doe, John", "Dr. J. Smith", "O'Neil", "&", "Müller", "山田\u3000太郎", "R&D/QA", "1.2", "😀"),
    *(
        "=?utf-8?q?x?=",
        "a@b.example",
        "<",
        "(x)",
        "[y]",
        "\u200b",
        "е\u0301",
        "\u00a0",
        "\\",
        'x"y',
        ":",
        ";",
        ",",
        '"',
    ),
    *("http://x.example", "%recipient.name%", "；", "＠", "\u202e", "?="),
]
_COMMON = [
    *(
        "ann@example.com",
        "eve@evil.example",
        "a@bücher.example",
        "ö@example.com",
        "o'neil+x@example.com",
        '"a..b"@x.example',
    ),
    *("a.b@sub.example.com", "%r%@example.com", "a@localhost", "a@xn--bcher-kva.example", "#!$*/?^`{|}~=-@example.com"),
]
_ODD = [
    *(
        "a@example.com.",
        "a b@example.com",
        "a..b@example.com",
        "a@xn--zzzz99999.example",
        "a@r3---x.example",
        "a@[1.2.3.4]",
    ),
    *("@x:a@example.com", "a@straße.example", "a@x_y.example", "ａ@example.com", '"a b"@x.example', '"a@b"@x.example'),
    *("a@example.com\u00a0", "mailto:a@x.example", "http://a@x.example", "a@😀.example", "a@日本語.example"),
]
_BETWEEN = [", ", ";", ",", "; ", ";;"]
_ODD_BETWEEN = [" ,\t", "\u00a0;", " ", "\u3000,", ": ", "\u2028"]
_NOISE = [*"<>\",;:()[]\\@. \t\r\nx'`=?", "\u00a0"]


def lines(seed: int, number: int) -> Iterator[str]:
    """`number` texts, the same ones for the same seed."""
    draw = random.Random(seed)

    def name() -> str:
        words = " ".join(draw.choice(_WORDS) for _ in range(draw.randint(1, 3)))
        escaped = words.replace("\\", "\\\\").replace('"', '\\"')
        return draw.choice([words, words, words, f'"{escaped}"', f'"{escaped}"', f'"{words}"'])

    def mailbox() -> str:
        address = draw.choice(_COMMON if draw.random() < 0.85 else _ODD)
        named = f"{name()}{draw.choice([' ', '', '  ', chr(9)])}<{address}>"
        return draw.choice([address, address, f"<{address}>", named, named, named])

    for _ in range(number):
        between = draw.choice(_BETWEEN if draw.random() < 0.9 else _ODD_BETWEEN)
        text = between.join(mailbox() for _ in range(draw.randint(1, 3)))
        for _ in range(draw.choice([0, 0, 0, 1, 2])):
            place = draw.randint(0, len(text))
            text = text[:place] + draw.choice(_NOISE) + text[place + draw.randint(0, 1) :]
        yield text
