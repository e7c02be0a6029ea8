"""Recipient variables and stored templates in a preview: every value in full, and what it does to the message."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from fake_account import FakeAccount, propose
from test_preview_message import BASE, DOMAIN, NO_LISTS, D, look, quiet, rows, with_template

from maton_mailgun.approval.preview import variables
from maton_mailgun.approval.preview.document import Preview
from maton_mailgun.approval.preview.filled_message import filled
from maton_mailgun.approval.preview.look import Look, make, snapshot
from maton_mailgun.approval.preview.terminal_text import copy_lines
from maton_mailgun.mail.filling import filled_for
from maton_mailgun.mail.letter import Letter

ANN, BOB = f"ann@{D}", f"bob@{D}"
LONG = "x" * 5_000


def batch(values: dict[str, Any], **more: Any) -> Look:
    return look(quiet(ANN, BOB), to=[ANN, BOB], recipient_variables=values, **more)


def test_every_recipient_has_a_row_with_every_value_in_full() -> None:
    found = batch(
        {
            "eve@evil.example": {"name": "Eve"},
            "Bob@MG.example.com": {"name": "Bob; pay: now", "n": 7, "ok": False, "none": None, "deep": {"a": [1]}},
            ANN: {"name": "Ann", "link": "https://pay.example.com/a?b=c", "long": LONG},
        },
        subject="Hi %recipient.name%",
    )
    assert rows(found, "Recipient variables") == [
        ("First subject, filled", "“Hi Ann”", [f"for {ANN}"]),
        (ANN, f"name: Ann; link: https://pay.example.com/a?b=c; long: {LONG}", []),
        ("Bob@MG.example.com", 'name: "Bob; pay: now"; n: 7; ok: false; none: null; deep: {"a": [1]}', []),
        ("eve@evil.example", "name: Eve", ["gets no copy"]),
    ]
    assert found.preview["message"]["recipient_values"] == {
        "eve@evil.example": {"name": "Eve"},
        "Bob@MG.example.com": {"name": "Bob; pay: now", "n": 7, "ok": False, "none": None, "deep": {"a": [1]}},
        ANN: {"name": "Ann", "link": "https://pay.example.com/a?b=c", "long": LONG},
    }
    assert "Recipient variables for “eve@evil.example”, who is no recipient: no copy goes there." in found.warnings
    assert found.preview["message"]["link_hosts"] == ["pay.example.com"]


def test_who_has_no_entry_or_several_is_flagged() -> None:
    found = batch({BOB: {"n": 1}, BOB.upper(): {"n": 2}})
    assert rows(found, "Recipient variables") == [
        (ANN, "(nothing)", ["has no entry"]),
        (BOB, "n: 1", ["one of several entries for this address"]),
        (BOB.upper(), "n: 2", ["one of several entries for this address"]),
    ]
    assert f"{BOB} has several entries in the recipient variables." in found.warnings
    assert "1 recipient without an entry in the recipient variables." in found.warnings


def test_a_variable_named_like_a_part_of_a_preview_is_shown_like_any_other() -> None:
    found = batch({ANN: {"message": "a\x1b[2J\u202eb", "text": "c\u200bd"}, BOB: {}})
    assert rows(found, "Recipient variables") == [
        (ANN, "message: a⟨U+001B⟩[2J⟨U+202E⟩b; text: c⟨U+200B⟩d", []),
        (BOB, "(nothing)", []),
    ]


def test_values_that_are_filled_in_stay_as_they_leave_and_are_shown_harmless() -> None:
    found = batch({ANN: {"x": "a\n\u202eb"}, BOB: {"x": ""}}, text="To you: %recipient.x%", subject="Hi")
    assert found.preview["message"]["recipient_values"] == {ANN: {"x": "a\n\u202eb"}, BOB: {"x": ""}}
    copy = filled(Preview.of(found.preview), ANN)
    assert copy is not None
    assert copy.text == "To you: a\n\u202eb"
    assert [line for line in copy_lines(copy, ANN) if "⟨U+202E⟩b" in line] == ["  | ⟨U+202E⟩b"]


@pytest.mark.parametrize(
    ("html", "value", "host"),
    [
        ('<a href="%recipient.x%">Pay</a>', "https://evil.example/pay", "evil.example"),
        ('<a href="https://%recipient.x%/pay">Pay</a>', "evil.example", "evil.example"),
        ('<a href="https://pay%recipient.x%/">Pay</a>', ".evil.example", "pay.evil.example"),
        ('<a href="%recipient.x%://evil.example/">Pay</a>', "https", "evil.example"),
        ('<a href="//%recipient.x%">Pay</a>', "evil.example/pay", "evil.example"),
        ("<p>%recipient.x%</p>", '<a href="//evil.example">x</a>', "evil.example"),
        ('<a title="%recipient.x%">Pay</a>', 'x" href="https://evil.example/', "evil.example"),
        ('<a href="https://%recipient.x.y%/">Pay</a>', {"y": "evil.example"}, "evil.example"),
    ],
)
def test_a_link_that_only_the_filled_message_holds_is_found(html: str, value: Any, host: str) -> None:
    """The second recipient's: the first one's copy is harmless."""
    found = batch({ANN: {"x": "a"}, BOB: {"x": value}}, html=html)
    assert host in found.preview["message"]["link_hosts"]
    assert host in {label: told for label, told, _ in rows(found, "Body")}["Links lead to"]


def test_a_link_that_shows_one_host_and_leads_to_another_is_found_in_one_copy_of_many() -> None:
    found = batch(
        {ANN: {"x": "https://mg.example.com/a"}, BOB: {"x": "https://evil.example/a"}},
        html='<a href="%recipient.x%">mg.example.com</a>',
    )
    assert f"For {BOB}: A link shows mg.example.com but leads to evil.example." in found.warnings
    assert found.risk != "low"


def test_an_odd_host_in_a_value_is_a_warning() -> None:
    found = batch({ANN: {"x": "http://127.0.0.1/a"}, BOB: {"x": "https://xn--exmple-4nf.com/"}}, text="%recipient.x%")
    told = " ".join(found.warnings)
    assert "127.0.0.1" in told
    assert "xn--exmple-4nf.com" in told


def test_one_recipient_s_message_is_filled_everywhere() -> None:
    sent = Letter(
        sender="%recipient.who% <a@mg.example.com>",
        subject="Hi %recipient.name%, %recipient.lost%",
        text="%recipient.n% %recipient_fname% %unsubscribe_url%",
        html='<a href="%recipient.link%">%recipient%</a>',
        amp_html="%recipient.deep.a% %recipient_email%",
        headers=(("X-Id", "%recipient.n%"),),
    )
    values = {"who": "Support", "name": "Ann", "n": 7, "link": "https://a.example/", "deep": {"a": True}}
    assert filled_for(sent, values, address=ANN, name="Ann Lee") == Letter(
        sender="Support <a@mg.example.com>",
        subject="Hi Ann, %recipient.lost%",
        text="7 Ann %unsubscribe_url%",
        html=f'<a href="https://a.example/">{ANN}</a>',
        amp_html=f"true {ANN}",
        headers=(("X-Id", "7"),),
    )


@pytest.mark.parametrize(
    "place",
    [
        "%name%",
        "%%name%%",
        "{{recipient.name}}",
        "%recipient.Name%",
        "%recipient.name %",
        "% recipient.name%",
        "%recipient_name %",
        "%recipient name%",
        "%RECIPIENT.name%",
        "{name}",
        "{{name}}",
        "{{ name }}",
        "${name}",
        "[name]",
        "*|NAME|*",
        "<%= name %>",
    ],
)
def test_a_place_that_nothing_is_put_in_is_said_with_the_one_that_is_meant(place: str) -> None:
    values = {ANN: {"name": "Ann"}, BOB: {"name": "Bob"}}
    for part in ({"subject": f"Hi {place}"}, {"html": f"<p>Hi {place}</p>"}, {"headers": {"X-Who": f"Hi {place}"}}):
        told = [line for line in batch(values, **part).warnings if "goes out as it stands" in line]
        assert told == [f"“{place}” goes out as it stands: write %recipient.name% for the recipient's value."]


@pytest.mark.parametrize("text", ["Hi %recipient.name%", "50% off, 10% name", "100%name", "[names] {nam} %surname%"])
def test_text_that_is_no_such_place_is_no_alarm(text: str) -> None:
    assert variables.almost(text, {ANN: {"name": "Ann"}}, braces=False) == {}


def test_a_key_that_no_place_can_name_is_said() -> None:
    found = batch({ANN: {"first name": "Ann"}, BOB: {"first name": "Bob"}}, text="Hi %recipient.first name%")
    assert "Nothing in a message can name the recipient variable “first name”: use letters, digits and _." in (
        found.warnings
    )


# Stored templates -----------------------------------------------------------------------------------------------------


def stored(headers: Any, source: str = "<p>Hi</p>") -> dict[str, Any]:
    version = {"tag": "v2", "template": source, "engine": "handlebars", "headers": headers}
    return with_template(
        **{f"GET /v3/{D}/templates/welcome?active=yes": {"template": {"name": "welcome", "version": version}}}
    )


def from_template(headers: Any, source: str = "<p>Hi</p>", **more: Any) -> Look:
    bare: dict[str, Any] = {"from": None, "subject": None, "text": None, "template": "welcome"}
    return look(stored(headers, source), **{**bare, **more})


def test_the_headers_of_a_template_are_the_message_s_own() -> None:
    found = from_template({"From": f"Billing <billing@{D}>", "Reply-To": f"help@{D}", "Subject": "Hi {{name}}"})
    assert rows(found, "Sender") == [
        ("From", f"from the template: Billing <billing@{D}>", []),
        ("Reply-To", f"from the template: help@{D}", ["answers go here, not to From"]),
        ("Subject", "from the template: “Hi {{name}}”", []),
    ]
    assert rows(found, "Template")[2:] == [
        ("Variables without a value", "name", []),
        ("Its header From", f"Billing <billing@{D}>", []),
        ("Its header Reply-To", f"help@{D}", []),
        ("Its header Subject", "Hi {{name}}", []),
    ]
    assert (found.preview["message"]["from"], found.preview["message"]["reply_to"]) == (
        f"Billing <billing@{D}>",
        f"help@{D}",
    )
    assert f" from “Billing <billing@{D}>” to " in found.preview["effect"]
    assert "with the subject “Hi {{name}}”" in found.preview["effect"]


def test_values_stand_in_the_headers_of_a_template() -> None:
    found = from_template(
        {"From": "{{who}} <{{box}}>", "subject": "{{s}}"},
        template_variables={"who": "Boss", "box": "ceo@evil.example", "s": "Pay"},
    )
    assert rows(found, "Sender") == [
        ("From", "from the template: Boss <ceo@evil.example>", [f"not at {D}"]),
        ("Subject", "from the template: “Pay”", []),
    ]
    assert f"The template's From “Boss <ceo@evil.example>”: not at {D}." in found.warnings


@pytest.mark.parametrize(
    ("headers", "warning"),
    [
        ({"From": "Boss <ceo@evil.example>"}, f"The template's From “Boss <ceo@evil.example>”: not at {D}."),
        ({"from": "ceo@evil.example"}, f"The template's from “ceo@evil.example”: not at {D}."),
        ({"Reply-To": "x@evil.example"}, f"The template's Reply-To “x@evil.example”: not at {D}."),
        (
            {"From": "Boss, Big <a@b.example>"},
            "The template's From “Boss, Big <a@b.example>” cannot be read for certain",
        ),
        ({"From": "{{who}}@a.example"}, "holds a variable: whom it names is not known before Mailgun fills it in."),
        ({"From": 7}, "The template's From “7” cannot be read for certain"),
        ({"Sender": "x@evil.example"}, "The template sets the header Sender: x@evil.example changes who seems to send"),
        ({"X-Odd": "1"}, "The template sets the header X-Odd: 1"),
        ({"From": f"a@{D}", "from": "b@evil.example"}, "The template has a header twice"),
    ],
)
def test_what_is_odd_in_a_template_s_headers_is_a_warning(headers: dict[str, Any], warning: str) -> None:
    found = from_template(headers)
    assert any(warning in line for line in found.warnings), found.warnings
    assert found.risk != "low"


def test_headers_of_the_call_win_over_those_of_the_template() -> None:
    """Mailgun's reference of templates: headers set at the message level override headers set on the template."""
    found = look(
        stored({"From": "ceo@evil.example", "Subject": "Pay", "Reply-To": "x@evil.example"}),
        text=None,
        template="welcome",
        headers={"reply-to": f"help@{D}"},
    )
    assert [(label, told) for label, told, _ in rows(found, "Sender")] == [
        ("From", f"Support <support@{D}>"),
        ("Reply-To", f"help@{D}"),
        ("Subject", "“Hello”"),
    ]
    assert [flags for _, _, flags in rows(found, "Template")[2:]] == [["not used: the message has its own"]] * 3
    assert found.warnings == []


