"""Attack 152: copies of a batch that nobody has values for, or that leave at another time than was shown."""

from __future__ import annotations

from typing import Any

import pytest

from maton_mailgun.sandbox.account.seed import TEMPLATE

from .bench import APPROVE, LETTER, Desk, Person, structured
from .telling import asked
from .test_variables import version

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("kind", ["to", "cc", "bcc"])
async def test_attack_152_whoever_reads_the_places_as_they_stand_is_told(desk: Desk, kind: str) -> None:
    given: dict[str, Any] = {"to": ["a@example.net"], "text": "IBAN %recipient.iban%"}
    given[kind] = [*given.get(kind, []), "boss@evil.example"]
    shown = await asked(
        desk, "send_message", {**LETTER, **given, "recipient_variables": {"a@example.net": {"iban": "DE99"}}}
    )
    assert "1 recipient without an entry in the recipient variables." in shown.warnings


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"time_zone_localize": "02:00PM"},
            "Each copy leaves at 02:00PM in its reader's time zone, up to a day later."
            " Once sent, the message cannot be recalled.",
        ),
        (
            {"deliverytime_optimize_period": "72h"},
            "Each copy leaves when Mailgun thinks that its reader looks, up to 72h later."
            " Once sent, the message cannot be recalled.",
        ),
    ],
)
async def test_attack_152_copies_that_leave_at_hours_of_their_own_are_told(
    desk: Desk, given: dict[str, str], said: str
) -> None:
    assert said in (await asked(desk, "send_message", {**LETTER, **given})).text


@pytest.mark.parametrize("seconds", [3.0, 6.0])
async def test_attack_152_a_yes_after_the_time_that_was_shown_is_stale(desk: Desk, seconds: float) -> None:
    person = Person(desk.clock, APPROVE, seconds=seconds)
    async with desk.open() as house, house.client(person) as client:
        given = {**LETTER, "delivery_time": int(desk.clock.now) + 5}
        status = structured(await client.call_tool("send_message", given))["status"]
    assert (status, len(desk.writes())) == (("executed", 1) if seconds < 5 else ("stale", 0))


@pytest.mark.parametrize("sign", ["\r\n", "\n", "\u2028"])
async def test_attack_152_a_value_that_breaks_the_line_of_a_template_s_header_is_told(desk: Desk, sign: str) -> None:
    version(desk)["headers"] = {"Subject": "{{title}}"}
    call = {name: value for name, value in LETTER.items() if name not in {"subject", "text"}}
    values = {"title": f"Hi{sign}Bcc: eve@evil.example"}
    shown = await asked(desk, "send_message", {**call, "template": TEMPLATE, "template_variables": values})
    assert [line for line in shown.warnings if "has a line break: what follows it may be a header of its own" in line]
