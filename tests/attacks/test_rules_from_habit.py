"""Attacks 275 to 278: rules that are tried on the past say what they would have done, and none makes itself."""

from __future__ import annotations

import asyncio
import json
import tomllib
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from approval.records import NOON, a_record
from maton_mailgun.approval.channels.terminal import Terminal
from maton_mailgun.approval.policy.file import PolicyError, load_policy
from maton_mailgun.approval.policy.judge import Case, Policy, Rule
from maton_mailgun.approval.policy.kept_case import case_in, with_case
from maton_mailgun.approval.policy.replay import replay
from maton_mailgun.approval.policy.suggestions import LEAST, suggestions
from maton_mailgun.approval.store.record import Record
from maton_mailgun.cli import policy_history
from maton_mailgun.cli.exit_status import NO_PASSPHRASE, USAGE, CommandFailed
from maton_mailgun.config import load
from maton_mailgun.mail.mentions import Mentions

TOMORROW = date.fromtimestamp(NOON) + timedelta(days=1)


def call(*to: str, answer: str = "approved", at: float = NOON, **changes: Any) -> Record:
    """A message that somebody was asked about."""
    preview: dict[str, Any] = {
        "whole": True,
        "recipients": [{"address": one} for one in to],
        **changes.pop("shown", {}),
    }
    case = Case("send_message", "send", to, ("mg.example.com",), "conn-1", besides=changes.pop("besides", ()))
    record = a_record(
        operation="send_message", access="send", created_at=at, decided_at=at + 5, decided_by="ann at a terminal",
        channel="cli", state="rejected" if answer == "rejected" else "succeeded",
        preview=with_case(preview, case),
    )  # fmt: skip
    return replace(record, **changes)


def habit(number: int = LEAST, *to: str, **changes: Any) -> list[Record]:
    """The same, approved so often."""
    return [call(*(to or ("ada@example.org",)), at=NOON + hour * 3600, **changes) for hour in range(number)]


ADA = Rule(
    name="ada", decision="allow", tools=("send_message",), recipients=(("ada", "example.org"),), max_recipients=1
)  # fmt: skip


def test_attack_275_a_rule_ends_at_its_moment_and_asks_from_then_on() -> None:
    policy = Policy((replace(ADA, until=NOON),))
    case = case_in(call("ada@example.org"))
    assert case is not None
    assert [policy.judge(replace(case, at=NOON + off)).decision for off in (-1.0, 0.0, 1.0)] == ["allow", "ask", "ask"]
    assert "it ended 15 Jan 2027 08:00 UTC" in policy.explain(replace(case, at=NOON))


@pytest.mark.parametrize(
    ("until", "moment"),
    [
        ("2027-01-15", datetime(2027, 1, 16, tzinfo=UTC)),
        ("2027-01-15T08:00:00Z", datetime(2027, 1, 15, 8, tzinfo=UTC)),
        ("2027-01-15T08:00:00+02:00", datetime(2027, 1, 15, 6, tzinfo=UTC)),
    ],
)
def test_attack_275_the_end_of_a_rule_is_a_day_in_utc_or_a_moment_with_its_zone(
    tmp_path: Path, until: str, moment: datetime
) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(f'[[rule]]\nname = "a"\ndecision = "allow"\ntools = ["*"]\nuntil = {until}\n')
    assert load_policy(path).rules[0].until == moment.timestamp()