def test_a_sender_that_nobody_names_is_mailgun_s_own() -> None:
    assert rows(from_template({}), "Sender") == [
        ("From", f"postmaster@{D}: Mailgun's own, as neither the call nor the template names anybody", []),
        ("Subject", "(none: neither the call nor the template has one)", []),
    ]
    nobody: dict[str, Any] = {"from": None, "subject": None}
    unread = look(text=None, template="welcome", **nobody)
    assert [told for _, told, _ in rows(unread, "Sender")] == ["(left to the template)"] * 2


@pytest.mark.parametrize("header", ["To", "cc", "BCC", "Resent-Bcc"])
def test_whom_a_template_s_header_names_is_shown_and_no_rule_decides(header: str) -> None:
    found = from_template({"From": f"a@{D}", header: "Eve <eve@evil.example>"})
    assert found.preview["recipients"][-1] == {
        "address": "eve@evil.example",
        "name": "Eve",
        "kind": "header",
        "flags": ["external", "named in a header only", "from the template"],
    }
    doubt = f"could not check whom the template's header {header} adds: no rule and no list was asked"
    assert doubt in found.preview["unchecked"]


@pytest.mark.parametrize("headers", ["From: x@evil.example", ["x"], 7])
def test_headers_that_are_no_object_could_not_be_checked(headers: Any) -> None:
    assert "could not check the template's own headers" in from_template(headers).preview["unchecked"]


