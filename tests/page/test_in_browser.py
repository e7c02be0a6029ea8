"""The page in a real browser: with the mouse, with the keyboard, in two tabs, and with the worst that records hold."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from maton_mailgun.approval.store.record import Record

from .browser import Chromium
from .records import a_domain_deletion, a_preview, a_record, a_send, an_update
from .serving import PASSPHRASE, RunningPage
from .visiting import arm, focused, show, tab_to

pytestmark = pytest.mark.browser

# Deciding ---------------------------------------------------------------------------------------------------------


def test_approving_with_the_mouse_shows_the_outcome_live(chromium: Chromium, page: RunningPage) -> None:
    record = a_send()
    page.gate.go_on.clear()
    show(chromium, page, record)
    assert "message to 3 recipients via mg.example.com" in chromium.text("main")
    chromium.click("#approve")
    chromium.until_text("Running", "#outcome-heading")
    assert focused(chromium) == "outcome-heading"
    assert chromium.all("#approve") == []
    page.run(_set(page))
    chromium.until_text("Sent", "#outcome-heading")
    assert "Queued. Thank you." in chromium.text(".outcome")
    chromium.until_text("Sent", "#list")
    assert page.gate.writes == [record.id]


async def _set(page: RunningPage) -> None:
    page.gate.go_on.set()


def test_approving_with_the_keyboard_alone(chromium: Chromium, page: RunningPage) -> None:
    record = a_domain_deletion()
    show(chromium, page, record)
    assert focused(chromium) == "h1"
    tab_to(chromium, "checked")
    chromium.press("space")
    tab_to(chromium, "approve")
    arm(chromium)
    chromium.press("enter")
    chromium.until_text("Deleted", "#outcome-heading")
    assert page.gate.writes == [record.id]


def test_the_target_of_something_dangerous_must_be_checked_first(chromium: Chromium, page: RunningPage) -> None:
    record = a_domain_deletion()
    show(chromium, page, record)
    chromium.click("#approve")
    chromium.until_text("Tick the box", "#live")
    assert page.gate.decisions == []
    chromium.click("#checked")
    chromium.click("#approve")
    chromium.until_text("Deleted", "#outcome-heading")


def test_enter_decides_nothing_by_itself(chromium: Chromium, page: RunningPage) -> None:
    record = a_record()
    show(chromium, page, record)
    assert focused(chromium) == "h1"
    chromium.press("enter", "space", "enter")
    chromium.press("tab", "tab", holding="shift")
    chromium.run("document.body.tabIndex = -1; document.body.focus()")
    chromium.press("enter")
    status = page.browser().get(f"/api/approvals/{record.id}").json["status"]
    assert (status["state"], page.gate.decisions) == ("pending", [])


def test_clicks_that_were_meant_for_something_else_do_not_approve(chromium: Chromium, page: RunningPage) -> None:
    """In the first moment, and as the second click of a double click. The page's clock is moved by the test."""
    clock = "window.testTime = 1000; performance.now = () => window.testTime"
    chromium.devtools("Page.addScriptToEvaluateOnNewDocument", source=clock)
    record = a_record()
    page.gate.add(record)
    chromium.go(page.page.link(record.id))
    chromium.until(lambda: page.record(record.id).shown_at, "not marked as shown")
    chromium.run("window.testTime += 600")
    chromium.click_at("#approve")
    chromium.run("window.testTime += 600; document.querySelector('#approve').click()")
    chromium.click_at("#approve", counts=(2,))
    assert chromium.run("return document.querySelector('#approve').disabled") is False
    assert page.gate.decisions == []
    chromium.click_at("#approve")
    chromium.until_text("Created", "#outcome-heading")


def test_a_double_click_is_one_decision(chromium: Chromium, page: RunningPage) -> None:
    record = a_record()
    show(chromium, page, record)
    chromium.click_at("#approve", counts=(1, 2))
    chromium.until_text("Created", "#outcome-heading")
    assert len(page.gate.decisions) == 1


