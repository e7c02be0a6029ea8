"""Where a mail program reads another message, the person reads another text: held by a reader that is not ours.

Both versions of a changed call become the messages that its recipients get, put together by the standard library from
what goes on the wire, and are read by mailparser. Nothing of our own reading of mail stands between.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Callable, Iterator, Sequence
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest

from clients.environments import mail_readers
from maton_mailgun.wire.request import Request

from .calls import MESSAGES, Call, made
from .changes import SIGNS, WORDS, Change, changed
from .screens import screens

pytestmark = [pytest.mark.clients, pytest.mark.node]

NUMBER = int(os.environ.get("MATON_MAILGUN_TEST_CHANGES", "2000")) // 8
LETTERS = [call for call in MESSAGES if call.template is None]
"""Those whose words are all in the call: what a stored template makes of its values, no library knows."""
_DOMAIN = re.compile(r"(?<=[@/])[\w.-]+\.[A-Za-z]{2,}")
"""The same in any letter case (RFC 4343)."""
Reader = Callable[[Sequence[bytes]], list[Any]]


@pytest.fixture(scope="module")
def mailparser(request: pytest.FixtureRequest) -> Reader:
    assert request.config.cache is not None
    lines = mail_readers(request.config.cache.mkdir("clients"), Path(__file__).with_name("read_whole.cjs"))
    return lambda sources: [_unordered(json.loads(_DOMAIN.sub(_small, line))) for line in lines(sources)]


def _small(domain: re.Match[str]) -> str:
    return domain[0].casefold()


def _unordered(read: Any) -> Any:
    """Whether inline pictures stand before or after attachments tells nothing; their order among themselves may."""
    read["files"].sort(key=lambda one: bool(one[2]))
    return read


def delivered(call: Call, request: Request) -> list[bytes]:
    """What each recipient gets."""
    if call.mime is not None:
        return [part.content or b"" for part in request.files if part.field == "message"]
    form = [(name.casefold(), text) for name, text in request.form]
    values: dict[str, dict[str, Any]] = json.loads(
        next((text for name, text in form if name == "recipient-variables"), "{}")
    )
    return [_copy(form, request, own) for _, own in sorted(values.items()) or [("", {})]]


def _copy(form: Sequence[tuple[str, str]], request: Request, own: dict[str, Any]) -> bytes:
    def filled(text: str) -> str:
        for name, value in own.items():
            text = text.replace(f"%recipient.{name}%", value if isinstance(value, str) else json.dumps(value))
        return text

    def given(name: str) -> list[str]:
        return [filled(text) for field, text in form if field == name]

    mail = EmailMessage(policy=SMTP)
    for name in ("from", "to", "cc"):
        if given(name):
            mail[name] = ", ".join(given(name))
    for text in given("subject"):
        mail["Subject"] = text
    for name, text in form:
        if name.startswith("h:"):
            mail[name[2:]] = filled(text)
    for name, kind in (("text", "plain"), ("amp-html", "x-amp-html"), ("html", "html")):
        for text in given(name):
            (
                mail.add_alternative
                if mail.get_content_type() != "text/plain" or mail.get_payload()
                else mail.set_content
            )(text, subtype=kind, cte="base64")
    for part in request.files:
        main, _, sub = part.content_type.partition("/")
        cid = f"<{part.filename}>" if part.field == "inline" else None
        place = "inline" if cid else "attachment"
        mail.add_attachment(
            part.content or b"", maintype=main, subtype=sub, filename=part.filename, disposition=place, cid=cid
        )
    return mail.as_bytes()


def _pairs(seed: int) -> Iterator[tuple[Call, Call]]:
    chance = random.Random(seed)
    for _ in range(NUMBER):
        text = chance.choice(SIGNS) if chance.random() < 0.6 else chance.choice(WORDS)
        change = Change(chance.randrange(10_000), chance.randrange(10_000), chance.randrange(10_000), text)
        call = chance.choice(LETTERS)
        yield call, changed(call, change)[0]


@pytest.mark.slow
def test_whatever_mailparser_reads_differently_a_person_reads_differently(mailparser: Reader) -> None:
    sources: list[bytes] = []
    compared: list[tuple[Call, Call, slice, slice]] = []
    for call, other in _pairs(20_261_126):
        spans = []
        for one in (call, other):
            found = made(one)
            if found is None:
                break
            try:
                copies = delivered(one, found.request)
            except (ValueError, IndexError, AttributeError):
                break  # the standard library writes no such header
            spans.append(slice(len(sources), len(sources) + len(copies)))
            sources += copies
        if len(spans) == 2:
            compared.append((call, other, spans[0], spans[1]))
    read = mailparser(sources)
    different = [(call, other) for call, other, was, now in compared if read[was] != read[now]]
    assert len(different) > NUMBER // 5, "too few of the changes reach a reader to say anything"
    assert [other.changeable() for call, other in different if _terminal(call) == _terminal(other)] == []


def _terminal(call: Call) -> str:
    found = made(call)
    assert found is not None
    return screens(found.preview, digests=True)["terminal"]