def test_every_value_of_a_template_is_shown_in_full() -> None:
    found = look(
        stored({}, "<p>{{a}}{{b}}</p>"),
        text=None,
        template="welcome",
        template_variables={"a": LONG},
        variables={"b": LONG},
        headers={"X-Long": LONG},
    )
    assert ("t:variables", f'{{"a":"{LONG}"}}', []) in rows(found, "Template")
    assert rows(found, "Options") == [("v:b", LONG, ["recipients can see it"])]
    assert rows(found, "Headers") == [("X-Long", LONG, [])]


@pytest.mark.parametrize(
    "tag",
    [
        "{{link}}",
        "{{{link}}}",
        "{{&link}}",
        "{{~ link ~}}",
        "{{this.link}}",
        "{{@root.link}}",
        "{{.link}}",
        "{{[link]}}",
    ],
)
@pytest.mark.parametrize("name", ["template_variables", "variables", "headers"])
def test_a_link_in_a_template_s_value_is_found(tag: str, name: str) -> None:
    values = {"link": "https://evil.example/"}
    given: dict[str, Any] = {
        name: {"X-Mailgun-Variables": '{"link": "https://evil.example/"}'} if name == "headers" else values
    }
    found = look(stored({}, f'<a href="{tag}">Pay</a>'), text=None, template="welcome", **given)
    assert found.preview["message"]["link_hosts"] == ["evil.example"]