def test_rejecting_with_a_reason(chromium: Chromium, page: RunningPage) -> None:
    record = a_record()
    show(chromium, page, record)
    chromium.click("#reject")
    chromium.until(lambda: focused(chromium) == "reason", "the reason is not asked for")
    chromium.type("#reason", "Use the internal host instead.")
    chromium.click("#reject-now")
    chromium.until_text("Rejected", "#outcome-heading")
    assert "Use the internal host instead." in chromium.text(".outcome")
    [(_, decision)] = page.gate.decisions
    assert (decision.approve, decision.reason, decision.channel) == (False, "Use the internal host instead.", "page")


def test_escape_leaves_the_rejection_again(chromium: Chromium, page: RunningPage) -> None:
    show(chromium, page, a_record())
    tab_to(chromium, "reject")
    chromium.press("enter")
    chromium.until(lambda: focused(chromium) == "reason", "the reason is not asked for")
    chromium.press("escape")
    assert focused(chromium) == "reject"
    assert page.gate.decisions == []


def test_stopping_everything_takes_two_clicks_and_says_how_it_is_lifted(chromium: Chromium, page: RunningPage) -> None:
    record = a_send()
    show(chromium, page, record)
    chromium.click("#stop")
    chromium.until_text("Stop all writes?", "dialog")
    chromium.press("enter")
    # A browser says that a dialogue was closed in a task of its own, and only then is it taken away.
    chromium.until(lambda: chromium.all("dialog") == [], "the question is still there")
    assert page.gate.stop_in_force is None

    chromium.click("#stop")
    chromium.click("dialog .danger")
    chromium.until_text("All writes are stopped", "#stopped")
    assert "maton-mailgun approvals resume" in chromium.text("#stopped")
    chromium.until_text("Rejected", "#outcome-heading")
    assert (page.gate.records[record.id].state, page.gate.writes) == ("rejected", [])
    assert page.gate.records[record.id].reason == "All writes were stopped by a person."


def test_two_tabs_are_one_decision(chromium: Chromium, page: RunningPage) -> None:
    record = a_record()
    show(chromium, page, record)
    first = chromium.tab()
    chromium.new_tab()
    show(chromium, page, page.record(record.id))
    chromium.click("#approve")
    chromium.until_text("Created", "#outcome-heading")
    chromium.close_tab()
    chromium.switch(first)
    chromium.until_text("Created", "#outcome-heading")
    assert chromium.all("#approve") == []
    assert len(page.gate.decisions) == 1


def test_whoever_comes_second_is_shown_how_it_is_now(chromium: Chromium, page: RunningPage) -> None:
    record = a_record()
    show(chromium, page, record)
    # The tab hears nothing of the change before it sends its own answer.
    chromium.run(
        "const ask = window.fetch;window.fetch = (to, how) => /changes/.test(to) ? new Promise(() => {}) : ask(to, how)"
    )
    chromium.until(lambda: _is_deaf(chromium, page, record), "the tab still hears of changes")
    browser = page.browser()
    seen = {"digest": record.digest, "version": page.record(record.id).version}
    assert browser.decide(record.id, {**seen, "decision": "reject", "reason": "first"}).status == 200
    chromium.click("#approve")
    chromium.until_text("Nothing was", ".remark")
    assert "Rejected" in chromium.text("#outcome-heading")
    assert [decision.approve for _, decision in page.gate.decisions] == [False]


def _is_deaf(chromium: Chromium, page: RunningPage, record: Record) -> bool:
    """Whether the poll that was under way has come back; moving the version brings it back."""
    page.run(_touch(page, record))
    shown = chromium.run(
        "return [...document.querySelectorAll('.technical dt')]"
        ".find(e => e.textContent === 'Version').nextSibling.textContent"
    )
    return str(shown) != str(page.record(record.id).version)


async def _touch(page: RunningPage, record: Record) -> None:
    page.gate.amend(page.record(record.id))


def test_what_expires_while_it_is_open_cannot_be_approved_any_more(chromium: Chromium, page: RunningPage) -> None:
    record = a_record(expires_at=time.time() + 600)
    show(chromium, page, record)
    page.run(_expire(page, record))
    chromium.until_text("Expired", "#outcome-heading")
    assert chromium.all("#approve") == []
    assert "Nobody decided in time" in chromium.text(".outcome")


async def _expire(page: RunningPage, record: Record) -> None:
    page.gate.amend(page.record(record.id), expires_at=time.time() - 1)


