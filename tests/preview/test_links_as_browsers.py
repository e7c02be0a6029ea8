"""Where links lead, held against the parser of URLs that browsers share (WHATWG), as Node has it."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess

import pytest

from maton_mailgun.approval.preview import content
from maton_mailgun.mail import links
from maton_mailgun.mail.html import read
from maton_mailgun.mail.letter import Letter

NODE = shutil.which("node")
_ASKED = """
const host = (url, base) => { try { return new URL(url, base).hostname } catch { return "" } };
const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(given.map(url => [host(url), host(url, "https://mail.example.org/x/")])));
"""
SPELLINGS = [
    "".join(parts)
    for parts in itertools.product(
        ("", " ", "\x01", "\n"),
        ("https:", "HTTP:", "ht\ntps:", "ftp:", "wss:", ""),
        ("//", "\\\\", "/\\", "///", "\t//", "/\n/", "/", ""),
        ("", "bank.com@", "bank.com:x@", "a@b@", "bank.com\uff0f@"),
        ("evil.com", "EVIL.com", "ev%69l.com", "evil\uff0ecom", "ev\u00adil.com", "evil\n.com"),
        ("", "\\@bank.com/", "/@bank.com", "?@bank.com", "#@bank.com", ":443\\x?\\y"),
    )
]


def hosts_of(url: str) -> tuple[list[str], list[str]]:
    """The hosts that the warnings know, and those of the page's list."""
    letter = Letter(html=f'<a href="{url}">x</a>')
    found, _ = links.find(read(letter.html or ""), "")
    return list(content.read(letter).links), [link["host"] for link in found if link["host"]]


@pytest.mark.skipif(NODE is None, reason="Node is not installed; it has the parser of URLs to compare with")
def test_89_every_spelling_of_a_link_leads_where_browsers_follow_it() -> None:
    assert NODE is not None
    run = subprocess.run([NODE, "-e", _ASKED], input=json.dumps(SPELLINGS), capture_output=True, text=True, check=True)
    wrong = []
    for url, (alone, in_webmail) in zip(SPELLINGS, json.loads(run.stdout), strict=True):
        host = alone or (in_webmail if in_webmail != "mail.example.org" else "")
        expected = ([host], [host]) if host else ([], [])
        if hosts_of(url) != expected:
            wrong.append((url, expected, hosts_of(url)))
    assert wrong == []


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
