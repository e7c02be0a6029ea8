"""How the HTML body of a message is rebuilt, and what is said about its links."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from maton_mailgun.approval.channels.page.frame import RENAMED, Rendered, render
from maton_mailgun.approval.channels.view import bodies
from maton_mailgun.approval.preview.document import InlinePicture, ShownMessage
from maton_mailgun.mail import html as markup
from maton_mailgun.mail import links
from maton_mailgun.mail.pieces import words

from .records import LETTER, PICTURE

SOME = "1 part shown by some programs only"
ODD = "holds a space, control character or backslash: programs disagree about where it leads"
REPAIRED = "is not written as scheme://host: browsers repair it, other programs may not"
LOCAL = ("a bare IP address", "private or local address")
NAMES = "the text names example.com, the link leads to"


def body_of(rendered: Rendered) -> str:
    """What came through: style sheets above the body, and the body."""
    above, _, below = rendered.document.partition("<body")
    sheets = above.partition("<head>")[2].partition("</style>")[2].removesuffix("</head>")
    return sheets + below.partition(">")[2].removesuffix("</body></html>")


@pytest.mark.parametrize(
    ("given", "shown", "removed"),
    [
        ("<p>Hello &amp; <b>you</b></p>", "<p>Hello &amp; <b>you</b></p>", ()),
        ("<script>alert(1)</script>after", "after", ("1 script element",)),
        ("<ScRiPt src=//x.test/a></sCrIpT >after", "after", ("1 script element",)),
        ('<p onclick="x()" id="a">t</p>', '<p id="a">t</p>', ("1 script handler",)),
        (
            '<a href="https://x.test/?a&b">t</a>',
            '<a {R}href="https://x.test/?a&amp;b" href="#">t</a>',
            (),
        ),
        ("<a name=n ping=//x.test>t</a>", '<a {R}name="n" {R}ping="//x.test">t</a>', ()),
        ("<p data-n=1 hidden>t</p>", '<p data-n="1" hidden="">t</p>', ()),
        ("<p {R}href=1>t</p>", "<p>t</p>", ()),
        ("<label for=a>t</label><x-new>u</x-new>", '<label {R}for="a">t</label><x-new>u</x-new>', ()),
        (
            "<style>a[href^='https'],a[ *|HREF]{color:red}</style>",
            "<style>a[{R}href^='https'],a[{R}HREF]{color:red}</style>",
            (),
        ),
        ("<img src='data:image/svg+xml,<svg/>' alt=A>", None, ("1 picture that is a document of its own (SVG)",)),
        ("<p style=\"background:url('data:image/svg+xml,a')\">t</p>", None, ("1 remote picture",)),
        ("<form action=https://x.test><input value=1></form>", " 1 ", ("1 form element", "1 input element")),
        ('<meta http-equiv="ReFresh" content="0;url=https://x.test">', "", ("1 automatic redirect",)),
        ('<base href="https://x.test/">t', "t", ("1 base element",)),
        ('<link rel="dns-prefetch" href="//x.test">t', "t", ("1 link element",)),
        ("<svg><image href=https://x.test/a></svg>t", "    t", ("1 svg element", "1 image element")),
        (
            "<iframe src=https://x.test>inside</iframe>t",
            "t",
            ("1 iframe element", "1 part shown by some programs only"),
        ),
        ('<video poster="https://x.test/p">v</video>', "v", ("1 video element",)),
        ('<table><td background="https://x.test/b">t</table>', None, ("1 remote picture (x.test)",)),
        ('<body bgcolor="red">t</body>', "t", ()),
        ("<noscript><p>t</p></noscript>", "<p>t</p>", ()),
        ('<p style="background:url( HTTPS://x.test/b )">t</p>', None, ("1 remote picture (x.test)",)),
        ('<p style="background:u\\72l(https://x.test/b)">t</p>', None, ("1 remote picture (x.test)",)),
        ("<style>.z{\\display:none}</style>", "<style>.z{\\d isplay:none}</style>", ()),
        ("<style>.\\31 x{c\\6f lor:r\\65 d}</style>", "<style>.\\31 x{color:red}</style>", ()),
        ("<p style='content:\"\\27\\\\\"'>t</p>", '<p style="content:&quot;\\27 \\5c &quot;">t</p>', ()),
        ("<style>@import 'https://x.test/a.css';</style>", None, ("1 remote style sheet",)),
        ("<img src=https://x.test/a.png alt=Logo>", None, ("1 remote picture (x.test)",)),
        (
            "<img srcset='https://x.test/a.png 2x'>",
            None,
            ("1 picture that programs choose from several (x.test)",),
        ),
        ("<img src=cid:missing>", None, ("1 inline picture that is not attached",)),
        ("<p>a<!-- <script>x</script> -->b<!-->c--></p>", "<p>abc--&gt;</p>", ()),
        ("a < b <3 </ >c", "a &lt; b &lt;3 c", ()),
        ("<p title='&quot;><script>'>t</p>", '<p title="&quot;&gt;&lt;script&gt;">t</p>', ()),
        ("<textarea><script>x</script></textarea>", "<br>&lt;script&gt;x&lt;/script&gt;<br>", ("1 textarea element",)),
    ],
)
def test_17_only_harmless_markup_comes_through(given: str, shown: str | None, removed: tuple[str, ...]) -> None:
    rendered = render(given.replace("{R}", RENAMED))
    assert rendered.removed == removed
    assert set(re.findall(r'\shref="([^"]*)"', body_of(rendered))) <= {"#"}
    if shown is not None:
        assert body_of(rendered) == shown.replace("{R}", RENAMED)


def test_17_styles_cannot_end_early_or_spell_out_an_address() -> None:
    rendered = render("<style>p{content:'</styl\\65>';x:\\75\\72 l(https://x.test)}</style><p>t</p>")
    style = body_of(rendered)
    assert style.startswith("<style>p{content:' /style>';x:blocked(https://x.test)}</style><p>t</p><br><span style=")
    assert style.endswith('">words that the style sheet adds: &lt;/style&gt;</span>')


@pytest.mark.parametrize(
    "spelled",
    ["url", "u\\72l", "\\75\\72 \\6c ", "\\000075rl", "image\\2d set", "-webkit\\-im\\61ge\\-set", "\\73 rc", "URL"],
)
def test_17_no_spelling_of_a_function_that_fetches_comes_through(spelled: str) -> None:
    rendered = render(f"<style>p{{background:{spelled}('https://x.test/a')}}@\\69mport 'https://x.test/b'</style>")
    assert "background:blocked('https://x.test/a')}@blocked 'https://x.test/b'" in body_of(rendered)


def test_17_the_root_of_the_frame_is_seen_whatever_the_message_says() -> None:
    frame = render("<style>html,body{overflow:hidden!important;display:none!important}</style><p>Hello").document
    root, body = (frame[frame.index(tag) :].partition(">")[0] for tag in ("<html", "<body"))
    assert ("display:block!important" in root, root.count("overflow:auto!important")) == (True, 1)
    assert ("display:block!important" in body, "height:auto!important" in body) == (True, True)


def test_17_no_rule_of_a_message_reaches_what_the_frame_says_itself() -> None:
    style = (
        "<style>span,.maton-picture,[class],[style]{display:none!important;opacity:0}p::after{content:'Pay'}</style>"
    )
    frame = body_of(render(f"{style}<p>Hello</p><img src=https://x.test/a alt='Pay 500'>"))
    ours = frame[frame.index("<span") :]
    assert "class=" not in frame
    assert ours.count("all:initial!important;display:inline-block!important") == 2


def test_17_the_root_and_the_body_have_the_attributes_of_the_message_behind_a_style_of_ours() -> None:
    own = "id=z bgcolor=red background=//x.test/a style='color:blue;margin:0!important'"
    rendered = render(f"<html lang=de onload=x><body {own}>t")
    root, body = (re.search(rf"<{name}([^>]*)>", rendered.document) for name in ("html", "body"))
    assert root is not None
    assert body is not None
    kept = f' id="z" bgcolor="red" {RENAMED}background="//x.test/a" style="color:blue;margin:0!important;'
    assert root[1].startswith(' lang="de" style="display:block!important')
    assert (body[1].startswith(kept), body[1].endswith('margin:16px!important"')) == (True, True)
    assert rendered.removed == ("1 script handler", "1 remote picture (x.test)")


def test_inline_pictures_are_found_by_their_content_id() -> None:
    inline = [InlinePicture("<Logo.PNG>", "image/png", data_uri=PICTURE)]
    assert body_of(render('<img src="CID:logo.png" width=4>', inline)) == f'<img src="{PICTURE}" width="4">'


@pytest.mark.parametrize("uri", ["data:text/html,<script>", "https://x.test/a.png", "javascript:1"])
def test_17_an_inline_picture_is_a_picture(uri: str) -> None:
    rendered = render("<img src=cid:a>", [InlinePicture("a", data_uri=uri)])
    assert "<img" not in rendered.document


def test_a_real_letter_keeps_its_looks() -> None:
    rendered = render(LETTER, [InlinePicture("logo.png", data_uri=PICTURE)])
    assert rendered.removed == ("1 remote picture (track.example.net)",)
    assert '<h1 style="font-family:Georgia,serif">Your invoice for March</h1>' in rendered.document
    assert f'<img src="{PICTURE}" width="40" height="40" alt="Logo">' in rendered.document


UNITS = (
    "<",
    "<!",
    "<!-",
    "<!--",
    "<a ",
    "<a b='",
    "<a b=",
    "<![CDATA[",
    "<?",
    "</",
    "</x ",
    "<style>",
    "<style></styl",
)
MORE = (
    "<script><!--",
    "&",
    "&#",
    "&#1",
    "&lt",
    "<p a=b c",
    " = ",
    "<a/",
    "<img src=cid:a",
    "url(",
    "@import\\",
    "<a>",
    "<",
)


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS + MORE)
def test_malformed_bodies_take_no_longer_than_their_length(unit: str) -> None:
    """The standard library's parser needs minutes for some of these; whoever wants to be approved writes them."""
    body = unit * (400_000 // len(unit))
    # Not the clock on the wall: other processes' work is not its length.
    begun = time.process_time()
    render(body)
    links.find(markup.read(body), body)
    assert time.process_time() - begun < 4


def test_references_without_end_are_no_error() -> None:
    assert words(markup.read("&#" + "1" * 10_000 + ";&#x" + "f" * 10_000 + ";&amp;").pieces) == "\ufffd\ufffd&"


def flags(html: str) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(link["text"], link["host"], link["flags"]) for link in links.find(markup.read(html), "")[0]]


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ("<a href='https://example.com/a'>Go</a>", ("Go", "example.com", ())),
        ("<a href='https://www.example.com'>example.com</a>", ("example.com", "www.example.com", ())),
        (
            "<a href='https://evil.example.net/'>https://example.com/login</a>",
            (
                "https://example.com/login",
                "evil.example.net",
                ("the text names example.com, the link leads to evil.example.net",),
            ),
        ),
        (
            "<a href='https://example.com.evil.example.net'>Log in at <b>example.com</b></a>",
            (
                "Log in at example.com",
                "example.com.evil.example.net",
                ("the text names example.com, the link leads to example.com.evil.example.net",),
            ),
        ),
        (
            "<a href='https://example.com@evil.example.net'>x</a>",
            ("x", "evil.example.net", ("a name before the @ hides the real host",)),
        ),
        (
            "<a href='http:\\\\evil.example.net/'>x</a>",
            ("x", "evil.example.net", ("not encrypted (http)", ODD, REPAIRED)),
        ),
        ("<a href='ht\ntps:evil.example.net'>x</a>", ("x", "evil.example.net", (ODD, REPAIRED))),
        ("<a href='//evil.example.net/a'>x</a>", ("x", "evil.example.net", ())),
        (
            "<a href='https://198.51.100.7/'>x</a>",
            ("x", "198.51.100.7", LOCAL),
        ),
        (
            "<a href='&#106;avascript:alert(1)'>x</a>",
            ("x", "", ("javascript: runs or opens something instead of a page",)),
        ),
        ("<a href='mailto:a@example.com'>write</a>", ("write", "", ())),
        ("<a href='%unsubscribe_url%'>unsubscribe</a>", ("unsubscribe", "", ("filled in when it is sent",))),
        ("<a href='/relative'>x</a>", ("x", "", ("no host: leads nowhere from a mail",))),
        ("<a href='https://[bad'>x</a>", ("x", "", ("cannot be read as an address",))),
        ("<a href='https://example.com'>see report.pdf</a>", ("see report.pdf", "example.com", ())),
        ("<a href='https://example.com'><img alt='Logo'></a>", ("[picture: Logo]", "example.com", ())),
        ("<form action='https://evil.example.net'>", ("(form)", "evil.example.net", ())),
    ],
)
def test_18_links_show_where_they_lead(html: str, found: tuple[Any, ...]) -> None:
    assert flags(html) == [found]