def test_an_unknown_outcome_says_what_to_do_and_follows_what_is_found(chromium: Chromium, page: RunningPage) -> None:
    record = a_send()
    error = {"kind": "outcome_unknown", "message": "The answer was lost.", "next": "for the model"}
    page.gate.outcomes[record.id] = ("unknown", {"error": error})
    show(chromium, page, record)
    chromium.click("#approve")
    chromium.until_text("May have happened", "#outcome-heading")
    assert "Do not have it sent again before you have looked" in chromium.text(".outcome")
    page.run(_found(page, record))
    chromium.until_text("Sent", "#outcome-heading")


async def _found(page: RunningPage, record: Record) -> None:
    page.gate.move(page.record(record.id), "succeeded", result={"result": {"found_by": "looking it up afterwards"}})


def test_a_generated_password_is_shown_once(chromium: Chromium, page: RunningPage) -> None:
    record = a_record(operation="create_credential", state="succeeded", finished_at=time.time())
    page.gate.secrets[record.id] = {"password": "generated-<b>once</b>"}
    show(chromium, page, record)
    chromium.click("#show-secret")
    chromium.until_text("generated-<b>once</b>", ".secret-value")
    chromium.go("about:blank")
    show(chromium, page, record)
    chromium.click("#show-secret")
    chromium.until_text("shown before", ".secret")


def test_a_new_request_appears_in_the_list_by_itself(chromium: Chromium, page: RunningPage) -> None:
    page.gate.add(a_record())
    chromium.go(page.page.link())
    chromium.until_text("1 request waits for your decision", "main")
    page.gate.add(a_send())
    chromium.until_text("2 requests wait for your decision", "main")
    chromium.until_text("1 new request waits", "#live")
    assert chromium.run("return document.title") == "(2) Approvals"


# Signing in -------------------------------------------------------------------------------------------------------


def test_the_token_is_gone_from_the_address_and_the_history(chromium: Chromium, page: RunningPage) -> None:
    record = a_record()
    show(chromium, page, record)
    assert chromium.run("return location.href") == page.page.address(record.id)
    assert "?t=" not in chromium.run("return document.documentElement.outerHTML")
    chromium.run("location.reload()")
    chromium.until_text("a new route", "main")
    stored = chromium.run("return JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])")
    assert "maton_mailgun_" not in stored


def test_without_a_link_nothing_is_shown_but_the_way_in(chromium: Chromium) -> None:
    record = a_record()
    with RunningPage([record], passphrase=True) as page:
        chromium.go(f"{page.origin}/#/a/{record.id}")
        chromium.until_text("Sign in to see approvals", "main")
        assert "route" not in chromium.text("body")
        chromium.type("#passphrase", "wrong")
        chromium.press("enter")
        chromium.until_text("does not open the page", "main")
        chromium.type("#passphrase", PASSPHRASE)
        chromium.press("enter")
        chromium.until_text("a new route", "main")


def test_when_the_server_has_gone_the_page_says_so(chromium: Chromium) -> None:
    record = a_record()
    with RunningPage() as page:
        show(chromium, page, record)
        page.run(page.page.close())
        chromium.until_text("The server does not answer", "#banner")
        chromium.go("about:blank")


# What records hold ------------------------------------------------------------------------------------------------

EVIL = "<img src=x onerror=\"window.hacked='{}'\"><script>window.hacked=1</script>'\"`</title>{{{{7*7}}}}"


def poisoned(part: Any, path: str = "") -> Any:
    """`part` with markup in every text of it, keys that the page acts on left alone."""
    if isinstance(part, str):
        return part if path in {"kind", "risk", "action", "data_uri", "cid"} else part + EVIL.format(path)
    if isinstance(part, dict):
        return {name: poisoned(inner, name) for name, inner in part.items()}
    if isinstance(part, list):
        return [poisoned(inner, path) for inner in part]
    return part


