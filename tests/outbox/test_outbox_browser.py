"""The outbox in a real browser: a hostile mail reaches nothing, and what is shown is what was sent."""

from __future__ import annotations

import html
import re
import subprocess
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx2
import pytest

from maton_mailgun.sandbox import RunningSandbox, Sandbox, serve
from page.browser import FLAGS, Chromium, chromium_at

pytestmark = pytest.mark.browser


def _page(url: str, home: Path) -> str:
    """The page's elements after its scripts have run."""
    browser = chromium_at()
    if browser is None:
        pytest.skip("Chromium is not installed here")
    command = [browser, *FLAGS, "--virtual-time-budget=4000", "--dump-dom", f"--user-data-dir={home}", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    return done.stdout


def _send(running: RunningSandbox, **changes: str) -> str:
    fields = {"from": "me@mg.example.com", "to": "you@example.net", "subject": "Hi", "text": "Hello", **changes}
    answer = httpx2.post(
        f"{running.url}/v3/mg.example.com/messages", data=fields, auth=("api", "key-sandbox"), trust_env=False
    )
    assert answer.status_code == 200, answer.text
    key: str = running.sandbox.messages[-1]["storage_key"]
    return key


def test_a_hostile_mail_reaches_nothing_and_its_words_stay_words(tmp_path: Path) -> None:
    with serve(Sandbox()) as running:
        canary = f"{running.url}/canary"
        body = (
            f'<img src="{canary}/image"><link rel="stylesheet" href="{canary}/style">'
            f'<iframe src="{canary}/frame"></iframe>'
            f'<meta http-equiv="refresh" content="0;url={canary}/refresh"><style>@import \'{canary}/import\';</style>'
            f'<script>fetch("{canary}/fetch"); parent.document.title = "taken"</script>'
            f'<form action="{canary}/form" id="f"></form><svg onload="fetch(\'{canary}/svg\')"></svg>'
            f'<div style="background:url({canary}/background)">visible words</div>'
        )
        subject = '<img src=x onerror="document.title=1"> \u202egnp.exe'
        key = _send(running, subject=subject, html=body)
        shown = _page(f"{running.url}/_sandbox/#{key}", tmp_path)
        reached = [record["path"] for record in running.sandbox.requests if "canary" in record["path"]]
    assert reached == []
    assert "<title>(1) Outbox · Mailgun sandbox</title>" in shown
    heading = re.search(r"<h2>(.*?)</h2>", shown)
    assert heading is not None
    assert html.unescape(heading[1]) == '<img src=x onerror="document.title=1"> \\u{202e}gnp.exe'
    assert f"/_sandbox/outbox/messages/{key}/html?copy=0" in shown


def test_an_empty_outbox_says_where_to_send(tmp_path: Path) -> None:
    with serve(Sandbox()) as running:
        shown = _page(f"{running.url}/_sandbox/", tmp_path)
    assert "Nothing sent yet" in shown
    assert f"<code>{running.url}</code>" in shown


def test_a_message_without_markup_opens_as_text(tmp_path: Path) -> None:
    with serve(Sandbox()) as running:
        key = _send(running, text="Plain <b>words</b>")
        shown = _page(f"{running.url}/_sandbox/outbox#{key}", tmp_path)
    assert '<pre class="text" tabindex="0">Plain &lt;b&gt;words&lt;/b&gt;</pre>' in shown
    assert "<iframe" not in shown


@pytest.mark.parametrize("name", ["outbox", ""])
def test_a_message_to_one_shows_its_state_and_nothing_that_is_not_there(tmp_path: Path, name: str) -> None:
    leaves = format_datetime(datetime.now(UTC) + timedelta(hours=1))
    with serve(Sandbox()) as running:
        key = _send(running, **{"o:deliverytime": leaves})
        shown = _page(f"{running.url}/_sandbox/{name}#{key}", tmp_path)
    detail = shown.partition('id="detail"')[2]
    assert "<dt>Leaves</dt>" in detail
    assert '<span class="chip scheduled">scheduled</span>' in detail
    assert not re.search(r">\s*(?:null|undefined)\s*<", shown)


def test_new_mail_appears_by_itself_and_clear_asks_once(chromium: Chromium) -> None:
    with serve(Sandbox()) as running:
        chromium.go(f"{running.url}/_sandbox/")
        chromium.until_text("Nothing sent yet")
        _send(running, subject="Just arrived")
        chromium.until_text("Just arrived", "#list")
        chromium.click("#clear")
        assert chromium.text("#clear") == "Clear all?"
        assert len(running.sandbox.messages) == 1
        chromium.click("#clear")
        chromium.until_text("Nothing sent yet")
        assert running.sandbox.messages == []
        assert chromium.console() == []


def test_tabs_show_recipients_with_what_became_of_them(chromium: Chromium) -> None:
    with serve(Sandbox()) as running:
        key = _send(running, to="gone@example.net, you@example.net", subject="Two people")
        chromium.go(f"{running.url}/_sandbox/#{key}")
        chromium.until_text("Two people", "h2")
        chromium.click("#tab-recipients")
        shown = chromium.text(".panel").split()
    assert shown == [
        *("gone@example.net", "failed", "Not", "delivering", "to", "previously", "bounced", "address"),
        *("you@example.net", "delivered"),
    ]
