"""Jobs that send."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from .work import DOMAIN, HERE, TEAM, Work, job

SUPPORT = f"Support <support@{DOMAIN}>"


@job
def a_mail_with_a_file(work: Work) -> None:
    told = work.write(
        "send_message", **HERE, **{"from": SUPPORT}, to=["ann@example.net"], subject="Your invoice",
        text="Hello Ann, here is your invoice.", attachments=["invoice.pdf"],
    )  # fmt: skip
    (sent,) = work.account.sent()
    assert (sent["recipients"], sent["subject"]) == (["ann@example.net"], "Your invoice")
    assert [file["filename"] for file in sent["attachments"]] == ["invoice.pdf"]
    assert told["result"]["id"] == sent["id"].strip("<>")


@job
def a_stored_template_with_values(work: Work) -> None:
    template = work.read("get_template", **HERE, template_name="welcome")["template"]["version"]["template"]
    assert "{{name}}" in template
    assert "{{company}}" in template
    work.write(
        "send_message", **HERE, **{"from": SUPPORT}, to=["ann@example.net"], template="welcome",
        template_variables={"name": "Ann", "company": "Example"},
    )  # fmt: skip
    (sent,) = work.account.sent()
    assert (sent["template"], sent["template_variables"]) == ("welcome", {"name": "Ann", "company": "Example"})


@job
def tell_the_team_tomorrow_at_nine_in_tokyo(work: Work) -> None:
    people = [f"person{number}@example.net" for number in range(12)]
    work.team(people)
    tokyo = timezone(timedelta(hours=9))
    nine = (datetime.now(tokyo) + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
    assert work.read("get_mailing_list", list_address=TEAM)["list"]["members_count"] == 12
    work.write(
        "send_message", **HERE, **{"from": SUPPORT}, to=[TEAM], subject="Moving on Friday",
        text="We move on Friday.", delivery_time=nine.isoformat(),
    )  # fmt: skip
    (sent,) = work.account.sent()
    assert (sorted(sent["recipients"]), sent["deliver_at"]) == (sorted(people), nine.timestamp())
    assert work.state(f"/v3/{DOMAIN}/events?event=delivered")["items"] == []


@job
def three_people_each_with_their_own_name(work: Work) -> None:
    names = {"ann@example.net": "Ann", "bob@example.org": "Bob", "cleo@example.net": "Cleo"}
    work.write(
        "send_message", **HERE, **{"from": SUPPORT}, to=list(names), subject="Hello %recipient.name%",
        text="Hello %recipient.name%, see you on Monday.",
        recipient_variables={address: {"name": name} for address, name in names.items()},
    )  # fmt: skip
    (sent,) = work.account.sent()
    copies = {copy["recipient"]: copy for copy in sent["copies"]}
    assert {address: copy["subject"] for address, copy in copies.items()} == {
        address: f"Hello {name}" for address, name in names.items()
    }
    for address, copy in copies.items():
        assert not [other for other in names if other != address and other in str(copy)]


@job
def no_rewritten_links_but_opens_are_counted(work: Work) -> None:
    work.write(
        "send_message", **HERE, **{"from": SUPPORT}, to=["ann@example.net"], subject="Your contract",
        html='<p>Read it <a href="https://example.com/contract">here</a>.</p>', text="https://example.com/contract",
        tracking_clicks="no", tracking_opens=True,
    )  # fmt: skip
    (sent,) = work.account.sent()
    said = {name: sent["options"][name] for name in ("o:tracking-clicks", "o:tracking-opens")}
    assert said == {"o:tracking-clicks": ["no"], "o:tracking-opens": ["yes"]}


@job
def wants_mail_again_after_a_complaint_by_mistake(work: Work) -> None:
    work.write("delete_complaint", **HERE, address="angry@example.net")
    work.write(
        "send_message", **HERE, **{"from": SUPPORT}, to=["angry@example.net"], subject="You get our mail again",
        text="As you asked, you get our mail again.",
    )  # fmt: skip
    assert work.state(f"/v3/{DOMAIN}/complaints")["items"] == []
    (delivered,) = work.state(f"/v3/{DOMAIN}/events?event=delivered")["items"]
    assert delivered["recipient"] == "angry@example.net"


@job
def answer_what_dave_wrote(work: Work) -> None:
    work.account.ask(
        "POST", "/v3/routes",
        {"expression": f'match_recipient("help@{DOMAIN}")', "action": "store()", "priority": "0"},
    )  # fmt: skip
    arrived = {"from": "Dave <dave@example.net>", "to": f"help@{DOMAIN}", "subject": "Opening hours?"}
    asked = {"Message-Id": "<q1@example.net>"}
    work.account.tell("inbound", {**arrived, "text": "Are you open on Sunday?", "headers": asked})
    work.account.begin()
    found = work.read(
        "list_events", **HERE, **{"from": "dave@example.net"}, event="stored", fields="subject,storage_key"
    )
    (key,) = [row[found["columns"].index("storage_key")] for row in found["rows"]]
    assert "open on Sunday" in str(work.read("get_stored_message", **HERE, storage_key=key))
    work.write("send_message", **HERE, **{"from": f"help@{DOMAIN}"}, reply_to_message=key, text="Yes, from ten.")
    (sent,) = work.account.sent()
    assert sent["recipients"] == ["dave@example.net"]
    assert (sent["subject"], sent["headers"]["In-Reply-To"]) == ("Re: Opening hours?", "<q1@example.net>")


@job
def an_invitation_for_a_calendar(work: Work) -> None:
    work.write(
        "send_invitation", **HERE, **{"from": f"Office <office@{DOMAIN}>"},
        attendees=["ann@example.net", "bob@example.org"], title="Budget",
        start="2027-03-01T10:00", end="2027-03-01T11:00", time_zone="Europe/Berlin",
    )  # fmt: skip
    (sent,) = work.account.sent()
    assert sent["recipients"] == ["ann@example.net", "bob@example.org"]
    assert "METHOD:REQUEST" in sent["mime"]
    assert "SUMMARY:Budget" in sent["mime"]


@job
def move_the_appointment_and_then_cancel_it(work: Work) -> None:
    office = {**HERE, "from": f"Office <office@{DOMAIN}>"}
    named = work.mail_invitation(office)
    moved = work.write("send_invitation", **office, changes=named, start="2027-03-02T10:00", end="2027-03-02T11:00")
    work.write("send_invitation", **office, cancels=moved["result"]["id"])
    _, changed, cancelled = work.account.sent()
    assert "DTSTART:20270302T090000Z" in changed["mime"]
    assert ("SEQUENCE:1" in changed["mime"], "METHOD:CANCEL" in cancelled["mime"]) == (True, True)


@job
def exactly_once_while_the_answer_gets_lost(work: Work) -> None:
    work.account.arm({"fault": {"kind": "drop_after"}, "match": {"method": "POST", "path_regex": "messages"}})
    told = work.write(
        "send_message", **HERE, **{"from": SUPPORT}, to=["ann@example.net"], subject="Your code", text="It is 4711."
    )
    (sent,) = work.account.sent()
    assert (sent["recipients"], sent["text"]) == (["ann@example.net"], "It is 4711.")
    assert told["result"]["found_by"] == "looking it up afterwards"
    assert len(work.account.writes()) == 1