def test_12_markup_in_every_field_is_only_ever_text(chromium: Chromium, page: RunningPage) -> None:
    preview = poisoned({**a_send().preview, "diff": an_update().preview["diff"], "unchecked": ["x"]})
    record = replace(
        a_send(),
        preview=preview,
        client=EVIL,
        principal=EVIL,
        rule=EVIL,
        connection_id=EVIL,
        operation=EVIL,
        message_id=EVIL,
        reason=EVIL,
    )
    page.gate.outcomes[record.id] = ("failed", {"error": {"message": EVIL, "next": EVIL, EVIL: EVIL}})
    show(chromium, page, record)
    chromium.find("iframe")
    for tab in range(4):
        chromium.click(f"#message-tab-{tab}")
    chromium.click("details summary")
    chromium.click("#approve")
    chromium.until_text("Failed", "#outcome-heading")
    seen = chromium.text("body")
    assert seen.count("onerror=") > 30
    made = "return document.querySelectorAll('main img, main script, nav img, nav script').length"
    assert (chromium.run("return window.hacked ?? null"), chromium.run(made)) == (None, 0)


def test_the_browser_itself_refuses_markup_from_text(chromium: Chromium, page: RunningPage) -> None:
    show(chromium, page, a_record())
    tried = chromium.run("try { document.body.innerHTML = '<b>x</b>'; return 'done' } catch (e) { return e.name }")
    assert tried == "TypeError"
    chromium.console()


def test_16_every_one_of_500_recipients_can_be_reached(chromium: Chromium, page: RunningPage) -> None:
    record = a_send(500)
    show(chromium, page, record)
    assert "500 recipients" in chromium.text("#recipients-heading")
    shares = chromium.run(
        "return [...document.querySelectorAll('.domains li')].map(e => e.innerText.replace(/\\s+/g, ' '))"
    )
    assert shares == [f"{domain} 125" for domain in ("example.com", "example.net", "example.org", "mail.example.com")]
    chromium.click("[aria-controls=everyone]")
    listed = chromium.run("return [...document.querySelectorAll('.people .address')].map(e => e.textContent)")
    assert listed == [person["address"] for person in record.preview["recipients"]]
    chromium.type("#filter", "person49")
    shown = "return [...document.querySelectorAll('.people li')].filter(e => !e.hidden).length"
    assert (chromium.run(shown), chromium.text(".found")) == (10, "10 of 500")


def test_many_warnings_must_be_opened_before_a_yes_counts(chromium: Chromium, page: RunningPage) -> None:
    record = a_record(preview=a_preview(warnings=[f"Warning number {n}." for n in range(40)]))
    show(chromium, page, record)
    chromium.click("#approve")
    chromium.until_text("Show all 40 warnings", "#decision-note")
    assert page.gate.decisions == []
    chromium.click("#more-warnings")
    assert "Warning number 39." in chromium.text(".warnings")
    chromium.click("#approve")
    chromium.until_text("Created", "#outcome-heading")


def test_attack_151_a_long_value_must_be_opened_before_a_yes_counts(chromium: Chromium, page: RunningPage) -> None:
    row = {"label": "Footer", "value": "x" * 2_500 + " pay 5,000 EUR", "flags": []}
    show(chromium, page, a_record(preview=a_preview(sections=[{"heading": "Body", "rows": [row]}])))
    chromium.click("#approve")
    chromium.until_text("Show each long value to its end", "#decision-note")
    assert page.gate.decisions == []
    chromium.click(".more-text")
    assert "pay 5,000 EUR" in chromium.text(".part dd")
    chromium.click("#approve")
    chromium.until_text("Created", "#outcome-heading")


def test_differences_and_the_sandbox_are_plain_to_see(chromium: Chromium, page: RunningPage) -> None:
    show(chromium, page, an_update())
    assert "Sandbox." in chromium.text(".sandbox")
    lines = chromium.run(
        "return [...document.querySelectorAll('.diff-line')].map(e => e.innerText.replace(/\\s+/g, ' '))"
    )
    assert lines == [
        'actions Now forward("https://hooks.example.com/in") Then forward("http://198.51.100.7/in")',
        "priority Now 10 Then 0",
        "description Now (nothing) Then temporary",
    ]


