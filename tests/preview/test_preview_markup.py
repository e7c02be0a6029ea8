from __future__ import annotations

import time

import pytest

from maton_mailgun.approval.preview import content, variables
from maton_mailgun.mail import links
from maton_mailgun.mail.html import read
from maton_mailgun.mail.letter import Letter
from maton_mailgun.mail.pieces import HIDDEN, PREHEADER, SHOWN, SOME, words
from maton_mailgun.mail.text import safe_block


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
        ("<style>p::after{content:attr(_x)}</style><p _x='Pay 500'>", "", "", ("Pay 500",)),
        ("<style>p::after{content:attr(-x)}</style><p -x='Pay 500'>", "", "", ("Pay 500",)),
        ("<style>p::after{content:a\\74tr(\u00e9)}</style><p \u00e9='Pay 500'>", "", "", ("Pay 500",)),
        ("<style>p::after{content:attr(a\\:b)}</style><p a:b='Pay 500'>", "", "", ("Pay 500",)),
        ("<style>p::after{content:attr(*|a\\) )}</style><p a)='Pay 500'>", "", "", ("Pay 500",)),
        ("<style>p::after{content:var(--y)}</style><p style='--y:attr(x)' x='Pay 500'>", "", "", ("Pay 500",)),
        ("<style>a{font:'\f;}p::after{content:'Pay 500'}</style>", "", "", ("Pay 500",)),
        ("<style>a{font:'\r;}p::after{content:'Pay 500'}</style>", "", "", ("Pay 500",)),
        ("<p style=\"font:'\f;--x:'Pay 500'\">", "", "", ("Pay 500",)),
        ("<style>p::after{content:counter(\\[) 'Pay 500'}</style>", "", "", ("Pay 500",)),
        ("<style>p::after{content:'[' url(x) 'Pay 500'}</style>", "", "", ("Pay 500",)),
        ("<style>p{--\\@x:'Pay 500'}</style>", "", "", ("Pay 500",)),
        ("<style>i{--x:'/*'}p::after{content:'Pay 500'}b{--x:'*/'}</style>", "", "", ("Pay 500",)),
        ("<style>a[x='y'],a[x='['] [x='z']{color:red}@import 'q';</style>", "", "", ()),
        ("<style>p{counter-reset:x 5000}p::after{content:counter(x)}</style>", "", "", ("5000",)),
        ("<style>@counter-style q{symbols:Pay500EUR}ul{list-style:q}</style>", "", "", ("Pay500EUR",)),
        ("<!--[if(mso)]>Pay<![endif]-->", "", "Pay", ()),
        ("<!--[if mso]><!doctype x>Pay<![endif]-->", "", "Pay", ()),
        ("<!--[if !mso]><!-- --><p>Pay</p><!--<![endif]-->", "", "", ()),
        ("<style>.Z{display:none}</style><p class=z>Look</p>", "Look", "", ()),
        ("<p style='\\64isplay:/**/none'>Look</p>", "Look", "", ()),
        ("<details>Look <summary>More</summary><p>inside</p></details>", "Look\ninside", "", ()),
        (
            "<p popover>Look</p><dialog>at</dialog><datalist>my</datalist><video>new</video>",
            "Look\nat\nmy\nnew",
            "",
            (),
        ),
        (
            "<svg><text display=none>Look</text><text opacity=0>at</text><defs><text>me</text></defs></svg>",
            "Look\nat\nme",
            "",
            (),
        ),
        ("<math><mphantom><mtext>Look</mtext></mphantom><annotation>here</annotation></math>", "Look\nhere", "", ()),
        ("<details open>See</details><dialog open>me</dialog>", "", "", ()),
        ("<style>head,title{display:block}</style><title>Pay now</title>", "", "Pay now", ()),
        ("<p>Hi<title style='display:block'>Pay now</title>", "", "Pay now", ()),
        ("<style>:is(script){display:inline}</style><script>Pay now</script>", "", "Pay now", ()),
        ("<title>Pay now</title>", "", "", ()),
        ("<style>p::before{content:'P' '\\61 y'/**/'50'}</style>", "", "", ("Pay50", "P", "ay", "50")),
    ],
)
def test_45_what_is_hidden_added_or_for_some_is_told(
    source: str, hidden: str, some: str, added: tuple[str, ...]
) -> None:
    page = read(source)
    assert (words(page.pieces, HIDDEN), words(page.pieces, SOME), page.added) == (hidden, some, added)


