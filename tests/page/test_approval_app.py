"""The app in a real browser, in the frame and behind the policy of a host: it shows, and can do nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.approval.channels.shown_in_app import shown_in_app
from maton_mailgun.approval.store.record import Record

from .app_host import AppHost, Frame
from .browser import Chromium
from .records import a_preview, a_record, a_send
from .serving import RunningPage

pytestmark = pytest.mark.browser

CAN: dict[str, Any] = {
    "serverResources": {},
    "serverTools": {},
    "openLinks": {},
    "message": {},
    "updateModelContext": {},
}
"""A host that would do all there is for its apps."""
MARKUP = (
    '<script>parent.postMessage({jsonrpc:"2.0",id:9,method:"tools/call",params:{name:"send_message"}},"*")</script>'
    '<img src=/taken onerror="fetch(\'/taken\')"><a href="http://127.0.0.1/taken">Approve</a><style>body{display:none}'
    '</style><iframe src="/taken"></iframe></bdi></main>'
)


@pytest.fixture(scope="module")
def app_host() -> Iterator[AppHost]:
    with AppHost() as host:
        yield host


def page_way(record: Record) -> list[dict[str, Any]]:
    return [
        {"channel": "page", "url": f"http://127.0.0.1:8000/approvals/#/a/{record.id}"},
        {"channel": "cli", "command": f"maton-mailgun approvals show {record.id}"},
    ]


def hostile() -> Record:
    """A request in which every text of others is markup."""
    row = {"label": f"Label {MARKUP}", "value": f"Value {MARKUP}", "flags": [f"Flag {MARKUP}"], "block": True}
    message = {
        "from": f"From {MARKUP} <a@mg.example.com>",
        "subject": f"Subject {MARKUP}\u202egnp.exe",
        "text": f"Text {MARKUP}\n\nDecide here: http://127.0.0.1/taken",
        "html": f"<p>Words {MARKUP}</p>",
        "attachments": [{"name": f"File {MARKUP}", "type": "text/html", "size": 1, "sha256": "0" * 64}],
    }
    preview = a_preview(
        title=f"Title {MARKUP}",
        target=f"Target {MARKUP}",
        effect=f"Effect {MARKUP}",
        warnings=[f"Warning {MARKUP}"],
        unchecked=[f"Unchecked {MARKUP}"],
        history=[f"History {MARKUP}"],
        sections=[{"heading": f"Heading {MARKUP}", "rows": [row]}],
        recipients=[{"address": "ada@example.net", "name": f"Name {MARKUP}", "flags": [f"Remark {MARKUP}"]}],
        message=message,
    )
    return a_record(preview=preview, client=f"Client {MARKUP}")


def test_markup_in_any_text_is_text_and_nothing_runs_loads_or_is_asked(
    chromium: Chromium, app_host: AppHost, pictures: Path
) -> None:
    record = hostile()
    frame = Frame(chromium, app_host, CAN)
    before = len(app_host.requested)
    frame.result(shown_in_app(record, page_way(record), record.created_at))
    text = frame.until("Where to decide")
    for what in ("Title", "Subject", "Effect", "Warning", "Unchecked", "Heading", "Label", "Value", "Flag", "From"):
        assert f"{what} <script>" in text
    assert "⟨U+202E⟩" in text
    elements = frame.inside(
        "return [...document.querySelectorAll('body *')].map((one) => one.localName)"
        ".filter((name) => !['bdi', 'main', 'p', 'h1', 'h2', 'section', 'ul', 'li', 'dl', 'dt', 'dd', 'span', 'code',"
        " 'pre', 'button', 'details', 'summary', 'noscript', 'script'].includes(name))"
    )
    assert elements == []
    assert frame.inside("return document.querySelectorAll('script').length") == 1
    assert app_host.requested[before:] == []
    assert frame.methods() == {
        "ui/initialize",
        "ui/notifications/initialized",
        "ui/notifications/size-changed",
    }
    # No long label leaves a value without room, and nothing stands beside what is in view.
    room = "return [innerWidth, document.documentElement.scrollWidth, Math.min(...[...document.querySelectorAll('dd')]"
    width, needed, least = frame.inside(
        f"{room}.filter((one) => one.checkVisibility()).map((one) => one.offsetWidth))]"
    )
    assert needed <= width
    assert least > width / 2
    chromium.run("scrollTo(0, 0)")
    chromium.picture(pictures / "approval-app-hostile.png")


def test_its_own_policy_lets_nothing_run_that_somebody_put_into_it(chromium: Chromium, app_host: AppHost) -> None:
    """The policy of a host allows scripts that stand in the page; this one does not."""
    frame = Frame(chromium, app_host, CAN)
    done = frame.inside(
        "const script = document.createElement('script');"
        "const refused = [];"
        "for (const put of [() => { script.textContent = 'window.ran = 1'; document.body.append(script); },"
        " () => { document.body.innerHTML = '<b>x</b>'; }, () => { document.body.setAttribute('onclick', 'x()'); }])"
        " { try { put(); } catch (problem) { refused.push(problem.name); } }"
        "return [window.ran ?? 0, refused];"
    )
    assert done == [0, ["TypeError"] * 3]
    chromium.console()


def test_it_shows_what_the_page_shows_in_the_order_of_the_page(
    chromium: Chromium, app_host: AppHost, pictures: Path
) -> None:
    record = a_record()
    with RunningPage([record]) as page:
        chromium.go(page.page.link(record.id))
        chromium.until_text("Technical details")
        on_page = chromium.run(
            "return [...document.querySelectorAll('article h1, article h2')].map((one) => one.textContent.trim())"
        )
    frame = Frame(chromium, app_host, CAN, {"theme": "light"})
    frame.result(shown_in_app(record, page_way(record), record.created_at))
    frame.until("Technical details")
    in_app = frame.inside(
        "return [...document.querySelectorAll('h1, h2, summary')].map((one) => one.textContent.trim())"
    )
    assert [heading for heading in in_app if heading != "Where to decide"] == on_page
    chromium.picture(pictures / "approval-app.png")


def test_only_what_is_odd_is_amber_and_whether_it_can_be_undone_stands_under_the_effect(
    chromium: Chromium, app_host: AppHost
) -> None:
    people = [
        {"address": "ada@example.net", "flags": ["external", "last mail 27 Nov 2026 14:27 UTC", "last mail never"]},
        {"address": "bob@example.net", "flags": ["external, first time", "first time"]},
    ]
    record = a_record(preview=a_preview(recipients=people, undo_plainly="Can be removed again."))
    frame = Frame(chromium, app_host, CAN)
    frame.result(shown_in_app(record, page_way(record), record.created_at))
    text = frame.until("Where to decide")
    assert text.index("at priority 0.") < text.index("Can be removed again.") < text.index("Waits for a person")
    assert text.count("Can be removed again.") == 1
    calm = frame.inside("return [...document.querySelectorAll('.flag.calm')].map((one) => one.textContent)")
    assert calm == ["external", "last mail 27 Nov 2026 14:27 UTC"]


def test_it_follows_how_it_ends_by_reading_alone_and_stops_then(chromium: Chromium, app_host: AppHost) -> None:
    record = a_send()
    frame = Frame(chromium, app_host, CAN)
    ended = replace(
        record, state="succeeded", version=3, decided_by="Ada, by passphrase", result={"message": "Queued."}
    )
    address = f"maton-mailgun://approvals/{record.id}/shown"
    contents = [{"uri": address, "text": json.dumps(shown_in_app(ended, [], record.created_at))}]
    frame.reply("resources/read", {"contents": contents})
    frame.result(shown_in_app(record, page_way(record), record.created_at))
    assert "Waits for a person" in frame.until("Where to decide")
    # Whoever has decided elsewhere comes back to the chat.
    frame.inside("window.dispatchEvent(new Event('focus'))")
    text = frame.until("Done")
    assert "Ada, by passphrase" in text
    assert "Where to decide" not in text
    asked = [
        (one["method"], one["params"]) for one in frame.heard() if "id" in one and one["method"] != "ui/initialize"
    ]
    assert asked == [("resources/read", {"uri": address})]
    frame.inside("window.dispatchEvent(new Event('focus'))")
    assert len([one for one in frame.heard() if one["method"] == "resources/read"]) == 1


def test_it_goes_on_with_what_a_person_put_in_its_place(chromium: Chromium, app_host: AppHost) -> None:
    record, fresh = a_send(), a_record()
    frame = Frame(chromium, app_host, CAN)
    old = replace(record, state="superseded", version=2, superseded_by=fresh.id)
    contents = [{"uri": "x", "text": json.dumps(shown_in_app(old, [], record.created_at))}]
    frame.reply("resources/read", {"contents": contents})
    frame.result(shown_in_app(record, page_way(record), record.created_at))
    frame.until("Where to decide")
    frame.inside("window.dispatchEvent(new Event('focus'))")
    frame.until("Another request stands in its place")
    contents = [{"uri": "x", "text": json.dumps(shown_in_app(fresh, page_way(fresh), fresh.created_at))}]
    frame.reply("resources/read", {"contents": contents})
    frame.inside("window.dispatchEvent(new Event('focus'))")
    assert f"approvals show {fresh.id}" in frame.until("Create a route")
    read = [one["params"]["uri"] for one in frame.heard() if one.get("method") == "resources/read"]
    assert read == [f"maton-mailgun://approvals/{one.id}/shown" for one in (record, fresh)]


def test_a_host_that_hands_on_less_has_it_read_or_told_that_it_is_not_all(
    chromium: Chromium, app_host: AppHost
) -> None:
    record = a_send()
    little = {
        "headline": "NOT EXECUTED.",
        "approval_id": record.id,
        "effect": f"Effect {MARKUP}",
        "decide": page_way(record),
    }
    frame = Frame(chromium, app_host, CAN)
    whole = json.dumps(shown_in_app(record, page_way(record), record.created_at))
    frame.reply("resources/read", {"contents": [{"uri": "x", "text": whole}]})
    frame.result(None, little)
    frame.until("Your invoice for March")
    frame = Frame(chromium, app_host, {})
    frame.result(None, little)
    text = frame.until("Not all of it is here")
    assert "Effect <script>" in text
    assert f"maton-mailgun approvals show {record.id}" in text
    assert "Open the approval page" not in text


def test_theme_room_and_the_way_to_the_page_are_the_hosts(chromium: Chromium, app_host: AppHost) -> None:
    record = a_record()
    context = {"theme": "dark", "styles": {"variables": {"--color-text-primary": "rgb(1, 2, 3)", "--x": "red"}}}
    frame = Frame(chromium, app_host, CAN, context)
    frame.result(shown_in_app(record, page_way(record), record.created_at))
    frame.until("Where to decide")
    look = "const root = document.documentElement; const style = getComputedStyle(root);"
    assert frame.inside(f"{look} return [style.colorScheme, style.color, root.style.getPropertyValue('--x')]") == [
        "dark",
        "rgb(1, 2, 3)",
        "",
    ]
    frame.notify("ui/notifications/host-context-changed", {"theme": "light", "containerDimensions": {"maxHeight": 200}})
    chromium.until(lambda: frame.heard()[-1].get("params", {}).get("height") == 200, "its size is not the host's")
    assert frame.inside(f"{look} return style.colorScheme") == "light"
    frame.reply("ui/open-link", {})
    chromium.enter_frame("iframe")
    chromium.click("button")
    chromium.leave_frame()
    (opened,) = [one["params"] for one in frame.heard() if one.get("method") == "ui/open-link"]
    assert opened == {"url": page_way(record)[0]["url"]}
    frame.notify("ui/notifications/tool-cancelled", {"reason": "stopped"})
    frame.until("The call was ended before it had an answer")


def test_only_the_host_is_heard(chromium: Chromium, app_host: AppHost) -> None:
    record = hostile()
    frame = Frame(chromium, app_host, CAN)
    said = {
        "jsonrpc": "2.0",
        "method": "ui/notifications/tool-result",
        "params": {"structuredContent": {"headline": "EXECUTED, all is well"}, "content": []},
    }
    frame.inside("window.postMessage(arguments[0], '*')", said)
    frame.result(shown_in_app(record, [], record.created_at))
    assert "all is well" not in frame.until("Warning <script>")
