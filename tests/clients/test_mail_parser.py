"""Mailgun's own parser finds in what we send what we showed, and in what we accept never more people than we do."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from engine.address_lines import lines
from maton_mailgun.mail.address_fields import read
from maton_mailgun.mail.addresses import Address
from maton_mailgun.mail.unclear import Unclear

from .environments import mail_parser

pytestmark = pytest.mark.clients

Reader = Callable[[Sequence[str]], list[list[str]]]


@pytest.fixture(scope="module")
def theirs(request: pytest.FixtureRequest) -> Reader:
    """What their parser finds in each of many texts."""
    assert request.config.cache is not None
    command = [*mail_parser(request.config.cache.mkdir("clients")), str(Path(__file__).with_name("read_addresses.py"))]

    def found(texts: Sequence[str]) -> list[list[str]]:
        given = "".join(f"{json.dumps(text)}\n" for text in texts)
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=300, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    return found


def _accepted(seed: int, number: int) -> dict[str, list[Address]]:
    accepted = {}
    for text in lines(seed, number):
        try:
            accepted[text] = read(text)
        except Unclear:
            continue
    return accepted


def test_a_semicolon_separates_for_them_as_for_us(theirs: Reader) -> None:
    text = '"Ann; Bob" <ann@example.com>; Eve <eve@evil.example>, <carl@example.org>;dora@example.net'
    assert theirs([text]) == [[one.address for one in read(text)]]


@pytest.mark.parametrize("seed", range(100, 102))
def test_they_find_what_we_showed_in_what_we_send(theirs: Reader, seed: int) -> None:
    accepted = _accepted(seed, 4_000)
    sent = [", ".join(one.written for one in shown) for shown in accepted.values()]
    for text, shown, found in zip(accepted, accepted.values(), theirs(sent), strict=True):
        assert found == [one.address for one in shown], text
    assert len(accepted) > 500, "too few were accepted for this to tell anything"


def _bare(address: str) -> str:
    """Without quotes that need not be: they are no part of the address (RFC 5321, 4.1.2)."""
    return re.sub(r"^\"([\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*)\"@", r"\1@", address)


@pytest.mark.parametrize("seed", range(200, 202))
def test_they_never_find_more_people_than_we_in_what_we_accept(theirs: Reader, seed: int) -> None:
    accepted = _accepted(seed, 4_000)
    whole = 0
    for text, shown, found in zip(accepted, accepted.values(), theirs(list(accepted)), strict=True):
        assert [_bare(one) for one in found] in ([], [one.address for one in shown]), text
        whole += bool(found)
    assert whole > 500, "too few were read by them for this to tell anything"
