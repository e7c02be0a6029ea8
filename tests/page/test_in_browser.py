"""The page in a real browser: with the mouse, with the keyboard, in two tabs, and with the worst that records hold."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.approval.record import Record

from .records import a_domain_deletion, a_preview, a_record, a_send, an_update
from .serving import PASSPHRASE, RunningPage
from .webdriver import Chromium

pytestmark = pytest.mark.browser

ARMED = "return performance.now() - (window.armed ??= performance.now()) > 750"
"""A click on Approve counts 700 ms after the request appeared."""


def show(chromium: Chromium, page: RunningPage, record: Record) -> None:
    """Open `record` by a one-time link, as the server does, and wait until its buttons count."""
    page.gate.add(record)
    chromium.go(page.page.link(record.id))
    if record.state == "pending":
        chromium.find("#approve")
        chromium.until(lambda: page.record(record.id).shown_at, "not marked as shown")
    arm(chromium)


def arm(chromium: Chromium) -> None:
    chromium.run("window.armed = undefined")
    chromium.until(lambda: chromium.run(ARMED), "the buttons do not count yet")


def focused(chromium: Chromium) -> str:
    return str(chromium.run("return document.activeElement?.id || document.activeElement?.tagName.toLowerCase()"))


def tab_to(chromium: Chromium, wanted: str, most: int = 60) -> None:
    """Press Tab until the element with that id has the focus."""
    for _ in range(most):
        chromium.press("tab")
        if focused(chromium) == wanted:
            return
    raise AssertionError(f"Tab does not reach {wanted}")


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


def test_a_click_in_the_first_moment_and_a_double_click_do_not_approve(chromium: Chromium, page: RunningPage) -> None:
    record = a_record()
    page.gate.add(record)
    chromium.go(page.page.link(record.id))
    chromium.find("#approve")
    chromium.run("document.querySelector('#approve').click()")
    arm(chromium)
    chromium.run("document.querySelector('#approve').click()")
    assert page.gate.decisions == []
    chromium.double_click("#approve")
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
    assert chromium.run("return location.href") == f"{page.origin}/#/a/{record.id}"
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


def test_the_tabs_of_a_message_follow_the_arrow_keys(chromium: Chromium, page: RunningPage) -> None:
    show(chromium, page, a_send())
    tab_to(chromium, "message-tab-0")
    chromium.press("right", "right", "right")
    assert focused(chromium) == "message-tab-3"
    assert "the text names www.example.com, the link leads to billing.example.net" in chromium.text("#message-panel")


def test_a_screen_reader_finds_its_way(chromium: Chromium, page: RunningPage) -> None:
    """Landmarks and names as the browser computes them for assistive technology."""
    show(chromium, page, a_send())
    chromium.find("iframe")
    tree = chromium.devtools("Accessibility.getFullAXTree")["nodes"]
    found = {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node["ignored"]}
    assert {
        ("navigation", "Approvals"),
        ("main", ""),
        ("article", "Request"),
        ("heading", "Send a message"),
        ("heading", "1 warning"),
        ("region", "Decision"),
        ("button", "Reject…"),
        ("button", "Approve and send"),
        ("tab", "Rendered"),
        ("Iframe", "The HTML body, without scripts, remote pictures and working links"),
    } <= found
    nameless = [role for role, name in found if role in {"button", "link", "textbox", "tab", "checkbox"} and not name]
    assert nameless == []


# Looks ------------------------------------------------------------------------------------------------------------

LONG = "Invoice " + "and so on " * 40
RTL = "\u062f\u0639\u0648\u0629 \u0644\u0644\u0627\u062c\u062a\u0645\u0627\u0639 \u2014 \u05e9\u05dc\u05d5\u05dd"


def the_worst_to_lay_out() -> Record:
    """Long words, other directions, many warnings."""
    record = a_send()
    preview = {**record.preview}
    preview["target"] = "message to " + "very-long-mailbox-name." * 12 + "@" + "sub." * 30 + "example.com"
    preview["warnings"] = [f"Warning {n}: {'long ' * (n % 7 * 6)}{RTL}" for n in range(40)]
    preview["message"] = {**preview["message"], "subject": RTL + " " + LONG, "from": "x" * 300 + "@example.com"}
    preview["recipients"] = [{"address": "y" * 200 + "@example.com", "kind": "to", "flags": ["z" * 80, RTL]}]
    preview["sections"] = [{"heading": "H" * 120, "rows": [{"label": "L" * 90, "value": "v" * 400, "flags": []}]}]
    return replace(record, preview=preview)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (360, 780)], ids=["desktop", "phone"])
@pytest.mark.parametrize("what", [a_send, a_domain_deletion, an_update, the_worst_to_lay_out])
def test_nothing_sticks_out_and_everything_can_be_read(
    chromium: Chromium, page: RunningPage, pictures: Path, what: Any, width: int, height: int, dark: bool
) -> None:
    """Nothing scrolls sideways, text has a contrast of 4.5 (WCAG 2.2, 1.4.3), targets are 24 pixels (2.5.8)."""
    chromium.look(width, height, dark=dark)
    show(chromium, page, what())
    chromium.run("document.querySelector('#more-warnings')?.click(); document.querySelector('details').open = true")
    chromium.picture(pictures / f"{what.__name__}-{width}-{'dark' if dark else 'light'}.png")
    assert chromium.run("return document.documentElement.scrollWidth <= window.innerWidth")
    assert chromium.run(CONTRAST) == []
    assert chromium.run(SMALL) == []


SMALL = """
return [...document.querySelectorAll('main button, main summary, header button')]
  .filter((e) => e.offsetParent && e.getBoundingClientRect().height < 24).map((e) => e.innerText)
"""

CONTRAST = """
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const paint = (layers) => {
  canvas.clearRect(0, 0, 1, 1);
  for (const layer of layers) { canvas.fillStyle = layer; canvas.fillRect(0, 0, 1, 1); }
  return [...canvas.getImageData(0, 0, 1, 1).data];
};
const light = (rgb) => {
  const [r, g, b] = rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const bad = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || element.closest("noscript, .unseen, .skip")) continue;
  if (!element.checkVisibility()) continue;
  const layers = [];
  for (let e = element; e; e = e.parentElement) layers.unshift(getComputedStyle(e).backgroundColor);
  const behind = light(paint(layers).slice(0, 3));
  const ink = light(paint([...layers, getComputedStyle(element).color]).slice(0, 3));
  const ratio = (Math.max(ink, behind) + 0.05) / (Math.min(ink, behind) + 0.05);
  const off = element.closest("[aria-disabled=true]");
  if (ratio < 4.5 && !off) bad.push(`${ratio.toFixed(2)} ${element.className} ${walker.currentNode.data.slice(0, 30)}`);
}
return bad;
"""