@pytest.mark.parametrize(
    "rule",
    [
        *("p:not([data-x]){display:none}", ":is(.a, p):where(:not(b)){opacity:0}", "p:nth-child(2){opacity:.01}"),
        *("[title^=t i]{font-size:1px}", "[title='t{}']{visibility:collapse}", "i{content:'}'}p{display:none}"),
        *("i{content:'/*'}p{display:none}i{content:'*/'}", "p{b{color:red}display:none}", "div{&>p{display:none}}"),
        *("p{max-height:0;overflow:hidden}", "p{line-height:0}.k{overflow:clip}", "p{color:#fff;background:white}"),
        *("p{color:transparent}", "p{text-indent:-999px}", "p{clip-path:inset(50%)}", "p{transform:scale(0)}"),
        *("@keyframes k{50%{opacity:0}}p{animation:k 9s}", "p{font:0/0 a}", "p{--n:none;display:var(--n)}"),
        *(".K{display:none}", "p\\:no,p{dis\\70lay:none}", "p:unheard-of(1){display:none}", "p{content:url(x)}"),
        *("b{a:(});b:c}p{display:none}", 'u{a:u\\72l(");p{display:none}x:")}', "@scope (p){display:none}"),
        *("p{color:#fff}", "div p{color:hsl(0 0% 100%)}", "p::first-line{color:#fff}", "div>.k{color:white}"),
    ],
)
def test_45_what_a_rule_may_hide_is_told(rule: str) -> None:
    page = read(f"<style>{rule}</style><div><h1>Hi</h1><p class=k title='t{{}}'>Look</p></div>")
    assert "Look" in words(page.pieces, HIDDEN)


@pytest.mark.parametrize(
    "rule",
    [
        *("p:not(.k){display:none}", "p:is(b, .l){opacity:0}", "[title=u]{display:none}", "p::before{display:none}"),
        *("p{max-height:0}", "p{overflow:hidden}", "p{line-height:0}", "p{font-size:.9em}", "p{opacity:.5}"),
        *("p{color:#ccc}", "p{color:#fff;background:#000}", "@font-face{display:none}", "p{font:12px/0 a}"),
        *("@keyframes k{50%{opacity:0}}", "/*p{display:none}*/", "i{content:'p{display:none}'}", "p{left:-9px}"),
        *("p:not(p):hover{display:none}", "p{width:5%;overflow:hidden}", "p{transform:scale(1.2)}", "b p.l{opacity:0}"),
    ],
)
def test_what_no_rule_hides_is_not_told_as_hidden(rule: str) -> None:
    page = read(f"<style>{rule}</style><p class=k title=t>Look</p>")
    assert (words(page.pieces, HIDDEN), words(page.pieces, SHOWN)) == ("", "Look")


@pytest.mark.parametrize(
    ("source", "hidden", "shown"),
    [
        ("<div style='font-size:0'>a<p style='font-size:12px'>b</p></div>", "a", "b"),
        ("<div style='font-size:0'>a<p style='font-size:2em'>b</p></div>", "a\nb", ""),
        ("<style>div{font-size:0}p{font-size:14px}</style><div>a<p>b</p></div>", "a", "b"),
        ("<style>p{font-size:0!important}</style><p style='font-size:12px'>a</p>", "a", ""),
        ("<p style='color:#fff'>a<font color=black>b</font></p>", "a", "b"),
        ("<table bgcolor=#123456><td><font color='#123456'>a</font><p style='color:#fff'>b</p></table>", "a", "b"),
        (
            "<div style='background:#000'><p style='color:rgb(0,0,0)'>a</p><p style='color:#fefefe'>b</p></div>",
            "a",
            "b",
        ),
        ("<style>.dark{background:#000}</style><p class=dark style='color:#fff'>b</p>", "", "b"),
        ("<div style='background:url(x)'><p style='color:#fff'>b</p></div>", "", "b"),
        ("<p style='height:0;overflow:hidden'>a</p><p style='height:0'>b</p>", "a", "b"),
    ],
)
def test_45_letters_that_nobody_sees_are_told_as_hidden(source: str, hidden: str, shown: str) -> None:
    page = read(f"<h1>Hi</h1>{source}")
    assert (words(page.pieces, HIDDEN), words(page.pieces, SHOWN)) == (hidden, "\n".join(filter(None, ("Hi", shown))))


