"""Invitations: what programs read of them, what a person is shown before, and what is no invitation at all."""

from __future__ import annotations

import asyncio
import email
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from approval import records
from approval.form_reading import as_read
from maton_mailgun.approval.channels import view
from maton_mailgun.approval.preview.form_text import question
from maton_mailgun.approval.preview.look import make
from maton_mailgun.approval.preview.proposal import Proposal, ReadAnswer
from maton_mailgun.approval.preview.terminal_text import unwrapped
from maton_mailgun.catalogue import files
from maton_mailgun.catalogue.rows import read as read_rows
from maton_mailgun.errors import SetupError
from maton_mailgun.exchange import Account
from maton_mailgun.mail.invitation import composed, read
from maton_mailgun.mail.mime import examine
from maton_mailgun.sandbox import Sandbox
from maton_mailgun.wire import composing
from maton_mailgun.wire.attachments import collect
from maton_mailgun.wire.request import build

from .doubles import DOMAIN, approved, called, catalogue, engine_over, problems

CALL: dict[str, Any] = {
    "domain": DOMAIN,
    "from": "Support <support@mg.example.com>",
    "attendees": ["Ann Lee <ann@example.net>", "bob@example.org"],
    "title": "Handover, at last",
    "start": "2036-12-01T10:00",
    "end": "2036-12-01T11:30",
    "time_zone": "Europe/Berlin",
    "location": "Room 5; second floor",
    "description": "Bring the keys.\nAnd the list.",
}
NOW = 1_795_000_000.0


def parts(content: bytes) -> tuple[EmailMessage, str, Any]:
    """The message, its words, and its one event, as the standard library and icalendar read them."""
    message = email.message_from_bytes(content, policy=policy.default)
    words, entry = message.iter_parts()
    assert isinstance(words, EmailMessage)
    assert isinstance(entry, EmailMessage)
    assert entry.get_content_type() == "text/calendar"
    assert entry.get_param("method") == "REQUEST"
    calendar = Calendar.from_ical(entry.get_content())
    assert str(calendar["method"]) == "REQUEST"
    (event,) = calendar.walk("VEVENT")
    return message, words.get_content(), event


_WORD = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cf")), min_size=1, max_size=60
)
_TEXT = _WORD.filter(lambda text: text == text.strip() and "\ufeff" not in text and "=?" not in text)
_ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe"]
)


@given(
    title=_TEXT,
    location=_TEXT,
    lines=st.lists(_TEXT, max_size=4),
    zone=_ZONES,
    start=st.datetimes(datetime(2026, 1, 1), datetime(2036, 1, 1)),
    minutes=st.integers(1, 31 * 1440),
)
@settings(max_examples=60, deadline=None)
def test_programs_read_what_was_given(
    title: str, location: str, lines: list[str], zone: str, start: datetime, minutes: int
) -> None:
    """Two readers that know nothing of ours: Python's of mail, and icalendar's of entries."""
    begin = start.replace(second=0, microsecond=0, tzinfo=UTC).astimezone(ZoneInfo(zone))
    end = (begin.astimezone(UTC) + timedelta(minutes=minutes)).astimezone(ZoneInfo(zone))
    description = "\n".join(lines)
    call = {
        **CALL,
        **{"title": title, "location": location, "description": description, "time_zone": zone},
        **{"start": begin.isoformat(timespec="minutes"), "end": end.isoformat(timespec="minutes")},
    }
    content = composed(read(call))
    assert content == composed(read(json.loads(json.dumps(call))))
    message, words, event = parts(content)
    assert (event.decoded("dtstart"), event.decoded("dtend")) == (begin.astimezone(UTC), end.astimezone(UTC))
    assert (str(event["summary"]), str(event["location"])) == (title, location)
    assert str(event.get("description", "")) == description
    assert [str(one) for one in event["attendee"]] == ["mailto:ann@example.net", "mailto:bob@example.org"]
    assert str(event["organizer"]) == "mailto:support@mg.example.com"
    assert [one.params.get("CN") for one in event["attendee"]] == ["Ann Lee", None]
    assert str(message["Subject"]).split() == title.split()
    assert title in words
    assert examine(content).problems == []