def test_a_link_that_only_template_and_values_make_together_is_found() -> None:
    given: dict[str, Any] = {"text": None, "template": "welcome"}
    found = look(
        stored({}, '<a href="https://{{x.y}}/">x</a>'),
        template_variables={"x": {"y": "evil.example"}},
        **given,
    )
    assert "evil.example" in found.preview["message"]["link_hosts"]
    found = look(
        stored({}, '<a href="https://{{x}}/">mg.example.com</a>'),
        template_variables={"x": "%recipient.x%"},
        recipient_variables={ANN: {"x": "evil.example"}},
        **given,
    )
    assert f"For {ANN}: A link shows mg.example.com but leads to evil.example." in found.warnings


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("{{a}}", "&lt;x y=&#x27;1&#x27;&gt;&amp;"),
        ("{{{a}}}{{&a}}{{& a}}", "<x y='1'>&" * 3),
        ("{{ b.c }}{{n}}{{f}}{{this.n}}{{@root.n}}", "C5false55"),
        ("{{gone}}{{#if a}}{{/if}}{{b}}", "{{gone}}{{#if a}}{{/if}}{{b}}"),
    ],
)
def test_plain_names_of_a_template_are_filled_as_handlebars_fills_them(source: str, html: str) -> None:
    """Held against Handlebars 4.7; what is not a plain name stays."""
    assert variables.filled(source, {"a": "<x y='1'>&", "b": {"c": "C"}, "n": 5, "f": False}, html=True) == html