@pytest.mark.parametrize(
    ("source", "spared"),
    [
        ("<p>Hi</p><![if !mso]><p>Only others</p><![endif]><p>Bye", "Only others"),
        ("<p>Hi</p><!--[if !mso]><!--><p>Only others</p><!--<![endif]--><p>Bye", "Only others"),
        ("<p>Hi<!--[if !mso]><!-- --><img alt=Only> others<!-- <![endif]-->", "Only others"),
        ("<p>Hi<!--[if(gte mso 9)]>Outlook<![endif]--><p>Bye", ""),
        ("<p>Hi<!--[if !mso]><!--><style>a{}</style><!--<![endif]--><p>Bye", ""),
    ],
)
def test_45_what_outlook_leaves_out_is_told(source: str, spared: str) -> None:
    told = [one for one in content.read(Letter(html=source)).warnings if one.startswith("Outlook")]
    assert (read(source).spared, told) == (spared, [f"Outlook may not show: {spared}"] if spared else [])


FILLING = "&zwnj;&nbsp;" * 200


@pytest.mark.parametrize(
    ("source", "preheader", "hidden"),
    [
        ("<body><div style='display:none'>See inside</div><p>Hi</p>", "See inside", ""),
        (f"<span style='display:none;max-height:0'>See inside {FILLING}</span><p>Hi", "See inside", ""),
        (f"<div style='max-height:0;overflow:hidden'>See</div><div style='display:none'>{FILLING}</div>Hi", "See", ""),
        ("<!--[if mso]><xml>96</xml><![endif]--><div style='display:none'>See inside</div>Hi", "See inside", ""),
        ("<style>.pre{opacity:0}</style><table><tr><td class=pre>See inside</table><p>Hi", "See inside", ""),
        ("<p>Hi</p><div style='display:none'>Pay now</div>", "", "Pay now"),
        ("<div style='display:none'>See <a href='https://example.com'>here</a></div><p>Hi", "", "See here"),
        ("<div style='display:none'>See <img alt=this></div><p>Hi", "", "See\nthis"),
        ("<template>See inside</template><p>Hi", "", "See inside"),
        (f"<div style='display:none'>{'Pay now ' * 60}</div><p>Hi", "", ("Pay now " * 60).strip()),
        ("<div style='display:none'>See</div><p>Hi</p><p hidden>Pay now", "See", "Pay now"),
    ],
)
def test_a_preheader_is_told_in_full_and_not_warned_about(source: str, preheader: str, hidden: str) -> None:
    page = read(source)
    said = words(page.pieces, PREHEADER).replace("\u200c", "").strip()
    warned = any("not displayed" in warning for warning in content.read(Letter(html=source)).warnings)
    assert (said, words(page.pieces, HIDDEN), warned) == (preheader, hidden, bool(hidden))


