"""Arguments become exactly the request that the service takes: words, repeated keys, JSON texts, dates, encodings."""

from __future__ import annotations

import email.policy
from email import message_from_bytes
from pathlib import Path
from urllib.parse import parse_qsl

import httpx2
import pytest

from maton_mailgun.call import Engine
from maton_mailgun.mail.dates import moment, rfc2822
from maton_mailgun.wire.request import Request, build

from .doubles import DOMAIN, Says, Scripted, approved, called, catalogue, engine_over, problems

SEND = {"domain": DOMAIN, "from": "a@mg.example.com", "to": ["b@example.net"], "subject": "Hi", "text": "Hello"}


def _built(tool: str, **arguments: object) -> Request:
    return build(catalogue()[tool], arguments)


@pytest.mark.parametrize(
    ("tool", "argument", "value", "pair"),
    [
        ("send_message", "tracking", True, ("o:tracking", "yes")),
        ("send_message", "tracking", False, ("o:tracking", "no")),
        ("send_message", "tracking", "htmlonly", ("o:tracking", "htmlonly")),
        ("send_message", "test_mode", True, ("o:testmode", "yes")),
        ("send_message", "test_mode", False, None),
        ("send_message", "template_text", False, None),
        ("create_domain", "wildcard", True, ("wildcard", "true")),
        ("create_domain", "wildcard", False, ("wildcard", "false")),
        ("update_open_tracking", "active", True, ("active", "yes")),
        ("update_open_tracking", "place_at_the_top", False, ("place_at_the_top", "no")),
        ("update_click_tracking", "active", "htmlonly", ("active", "htmlonly")),
        ("add_mailing_list_member", "subscribed", False, ("subscribed", "no")),
        ("add_mailing_list_member", "upsert", True, ("upsert", "yes")),
    ],
)
def test_a_switch_goes_as_the_word_its_endpoint_knows(
    tool: str, argument: str, value: object, pair: tuple[str, str] | None
) -> None:
    """None of Mailgun's lists has `True`, `1` or `0`; test mode and text part have no word for off."""
    paths = dict.fromkeys(catalogue()[tool].path_arguments, "x@mg.example.com")
    form = _built(tool, **paths, **{argument: value}).form
    assert form == (() if pair is None else (pair,))


@pytest.mark.parametrize(("value", "word"), [(True, "true"), (False, "false")])
def test_a_switch_in_a_query_goes_as_its_word(value: bool, word: str) -> None:
    assert _built("list_ips", dedicated=value).query == (("dedicated", word),)


def test_entries_whose_fields_stand_in_another_order_are_the_same_request() -> None:
    entry = {"subscribed": True, "vars": {"b": 1, "a": 2}, "name": "Ann", "address": "ann@example.net"}
    one, other = (
        _built("add_mailing_list_members", list_address="team@mg.example.com", members=[fields]).form
        for fields in (entry, dict(reversed(entry.items())))
    )
    assert one == other
    assert one == (("members", '[{"address":"ann@example.net","name":"Ann","vars":{"b":1,"a":2},"subscribed":true}]'),)


def test_a_list_repeats_its_key_in_its_order() -> None:
    form = _built("create_route", expression="catch_all()", actions=["store()", "stop()"]).form
    assert form == (("expression", "catch_all()"), ("action", "store()"), ("action", "stop()"))
    query = _built("get_stats", domain=DOMAIN, events=["opened", "failed"]).query
    assert query == (("event", "opened"), ("event", "failed"))


def test_two_parameters_take_one_value_with_commas() -> None:
    assert _built("create_domain", name="a.example.com", ips=["192.0.2.1", "192.0.2.2"]).form == (
        ("name", "a.example.com"),
        ("ips", "192.0.2.1,192.0.2.2"),
    )
    assert ("o:suppress-headers", "A,B") in _built("send_message", **SEND, suppress_headers=["A", "B"]).form


def test_an_object_goes_as_json_text_with_its_letters_intact() -> None:
    form = dict(_built("send_message", **SEND, template_variables={"name": "Amélie", "n": [1, {"x": None}]}).form)
    assert form["t:variables"] == '{"name":"Amélie","n":[1,{"x":null}]}'