def test_recipient_variables_do_not_reach_a_template_by_themselves() -> None:
    found = look(
        {**stored({}, "<p>Hi {{name}}, {{code}}</p>"), **quiet(ANN, BOB)},
        to=[ANN, BOB],
        text=None,
        template="welcome",
        recipient_variables={ANN: {"name": "Ann"}, BOB: {"name": "Bob"}},
    )
    assert [line for line in found.warnings if "template" in line] == [
        "The template asks for code, which this call does not give.",
        "The template asks for name, which only the recipient variables have: these do not reach a template by "
        'themselves. Give "name": "%recipient.name%" in template_variables.',
    ]


def test_a_word_that_may_count_as_text_is_better_given_elsewhere() -> None:
    found = look(
        stored({}, "{{#if paid}}PAID{{else}}DUE{{/if}}"), text=None, template="welcome", variables={"paid": False}
    )
    assert rows(found, "Options") == [("v:paid", "false", ["recipients can see it"])]
    assert found.warnings == [
        "The template may take the word in v:paid for a text, which counts as true: give it in template_variables."
    ]


@pytest.mark.parametrize("change", [{"From": "b@evil.example"}, {"Reply-To": "b@evil.example"}, {"X": 1}, {}])
def test_another_header_of_the_template_makes_a_yes_stale(change: dict[str, Any]) -> None:
    def digest(headers: Any, source: str = "x") -> str | None:
        arguments = {"domain": D, "to": [ANN], "template": "welcome"}
        return asyncio.run(snapshot(propose("send_message", arguments, FakeAccount(stored(headers, source)))))

    before = {"From": f"a@{D}"}
    assert digest(before) == digest(dict(before)) != digest(change)
    word = "<a href='https://a.example/?session_token=1'>"
    assert digest(before, word + "one") != digest(before, word + "two")


def test_a_thousand_recipients_are_previewed_in_bounded_work() -> None:
    """Whoever differs in a name or in the tail of a link shares one reading; a body too large for all is said."""
    everyone = [f"p{number}@example.net" for number in range(1_000)]
    text = "lorem ipsum " * 4_000
    for link, readings in (("https://mg.example.com/u/{}?x=1", 1), ("https://h{}.example.com/", 1_000)):
        values = {one: {"name": f"Ann {n}", "link": link.format(n)} for n, one in enumerate(everyone)}
        given = {**BASE, "to": everyone, "html": f'{text}<a href="%recipient.link%">%recipient.name%</a>'}
        proposal = propose(
            "send_message", {**given, "recipient_variables": values}, FakeAccount({**DOMAIN, **NO_LISTS})
        )
        began = time.process_time()
        found = asyncio.run(make(proposal))
        assert time.process_time() - began < 5
        assert len(rows(found, "Recipient variables")) == 1_000
        assert len(found.preview["message"]["link_hosts"]) == readings
        too_much = [line for line in found.preview["unchecked"] if "every filled message" in line]
        assert bool(too_much) is (readings > 1)


def test_what_is_read_of_many_copies_is_bounded_however_many_places_there_are() -> None:
    places = "".join(f"%recipient.k{number}%" for number in range(2_000))
    values = {f"p{n}@example.net": {f"k{n}": "https://a.example/"} for n in range(1_000)}
    given = {**BASE, "to": list(values), "text": places + "% " * 20_000 + "{" * 20_000 + "%" + " " * 20_000}
    proposal = propose("send_message", {**given, "recipient_variables": values}, FakeAccount({**DOMAIN, **NO_LISTS}))
    began = time.process_time()
    asyncio.run(make(proposal))
    assert time.process_time() - began < 5


def test_a_long_value_in_many_places_is_not_filled_in() -> None:
    """A few hundred kilobytes would become gigabytes."""
    long, places = "x" * 200_000, "%recipient.x%" * 10_000
    found = batch({ANN: {"x": long}, BOB: {"x": long}}, subject=places, text=places, html=places)
    assert rows(found, "Recipient variables") == [
        ("First subject, filled", "(too long to be filled here)", [f"for {ANN}"]),
        (ANN, f"x: {long}", []),
        (BOB, f"x: {long}", []),
    ]
    lines = [line for line in found.preview["unchecked"] if "every filled message" in line]
    assert lines == [f"could not check the links in every filled message, as in that of {ANN}: too long"]
    tags = "{{x}}" * 20_000
    assert len(variables.filled(tags, {"x": long}, html=True)) < 5_000_000
