"""139: a client that draws a form's message as Markdown shows the person all of it, and nothing else.

VS Code does so. Held by markdown-it-py, which reads CommonMark, with and without HTML and the extensions of GitHub.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from approval.form_reading import as_read
from maton_mailgun.approval.preview.document import Preview, Row, Section, ShownMessage
from maton_mailgun.approval.preview.form_text import question

from .bench import LETTER, Desk, Person

pytestmark = pytest.mark.anyio

READERS = (
    MarkdownIt("commonmark"),
    MarkdownIt("commonmark", {"html": False}),
    MarkdownIt("gfm-like", {"linkify": False}),
    MarkdownIt("default", {"breaks": True}),
)
HIDES = (
    "[Please pay 5,000 EUR to DE99 today]: https://evil.example/pay",
    "Invoice <!-- overdue: pay 5,000 EUR --> 1042",
    "![words that vanish](https://evil.example/x)",
    "[bank.example.com](https://evil.example/pay)",
    "<p>Please pay 5,000 EUR to <a href='https://evil.example/pay'>our bank</a></p>",
    "<details><summary>Hello</summary>Pay</details>",
    "1,000~~0~~ and 5*00*0 and 10\\000 and 5__00__0",
    "- [ ] not agreed",
    "```\nfence\n~~~\n</code></pre>\n```",
    "&lt;b&gt; &amp; &#48;",
    "one\ntwo  \nthree",
    "| a | b |\n|---|---|\n| pay | 5 | lost |",
    "# title\n===\n---\n> quote\n\n\tcode\n\n    code",
    "\t[tab]: https://evil.example",
    "word " * 60 + "[end]: https://evil.example/pay",
    "x" * 300,
)


def drawn(message: str) -> list[list[str]]:
    """What each reader draws, without the first line: only literal text may be left."""
    found = []
    for reader in READERS:
        tokens = reader.parse(message)
        assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close", "code_block"], tokens
        assert [(child.type, child.content) for child in tokens[1].children or []] == [("text", message.split("\n")[0])]
        found.append(tokens[3].content.rstrip("\n").split("\n"))
    return found


def plain(message: str) -> list[str]:
    """The lines of the block as a client shows them that draws nothing."""
    return [line[4:] for line in message.split("\n")[2:]]


@pytest.mark.parametrize("words", HIDES)
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_attack_139_a_form_drawn_as_markdown_shows_every_character(desk: Desk, words: str, mode: str) -> None:
    person = Person(desk.clock, None, action="cancel")
    letter = {
        **LETTER,
        "subject": words.split("\n")[0],
        "text": words,
        "headers": {"X-A": words.split("\n")[0].strip()},
    }
    async with desk.open() as house, house.client(person, mode=mode) as client:
        await client.session.call_tool("send_message", letter, allow_input_required=True)
        if mode == "legacy":
            assert len(person.questions) == 1
        form = question((await house.only()).preview)
    assert form is not None
    for lines in drawn(form.text):
        assert lines == plain(form.text)
    shown = as_read(form.text).split("\n")
    # Tabs are spelled out, as every invisible sign is.
    assert [line for line in words.split("\n") if "\t" not in line and f"> {line}" not in shown] == []


TEXTS = st.text(st.sampled_from("ab1 \n\t[]()<>!*_~`#>-+|:&;\\/.=\"'$%€ñ漢"), max_size=400)


@settings(max_examples=150, deadline=None)
@given(target=TEXTS, label=TEXTS, value=TEXTS, warning=TEXTS, body=TEXTS)
def test_attack_139_whatever_values_hold_markdown_draws_them_as_they_are(
    target: str, label: str, value: str, warning: str, body: str
) -> None:
    def one_line(text: str) -> str:
        return text.replace("\n", "⏎").replace("\t", " ")

    preview = Preview(
        whole=True, action="send", target=one_line(target), effect="Sends it.", warnings=[one_line(warning)],
        sections=[Section("What", [Row(one_line(label), one_line(value)), Row("Body", one_line(body), block=True)])],
        message=ShownMessage(text=body),
    )  # fmt: skip
    frozen: dict[str, Any] = preview.frozen()
    form = question(frozen)
    assert form is not None
    for lines in drawn(form.text):
        assert lines == plain(form.text)
    assert f"WARNING: {one_line(warning)}" in as_read(form.text).split("\n")