def test_a_map_spreads_over_prefixed_keys() -> None:
    form = _built("send_message", **SEND, headers={"X-A": "1"}, variables={"n": 7, "o": {"k": True}, "b": True}).form
    assert form[-4:] == (("h:X-A", "1"), ("v:n", "7"), ("v:o", '{"k":true}'), ("v:b", "true"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (False, "false"),
        (True, "true"),
        (None, "null"),
        (0, "0"),
        (30.0, "30"),
        (1.5, "1.5"),
        ([True, None], "[true,null]"),
        ({"paid": False}, '{"paid":false}'),
        ("no", "no"),
        ("", ""),
        ("false", "false"),
        ("Amélie", "Amélie"),
    ],
)
def test_a_variable_is_text_or_json(value: object, text: str) -> None:
    """Yes and no belong to Mailgun's switches: to a template, `no` is a text like any other, and true."""
    assert ("v:x", text) in _built("send_message", **SEND, variables={"x": value}).form
    mime = _built("send_mime_message", domain=DOMAIN, to=["a@example.net"], variables={"x": value}).form
    assert ("v:x", text) in mime


@pytest.mark.parametrize("value", [float("inf"), float("nan"), [float("-inf")]])
def test_a_number_that_json_does_not_have_is_not_sent(value: object) -> None:
    for name in ("variables", "template_variables"):
        with pytest.raises(ValueError, match="a number that JSON does not have"):
            _built("send_message", **SEND, **{name: {"x": value}})


@pytest.mark.parametrize("limit", [30, 30.0])
def test_a_whole_number_goes_without_a_fraction(limit: float) -> None:
    """JSON has one kind of number: 30.0 is a whole one, and `limit=30.0` is none to Mailgun."""
    assert _built("list_routes", limit=limit).query == (("limit", "30"),)


def test_the_unsubscribe_tag_travels_as_tag() -> None:
    """With the documented field `tags`, Mailgun unsubscribes the address from everything (recorded)."""
    form = _built("add_unsubscribe", domain=DOMAIN, address="a@example.net", tag="newsletter").form
    assert form == (("address", "a@example.net"), ("tag", "newsletter"))


@pytest.mark.anyio
async def test_the_trap_itself_is_no_argument() -> None:
    transport = Scripted([Says(500)])
    outcome = await called(
        engine_over(transport), "add_unsubscribe", domain=DOMAIN, address="a@example.net", tags=["newsletter"]
    )
    assert problems(outcome) == [("", "tags is no argument of add_unsubscribe")]
    assert "Did you mean tag?" in str(outcome.content)


class TestDates:
    """Mailgun takes RFC 2822 everywhere and ISO 8601 nowhere."""

    @pytest.mark.parametrize(
        "given",
        [
            "2026-01-31T09:00:00Z",
            "2026-01-31 09:00:00+00:00",
            "20260131T090000Z",
            "Sat, 31 Jan 2026 09:00:00 +0000",
            "Sat, 31 Jan 2026 09:00:00 -0000",
            "31 Jan 2026 09:00:00 GMT",
            1769850000,
            1769850000.0,
            "1769850000",
            " 1769850000 ",
        ],
    )
    def test_three_spellings_of_one_moment_go_as_one(self, given: str | float) -> None:
        assert rfc2822(given) == "Sat, 31 Jan 2026 09:00:00 +0000"

    def test_a_bare_date_is_midnight_utc(self) -> None:
        assert rfc2822("2026-01-31") == "Sat, 31 Jan 2026 00:00:00 +0000"

    @pytest.mark.parametrize(
        ("given", "wrong"),
        [
            ("tomorrow", "is not a date"),
            ("", "is not a date"),
            ("31/01/2026", "is not a date"),
            ("2026-02-30", "is not a date"),
            ("2026-01-31T09:00:00", "has no time zone"),
            ("Sat, 31 Jan 2026 09:00:00", "has no time zone"),
            (-1, "is no time in epoch seconds"),
            pytest.param(10**400, "is no time in epoch seconds", id="huge"),
            pytest.param("9" * 400, "is no time in epoch seconds", id="huge text"),
            (float("nan"), "is no time in epoch seconds"),
            (float("inf"), "is no time in epoch seconds"),
            ("0001-01-01T00:00:00+23:59", "is not a date"),
            ("9999-12-31T23:59:59-23:59", "is not a date"),
            ("Sat, 31 Jan 2026 09:00:00 +99999999999999999999", "is not a date"),
        ],
    )
    def test_what_cannot_be_read_is_refused_not_guessed(self, given: str | float, wrong: str) -> None:
        with pytest.raises(ValueError, match=wrong):
            moment(given)

    @pytest.mark.anyio
    async def test_a_refused_date_says_what_would_be_right(self) -> None:
        transport = Scripted([Says(500)])
        outcome = await called(engine_over(transport), "list_events", domain=DOMAIN, begin="2026-01-31T09:00:00")
        assert problems(outcome) == [("begin", "has no time zone")]
        assert "Use ISO 8601 with a zone" in str(outcome.content)
        assert transport.arrived == []


