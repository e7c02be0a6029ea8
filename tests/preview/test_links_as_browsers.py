"""Where links lead, held against the parser of URLs that browsers share (WHATWG), as Node has it."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from typing import Any

import pytest

from maton_mailgun.approval.preview import content
from maton_mailgun.mail import links
from maton_mailgun.mail.addresses import ascii_domain
from maton_mailgun.mail.hosts import place
from maton_mailgun.mail.html import read
from maton_mailgun.mail.letter import Letter

NODE = shutil.which("node")
_ASKED = """
const host = (url, base) => { try { return new URL(url, base).hostname } catch { return "" } };
const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(given.map(url => [host(url), host(url, "https://mail.example.org/x/")])));
"""
_PARTS = itertools.product(
    ("", " ", "\x01", "\n"),
    ("https:", "HTTP:", "ht\ntps:", "ftp:", "wss:", ""),
    ("//", "\\\\", "/\\", "///", "\t//", "/\n/", "/", ""),
    ("", "bank.com@", "bank.com:x@", "a@b@", "bank.com\uff0f@"),
    ("evil{n}.com", "EVIL{n}.com", "ev%69l{n}.com", "evil{n}\uff0ecom", "ev\u00adil{n}.com", "evil{n}\n.com"),
    ("", "\\@bank.com/", "/@bank.com", "?@bank.com", "#@bank.com", ":443\\x?\\y"),
)
SPELLINGS = ["".join(parts).replace("{n}", str(number)) for number, parts in enumerate(_PARTS)]
"""Each leads to a host of its own."""
AT_ONCE = 400


def hosts_of(urls: list[str]) -> tuple[list[str], list[str]]:
    """The hosts that the warnings know, and those of the page's list, of a message with these links."""
    source = "".join(f'<a href="{url}">x</a>' for url in urls)
    found, _ = links.find(read(source), "")
    return list(content.read(Letter(html=source)).links), [link["host"] for link in found]


@pytest.mark.slow
@pytest.mark.skipif(NODE is None, reason="Node is not installed; it has the parser of URLs to compare with")
@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.long)])
def test_89_every_spelling_of_a_link_leads_where_browsers_follow_it(every: int) -> None:
    assert NODE is not None
    # No part repeats after seven: each spelling of each is among them.
    spellings = SPELLINGS[::every]
    run = subprocess.run([NODE, "-e", _ASKED], input=json.dumps(spellings), capture_output=True, text=True, check=True)
    answers = json.loads(run.stdout)
    expected = [alone or (in_webmail if in_webmail != "mail.example.org" else "") for alone, in_webmail in answers]
    wrong = []
    for start in range(0, len(spellings), AT_ONCE):
        urls, hosts = spellings[start : start + AT_ONCE], expected[start : start + AT_ONCE]
        known, listed = hosts_of(urls)
        wrong += [(url, host, have) for url, host, have in zip(urls, hosts, listed, strict=True) if host != have]
        wrong += [("warnings", host, "") for host in set(known) ^ (set(hosts) - {""})]
    assert wrong == []


_LETTERS = [*"ßςσSsäÄａ①ﬁİıſéаяΩ日。．-1", "\u212a", "o\u0301", "\u00ad", "ss", "%C3%9F"]


@pytest.mark.skipif(NODE is None, reason="Node is not installed; it has the parser of URLs to compare with")
def test_attack_130_a_host_in_letters_of_any_language_is_the_one_that_browsers_open() -> None:
    assert NODE is not None
    pairs = itertools.product(_LETTERS, repeat=2)
    urls = [f"https://{host}" for one, two in pairs for host in (f"a{one}{two}b.de",)]
    run = subprocess.run([NODE, "-e", _ASKED], input=json.dumps(urls), capture_output=True, text=True, check=True)
    wrong: list[tuple[str, Any, object]] = []
    for url, (host, _) in zip(urls, json.loads(run.stdout), strict=True):
        found = place(url)
        if host and (ascii_domain(found.host) or found.host) != host:
            wrong.append((url, host, found.host))
        if host.count("xn--") and not any(host in flag or "percent" in flag for flag in found.flags):
            wrong.append((url, host, found.flags))
    assert wrong == []


@pytest.mark.parametrize(
    ("url", "host", "flags"),
    [
        (
            "https://großbank.de/login",
            "großbank.de",
            ["international domain: xn--grobank-2va.de shows as großbank.de"],
        ),
        ("https://σς.gr", "σς.gr", ["international domain: xn--3xab.gr shows as σς.gr"]),
        (
            "https://STRAẞE.de",
            "straße.de",
            [
                "holds a capital ẞ: older programs lead to strasse.de",
                "international domain: xn--strae-oqa.de shows as straße.de",
            ],
        ),
    ],
)
def test_attack_130_sharp_s_and_final_sigma_are_letters_of_their_own(url: str, host: str, flags: list[str]) -> None:
    found = place(url)
    assert (found.host, list(found.flags), found.dangerous) == (host, flags, True)


@pytest.mark.parametrize(("words", "url"), [("grossbank.de", "großbank.de"), ("großbank.de", "grossbank.de")])
def test_attack_130_words_that_name_the_other_bank_are_a_warning(words: str, url: str) -> None:
    reading = content.read(Letter(html=f'<a href="https://{url}/login">{words}</a>'))
    assert f"A link shows {words} but leads to {url}." in reading.warnings


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("See www.evil.com/pay.", ["www.evil.com"]),
        ("(www.evil.com) or [x](https://evil.com)", ["www.evil.com", "evil.com"]),
        ("ftp://evil.com/a", ["evil.com"]),
        ("https://[2001:db8::1]/x", ["2001:db8::1"]),
        ("mail ann@www.example.com or awww.nice", ["awww.nice"]),
        ("mail ann@www.example.com or awwwnice", []),
    ],
)
def test_89_what_programs_make_links_of_in_plain_text_is_a_link(text: str, hosts: list[str]) -> None:
    found, _ = links.find(read(""), text)
    assert (list(content.read(Letter(text=text)).links), [link["host"] for link in found]) == (hosts, hosts)
