"""Libraries that mail programs are made with find nothing in a message that we accept which we do not show."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.mime_corpus import ORDINARY, VARIED, crlf, mangled
from maton_mailgun.mail.mime import examine
from maton_mailgun.mail.mime_reading import MimeReading

from .environments import mail_readers

pytestmark = [pytest.mark.clients, pytest.mark.node]
Found = dict[str, dict[str, Any]]
"""What each library found in one message."""
_FRAME = re.compile(
    r"div|span|strong|table|class|href|mailto|email|header|address|row|key|value|postal|mp_\w+|x[0-9a-f]{2}"
)
"""Words of the markup that the libraries put around what they found."""
Readers = Callable[[Sequence[bytes]], list[Found]]


@pytest.fixture(scope="module")
def theirs(request: pytest.FixtureRequest) -> Readers:
    """What the libraries find in each of many messages."""
    assert request.config.cache is not None
    lines = mail_readers(request.config.cache.mkdir("clients"), Path(__file__).with_name("read_mime.cjs"))
    return lambda sources: [json.loads(line) for line in lines(sources)]


def _words(texts: Iterable[str]) -> set[str]:
    return {word.casefold() for text in texts for word in re.findall(r"\w{3,}", text)}


def _shown(reading: MimeReading) -> set[str]:
    """Every word of what a person is shown."""
    files = [text for one in (*reading.attachments, *reading.inline) for text in (one.name, one.type)]
    parts = [text for part in reading.parts for text in (part.label, part.text)]
    pairs = [text for pair in (*reading.headers, *reading.structure) for text in pair]
    return _words([*pairs, *reading.bodies.values(), *reading.remarks, *parts, *files])


def _hidden(source: bytes, reading: MimeReading, found: Found) -> dict[str, object]:
    """What each library has that is not shown."""
    shown = _shown(reading)
    files = {_bare(one.content or b"") for one in (*reading.attachments, *reading.inline)}
    hidden: dict[str, object] = {}
    for library, theirs in found.items():
        contents = [base64.b64decode(one["content"]) for one in theirs["files"]]
        words = _words([*theirs["texts"], *(one["name"] for one in theirs["files"])])
        words = {word for word in words if not _FRAME.fullmatch(word)}
        words |= _words(_without(files, _bare(one)).decode("utf-8", "replace") for one in contents)
        if words - shown:
            hidden[library] = sorted(words - shown), source
    return hidden


def _without(files: set[bytes], content: bytes) -> bytes:
    """For them, a forwarded message is a file with ours in it."""
    for file in files - {b""}:
        content = content.replace(file, b"")
    return content


def _bare(content: bytes) -> bytes:
    """Libraries differ in line ends and in the last one."""
    return content.replace(b"\r\n", b"\n").strip()


@pytest.mark.parametrize("line_end", ["\r\n", "\n"], ids=["crlf", "lf"])
def test_they_find_nothing_in_ordinary_and_varied_messages_that_is_not_shown(theirs: Readers, line_end: str) -> None:
    sources = [crlf(text).replace(b"\r\n", line_end.encode()) for text, _ in (*ORDINARY.values(), *VARIED.values())]
    readings = [examine(source) for source in sources]
    assert [reading.problems for reading in readings if reading.problems] == []
    found = theirs(sources)
    told = [_hidden(*each) for each in zip(sources, readings, found, strict=True)]
    assert [hidden for hidden in told if hidden] == []
    assert sum(bool(one["texts"]) for each in found for one in each.values()) > 1.9 * len(sources), "they read too few"


@pytest.mark.parametrize("seed", range(2))
def test_they_find_nothing_in_mangled_messages_that_we_accept_that_is_not_shown(theirs: Readers, seed: int) -> None:
    accepted = {source: reading for source in mangled(seed, 2_000) if not (reading := examine(source)).problems}
    assert len(accepted) > 200, "too few were accepted for this to tell anything"
    found = theirs(list(accepted))
    told = [_hidden(*each) for each in zip(accepted, accepted.values(), found, strict=True)]
    assert [hidden for hidden in told if hidden] == []