class TestBodies:
    """urlencoded without files, multipart with them; what arrives is what was given."""

    TEXT = "Grüße & 100% = +ok+\r\nzweite Zeile\n日本語 🎉"

    @staticmethod
    async def _sent(engine: Engine, transport: Scripted, tool: str, **arguments: object) -> httpx2.Request:
        outcome = await approved(engine, tool, **arguments)
        assert outcome.content["executed"] is True
        (sent,) = [request for request in transport.arrived if request.method != "GET"]
        return sent

    @pytest.mark.anyio
    async def test_without_files_a_message_is_urlencoded(self, tmp_path: Path) -> None:
        transport = Scripted([Says(body={"id": "<1@mg.example.com>", "message": "Queued. Thank you.", "items": []})])
        engine = engine_over(transport, tmp_path)
        sent = await self._sent(engine, transport, "send_message", **{**SEND, "text": self.TEXT})
        await engine.aclose()
        assert sent.headers["content-type"] == "application/x-www-form-urlencoded"
        assert dict(parse_qsl(sent.content.decode("ascii")))["text"] == self.TEXT

    @pytest.mark.anyio
    async def test_with_files_a_message_is_multipart(self, tmp_path: Path) -> None:
        (tmp_path / "Ümläut (quoted).txt").write_bytes(b"\x00\xff--boundary\r\n")
        transport = Scripted([Says(body={"id": "<1@mg.example.com>", "message": "Queued. Thank you.", "items": []})])
        engine = engine_over(transport, tmp_path / "home", attachments=tmp_path)
        arguments = {**SEND, "text": self.TEXT, "attachments": ["Ümläut (quoted).txt"]}
        sent = await self._sent(engine, transport, "send_message", **arguments)
        await engine.aclose()
        parts = _parts(sent)
        assert [name for name, _, _ in parts][-1] == "attachment"
        assert ("text", None, self.TEXT.encode()) in parts
        assert parts[-1][2] == b"\x00\xff--boundary\r\n"

    @pytest.mark.anyio
    async def test_a_mime_message_is_always_a_file_part_with_crlf(self, tmp_path: Path) -> None:
        transport = Scripted([Says(body={"id": "<1@mg.example.com>", "message": "Queued. Thank you.", "items": []})])
        engine = engine_over(transport, tmp_path)
        mime = "From: a@mg.example.com\nTo: b@example.net\r\nSubject: x\r\rBody\n"
        sent = await self._sent(
            engine, transport, "send_mime_message", domain=DOMAIN, to=["b@example.net"], message=mime
        )
        await engine.aclose()
        (part,) = [part for part in _parts(sent) if part[0] == "message"]
        assert part == (
            "message", "message.eml", b"From: a@mg.example.com\r\nTo: b@example.net\r\nSubject: x\r\n\r\nBody\r\n",
        )  # fmt: skip


def _parts(request: httpx2.Request) -> list[tuple[str, str | None, bytes]]:
    """Name, file name and raw content of every part."""
    boundary = request.headers["content-type"].partition("boundary=")[2].encode()
    found = []
    for part in request.content.split(b"--" + boundary)[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        described = message_from_bytes(head + b"\r\n\r\n", policy=email.policy.HTTP)
        name = described["content-disposition"].params["name"]
        found.append((name, described.get_filename(), content.removesuffix(b"\r\n")))
    return found