@pytest.mark.parametrize(
    "source",
    [
        "<base href='https://evil.example.net/a/'><a href='pay'>x</a>",
        "<a href='?pay'>x</a><base href='//evil.example.net'>",
        "<base href='https:\\\\evil.example.net'><a href='/pay'>x</a>",
        "<base><base href='https://evil.example.net'><form action='pay'>",
        "<math href='https://evil.example.net'><mtext>x</mtext></math>",
        "<math><mi xlink:href='https://evil.example.net'>x</mi></math>",
        "<a href='\\\\evil.example.net'>x</a>",
        "<a href='/\\evil.example.net'>x</a>",
        "<a href='https:/evil.example.net'>x</a>",
        "<a href='ht\ntps:evil.example.net'>x</a>",
        "<a href='https:///evil.example.net'>x</a>",
        "<a href='https://evil.example.net\\\\@bank.example.com/'>x</a>",
        "<a href='http:evil.example.net'>x</a>",
        "<a href='wss:\\\\evil.example.net'>x</a>",
        "<svg><a><set attributeName=xlink:href to='https://evil.example.net'></set><text>x</text></a></svg>",
        "<svg><a><animate attributeName=href values='https://evil.example.net/'></animate></a></svg>",
    ],
)
def test_18_links_lead_where_a_browser_takes_them(source: str) -> None:
    listed = [link["host"] for link in links.find(read(source), "")[0]]
    assert (listed, list(content.read(Letter(html=source)).links)) == (["evil.example.net"], ["evil.example.net"])


RULES = "styled with too many rules to be read"
MANY_P = "".join(f"<p id=i{n}>x</p>" for n in range(9_000))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "lost"),
    [
        ("<style>" + "".join(f".a{n}.b{{display:none}}" for n in range(60_000)) + "</style><p class=b>x", RULES),
        ("<style>" + "p.x{display:none}" * 9_000 + "</style><p>x", ""),
        ("<style>" + "*:not(.a){display:none}" * 900 + f"</style>{MANY_P}", RULES),
        ("<style>" + (":not(" * 7 + "a," * 2_000 + "b" + ")" * 7 + "{opacity:0}") * 100 + "</style><p>x", RULES),
        ("<style>" + ",".join(f".a{n}" for n in range(190_000)) + "{display:none}</style><p>x", ""),
        ("<style>p{color:red}</style>" * 10_000 + "<p>x", "styled by more than 1000 sheets, too many to be read"),
        ("<style>" + "p{" * 10_000 + "display:none</style><p>x", "styled with rules nested too deep to be read"),
        ("<style>p:not(" + ":is(" * 5_000 + "b{display:none}</style><p>x", ""),
        ("<style>" + '[a="' * 100_000 + "</style><p>x", RULES),
        ("<p style='" + "(" * 500_000 + ")'>x", RULES),
        ("<style>" + "\\61 " * 400_000 + "</style><p>x", "styled with too many backslashes to be read"),
        ("<style>" + "/*" * 900_000 + "</style><p>x", ""),
        ("<style>" + "url(" * 400_000 + "</style><p>x", ""),
        ("".join(f"<p style='color:#{n:06x}'>x</p>" for n in range(11_500)), ""),
        ("".join(f"<p style='color:#{n:06x}'>x</p>" for n in range(11_500)) + "<svg>", ""),
    ],
)
def test_45_style_sheets_are_read_in_little_time_or_said_not_to_be(source: str, lost: str) -> None:
    started = time.process_time()
    page = read(source)
    assert time.process_time() - started < 10  # a calm machine takes 1.2 at most; what is quadratic takes minutes
    assert (page.lost, "x" in words(page.pieces)) == (lost, not lost)


@pytest.mark.parametrize(
    "source",
    [
        "Pay <bdo dir=rtl>001 RUE</bdo>",
        "Pay <span style='direction:rtl;unicode-bidi:bidi-override'>001</span>",
        "<style>p{unicode-bi\\64i : /**/isolate-override}</style><p>001",
        "<p style='--x:bidi-override;unicode-bidi:var(--x)'>001",
    ],
)
def test_12_letters_that_markup_turns_around_are_said_to_be(source: str) -> None:
    warning = "The HTML holds text that is drawn in another order than it is written"
    assert any(one.startswith(warning) for one in content.read(Letter(html=source)).warnings)
    assert content.read(Letter(html="<p dir=rtl>ab<style>p{unicode-bidi:embed}")).warnings == []
    assert content.read(Letter(html="<p dir=rtl>שלום <bdi>b</bdi>")).warnings == []


