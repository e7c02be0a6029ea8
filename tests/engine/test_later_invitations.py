"""Invitations that are changed or cancelled: the same number under a higher version (RFC 5546), with what was before
beside it. Read by icalendar, which knows nothing of ours, and taken up by a calendar as programs keep one."""

from __future__ import annotations

import email
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email import policy
from pathlib import Path
from typing import Any

import httpx2
import mcp_types as types
import pytest
from icalendar import Calendar
from mcp import Client
from mcp.client.session import ClientRequestContext

from approval.form_reading import as_read
from maton_mailgun.catalogue import files
from maton_mailgun.catalogue.rows import read as read_rows
from maton_mailgun.errors import SetupError
from maton_mailgun.mail import earlier_invitation
from maton_mailgun.mail.invitation import composed, read
from maton_mailgun.mail.unclear import Unclear
from maton_mailgun.protocol.server import build
from maton_mailgun.sandbox import Sandbox

from .doubles import DOMAIN, engine_over
from .test_invitation import CALL

pytestmark = pytest.mark.anyio
ERAS = ["auto", "legacy"]
FROM = {"domain": DOMAIN, "from": CALL["from"]}


class Programs:
    """What the programs of everybody invited have in their calendars: the highest version of each number counts."""

    def __init__(self) -> None:
        self.entries: dict[str, dict[str, Any]] = {}

    def take(self, mime: str, people: list[str]) -> Any:
        """Take up a message, for those that it came to; its event."""
        (part,) = [
            one
            for one in email.message_from_string(mime, policy=policy.default).walk()
            if one.get_content_type() == "text/calendar"
        ]
        calendar = Calendar.from_ical(part.get_content())
        assert str(calendar["method"]) == part.get_param("method")
        (event,) = calendar.walk("VEVENT")
        version = int(str(event["sequence"]))
        for person in people:
            own = self.entries.setdefault(person, {})
            had = own.get(str(event["uid"]))
            if had is not None and had["sequence"] >= version:
                continue
            if str(calendar["method"]) == "CANCEL":
                own.pop(str(event["uid"]), None)
            else:
                start = event.decoded("dtstart").isoformat()
                own[str(event["uid"])] = {
                    "sequence": version,
                    "title": str(event["summary"]),
                    "at": start,
                }
        return event


class Office:
    """A client whose person says yes, the account, and the calendars of those who are invited."""

    def __init__(self, client: Client, sandbox: Sandbox, asked: list[str]) -> None:
        self._client, self._sandbox, self.asked = client, sandbox, asked
        self.programs = Programs()
        self._taken = 0

    async def call(self, **arguments: Any) -> dict[str, Any]:
        result = await self._client.call_tool("send_invitation", {**FROM, **arguments})
        assert isinstance(result, types.CallToolResult)
        content: dict[str, Any] = result.structured_content
        return content

    async def sent(self, **arguments: Any) -> tuple[str, Any]:
        """The id of what was sent, and its event, after everybody's program has taken it up."""
        content = await self.call(**arguments)
        assert content.get("executed") is True, content
        message = [*self._sandbox.messages.values()][-1] if isinstance(self._sandbox.messages, dict) else None
        message = message or [*self._sandbox.messages][-1]
        return content["result"]["id"], self.programs.take(_mime(message), _people(message))

    def titles(self, person: str) -> list[tuple[str, str]]:
        return [(one["title"], one["at"]) for one in self.programs.entries.get(person, {}).values()]


def _mime(message: Any) -> str:
    return str(message["mime"] if isinstance(message, Mapping) else message.mime)


def _people(message: Any) -> list[str]:
    found = message["recipients"] if isinstance(message, Mapping) else message.recipients
    return [str(one) for one in found]