def test_the_same_invitation_has_the_same_number_and_another_another() -> None:
    number = parts(composed(read(CALL)))[2]["uid"]
    assert parts(composed(read({**CALL, "domain": "other.example.com"})))[2]["uid"] == number
    for name, value in (("title", "x"), ("end", "2036-12-01T12:00"), ("attendees", ["eve@example.net"])):
        assert parts(composed(read({**CALL, name: value})))[2]["uid"] != number


class _Nothing:
    async def __call__(self, source: str, arguments: Mapping[str, Any], /) -> ReadAnswer:
        return ReadAnswer(200, {"domain": {"state": "active"}, "items": [], "tracking": {}})


def shown(call: Mapping[str, Any]) -> dict[str, str]:
    """What a person reads of a call: on the form, in the terminal, on the page."""
    operation = catalogue()["send_invitation"]
    made, wrong = collect(operation, call, None)
    assert wrong == []
    proposal = Proposal(
        operation=operation, arguments=call, request=build(operation, call, made),
        account=Account("c", "Main", sandbox=False), client="a client", principal="ada", read=_Nothing(), now=NOW,
    )  # fmt: skip
    preview = asyncio.run(make(proposal)).preview
    form = question(preview)
    assert form is not None
    page = view.detail(records.a_record(preview=preview), reveals=False)
    return {
        "form": as_read(form.text),
        "terminal": "\n".join(unwrapped(preview)),
        "page": json.dumps(page["preview"], ensure_ascii=False),
    }


WHEN = "Mon 2036-12-01 10:00 to 11:30 Europe/Berlin"
IN_UTC = "Mon 2036-12-01 09:00 to 10:30 UTC"


@pytest.mark.parametrize("channel", ["form", "terminal", "page"])
def test_a_person_sees_what_when_where_and_who_on_every_channel(channel: str) -> None:
    text = shown(CALL)[channel]
    for line in (
        "Invites 2 people to “Handover, at last”, " + WHEN + f" ({IN_UTC}).",
        *("Handover, at last", WHEN, IN_UTC, "1 h 30 min", "Room 5; second floor", "Bring the keys.⏎And the list."),
        *("Ann Lee <ann@example.net>", "bob@example.org", "everybody invited sees the names and addresses"),
    ):
        assert line in text, line


CHANGES: dict[str, Any] = {
    "from": "Sales <sales@mg.example.com>",
    "attendees": ["Ann Lee <ann@example.net>", "eve@example.org"],
    "title": "Handover, at least",
    "start": "2036-12-01T10:05",
    "end": "2036-12-02T11:30",
    "time_zone": "Europe/London",
    "location": "Room 6; second floor",
    "description": "Bring the keys.\nAnd the lists.",
    "organizer": "Eve <eve@mg.example.com>",
}


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_is_another_is_shown_as_another_on_every_channel_and_leaves_as_another(name: str) -> None:
    other = {**CALL, name: CHANGES[name]}
    before, after = shown(CALL), shown(other)
    assert [channel for channel in before if before[channel] == after[channel]] == []
    operation = catalogue()["send_invitation"]
    assert build(operation, CALL, collect(operation, CALL, None)[0]) != build(
        operation, other, collect(operation, other, None)[0]
    )