def test_48_a_long_value_can_be_opened_to_its_last_character(chromium: Chromium, page: RunningPage) -> None:
    rows = [
        {"label": "X-Terms", "value": "word " * 1000 + "END-OF-HEADER", "flags": []},
        {"label": "template", "value": f"{'<p>line</p>⏎' * 500}END-OF-BODY", "flags": [], "block": True},
    ]
    diff = [{"field": "template", "before": "old", "after": "new⏎" * 600 + "END-OF-CHANGE"}]
    show(chromium, page, a_record(preview=a_preview(sections=[{"heading": "Sent", "rows": rows}], diff=diff)))
    ends = ("END-OF-HEADER", "END-OF-BODY", "END-OF-CHANGE")
    everything = "return document.querySelector('.detail').innerText"
    assert [end for end in ends if end in chromium.run(everything)] == []
    left = chromium.run("return [...document.querySelectorAll('.more-text')].map(e => e.textContent)")
    assert left == [f"Show the other {n} characters" for n in ("413", "3,013", "4,011")]
    for _ in left:
        chromium.click(".more-text")
    assert [end for end in ends if end not in chromium.run(everything)] == []
    assert "<p>line</p>\n<p>line</p>\nEND-OF-BODY" in chromium.run(everything)
    assert chromium.run("return document.querySelectorAll('.more-text').length") == 0


def test_48_a_long_body_comes_in_pieces_and_to_its_end(chromium: Chromium, page: RunningPage) -> None:
    record = a_send()
    message = {**record.preview["message"], "html": "", "text": "x" * 250_000 + "END"}
    show(chromium, page, replace(record, preview={**record.preview, "message": message}))
    chromium.until_text("Show 100,000 more characters of the other 150,003", "#message-panel")
    chromium.click("#message-panel .more-text")
    chromium.until_text("Show the other 50,003 characters", "#message-panel")
    chromium.click("#message-panel .more-text")
    body = chromium.run("return document.querySelector('#message-panel pre').textContent")
    assert body == "x" * 250_000 + "END"


def test_48_names_that_go_along_with_addresses_are_shown(chromium: Chromium, page: RunningPage) -> None:
    record = a_send()
    people = [{"address": "ada@example.com", "name": "Pay to DE99", "kind": "to", "flags": []}]
    show(chromium, page, replace(record, preview={**record.preview, "recipients": people}))
    assert chromium.text(".people li").split() == ["Pay", "to", "DE99", "ada@example.com"]


def test_the_tabs_of_a_message_follow_the_arrow_keys(chromium: Chromium, page: RunningPage) -> None:
    show(chromium, page, a_send())
    tab_to(chromium, "message-tab-0")
    chromium.press("right", "right", "right", "right")
    assert focused(chromium) == "message-tab-4"
    assert "the text names www.example.com, the link leads to billing.example.net" in chromium.text("#message-panel")


@pytest.mark.parametrize(
    "html",
    [
        "<style>.c{position:fixed;inset:0;background:#fff}</style><p>Pay 5000 EUR<p class=c>",
        "<style>@media (scripting:none){.z{float:right;margin-right:-99vw}}</style><p class=z>Pay 5000 EUR",
        "<style>html{overflow:hidden!important}</style><div style='height:5000px'></div><p>Pay 5000 EUR",
        "<p style='mask:linear-gradient(transparent,transparent)'>Pay 5000 EUR",
    ],
)
def test_17_all_words_stand_below_a_message_whose_styles_decide_what_is_seen(
    chromium: Chromium, page: RunningPage, html: str
) -> None:
    preview = a_send().preview
    show(chromium, page, replace(a_send(), preview={**preview, "message": {**preview["message"], "html": html}}))
    chromium.find("iframe")
    panel = chromium.text("#message-panel")
    assert ("Pay 5000 EUR" in panel, "Shown as it is" in panel) == (True, False)


def test_a_preheader_stands_beside_the_frame_under_its_own_name(chromium: Chromium, page: RunningPage) -> None:
    html = "<div style='display:none;max-height:0'>What is inside &zwnj;&nbsp;&zwnj;&nbsp;</div><p>Hello</p>"
    preview = a_send().preview
    show(chromium, page, replace(a_send(), preview={**preview, "message": {**preview["message"], "html": html}}))
    chromium.find("iframe")
    said = chromium.text("#message-panel")
    assert ("Preheader, shown in the inbox list only\nWhat is inside" in said, "Hidden in some" in said) == (
        True,
        False,
    )