@pytest.mark.parametrize(
    ("until", "decision"),
    [
        ("2027-01-15T08:00:00", "allow"),
        ('"2027-01-15"', "allow"),
        ("1800000000", "allow"),
        ("08:00:00", "allow"),
        ("2027-01-15", "deny"),
        ("2027-01-15", "ask"),
    ],
)
def test_attack_275_no_other_end_is_taken(tmp_path: Path, until: str, decision: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(f'[[rule]]\nname = "a"\ndecision = "{decision}"\ntools = ["*"]\nuntil = {until}\n')
    with pytest.raises(PolicyError, match="until"):
        load_policy(path)


def test_attack_276_what_a_rule_would_have_done_beside_what_a_person_said() -> None:
    records = [
        call("ada@example.org"),
        call("ada@example.org", answer="rejected", at=NOON + 1),
        call("eve@evil.example", at=NOON + 2),
        call("ada@example.org", at=NOON + 3, channel="policy"),
        call("ada@example.org", at=NOON + 4, channel=None, decided_at=None, state="expired"),
        call("ada@example.org", at=NOON + 5, besides=("eve@evil.example",)),
        a_record(operation="send_message"),
    ]
    found = replay(Policy((ADA,)), records)
    assert [(one.answer, one.decision) for one in found.calls] == [
        ("approved", "allow"),
        ("rejected", "allow"),
        ("approved", "ask"),
        ("unasked", "allow"),
        ("undecided", "allow"),
        ("approved", "ask"),
    ]
    assert (found.unjudged, len(found.of("allow", "rejected"))) == (1, 1)


def test_attack_276_budgets_are_used_up_day_by_day() -> None:
    day = 86_400
    records = [call("ada@example.org", at=NOON + at) for at in (0, 1, 2, day, day + 1, day + 2)]
    found = replay(Policy((replace(ADA, per_day=2),)), records)
    assert [one.decision for one in found.calls] == ["allow", "allow", "ask"] * 2


@pytest.mark.parametrize(
    "shown",
    [
        {"recipients": [{"address": "all@mg.example.com", "kind": "list"}]},
        {"unchecked": ["suppressions were not read"]},
    ],
)
def test_attack_276_what_no_rule_may_allow_is_asked_in_a_replay_too(shown: dict[str, Any]) -> None:
    everyone = replace(ADA, recipients=None, max_recipients=None)
    assert [one.decision for one in replay(Policy((everyone,)), [call("ada@example.org", shown=shown)]).calls] == [
        "ask"
    ]


def test_attack_277_a_habit_becomes_a_proposal_about_exactly_what_it_was() -> None:
    (one,) = suggestions(habit(6))
    assert tomllib.loads(one.toml(TOMORROW)) == {
        "rule": [
            {
                "name": "always approved: send_message",
                "decision": "allow",
                "tools": ["send_message"],
                "connections": ["conn-1"],
                "domains": ["mg.example.com"],
                "recipients": ["ada@example.org"],
                "max_recipients": 1,
                "per_day": 6,
                "until": TOMORROW,
            }
        ]
    }


def test_attack_277_the_proposed_rule_allows_what_it_was_made_of_and_nothing_beside(tmp_path: Path) -> None:
    records = habit(3, "ada@example.org") + habit(3, "bob@example.org", "ada@example.org")
    (one,) = suggestions(records)
    path = tmp_path / "policy.toml"
    path.write_text(one.toml(date(2999, 1, 1)))
    policy = load_policy(path)
    assert {found.decision for found in replay(policy, records).calls} == {"allow"}
    others = [
        call("eve@example.org"),
        call("ada@example.org", "bob@example.org", "ada@example.org"),
        call("ada@example.org", besides=("eve@evil.example",)),
        call("ada@example.org", connection_id="conn-2"),
    ]
    assert {found.decision for found in replay(policy, others).calls} == {"ask"}


@pytest.mark.parametrize(
    "records",
    [
        habit(LEAST - 1),
        [*habit(), call("ada@example.org", answer="rejected")],
        [*habit(), call("ada@example.org", decided_by="bob at a terminal")],
        habit(channel="relay"),
        [*habit(), call("ada@example.org", channel="relay")],
        habit(risk="high"),
        habit(access="delete"),
        habit(channel="policy"),
        habit(LEAST, "*@example.org"),
        habit(LEAST, "a?a@example.org"),
        habit(LEAST, '"odd one"@example.org'),
        [call(f"n{number}@example.org") for number in range(40)],
        habit(connection_id=""),
    ],
    ids=lambda records: f"{len(records)}-{records[0].channel}-{records[0].risk}-{records[0].access}",
)
def test_attack_277_nothing_is_proposed_where_it_is_no_safe_habit(records: Sequence[Record]) -> None:
    assert list(suggestions(records)) == []


OPENING = ("create_webhook", "update_webhook", "create_route", "update_domain", "create_credential")


@pytest.mark.parametrize("tool", OPENING)
def test_attack_422_nothing_is_proposed_for_what_leads_data_elsewhere_or_lets_somebody_in(tool: str) -> None:
    """The rule would hold for another address, or another password, than those that were approved."""
    case = Case(tool, "change", (), ("mg.example.com",), "conn-1")
    done = [replace(one, operation=tool, preview=with_case(one.preview, case)) for one in habit()]
    assert list(suggestions(done)) == []
    other = [replace(one, operation="update_click_tracking") for one in done]
    assert [one.tool for one in suggestions(other)] == ["update_click_tracking"]


def test_no_rule_is_proposed_that_would_never_be_met() -> None:
    case = Case("add_mailing_list_member", "create", (), ("mg.example.com",), "conn-1", besides=("ada@example.org",))
    done = [replace(one, operation="add_mailing_list_member", preview=with_case(one.preview, case)) for one in habit()]
    assert list(suggestions(done)) == []


def test_who_stands_in_what_rules_judge_alone_is_forgotten_too(tmp_path: Path) -> None:
    async def found() -> tuple[list[str], list[dict[str, Any]]]:
        desk = await Terminal.open(load({"MATON_MAILGUN_HOME": str(tmp_path / "state")}))
        try:
            now = desk.clock()
            record = call("ada@example.org", besides=("jörg@example.net",), state="pending", decided_at=None)
            record = replace(record, created_at=now, expires_at=now + 900, channel=None, decided_by=None)
            stored, _ = await desk.store.insert(record, b"sealed", max_pending=10)
            await desk.store.move(stored, "rejected", actor="ann")
            about = await desk.about(Mentions.of("jörg@example.net"))
            await desk.forget(about, "ann")
            return [one.id for one in about.finished], [dict(one.preview) for one in await desk.list()]
        finally:
            await desk.close()

    ids, previews = asyncio.run(found())
    assert len(ids) == 1
    assert all("judged" not in one for one in previews)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation in which somebody approved the same mail again and again."""
    for name in ("MATON_API_KEY", "MATON_TOKEN_COMMAND"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MATON_MAILGUN_HOME", str(tmp_path / "state"))

    async def fill() -> None:
        desk = await Terminal.open(load())
        try:
            for number in range(LEAST):
                now = desk.clock()
                record = replace(
                    call("ada@example.org", at=now, digest=f"sha256:{number:064}"),
                    state="pending", decided_at=None, decided_by=None, channel=None, expires_at=now + 900,
                )  # fmt: skip
                stored, _ = await desk.store.insert(record, b"sealed", max_pending=100)
                ann: dict[str, Any] = {"decided_at": now, "decided_by": "ann", "channel": "cli"}
                stored = await desk.store.move(stored, "approved", actor="ann", **ann)
                await desk.store.move(stored, "stale", actor="system")
        finally:
            await desk.close()

    asyncio.run(fill())
    return tmp_path


def asked(home: Path, **changes: Any) -> Namespace:
    """The arguments of `policy suggest`."""
    usual = {"adopt": str(home / "policy.toml"), "until": None, "days": 30.0, "json": False, "sandbox": None}
    return Namespace(**{**usual, **changes})


def test_attack_278_no_rule_is_adopted_without_a_terminal(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_history, "choice", lambda *_: "yes")
    monkeypatch.setattr(policy_history, "require_passphrase", lambda *_: None)
    monkeypatch.setattr(policy_history, "at_a_terminal", lambda: False)
    with pytest.raises(CommandFailed, match="adopted by a person on a terminal") as refused:
        policy_history.suggest(asked(home))
    assert (refused.value.status, (home / "policy.toml").exists()) == (NO_PASSPHRASE, False)


def test_attack_278_no_rule_is_adopted_without_the_passphrase(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_history, "choice", lambda *_: "yes")
    monkeypatch.setattr(policy_history, "at_a_terminal", lambda: True)
    with pytest.raises(CommandFailed) as refused:
        policy_history.suggest(asked(home))
    assert (refused.value.status, (home / "policy.toml").exists()) == (NO_PASSPHRASE, False)


@pytest.mark.parametrize("until", ["2001-01-01", "2999-12-31", "never", ""])
def test_attack_278_a_rule_ends_and_within_a_year(home: Path, until: str) -> None:
    with pytest.raises(CommandFailed) as refused:
        policy_history.suggest(asked(home, until=until))
    assert refused.value.status == USAGE


def test_attack_278_what_a_person_adopts_is_added_whole_and_keeps_what_was_there(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = home / "policy.toml"
    path.write_text('# mine\n[[rule]]\nname = "no deletes"\ndecision = "deny"\ntools = ["delete_*"]\n')
    monkeypatch.setattr(policy_history, "choice", lambda *_: "yes")
    monkeypatch.setattr(policy_history, "at_a_terminal", lambda: True)
    monkeypatch.setattr(policy_history, "require_passphrase", lambda *_: None)
    assert policy_history.suggest(asked(home)) == 0
    assert path.read_text().startswith("# mine\n")
    kept, made = load_policy(path).rules
    assert (kept.name, made.name, made.recipients) == (
        "no deletes",
        "always approved: send_message",
        (("ada", "example.org"),),
    )
    assert made.until is not None
    capsys.readouterr()
    assert policy_history.replay(Namespace(file=str(path), days=30.0, json=True, sandbox=None)) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["decision"] for one in told["calls"]] == ["allow"] * LEAST
    assert (told["kept"], told["removed"], told["not_judged"]) == (LEAST, 0, 0)
