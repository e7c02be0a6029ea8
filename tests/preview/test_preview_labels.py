"""What a person reads in place of names and values of the service."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from effects_table import examples, files
from fake_account import propose, tools

from maton_mailgun.approval.channels.view import told_once
from maton_mailgun.approval.preview import route_words
from maton_mailgun.approval.preview.document import EXACT, Preview
from maton_mailgun.approval.preview.labels import named, said, told
from maton_mailgun.approval.preview.look import make

WRITES = [name for name in tools() if tools()[name].writes]
MACHINE = re.compile(r"(?<![%\w])[a-z]+(?:_[a-z]+)+(?![%\w])")


@pytest.mark.parametrize("tool", WRITES)
def test_no_name_of_a_machine_stands_before_a_person(tool: str) -> None:
    for arguments in examples()[tool].values():
        shown = asyncio.run(make(propose(tool, arguments, files=files(tool, arguments)))).preview
        preview = told_once(Preview.of(shown))
        lines = [preview.title, preview.headline, preview.target, preview.effect, preview.undo, *preview.warnings]
        lines += [f"{part.heading}: {row.label}" for part in preview.sections for row in part.rows]
        lines += [one.field for one in preview.diff]
        assert [line for line in lines if MACHINE.search(line)] == []


def test_the_exact_value_stands_in_its_one_place() -> None:
    arguments = {"list_address": "team@mg.example.com", "member_address": "ann@example.net", "vars": {"age": 28}}
    preview = Preview.of(asyncio.run(make(propose("update_mailing_list_member", arguments))).preview)
    assert [(one.label, one.value) for part in preview.sections if part.heading == EXACT for one in part.rows] == [
        ("Data about them", '{"age":28}')
    ]
    assert preview.effect.endswith("All data about them is replaced by age: 28.")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("vars", "Data about them"),
        ("urls", "Goes to"),
        ("smtp_password", "SMTP password"),
        ("List-Id", "List-Id"),
        ("open.active", "Open: switched on"),
        ("something_new", "Something new"),
        ("[1]", "[1]"),
    ],
)
def test_names(name: str, words: str) -> None:
    assert named(name) == words


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("access_level", "readonly", "this Mailgun account alone"),
        ("access_level", "of a kind to come", "of a kind to come"),
        ("message_ttl", 86_400, "1 day"),
        ("message_ttl", 9_005, "2 hours 30 minutes 5 seconds"),
        ("message_ttl", 0, "0 seconds"),
        ("tags", ["*", "news"], ["* (all mail)", "news"]),
        ("subject", "*", "*"),
        ("message_ttl", True, True),
    ],
)
def test_values(name: str, given: Any, words: Any) -> None:
    assert said(name, given) == words


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("catch_all()", "all inbound mail of the account"),
        ('match_recipient("support@mg.example.com")', "mail to support@mg.example.com"),
        (r"match_recipient('^a\+b@mg\.example\.com$')", "mail to a+b@mg.example.com"),
        ('match_recipient(".*@mg.example.com")', "mail to any address at mg.example.com"),
        # A part of an address is found in many, and a bare plus stands for more of what is before it.
        ('match_recipient("a")', "mail to each address that matches “a”"),
        ('match_recipient("@example.com")', "mail to each address that matches “@example.com”"),
        ('match_recipient("a+b@example.com")', "mail to each address that matches “a+b@example.com”"),
        # No address is written so, and each dot takes any sign: mail to everybody with six letters.
        ('match_recipient("......@mg.example.com")', "mail to each address that matches “......@mg.example.com”"),
        ('match_recipient("a..b@mg.example.com")', "mail to each address that matches “a..b@mg.example.com”"),
        (r'match_recipient("\.a@mg.example.com")', r"mail to each address that matches “\.a@mg.example.com”"),
        ('match_recipient("a.@mg.example.com")', "mail to each address that matches “a.@mg.example.com”"),
        ('match_recipient("ann.lee@mg.example.com")', "mail to ann.lee@mg.example.com"),
        ('match_recipient("x|.@mg.example.com")', "mail to each address that matches “x|.@mg.example.com”"),
        ('match_header("subject", "invoice")', "mail whose header subject matches “invoice”"),
        (
            'match_recipient("a@mg.example.com") or catch_all()',
            "inbound mail that meets «match_recipient(\"a@mg.example.com\") or catch_all()»",
        ),
        ('match_recipient("a@b.example") is kept. Approved', 'inbound mail that meets «match_recipient("a@b.example") '
         "is kept. Approved»"),
    ],
)  # fmt: skip
def test_which_mail_a_rule_takes(expression: str, words: str) -> None:
    assert route_words.mail(expression) == words
    assert told("before.route.expression", expression) == words


@pytest.mark.parametrize(
    ("actions", "words"),
    [
        (["stop()"], "goes to no later rule"),
        (["store()"], "is kept at Mailgun"),
        (['store(notify="https://a.example/x")', "stop()"],
         "is kept at Mailgun, which tells https://a.example/x, and goes to no later rule"),
        (['forward("a@b.example, c@d.example")'], "is forwarded to “a@b.example, c@d.example”"),
        (['forward("https://a.example/"), stop()'], 'is handled by «forward("https://a.example/"), stop()»'),
        (["erase()"], "is handled by “erase()”"),
        ([], "is left as it is"),
    ],
)  # fmt: skip
def test_what_a_rule_does(actions: list[str], words: str) -> None:
    assert told("actions", actions) == words