def test_words_that_styles_keep_out_of_the_frame_stand_beside_it(chromium: Chromium, page: RunningPage) -> None:
    """The frame is drawn from rebuilt markup: one rule hides, and another, which the rebuilding loses, shows again."""
    html = (
        "<style>.x{display:none} p[data-x]{display:block} .y::after{content:'to DE99'}</style>"
        "<p class=x data-x=1>Pay 5000 EUR</p><p class=y>now</p>"
    )
    preview = a_send().preview
    show(chromium, page, replace(a_send(), preview={**preview, "message": {**preview["message"], "html": html}}))
    chromium.find("iframe")
    beside = chromium.text("#message-panel")
    assert ("Pay 5000 EUR" in beside, "to DE99" in beside) == (True, True)


READABLE = """
return [...document.querySelectorAll("#message-panel pre")].some((block) => {
  const box = block.getBoundingClientRect();
  return block.innerText.includes(arguments[0]) && block.checkVisibility({ visibilityProperty: true })
    && box.width > 200 && box.height > 20 && block.scrollHeight <= block.clientHeight + 1;
});
"""


@pytest.mark.parametrize(
    "rule",
    [
        "html[lang=und] .z{position:absolute;left:-9999px}",
        "@media (height:420px),(height:418px){.z{position:absolute;left:-9999px}}",
        "@media (scripting:none){.z{position:absolute;left:-9999px}}",
        "html:has(meta[charset]) .z{position:absolute;left:-9999px}",
        "@media (scripting:none){.z{color:var(--x,#fff)}}",
    ],
)
def test_a_style_that_knows_the_frame_keeps_nothing_from_the_person(
    chromium: Chromium, page: RunningPage, rule: str
) -> None:
    """The words stand on the page as it opens, without a click."""
    html = f"<style>{rule}</style><p>Hello</p><p class=z>Zebra 500 EUR</p>"
    preview = a_send().preview
    show(chromium, page, replace(a_send(), preview={**preview, "message": {**preview["message"], "html": html}}))
    chromium.find("iframe")
    assert chromium.run(READABLE, "Zebra 500 EUR") is True
    assert "Shown as it is" not in chromium.text("#message-panel")


def a_batch(number: int) -> Record:
    """A message that is another one for each of so many people."""
    record = a_send(number)
    people = [one["address"] for one in record.preview["recipients"]]
    message = {
        **record.preview["message"],
        "subject": "For %recipient.name%",
        "text": "Dear %recipient.name%",
        "html": "<p>Dear <b>%recipient.name%</b> <a href='https://%recipient.host%/'>pay</a></p>",
        "headers": [["X-Number", "%recipient.n%"]],
        "parts": [{"label": "Calendar entry", "type": "text/calendar", "text": "SUMMARY:%recipient.name%"}],
        "recipient_values": {
            one: {"name": f"Person {at}", "host": f"h{at}.example.com", "n": at} for at, one in enumerate(people)
        },
    }
    return a_record(operation="send_message", access="send", preview={**record.preview, "message": message})


def test_120_the_message_as_each_of_a_thousand_recipients_gets_it(chromium: Chromium, page: RunningPage) -> None:
    record = a_batch(1_000)
    show(chromium, page, record)
    chromium.find("iframe.letter")
    listed = chromium.run("return [...document.querySelectorAll('#copy-of option')].map(e => e.value)")
    assert listed == ["", *(one["address"] for one in record.preview["recipients"])]
    assert chromium.text("h1") == "For %recipient.name%"
    last = listed[-1]
    chromium.run(
        "const s = document.querySelector('#copy-of'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))",
        last,
    )
    chromium.until_text("For Person 999", ".part dd.subject")
    assert "X-Number" in chromium.text("article")
    chromium.enter_frame("iframe.letter")
    assert chromium.text("body").split() == ["Dear", "Person", "999", "pay"]
    chromium.leave_frame()
    tabs = chromium.run("return [...document.querySelectorAll('[role=tab]')].map(e => e.textContent)")
    assert "Calendar entry" in tabs
    chromium.run("[...document.querySelectorAll('[role=tab]')].find(e => e.textContent.startsWith('Links')).click()")
    assert "h999.example.com" in chromium.text("#message-panel")
    chromium.run("[...document.querySelectorAll('.copy-of button')][0].click()")
    chromium.until_text("For Person 998", ".part dd.subject")
    assert chromium.console() == []


def test_120_a_message_that_is_the_same_for_all_has_no_chooser(chromium: Chromium, page: RunningPage) -> None:
    show(chromium, page, a_send(3))
    chromium.find("iframe.letter")
    assert chromium.all("#copy-of") == []
