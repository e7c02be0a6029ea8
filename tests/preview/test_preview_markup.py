from __future__ import annotations

import time

import pytest

from maton_mailgun.approval.preview import content, variables
from maton_mailgun.mail.html import Piece, displayed, pieces
from maton_mailgun.mail.letter import Letter


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("a &amp; b", [Piece("text", text="a & b")]),
        (
            "<A HREF=\"x&amp;y\" b='c>d' e=f g href=second>t</A >",
            [
                Piece("start", "a", {"href": "x&y", "b": "c>d", "e": "f", "g": ""}),
                Piece("text", text="t"),
                Piece("end", "a"),
            ],
        ),
        ("<!-- <a href=x> --><!doctype html><?xml ?></ x>b", [Piece("text", text="b")]),
        ("1 < 2", [Piece("text", text="1 "), Piece("text", text="<"), Piece("text", text=" 2")]),
        (
            "<script>if (a<b) '<a href=x>'</scripty></SCRIPT>",
            [
                Piece("start", "script"),
                Piece("text", "script", text="if (a<b) '<a href=x>'</scripty>"),
                Piece("end", "script"),
            ],
        ),
        ("<img/src=x/onerror=y>", [Piece("start", "img", {"src": "x/onerror=y"})]),
        ("<img/src/onerror=y>", [Piece("start", "img", {"src": "", "onerror": "y"})]),
        ('<a href="never closed>text', [Piece("start", "a", {"href": "never closed>text"})]),
        ("<a", [Piece("start", "a")]),
        ("<style>p{}", [Piece("start", "style"), Piece("text", "style", text="p{}")]),
        ("<noscript><b>", [Piece("start", "noscript"), Piece("start", "b")]),
        ("<style>", [Piece("start", "style"), Piece("text", "style")]),
    ],
)
def test_html_is_taken_apart_as_browsers_do(source: str, found: list[Piece]) -> None:
    assert list(pieces(source)) == found


@pytest.mark.parametrize(
    "source",
    [
        "<!--><a href='https://example.net/'>x</a>-->",
        "<!---><a href='https://example.net/'>x</a>-->",
        "<!-- --!><a href='https://example.net/'>x</a>-->",
        "<p title=\u00a0\"><a href='https://example.net/'>x</a>\">",
        "<p\u2028title=\"><a href='https://example.net/'>x</a>\">",
        "<script></\u017fcript><!--</script><a href='https://example.net/'>x</a>-->",
        "<style></style\u00a0><!--</style><a href='https://example.net/'>x</a>-->",
        "<noembed><!--</noembed><a href='https://example.net/'>x</a>-->",
        "</p title='><!--'><a href='https://example.net/'>x</a>-->",
        "<noembed><a href='https://example.net/'>x</a></noembed>",
        "<iframe><a href='https://example.net/'>x</a></iframe>",
        "<noframes><noembed><a href='https://example.net/'>x</a>",
        "<a href='&#000000000104;ttps://example.net/'>x</a>",
        "<a href='https://example.net/&#" + "1" * 10_000 + ";'>x</a>",
        "<p>text<a href='https://example.net/",
    ],
)
def test_no_link_that_some_program_shows_is_missed(source: str) -> None:
    """Browsers show those behind odd comments, white space and endings; programs that do not know an element show
    what is in it; and a tag that does not end goes on in the page that a mail program puts the text into."""
    assert list(content.read(Letter(html=source)).links) == ["example.net"]


@pytest.mark.parametrize("end", ["<a", "<a href='x>t", "</b", "</b x='>"])
def test_what_is_displayed_ends_before_a_tag_that_does_not(end: str) -> None:
    assert list(displayed(f"a\x00{end}")) == [Piece("text", text="a\ufffd")]


@pytest.mark.parametrize(
    "part", ["<!--", "<a ", "<a b=c ", "<x/", "</", "<", "<a href='", "<script>", "<div>", "a.", "<style>url(", "{{!--"]
)
def test_hostile_bodies_take_no_longer_than_their_length(part: str) -> None:
    """Quadratic reading of these takes minutes; a body must not be able to stop the server."""
    source = part * (100_000 // len(part))
    started = time.process_time()
    content.read(Letter(html=f"<a href='https://example.com/'>{source}</a>{source}", text=source))
    variables.names(source)
    assert time.process_time() - started < 10


def test_a_body_is_looked_through_up_to_a_limit_and_the_rest_said() -> None:
    reading = content.read(Letter(html="x" * 2_000_001))
    assert reading.unchecked == ["could not check the HTML beyond its first 2,000,000 characters"]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("{{name}} {{{raw}}} {{ user.name }} {{~trim~}}", ["name", "raw", "user", "trim"]),
        ("{{!-- {{no}} --}}{{! no }}{{> partial}}{{yes}}", ["yes"]),
        ("{{#if a}}{{b}}{{else if c}}{{d}}{{else}}{{e}}{{/if}}", ["a", "b", "c", "d", "e"]),
        ("{{#each i}}{{t}}{{this}}{{@index}}{{../shop}}{{#if x}}{{y}}{{/if}}{{/each}}{{end_}}", ["i", "shop", "end_"]),
        ('{{equal a "b"}}{{format date style=long}}{{f (g h) 5 true}}', ["a", "date", "long", "h"]),
        ("{{.Name}}{{if .Paid}}{{.Sum}}{{end}}", ["Name", "Paid", "Sum"]),
        ("{{range .Items}}{{.Title}}{{$.Shop}}{{end}}{{.After}}", ["Items", "Shop", "After"]),
        ("no variables, { one } brace", []),
    ],
)  # fmt: skip
def test_the_names_a_template_asks_for(source: str, names: list[str]) -> None:
    assert variables.names(source) == names