def test_11_look_alike_hosts_are_shown_in_ascii() -> None:
    [(_, host, remarks)] = flags("<a href='https://ex\u0430mple.com'>x</a>")
    assert host == "xn--exmple-4nf.com"
    assert any("looks like example.com but is not" in remark for remark in remarks)


def test_links_of_the_plain_text_are_listed_too() -> None:
    found, total = links.find(
        markup.read(""), "See https://example.com/a. And (https://example.org/b), https://example.com/a."
    )
    assert ([(link["host"], link["url"], link["part"]) for link in found], total) == (
        [
            ("example.com", "https://example.com/a", "plain text"),
            ("example.org", "https://example.org/b", "plain text"),
        ],
        2,
    )


def test_the_list_of_links_is_bounded_and_says_so() -> None:
    found, total = links.find(markup.read("".join(f"<a href='https://example.com/{n}'>x</a>" for n in range(700))), "")
    assert (len(found), total) == (500, 700)


def test_12_sources_show_what_is_invisible() -> None:
    shown = bodies(ShownMessage(text="a\u202eb\nc", html="<p>\u200b\x00</p>"))
    assert (shown["text"], shown["html"]) == ("a⟨U+202E⟩b\nc", "<p>⟨U+200B⟩⟨U+0000⟩</p>")