@asynccontextmanager
async def office(era: str, home: Path) -> AsyncIterator[Office]:
    asked: list[str] = []

    async def yes(context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
        asked.append(as_read(params.message))
        return types.ElicitResult(action="accept", content={"decision": "approve"})

    sandbox = Sandbox()
    engine = engine_over(httpx2.ASGITransport(app=sandbox.app), home)
    async with Client(build(engine), mode=era, elicitation_callback=yes) as client:
        yield Office(client, sandbox, asked)
    await engine.aclose()


def of(call: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in call.items() if name not in FROM}


@pytest.mark.parametrize("era", ERAS)
async def test_a_change_replaces_the_appointment_in_every_calendar(era: str, tmp_path: Path) -> None:
    async with office(era, tmp_path) as desk:
        first, event = await desk.sent(**of(CALL))
        second, changed = await desk.sent(changes=first, start="2036-12-01T14:00", end="2036-12-01T15:30")
        _, again = await desk.sent(changes=second, title="Handover, moved")
    assert changed["uid"] == again["uid"] == event["uid"]
    assert [int(one["sequence"]) for one in (event, changed, again)] == [0, 1, 2]
    assert event["dtstamp"].dt < changed["dtstamp"].dt < again["dtstamp"].dt
    # What was left out stays as it was.
    for name in ("location", "description", "organizer"):
        assert str(again[name]) == str(event[name])
    assert [(str(one), one.params.get("CN")) for one in again["attendee"]] == [
        (str(one), one.params.get("CN")) for one in event["attendee"]
    ]
    for person in ("ann@example.net", "bob@example.org"):
        assert desk.titles(person) == [("Handover, moved", "2036-12-01T13:00:00+00:00")]


@pytest.mark.parametrize("era", ERAS)
async def test_a_cancellation_takes_it_out_of_every_calendar(era: str, tmp_path: Path) -> None:
    async with office(era, tmp_path) as desk:
        first, event = await desk.sent(**of(CALL))
        _, cancelled = await desk.sent(cancels=first)
    assert (cancelled["uid"], int(cancelled["sequence"]), str(cancelled["status"])) == (event["uid"], 1, "CANCELLED")
    assert all("RSVP" not in one.params for one in cancelled["attendee"])
    assert desk.titles("ann@example.net") == desk.titles("bob@example.org") == []


@pytest.mark.parametrize("era", ERAS)
async def test_a_person_sees_what_it_is_and_what_was_before(era: str, tmp_path: Path) -> None:
    async with office(era, tmp_path) as desk:
        first, _ = await desk.sent(**of(CALL))
        second, _ = await desk.sent(changes=first, start="2036-12-02T10:00", end="2036-12-02T11:30", location="Room 7")
        await desk.sent(cancels=second)
    invited, changed, cancelled = desk.asked
    assert "Invites 2 people to “Handover, at last”, Mon 2036-12-01 10:00 to 11:30 Europe/Berlin" in invited
    assert "Changes for 2 people the appointment “Handover, at last”, Tue 2036-12-02 10:00 to 11:30" in changed
    for line in (
        "When before: “Mon 2036-12-01 10:00 to 11:30 Europe/Berlin”",
        "When: Tue 2036-12-02 10:00 to 11:30 Europe/Berlin",
        "Where before: “Room 5; second floor”",
        "it replaces what calendars have",
    ):
        assert line in changed, line
    assert "Cancels for 2 people the appointment “Handover, at last”, Tue 2036-12-02" in cancelled
    assert "it is taken out of calendars" in cancelled


async def test_who_gets_nothing_is_said(tmp_path: Path) -> None:
    async with office("auto", tmp_path) as desk:
        first, _ = await desk.sent(**of(CALL))
        second, _ = await desk.sent(changes=first, attendees=["ann@example.net", "cleo@example.net"])
        await desk.sent(cancels=second, attendees=["cleo@example.net"])
    _, changed, cancelled = desk.asked
    assert "Invited before, gets nothing now: bob@example.org" in changed
    assert "Nothing goes to 1 person of those invited before: they keep the appointment as it was." in changed
    assert "Not invited before: cleo@example.net" in changed
    assert "Nothing goes to 1 person of those invited before: they stay invited." in cancelled
    assert [len(desk.titles(f"{one}")) for one in ("ann@example.net", "bob@example.org", "cleo@example.net")] == [
        1,
        1,
        0,
    ]


@pytest.mark.parametrize("era", ERAS)
async def test_the_answer_has_what_a_later_version_needs(era: str, tmp_path: Path) -> None:
    async with office(era, tmp_path) as desk:
        told = await desk.call(**of(CALL))
        event = read(CALL)
        assert told["options"] == [f"Number (uid), version (sequence): {event.number}, 0"]
        # Where Mailgun no longer keeps it.
        later = await desk.call(**of(CALL), cancels="gone@mg.example.com", uid=event.number, sequence=1)
    assert later["executed"] is True
    assert "could not check what it changes or cancels: the earlier invitation was not read" in desk.asked[-1]


@pytest.mark.parametrize(
    ("given", "place", "wrong"),
    [
        ({"changes": "none@mg.example.com"}, "changes", "names no invitation that can be read"),
        ({"changes": "none@mg.example.com", "cancels": "none@mg.example.com"}, "changes", "cannot go together with"),
        ({"cancels": "a@b", "uid": "x@y.example", "sequence": 1}, "cancels", "nothing is taken from the message"),
        ({**of(CALL), "uid": "x@y.example", "sequence": 1}, "uid", "goes with sequence, and with changes or cancels"),
        ({"cancels": "a@b", "uid": "x@y.example"}, "uid", "has no effect without sequence"),
        ({"title": "x"}, "", "none of attendees, changes, cancels is given"),
        ({**of(CALL), "earlier": {"title": "x"}}, "", "earlier is no argument"),
    ],
)
async def test_what_is_no_change_is_refused_before_anybody_is_asked(
    given: dict[str, Any], place: str, wrong: str, tmp_path: Path
) -> None:
    async with office("auto", tmp_path) as desk:
        content = await desk.call(**given)
    problems = content["error"]["problems"]
    assert any(one["path"] == place and wrong in one["wrong"] for one in problems), problems
    assert desk.asked == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("METHOD:REQUEST", "METHOD:CANCEL", "is no invitation"),
        ("SEQUENCE:0", "SEQUENCE:0\r\nRRULE:FREQ=DAILY", "more than one appointment"),
        ("DTSTART:20361201T090000Z", "DTSTART:20361201T090000", "in no zone"),
        ("DTSTART:20361201T090000Z", "DTSTART;VALUE=DATE:20361201", "in no zone"),
        ("ORGANIZER;CN=Support:mailto:", "ORGANIZER:https://", "no address"),
        ("END:VEVENT", "END:VEVENT\r\nBEGIN:VEVENT\r\nUID:x\r\nEND:VEVENT", "more than one appointment"),
        ("SUMMARY:", "X-SUMMARY:", "does not say all"),
        ("text/calendar", "text/plain", "carries no invitation"),
        ("BEGIN:VCALENDAR", "BEGIN:NOTHING", "carries no calendar entry"),
    ],
)
def test_only_what_is_clearly_one_invitation_is_read(old: str, new: str, said: str) -> None:
    message = composed(read({**CALL, "attendees": ["ann@example.net"], "location": "", "description": ""})).decode()
    assert old in message
    with pytest.raises(Unclear, match=said):
        earlier_invitation.read(message.replace(old, new).encode())


def test_what_was_composed_is_read_as_it_was_given() -> None:
    found = earlier_invitation.read(composed(read(CALL)))
    assert found == {
        **{name: CALL[name] for name in ("title", "time_zone", "location", "description")},
        "uid": read(CALL).number,
        "sequence": 0,
        "organizer": '"Support" <support@mg.example.com>',
        "attendees": ['"Ann Lee" <ann@example.net>', "bob@example.org"],
        "start": "2036-12-01T10:00+01:00",
        "end": "2036-12-01T11:30+01:00",
    }
    assert composed(read({**found, "from": CALL["from"], "uid": "", "sequence": 0})) == composed(read(CALL))


def test_half_a_row_of_what_is_renewed_stops_the_start() -> None:
    rows = files.texts("tools", ".toml")
    rows["messages"] = (
        rows["messages"].replace("renews_by = ", "renews_read_by = ", 1).replace("renews_read_by", "#", 1)
    )
    with pytest.raises(SetupError, match="renews needs message_of, what it makes, and renews_by and renews_read"):
        read_rows(rows, files.texts("schemas", ".json"))
