"""What tools do that come with a named toolset, from a real client of either era to the sandbox on a real port."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from mcp.client.stdio import StdioServerParameters

from maton_mailgun.sandbox import RunningSandbox

from .account import Account
from .host import Era, Host, content, host, text

D = "mg.example.com"
ERAS: tuple[Era, ...] = ("modern", "legacy")


@pytest.fixture(scope="module", params=ERAS)
def client(request: pytest.FixtureRequest, process: Callable[[], StdioServerParameters]) -> Iterator[Host]:
    with host(process(), era=request.param) as connected:
        yield connected


def test_without_a_named_toolset_none_of_its_tools_is_there(process: Callable[[], StdioServerParameters]) -> None:
    usual = process()
    assert usual.env is not None
    del usual.env["MATON_MAILGUN_TOOLSETS"]
    with host(usual) as connected:
        names = {tool.name for tool in connected.tools()}
    assert len(names) == 61 + 4
    assert not names & {"verify_domain", "match_route", "update_credential_password"}


@pytest.mark.parametrize("given", [{}, {"password": "battery-staple-7"}])
def test_a_new_password_is_in_nothing_that_the_model_reads(
    client: Host, account: Account, running: RunningSandbox, given: dict[str, str]
) -> None:
    account.prepare("update_credential_password")
    done = client.call("update_credential_password", {"domain": D, "login": "alice", **given})
    assert content(done)["executed"] is True, text(done)
    assert content(done)["result"]["message"] == "Password changed"
    assert ("secret_note" in content(done)) == (not given)
    assert "battery-staple-7" not in text(done) + "".join(client.asked)
    assert not re.search(r"[0-9a-f]{32}\b", text(done).replace(content(done)["approval_id"], ""))
    (sent,) = account.writes()
    assert sent["form"] == [list(pair) for pair in given.items()] or sent["form"] == list(given.items())


def test_a_password_is_for_a_login_that_is_there(client: Host, account: Account) -> None:
    account.prepare("")
    asked = len(client.asked)
    refused = client.call("update_credential_password", {"domain": D, "login": "nobody"})
    assert content(refused)["error"]["message"].endswith("There is no SMTP login nobody@mg.example.com.")
    assert (len(client.asked), account.writes()) == (asked, [])


def test_verifying_a_new_domain_shows_its_records_and_its_state(client: Host, account: Account) -> None:
    """The job: verify the new domain."""
    account.prepare("")
    done = client.call("verify_domain", {"domain": "unverified.example.com"})
    assert "k1._domainkey.unverified.example.com" in client.asked[-1]
    assert content(done)["result"]["domain"]["state"] == "unverified"


def test_which_route_takes_mail_to_an_address(client: Host, account: Account) -> None:
    account.prepare("")
    found = content(client.call("match_route", {"address": "support@mg.example.com"}))
    assert found["result"]["route"]["expression"] == 'match_recipient("support@mg.example.com")'
    missing = content(client.call("match_route", {"address": "nobody@mg.example.com"}))
    assert (missing["error"]["kind"], missing["error"]["http_status"]) == ("mailgun_refused", 404)


def test_a_template_is_rolled_back_to_its_version_before(client: Host, account: Account) -> None:
    """The job: roll the template back."""
    account.prepare("")
    where = {"domain": D, "template_name": "welcome"}
    versions = content(client.call("list_template_versions", {**where, "fields": "tag,active"}))["result"]
    assert (versions["columns"], versions["rows"]) == (["tag", "active"], [["v1", False], ["v2", True]])
    done = client.call("update_template_version", {**where, "tag": "v1", "active": "yes"})
    assert content(done)["executed"] is True, text(done)
    assert "Live mail changes from now on: version v1 takes the place of v2." in client.asked[-1]
    assert "> +<p>Welcome, {{name}}</p>" in client.asked[-1]
    now = content(client.call("get_template", where))["result"]["template"]["version"]
    assert (now["tag"], now["template"]) == ("v1", "⟪<p>Welcome, {{name}}</p>")


def test_members_of_a_file_are_imported_in_one_approval(client: Host, account: Account) -> None:
    """The job: import these members. A column that is no field is told of before anybody is asked."""
    account.prepare("add_mailing_list_members")
    asked_before = len(client.asked)
    team = {"list_address": "team@mg.example.com"}
    wrong = client.call("add_mailing_list_members", {**team, "members_file": "terms.txt"})
    assert content(wrong)["error"]["problems"][0]["path"] == "members_file"
    done = client.call("add_mailing_list_members", {**team, "members_file": "members.csv"})
    assert content(done)["executed"] is True, text(done)
    assert content(done)["result"]["list"]["members_count"] == 2
    (question,) = client.asked[asked_before:]
    assert "1: ann+news@example.net" in question
    assert "2: second@example.org" in question
    assert len(account.writes()) == 1


def test_why_five_people_did_not_get_it_is_told_in_two_calls(client: Host, account: Account) -> None:
    """The job: why did these five not arrive. Lists first, all at once; then the one that is on none."""
    account.prepare("diagnose_delivery")
    asked_before = len(client.asked)
    five = ["gone@example.net", "quiet@example.net", "angry@example.net", "full@example.org", "new@example.org"]
    lists = client.call("check_suppressions", {"domain": D, "addresses": five})
    assert [row[:2] for row in content(lists)["result"]["rows"]] == [
        ["gone@example.net", "bounces"],
        ["quiet@example.net", "unsubscribes"],
        ["angry@example.net", "complaints"],
        ["full@example.org", "bounces"],
    ]
    assert content(lists)["result"]["on_none_of_the_three"] == ["new@example.org"]
    last = client.call("diagnose_delivery", {"domain": D, "recipient": "new@example.org"})
    assert content(last)["result"]["verdict"] == "not_sent"
    assert len(text(lists)) + len(text(last)) < 1_800
    assert len(client.asked) == asked_before
    assert account.writes() == []


def test_an_invitation_is_sent_after_a_yes_to_its_times(client: Host, account: Account) -> None:
    """The job: an invitation for a calendar."""
    account.prepare("send_invitation")
    done = client.call(
        "send_invitation",
        {
            **{"domain": D, "from": "Ann <ann@mg.example.com>", "attendees": ["bob@example.net"], "title": "Handover"},
            **{"start": "2036-07-01T09:00", "end": "2036-07-01T10:00", "time_zone": "America/New_York"},
        },
    )
    assert content(done)["executed"] is True, text(done)
    assert "Tue 2036-07-01 09:00 to 10:00 America/New_York" in client.asked[-1]
    assert "Tue 2036-07-01 13:00 to 14:00 UTC" in client.asked[-1]
    assert len(account.writes()) == 1