def test_long_sources_are_given_to_the_last_character() -> None:
    shown = bodies(ShownMessage(text="x" * 1_000_000 + "y", html="w" * 1_000_000 + "z"))
    assert (shown["text"], shown["html"]) == ("x" * 1_000_000 + "y", "w" * 1_000_000 + "z")


@pytest.mark.parametrize("unit", ["url(", "url(" + " " * 100_000 + "data:"])
def test_45_what_styles_fetch_is_found_in_little_time(unit: str) -> None:
    body = f"<style>{unit * (900_000 // len(unit))}</style>a"
    begun = time.process_time()
    rendered = render(body)
    assert time.process_time() - begun < 3
    assert body_of(rendered).endswith("</style>a")


@pytest.mark.parametrize(
    ("source", "doctype"),
    [
        ("<p>a", ""),
        ("a<!doctype html><p>", ""),
        ("<!doctype html><p>a", "<!doctype html>"),
        (" <!-- a > --><?b?><!DOCTYPE HTML PUBLIC 'x'><p>a", "<!DOCTYPE HTML PUBLIC 'x'>"),
        ("<!--><!doctype html SYSTEM 'about:legacy-compat'>a", "<!doctype html SYSTEM 'about:legacy-compat'>"),
        ("<!doctype html '<img src=https://x.test>'>a", "<!doctype html>"),
    ],
)
def test_the_frame_is_drawn_in_the_mode_that_the_message_asks_for(source: str, doctype: str) -> None:
    assert render(source).document.partition("<html ")[0] == doctype
