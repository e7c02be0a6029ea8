"""A place for a value that the host passed on as it is written: told as such, and nothing is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from maton_mailgun.config import NAMES, load
from maton_mailgun.errors import SetupError
from maton_mailgun.setting_values import unfilled

from .child import process
from .doubles import Says, Scripted, called, engine_over, error

pytestmark = pytest.mark.anyio

PLACES = ["${MATON_API_KEY}", "${env:MATON_API_KEY}", "${user_config.api_key}", "$MATON_API_KEY", "%MATON_API_KEY%"]


@pytest.mark.parametrize("place", PLACES)
async def test_a_key_that_was_not_filled_in_is_told_and_not_sent(place: str) -> None:
    settings = load({"MATON_API_KEY": f" {place} "})
    assert (settings.api_key, settings.key_unfilled) == (None, place)
    transport = Scripted([Says(500)])
    outcome = await called(engine_over(transport, api_key=None, key_unfilled=place), "list_domains")
    assert error(outcome)["kind"] == "maton_key_missing"
    assert error(outcome)["message"].startswith(f"MATON_API_KEY is {place}: your host did not replace it")
    assert (transport.arrived, transport.looked_up) == ([], 0)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "MATON_API_KEY"])
def test_any_other_setting_stops_the_start(name: str) -> None:
    with pytest.raises(SetupError, match=f"^{name} is .{{1,2}}{name}.: your host did not replace it"):
        load({name: f"${{{name}}}"})


def test_only_the_place_is_repeated_not_what_stands_around_it() -> None:
    with pytest.raises(SetupError) as told:
        load({"MATON_MAILGUN_DATABASE_URL": "postgresql://app:hunter2@db/${NAME}"})
    assert "${NAME}" in str(told.value)
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize("value", ["", "a$b", "$", "${}", "100%", "%", "key-with-{braces}", "$1", "a%20b%20c"])
def test_what_only_looks_a_little_like_it_is_a_value(value: str) -> None:
    assert unfilled(value) is None


def test_the_sandbox_needs_no_key() -> None:
    settings = load({"MATON_API_KEY": "${MATON_API_KEY}"}, sandbox=True)
    assert (settings.key_unfilled, settings.sandbox) == (None, True)


def test_a_client_over_pipes_is_told(tmp_path: Path) -> None:
    command = ("-P", "-m", "maton_mailgun", "serve")
    with process(tmp_path, *command, environ={"MATON_API_KEY": "${MATON_API_KEY}"}) as server:
        server.start()
        answer = server.ask(1, "tools/call", name="list_domains", arguments={})
    told = answer["result"]["structuredContent"]["error"]
    assert (told["kind"], told["message"].partition(",")[0]) == (
        "maton_key_missing",
        "MATON_API_KEY is ${MATON_API_KEY}: your host did not replace it",
    )
