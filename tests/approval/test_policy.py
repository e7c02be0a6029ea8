"""The policy: what runs without asking, what is asked, what is refused; and no address talks its way past a rule."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from maton_mailgun.approval.policy.file import PolicyError, load_policy
from maton_mailgun.approval.policy.judge import Case, Policy, Verdict

TOOLS = ("send_message", "delete_domain", "delete_route", "create_route", "update_route")

NOTES = """
    [[rule]]
    name = "internal notes"
    tools = ["send_message"]
    recipients = ["*@mycompany.com"]
    max_recipients = 5
    per_day = 50
    decision = "allow"
"""
RULES = f"""{NOTES}
    [[rule]]
    name = "no domain deletes"
    tools = ["delete_domain"]
    decision = "deny"

    [[rule]]
    name = "careful"
    tools = ["delete_*", "create_route"]
    decision = "ask"
    level = "operator"
"""


@pytest.fixture
def policy_file(tmp_path: Path) -> Path:
    return tmp_path / "policy.toml"


def policy(path: Path, text: str, **options: Any) -> Policy:
    path.write_text(dedent(text), encoding="utf-8")
    return load_policy(path, tools=TOOLS, **options)


def sending(*recipients: str, domain: str | None = "mg.example.com", connection: str = "conn-1") -> Case:
    return Case("send_message", "send", recipients, () if domain is None else (domain,), connection)


def calling(tool: str, **changes: Any) -> Case:
    return Case(
        tool, "change", (), (changes["domain"],) if changes.get("domain") else (), changes.get("connection", "conn-1")
    )


def test_an_allow_rule_lets_a_matching_call_run_within_its_budget(policy_file: Path) -> None:
    verdict = policy(policy_file, RULES).judge(sending("ann@mycompany.com", "Bob.Smith+x@MyCompany.COM"))

    assert verdict == Verdict(
        decision="allow",
        level="client",
        rules=("internal notes",),
        rule="internal notes",
        budgets=(("internal notes", 50),),
        why='The rule "internal notes" lets it run without asking. At most 50 a day by "internal notes".',
    )


def test_the_longest_undo_window_and_every_limit_of_the_rules_that_ask_hold(policy_file: Path) -> None:
    text = """
        [[rule]]
        name = "slowly"
        decision = "ask"
        hold = "30s"
        per_hour = 5

        [[rule]]
        name = "slower"
        decision = "ask"
        hold = "2m"
        per_day = 9
    """

    assert policy(policy_file, text).judge(calling("update_route")) == Verdict(
        decision="ask",
        level="operator",
        rules=("slowly", "slower"),
        rule="slowly",
        budgets=(("\x01slowly", 5), ("slower", 9)),
        why='The rule "slowly" asks a person (level operator). At most 5 an hour by "slowly", 9 a day by "slower". '
        "A yes can be taken back for 120 s.",
        hold=120.0,
    )


def test_without_a_matching_rule_a_person_is_asked_at_the_level_of_the_settings(policy_file: Path) -> None:
    case = calling("update_route")

    assert Policy().judge(case) == Verdict(
        "ask", "client", (), None, (), "No rule matches: a person is asked (level client)."
    )
    assert policy(policy_file, RULES, level="operator").judge(case).level == "operator"


def test_deny_beats_ask_and_all_matching_rules_are_named(policy_file: Path) -> None:
    verdict = policy(policy_file, RULES).judge(calling("delete_domain"))

    assert (verdict.decision, verdict.rule, verdict.rules) == (
        "deny",
        "no domain deletes",
        ("no domain deletes", "careful"),
    )
    assert verdict.why == 'The rule "no domain deletes" refuses it.'


def test_ask_beats_allow_and_the_budget_of_the_beaten_rule_is_not_used(policy_file: Path) -> None:
    also = '[[rule]]\nname = "watch"\nconnections = ["conn-1"]\ndecision = "ask"\n'
    verdict = policy(policy_file, dedent(NOTES) + also).judge(sending("ann@mycompany.com"))

    assert (verdict.decision, verdict.rule, verdict.budgets) == ("ask", "watch", ())


def test_the_strictest_level_wins(policy_file: Path) -> None:
    rules = policy(
        policy_file,
        """
        [[rule]]
        name = "strict"
        tools = ["create_route"]
        decision = "ask"
        level = "operator"
        [[rule]]
        name = "lenient"
        tools = ["*_route"]
        decision = "ask"
        level = "client"
        """,
    )

    assert rules.judge(calling("create_route")).level == "operator"
    assert rules.judge(calling("update_route")).level == "client"


@pytest.mark.parametrize("strangers", [1, 4])
def test_one_recipient_outside_is_enough_to_ask(policy_file: Path, strangers: int) -> None:
    recipients = ["ann@mycompany.com", *[f"eve{number}@example.net" for number in range(strangers)]]

    assert policy(policy_file, RULES).judge(sending(*recipients)).decision == "ask"


def test_one_recipient_is_enough_for_a_deny_rule(policy_file: Path) -> None:
    rules = policy(policy_file, '[[rule]]\nname = "rival"\nrecipients = ["*@rival.example"]\ndecision = "deny"\n')

    assert rules.judge(sending("ann@mycompany.com", "eve@rival.example")).decision == "deny"
    assert rules.judge(sending("ann@mycompany.com")).decision == "ask"
    assert rules.judge(sending('"eve@rival.example" <x@y>')).decision == "deny"
    assert rules.judge(calling("delete_route")).decision == "ask"


def test_too_many_recipients_are_asked_about(policy_file: Path) -> None:
    rules = policy(policy_file, RULES)

    assert rules.judge(sending(*[f"u{n}@mycompany.com" for n in range(5)])).decision == "allow"
    assert rules.judge(sending(*[f"u{n}@mycompany.com" for n in range(6)])).decision == "ask"


def test_a_rule_about_recipients_never_matches_a_call_without_any(policy_file: Path) -> None:
    text = '[[rule]]\nname = "few"\ntools = ["*"]\nmax_recipients = 5\ndecision = "allow"\n'

    assert policy(policy_file, text).judge(calling("delete_route")).decision == "ask"
    assert policy(policy_file, NOTES).judge(sending()).decision == "ask"


def test_domains_and_connections_narrow_a_rule(policy_file: Path) -> None:
    rules = policy(
        policy_file,
        """
        [[rule]]
        name = "test domain"
        tools = ["*"]
        domains = ["*.test.example", "bücher.example"]
        connections = ["conn-1"]
        decision = "allow"
        """,
    )

    allowed = {"mg.test.example", "MG.Test.example", "xn--bcher-kva.example", "bücher.example"}
    decisions = {
        (domain, connection): rules.judge(calling("create_route", domain=domain, connection=connection)).decision
        for domain in (
            "mg.test.example",
            "MG.Test.example",
            "xn--bcher-kva.example",
            "bücher.example",
            None,
            "a b",
            "mg.live",
        )
        for connection in ("conn-1", "conn-2")
    }

    allowed = {"mg.test.example", "MG.Test.example", "xn--bcher-kva.example", "bücher.example"}
    assert {key for key, decision in decisions.items() if decision == "allow"} == {(name, "conn-1") for name in allowed}


@pytest.mark.parametrize(
    "crafted",
    [
        '"a@mycompany.com" <evil@example.net>',
        "Ann <ann@mycompany.com>",
        "<ann@mycompany.com>",
        "evil@example.net,b@mycompany.com",
        "evil@example.net, b@mycompany.com",
        "evil@example.net;b@mycompany.com",
        "evil@example.net b@mycompany.com",
        '"evil@example.net"@mycompany.com',
        '"evil"@mycompany.com',
        "evil@example.net(@mycompany.com",
        "evil(comment)@mycompany.com",
        "evil@mycompany.com(comment)",
        "@example.net:ann@mycompany.com",
        "<@example.net:ann@mycompany.com>",
        "team:evil@example.net,ann@mycompany.com;",
        "evil%example.net@mycompany.com",
        "example.net!evil@mycompany.com",
        "ann@mycompany.com.",
        "ann@mycompany.com.example.net",
        "ann@mycompany.com@example.net",
        "ann@example.net@mycompany.com",
        "ann@notmycompany.com",
        "ann@sub.mycompany.com",
        "ann@mycompany.com\n",
        "ann@mycompany.com\r\nBcc: evil@example.net",
        "ann@mycompany.com\x00",
        " ann@mycompany.com",
        "ann@mycompany.com ",
        "ann.@mycompany.com",
        ".ann@mycompany.com",
        "a..b@mycompany.com",
        "ann\\@mycompany.com",
        "ann@[192.0.2.1]",
        "@mycompany.com",
        "mycompany.com",
        "",
        "ánn@mycompany.com",
        "ann@mycоmpany.com",  # a Cyrillic о
        "ann@mycompany.com".replace("m", "ｍ"),  # fullwidth letters fold to ASCII in some resolvers
        "ann@mycompany。com",  # an ideographic full stop is a dot to some
        "ann@myсompany.com",
        "%recipient.email%@mycompany.com",
        "a" * 65 + "@mycompany.com",
    ],
)
def test_attack_11_no_crafted_address_matches_an_allow_rule(policy_file: Path, crafted: str) -> None:
    assert policy(policy_file, RULES).judge(sending(crafted)).decision == "ask"
    assert policy(policy_file, RULES).judge(sending("ann@mycompany.com", crafted)).decision == "ask"


def test_a_letter_that_lowers_to_another_is_not_that_letter(policy_file: Path) -> None:
    """U+212A KELVIN SIGN lowers to k."""
    text = '[[rule]]\nname = "k"\ntools = ["*"]\nrecipients = ["k*@k.example"]\ndecision = "allow"\n'
    rules = policy(policy_file, text)

    assert rules.judge(sending("kim@k.example")).decision == "allow"
    assert rules.judge(sending("\u212aim@k.example")).decision == "ask"
    assert rules.judge(sending("kim@\u212a.example")).decision == "ask"


def test_domains_in_other_scripts_match_on_their_ascii_form(policy_file: Path) -> None:
    text = '[[rule]]\nname = "b"\ntools = ["*"]\nrecipients = ["*@bücher.example"]\ndecision = "allow"\n'
    rules = policy(policy_file, text)

    assert rules.judge(sending("ann@bücher.example", "ann@xn--bcher-kva.example")).decision == "allow"
    assert rules.judge(sending("ann@bucher.example")).decision == "ask"


def test_signs_of_a_pattern_other_than_star_and_question_mark_mean_themselves(policy_file: Path) -> None:
    text = '[[rule]]\nname = "b"\ntools = ["*"]\nrecipients = ["a.b?@x*.example"]\ndecision = "allow"\n'
    rules = policy(policy_file, text)

    assert rules.judge(sending("a.b1@xyz.example")).decision == "allow"
    assert rules.judge(sending("aXb1@xyz.example")).decision == "ask"
    assert rules.judge(sending("a.b@xyz.example")).decision == "ask"


def test_the_explanation_tells_of_every_rule_why(policy_file: Path) -> None:
    rules = policy(policy_file, RULES)

    assert rules.explain(sending("ann@mycompany.com", "eve@example.net\x1b[2J")).splitlines() == [
        "send_message: ask. No rule matches: a person is asked (level client).",
        "  rule \"internal notes\" does not match: the recipient 'eve@example.net\\x1b[2J' is not a plain address",
        '  rule "no domain deletes" does not match: the tool is send_message',
        '  rule "careful" does not match: the tool is send_message',
    ]
    assert rules.explain(calling("delete_domain")).splitlines() == [
        'delete_domain: deny. The rule "no domain deletes" refuses it.',
        '  rule "internal notes" does not match: the tool is delete_domain',
        '  rule "no domain deletes" matches (deny)',
        '  rule "careful" matches (ask)',
    ]


def test_an_empty_file_allows_nothing(policy_file: Path) -> None:
    assert policy(policy_file, "# nothing yet\n") == Policy()


GOOD = '[[rule]]\nname = "a"\ntools = ["*"]\ndecision = "ask"\n'


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (f"{GOOD}x = [", 5, "this is not TOML"),
        ('decisions = "allow"\n', 1, "unknown key 'decisions'; there is [[rule]]"),
        (f"{GOOD}[[rules]]\n", 5, "unknown key 'rules'; there is [[rule]]"),
        ('[rule]\nname = "a"\n', 1, "write [[rule]] with two brackets"),
        (
            f'{GOOD}\n[[rule]]\nname = "b"\ndecison = "deny"\n',
            8,
            "rule 'b': unknown key 'decison'; there are name, decision",
        ),
        (f'{GOOD}\n[[rule]]\nname = "b"\n', 6, "rule 'b': the key 'decision' is missing"),
        (f'{GOOD}\n[[rule]]\ndecision = "ask"\n', 6, "rule 2: the key 'name' is missing"),
        (f'{GOOD}\n[[rule]]\nname = "b"\ndecision = "maybe"\n', 8, "rule 'b': decision: "),
        (f'{GOOD}\n[[rule]]\nname = "a"\ndecision = "ask"\n', 7, "rule 'a': there is already a rule with the name 'a'"),
        (f'{GOOD}level = "boss"\n', 5, "rule 'a': level: "),
        (f"{GOOD}per_day = 0\n", 5, "rule 'a': per_day: "),
        (f'{GOOD}per_day = "5"\n', 5, "rule 'a': per_day: "),
        (f"{GOOD}per_day = true\n", 5, "rule 'a': per_day: "),
        (f"{GOOD}domains = []\n", 5, "rule 'a': domains: "),
        (f'{GOOD}domains = "x.example"\n', 5, "rule 'a': domains: "),
        (f'{GOOD}domains = [\n "ok.example",\n "not a domain"\n]\n', 5, "'not a domain' is not a domain"),
        (f'{GOOD}recipients = ["*"]\n', 5, "'*' must look like *@example.com"),
        (f'{GOOD}recipients = ["*mycompany.com"]\n', 5, "must look like *@example.com"),
        (f'{GOOD}recipients = ["a@b@c.example"]\n', 5, "is not a domain"),
        (f'{GOOD}recipients = ["*@[a-z].example"]\n', 5, "is not a domain"),
        (f"{GOOD}max_recipients = 5\n", 1, "max_recipients limits an allow rule"),
        ('[[rule]]\nname = "a"\ndecision = "allow"\n', 1, "must name its tools"),
        ('[[rule]]\nname = "a"\ntools = ["*"]\ndecision = "allow"\nlevel = "operator"\n', 1, "has no level"),
        ('[[rule]]\nname = "a"\ndecision = "deny"\nper_day = 3\n', 1, "neither level nor per_day"),
        ('[[rule]]\nname = "a"\ndecision = "deny"\nper_hour = 3\n', 1, "nor per_hour"),
        ('[[rule]]\nname = "a"\ntools = ["*"]\ndecision = "allow"\nhold = "30s"\n', 1, "only an ask rule has them"),
        ('[[rule]]\nname = "a"\ndecision = "ask"\nhold = "30"\n', 4, "'30' is not a time such as"),
        ('[[rule]]\nname = "a"\ndecision = "ask"\nhold = "0s"\n', 4, "'0s' is not a time such as"),
        ('[[rule]]\nname = "a"\ndecision = "ask"\nhold = "11m"\n', 4, "of 10 minutes at most"),
        ('[[rule]]\nname = "a"\ndecision = "deny"\nper_person = 3\n', 1, "no per_person"),
        ('[[rule]]\nname = "a"\ntools = ["delete_domian"]\ndecision = "deny"\n', 3, "no tool is named 'delete_domian'"),
        ('[[rule]]\nname = "a"\ntools = ["delete domain"]\ndecision = "deny"\n', 3, "is not a tool name"),
        ('[[rule]]\nname = """\n[[rule]]\n"""\ndecision = "ask"\n', 2, "name: "),
        ('rule = [\n {name = "a", decision = "ask"},\n {name = "b"}\n]\n', 1, "rule 'b': the key 'decision'"),
    ],
)
def test_a_broken_policy_is_refused_with_line_and_reason(policy_file: Path, text: str, line: int, reason: str) -> None:
    with pytest.raises(PolicyError) as error:
        policy(policy_file, text)

    assert (error.value.line, reason in error.value.reason) == (line, True), error.value
    assert str(error.value).startswith(f"{policy_file}, line {line}: ")


def test_a_policy_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9\n")

    with pytest.raises(PolicyError, match=r"absent\.toml: the policy file cannot be read"):
        load_policy(tmp_path / "absent.toml")
    with pytest.raises(PolicyError, match="UTF-8"):
        load_policy(tmp_path / "latin.toml")