def test_an_appointment_in_the_past_and_answers_to_somebody_else_are_warnings() -> None:
    past = shown({**CALL, "start": "2026-01-01T10:00", "end": "2026-01-01T11:00"})["form"]
    assert "WARNING: The appointment is in the past." in past
    assert "in the past" not in shown(CALL)["form"]
    elsewhere = shown({**CALL, "organizer": "eve@example.net"})["terminal"]
    assert "answers to it go to eve@example.net, not to the sender." in elsewhere


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "no zone": ({"time_zone": "Mars/Base"}, "time_zone", "is not known"),
    "a path": ({"time_zone": "../../etc/localtime"}, "time_zone", "is not known"),
    "a folder": ({"time_zone": "Europe"}, "time_zone", "is not known"),
    "no time": ({"start": "tomorrow at ten"}, "start", "is no date and time"),
    "a day": ({"start": "2036-12-01 "}, "start", "is too short"),
    "seconds": ({"start": "2036-12-01T10:00:01"}, "start", "is no date with hour and minute"),
    "a far year": ({"start": "2999-12-01T10:00"}, "start", "is in a year that programs do not know"),
    "the other way round": ({"end": "2036-12-01T09:00"}, "end", "is not after the start"),
    "nothing": ({"end": "2036-12-01T10:00"}, "end", "is not after the start"),
    "months": ({"end": "2037-12-01T10:00"}, "end", "is more than 31 days after the start"),
    "two senders": ({"from": "a@mg.example.com, b@mg.example.com"}, "from", "names 2 addresses"),
    "nobody": ({"attendees": []}, "attendees", "is empty"),
    "a break": ({"title": "a\nBcc: eve@example.net"}, "title", "has a line break or a control character"),
    "a line separator": ({"title": "a\u2028b"}, "", "holds a sign that no header of a message can hold"),
    "a paragraph": ({"attendees": ["a\u2029b <ann@example.net>"]}, "attendees[0]", ""),
    "an encoded word": ({"title": "=?utf-8?q?x?="}, "title", "holds an encoded word, which readers see decoded"),
}


@pytest.mark.anyio
@pytest.mark.parametrize("case", WRONG)
async def test_what_is_no_invitation_is_refused_before_anybody_is_asked(case: str) -> None:
    changes, path, wrong = WRONG[case]
    sandbox = Sandbox()
    engine = engine_over(httpx2.ASGITransport(app=sandbox.app))
    outcome = await called(engine, "send_invitation", **{**CALL, **changes})
    found = problems(outcome)
    assert path in {place for place, _ in found}
    assert any(wrong in told for _, told in found), found
    assert list(sandbox.requests) == []


@pytest.mark.anyio
async def test_without_the_library_the_user_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composing, "find_spec", lambda name: None)
    outcome = await called(engine_over(httpx2.ASGITransport(app=Sandbox().app)), "send_invitation", **CALL)
    (problem,) = outcome.content["error"]["problems"]
    assert problem["wrong"] == "needs the library icalendar, which is not installed here"
    assert "pip install 'maton-mailgun[calendar]'" in problem["right"]


@pytest.mark.anyio
async def test_an_approved_invitation_leaves_once_as_it_was_shown(tmp_path: Path) -> None:
    sandbox = Sandbox()
    engine = engine_over(httpx2.ASGITransport(app=sandbox.app), tmp_path)
    outcome = await approved(engine, "send_invitation", **CALL)
    assert outcome.content["status"] == "executed"
    (sent,) = [one for one in sandbox.requests if one["method"] == "POST"]
    (part,) = sent["files"]
    made, _ = collect(catalogue()["send_invitation"], CALL, None)
    assert (part["name"], part["sha256"]) == ("message", made[0].sha256)
    assert sorted(pair[0] for pair in sent["form"]) == ["h:Message-Id", "to", "to"]


@pytest.mark.parametrize(
    ("row", "other", "said"),
    [
        ('message_of = "invitation"\n', "", "message_of and into_message go together"),
        ('body = "multipart"\n', 'body = "form"\n', "message_of is for tools that send, with body = 'multipart'"),
    ],
)
def test_half_a_row_of_a_message_that_is_made_stops_the_start(row: str, other: str, said: str) -> None:
    rows = files.texts("tools", ".toml")
    head, name, tail = rows["messages"].partition("[tools.send_invitation]")
    rows["messages"] = head + name + tail.replace(row, other)
    with pytest.raises(SetupError, match=said):
        read_rows(rows, files.texts("schemas", ".json"))