def test_18_a_name_of_a_host_is_seen_whatever_stands_unseen_in_it() -> None:
    drawn = ("bank&#x200b;.com", "bank&shy;.com", "bank&#x2024;com", "bank&#xff0e;com", "b&#x34f;ank&#x3002;com")
    for words_of_link in drawn:
        source = f"<a href='https://evil.example.net/'>{words_of_link}</a>"
        warnings = content.read(Letter(html=source)).warnings
        assert warnings[0] == "A link shows bank.com but leads to evil.example.net."


def test_45_what_costs_too_much_is_said_not_read() -> None:
    deep, many = "<div>" * 600, "<b></b>" * 20_000
    attributes = "<p " + " ".join(f"a{n}" for n in range(300)) + ">"
    unclosed = "".join(f"<b a={n}>" for n in range(1_500)) + "<p>x" * 1_500
    ended = "<div><!--</div>-->" * 600
    quotes = "<style>" + '"' * 900_000
    assert [read(source).lost for source in (deep, many, attributes, unclosed, ended, quotes, "x" * 2_000_001)] == [
        "nested too deep to be read",
        "more than 24,000 tags, too many to be read",
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


NUMBERS = "could not compare the numbers of the {} beyond the first 20,000"
BASES = "".join(f"<base href='https://a{n}.example.net/'>" for n in range(40))
TOO_MANY_BASES = "could not check where all links of the HTML lead: it has too many bases"
URLS = " ".join(f"https://example.com/{n}" for n in range(60_000))
AMOUNTS = " ".join(f"{n} EUR" for n in range(1_000, 100_000))
SOURCES = ", ".join(f"https://a{n}.example.com/x 1x" for n in range(50_000))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "unchecked"),
    [
        (URLS, ["could not check the links of the text beyond the first 5,000"]),
        (
            AMOUNTS,
            [NUMBERS.format("text"), NUMBERS.format("HTML")],
        ),
        (f'<img srcset="{SOURCES}">', ["could not check what it loads from outside beyond the first 5,000"]),
        ("https://example.com " * 90_000, []),
        ("<img srcset='" + "https://example.com/a " * 80_000 + "'>", []),
        ("EUR1 " * 380_000, []),
        ("AA11 " + "AAAA " * 370_000, []),
        ("\x01" * 1_900_000, []),
        ("\ue000" * 1_900_000, []),
        ("a\u200c" * 900_000, []),
        (" ".join(f"w{n}" for n in range(250_000)), [NUMBERS.format("text"), NUMBERS.format("HTML")]),
        ("<style>" + "@media" * 330_000, []),
        ("<style>" + "counter-set:" * 160_000, []),
        ("<style>" + "@import 'a';" * 9_900 + "</style>", []),
        (BASES + "".join(f"<a href=x{n}>y</a>" for n in range(9_000)), [TOO_MANY_BASES]),
        ("<img src='data:text/html," + "https://example.com " * 90_000 + "'>", []),
        ("<ol reversed><li>x</ol>" * 5_500, []),
    ],
)
def test_45_what_bodies_hold_is_compared_in_little_time_or_said_not_to_be(source: str, unchecked: list[str]) -> None:
    started = time.process_time()
    reading = content.read(Letter(html=f"<p>{source}", text=source if source[0] != "<" else None))
    assert time.process_time() - started < 10  # a calm machine takes 1.2 at most; what is quadratic takes minutes
    assert [one for one in reading.unchecked if "hosts" not in one] == unchecked


@pytest.mark.slow
@pytest.mark.parametrize("sign", ["\x01", "\x01\n", "e\u0301", "e\ufe0f", "\u200b", "a\t"])
def test_signs_are_spelled_out_in_little_time(sign: str) -> None:
    body = sign * (1_900_000 // len(sign))
    started = time.process_time()
    shown = safe_block(body)
    assert time.process_time() - started < 10  # a calm machine takes 1.2 at most; what is quadratic takes minutes
    assert shown.startswith(safe_block(sign * 2)[:-1])


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
