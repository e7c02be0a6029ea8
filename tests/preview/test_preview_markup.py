from __future__ import annotations

import time

import pytest

from maton_mailgun.approval.preview import content, variables
from maton_mailgun.mail.html import HIDDEN, SOME, read, words
from maton_mailgun.mail.letter import Letter


@pytest.mark.parametrize(
    ("source", "said", "hosts"),
    [
        ("<svg><style><p>Pay <a href='https://evil.example.net'>now</a></p></style></svg>", "Pay now", True),
        ("<svg><script><p>Pay <a href='https://evil.example.net'>now</a></script>", "Pay now", True),
        ("<svg><iframe><p>Pay <a href='https://evil.example.net'>now</a>", "Pay now", True),
        ("<math><style><p>Pay <a href='https://evil.example.net'>now</a>", "Pay now", True),
        ("<svg><a xlink:href='https://evil.example.net'><text>Pay now</text></a></svg>", "Pay now", True),
        ("<noscript>Pay <a href='https://evil.example.net'>now</a></noscript>", "Pay now", True),
        ("<math><mtext><![CDATA[Pay 5000 to DE99]]></mtext></math>", "Pay 5000 to DE99", False),
        ("<p>hi<plaintext><!-- Pay -->", "hi\n<!-- Pay -->", False),
        ("<select><plaintext>Pay now", "Pay now", False),
        ("<select><option>Pay<option>now</select>", "Pay\nnow", False),
        ("<xmp><b>Pay now</xmp>", "<b>Pay now", False),
        ("<img alt='Pay now'>", "Pay now", False),
        ("<input value='Pay now'>", "Pay now", False),
        ("<script>if (a<b) '<a href=x>'</scripty></SCRIPT>Pay", "Pay", False),
    ],
)
def test_45_html_is_read_as_browsers_do(source: str, said: str, hosts: bool) -> None:
    page = read(source)
    found = list(content.read(Letter(html=source)).links)
    assert (page.lost, words(page.pieces), found) == ("", said, ["evil.example.net"] if hosts else [])


@pytest.mark.parametrize(
    ("source", "hidden", "some", "added"),
    [
        ("<p style='display:none'>Look inside</p>", "Look inside", "", ()),
        ("<style>.pre{visibility: hidden}</style><p class='a pre'>Look</p>", "Look", "", ()),
        ("<style>@media screen{#x, td p{mso-hide:all}}</style><b id=x>Look</b>", "Look", "", ()),
        ("<p style='font-size:0.9em'>Look</p>", "", "", ()),
        ("<!--[if mso]><p>Pay</p><![endif]-->", "", "Pay", ()),
        ("<!--[if !mso]><!--><p>Pay</p><!--<![endif]-->", "", "", ()),
        ("<noembed>Pay</noembed>", "", "Pay", ()),
        ("<style>p::before{content:'P\\61 y 5000'}</style>", "", "", ("Pay 5000",)),
        ("<style>p{font-family:'Open Sans'} @import 'x.css'; a{background:url('y')}</style>", "", "", ()),
        ("<style>p::after{content:attr(data-to)}</style><p data-to='Pay DE99'>", "", "", ("Pay DE99",)),
        ("<p style=\"list-style-type:'Pay '\">", "", "", ("Pay",)),
    ],
)
def test_45_what_is_hidden_added_or_for_some_is_told(
    source: str, hidden: str, some: str, added: tuple[str, ...]
) -> None:
    page = read(source)
    assert (words(page.pieces, HIDDEN), words(page.pieces, SOME), page.added) == (hidden, some, added)


def test_45_what_costs_too_much_is_said_not_read() -> None:
    deep, many = "<div>" * 600, "<b></b>" * 20_000
    attributes = "<p " + " ".join(f"a{n}" for n in range(300)) + ">"
    unclosed = "".join(f"<b a={n}>" for n in range(1_500)) + "<p>x" * 1_500
    ended = "<div><!--</div>-->" * 600
    quotes = "<style>" + '"' * 900_000
    assert [read(source).lost for source in (deep, many, attributes, unclosed, ended, quotes, "x" * 2_000_001)] == [
        "nested too deep to be read",
        "more than 30,000 tags, too many to be read",
        "a tag with too many attributes to be read",
        "too many elements that are never closed to be read",
        "nested too deep to be read",
        "styled with too many strings to be read",
        "longer than 2,000,000 characters, too long to be read",
    ]


def test_45_numbers_of_one_part_only_are_named() -> None:
    found = content.read(
        Letter(text="Pay 5,000.00 EUR to DE99", html="<p>Pay 7000 EUR to DE98", amp_html="<p>Pay 7000 EUR")
    )
    assert found.warnings == [
        "Only the text part says 5,000.00 EUR, DE99.",
        "Only the HTML part says 7000 EUR, DE98.",
        "Only the text part says 5,000.00 EUR, DE99.",
        "Only the AMP HTML part says 7000 EUR.",
        "Only the HTML part says DE98.",
    ]


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


def test_a_body_too_long_to_read_is_said() -> None:
    reading = content.read(Letter(html="x" * 2_000_001))
    lost = "longer than 2,000,000 characters, too long to be read"
    assert (reading.unchecked, reading.warnings, reading.raises) == (
        [f"could not check the HTML: it is {lost}"],
        [f"The HTML is {lost}: only its source can be shown."],
        1,
    )


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
