from __future__ import annotations

import asyncio
from typing import Any

from fake_account import FakeAccount, propose, section

from maton_mailgun.approval.preview.form_text import question
from maton_mailgun.approval.preview.look import Look, make

D = "mg.example.com"
WELCOME = f"GET /v3/{D}/templates/welcome"
ACTIVE = f"{WELCOME}?active=yes"
OLD = "<p>Hello {{name}}</p>\n<p>Yours</p>\n<p>Ada</p>"
NEW = "<p>Hello {{name}}</p>\n<p>Pay at <a href='https://shop.example.net/'>{{order}}</a></p>\n<p>Ada</p>"


def version(tag: str, source: str, **headers: str) -> dict[str, Any]:
    return {"template": {"name": "welcome", "version": {"tag": tag, "template": source, "headers": headers}}}


def look(tool: str, answers: dict[str, Any], **arguments: Any) -> Look:
    given = {"domain": D, "template_name": "welcome", **arguments}
    return asyncio.run(make(propose(tool, given, FakeAccount(answers))))


LIVE = {ACTIVE: version("v2", OLD, Subject="Hello"), f"{WELCOME}/versions/v2": version("v2", OLD, Subject="Hello")}
WITH_V1 = {**LIVE, f"{WELCOME}/versions/v1": version("v1", NEW, Subject="Your order")}


def test_making_a_version_active_shows_live_mail_before_and_after_line_by_line() -> None:
    found = look("update_template_version", WITH_V1, tag="v1", active="yes")
    assert section(found, "Live mail, before and after") == {
        "Version": "v2 -> v1",
        "Content, line by line": "…⏎ <p>Hello {{name}}</p>⏎-<p>Yours</p>⏎"
        "+<p>Pay at <a href='https://shop.example.net/'>{{order}}</a></p>⏎ <p>Ada</p>",
        "Header Subject": "“Hello” -> “Your order”",
    }
    assert found.preview["effect"] == (
        f"Changes version v1 of template welcome of {D}. Live mail changes from now on: messages that name the "
        "template “welcome” and no version are made from it."
    )
    assert found.warnings[:2] == [
        "Live mail changes from now on: version v1 takes the place of v2.",
        "It asks for order, which live mail did not have to give so far.",
    ]
    assert section(found, "In the new content")["Links lead to"] == "shop.example.net"
    assert found.risk != "low"


def test_what_the_new_content_loads_from_elsewhere_is_shown_as_that_of_a_new_template_is() -> None:
    loading = version("v1", "<img src='https://pictures.example.net/a.png'>")
    found = look("update_template_version", {**LIVE, f"{WELCOME}/versions/v1": loading}, tag="v1", active="yes")
    assert section(found, "In the new content")["Loads from"] == "pictures.example.net"


def test_every_changed_line_of_live_mail_is_in_the_form_or_there_is_no_form() -> None:
    form = question(look("update_template_version", WITH_V1, tag="v1", active="yes").preview)
    assert form is not None
    assert "> -<p>Yours</p>" in form.text
    long = version("v1", "\n".join(f"<p>line {number} of many</p>" for number in range(1000)))
    much = {**LIVE, f"{WELCOME}/versions/v1": long}
    assert question(look("update_template_version", much, tag="v1", active="yes").preview) is None


def test_a_new_version_that_is_not_made_active_leaves_live_mail_as_it_is_and_says_so() -> None:
    found = look("create_template_version", LIVE, tag="v3", template=NEW)
    assert section(found, "Live mail") == {"Live mail": "stays as it is, made from version v2"}
    assert found.preview["effect"] == f"Stores version v3 of template welcome of {D}."
    assert not any("Live mail" in line for line in found.warnings)


def test_the_first_version_of_a_template_is_live_by_itself() -> None:
    found = look("create_template_version", {ACTIVE: {"template": {"name": "welcome"}}}, tag="v1", template=OLD)
    assert "Live mail changes from now on" in found.preview["effect"]
    assert found.warnings[0] == "Live mail is made from version v1 from now on; there was no active version."


def test_changing_the_active_version_is_a_change_of_live_mail() -> None:
    found = look("update_template_version", LIVE, tag="V2", template=NEW)
    missing_here = look("update_template_version", LIVE, tag="v2", template=NEW)
    assert missing_here.warnings[0] == "Live mail changes from now on: version v2 itself changes."
    assert "-<p>Yours</p>" in section(missing_here, "Live mail, before and after")["Content, line by line"]
    assert "Live mail changes from now on" in found.preview["effect"]


def test_changing_another_version_shows_that_version_before_and_after() -> None:
    found = look("update_template_version", WITH_V1, tag="v1", template=OLD)
    assert section(found, "Live mail") == {"Live mail": "stays as it is, made from version v2"}
    assert "+<p>Yours</p>" in section(found, "This version, before and after")["Content, line by line"]


def test_the_new_body_and_headers_are_looked_through_like_those_of_a_message() -> None:
    bad = '<p>Go to <a href="https://evil.example.net/">https://bank.example.com/</a><script>x()</script></p>'
    found = look("create_template_version", LIVE, tag="v3", template=bad, headers={"From": "boss@other.example.org"})
    told = " ".join(found.warnings)
    assert "evil.example.net" in told
    assert "script" in told
    assert "boss@other.example.org" in told


def test_a_template_that_is_not_there_is_said_to_be_refused() -> None:
    assert (
        "There is no template “welcome”: this will be refused."
        in look("create_template_version", {}, tag="v3", template=OLD).warnings
    )


def test_deleting_a_version_shows_its_content_and_whether_live_mail_is_made_from_it() -> None:
    found = look("delete_template_version", LIVE, tag="v2")
    assert section(found, "What is lost") == {
        "Content": OLD.replace("\n", "⏎"),
        "Header Subject": "Hello",
        "Live mail": "is made from version v2",
    }
    assert any(line.startswith("Live mail is made from this version") for line in found.warnings)
    assert look("delete_template_version", WITH_V1, tag="v1").warnings == []
