"""Attack 45: what a browser shows of a message is on the page, whatever its markup does."""

from __future__ import annotations

import time
from typing import Any

import pytest

from engine.mime_corpus import HTML, TEXT, whole
from maton_mailgun.approval.channels.page.frame import render
from maton_mailgun.approval.channels.view import bodies
from maton_mailgun.approval.preview.document import Preview, ShownMessage
from maton_mailgun.approval.preview.form_text import question
from maton_mailgun.approval.preview.terminal_text import unwrapped

from .bench import LETTER, Desk, structured

pytestmark = pytest.mark.anyio
SOURCES = "\n".join(f"//a.b/{number}" for number in range(6_000))


def message_in(frozen: dict[str, Any]) -> ShownMessage:
    message = Preview.of(frozen).message
    assert message is not None
    return message


async def preview_of(desk: Desk, **parts: str) -> dict[str, Any]:
    """The frozen preview of a message with these bodies."""
    async with desk.open() as house, house.client() as client:
        pending = structured(await client.call_tool("send_message", {**LETTER, **parts}))
        assert pending["status"] == "approval_required"
        return dict((await house.only()).preview)


@pytest.mark.parametrize(
    "html",
    [
        "<svg><style><p>Pay to our new <a href='https://evil.example.net/pay'>account</a></p></style></svg>",
        "<math><style><p>Pay to our new <a href='https://evil.example.net/pay'>account</a></p></style></math>",
        "<svg><script><p>Pay to our new <a href='https://evil.example.net/pay'>account</a></p></script></svg>",
        "<svg><iframe><p>Pay to our new <a href='https://evil.example.net/pay'>account</a></p></iframe></svg>",
        "<svg><title><p>Pay to our new <a href='https://evil.example.net/pay'>account</a></p></title></svg>",
        "<noscript><p>Pay to our new <a href='https://evil.example.net/pay'>account</a></p></noscript>",
    ],
)
async def test_attack_45_words_and_links_that_a_browser_shows_are_on_the_page(desk: Desk, html: str) -> None:
    preview = await preview_of(desk, html=html)
    shown = bodies(message_in(preview))
    assert preview["message"]["link_hosts"] == ["evil.example.net"]
    assert shown["read"]["words"].splitlines() == ["Pay to our new account"]
    assert [(link["text"], link["host"]) for link in shown["links"]] == [("account", "evil.example.net")]
    frame = render(preview["message"]["html"]).document
    assert "Pay to our new <a" in frame
    assert ">account</a>" in frame


async def test_attack_45_numbers_that_only_one_body_says_are_named(desk: Desk) -> None:
    text = "Please pay the invoice of 5,000.00 EUR to DE89 3704 0044 0532 0130 00 today, many thanks"
    html = f"<p>{text.replace('0130 00', '0130 01')}"
    preview = await preview_of(desk, text=text, html=html)
    assert "Only the text part says DE89 3704 0044 0532 0130 00." in preview["warnings"]
    assert "Only the HTML part says DE89 3704 0044 0532 0130 01." in preview["warnings"]


@pytest.mark.parametrize(
    ("html", "why"),
    [
        ("<div>" * 600 + "Pay", "nested too deep to be read"),
        ("<b>x</b>" * 20_000, "more than 24,000 tags, too many to be read"),
        ("<div><!--</div>-->" * 600 + "Pay", "nested too deep to be read"),
        ("<style>" + "@media{}" * 60_000 + "</style><p>Pay", "styled with too many rules to be read"),
    ],
)
async def test_attack_45_what_cannot_be_read_is_said(desk: Desk, html: str, why: str) -> None:
    preview = await preview_of(desk, html=html)
    assert f"The HTML is {why}: only its source can be shown." in preview["warnings"]
    assert bodies(message_in(preview))["lost"] == why


@pytest.mark.parametrize(
    "rule",
    [
        "p:not([data-x]){display:none}",
        'u{a:u\\72l(");p{display:none}x:")}',
        "i{--x:'}'}p{max-height:0;overflow:hidden}",
        "p:%of(browsers){display:none}",
        "p{--n:none;display:var(--n)}",
    ],
)
async def test_attack_45_what_a_style_may_hide_is_warned_about(desk: Desk, rule: str) -> None:
    preview = await preview_of(desk, html=f"<style>{rule}</style><h1>Hi</h1><p>Nothing will be charged</p>")
    assert any("text that is not displayed" in one and "be charged" in one for one in preview["warnings"])


@pytest.mark.parametrize(
    ("url", "flag"),
    [
        ("https://2130706433/", "private or local address (an unusual spelling of 127.0.0.1)"),
        ("https://0x7f.1/", "private or local address (an unusual spelling of 127.0.0.1)"),
        ("https://metadata.google.internal/", "cloud metadata host"),
        ("https://good.com%2eevil.net/", "the host is spelled with percent signs; it is good.com.evil.net"),
    ],
)
async def test_attack_45_links_are_judged_as_routes_are(desk: Desk, url: str, flag: str) -> None:
    preview = await preview_of(desk, html=f"<a href='{url}'>x</a>")
    (link,) = bodies(message_in(preview))["links"]
    assert flag in link["flags"]
    assert any(flag in warning for warning in preview["warnings"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "letter",
    [
        {"text": " ".join(f"https://pаypal{number}.example.com/" for number in range(20_000))},
        {"html": "".join(f"<a href='https://аpple{number}.example.net/'>x</a>" for number in range(5_000))},
        {"html": "".join(f"<area href='https://{'ü' * 200}{number}.example.org/'>" for number in range(5_000))},
        {"text": f"https://{'1.' * 400_000}/ https://{'ü' * 400_000}/"},
    ],
    ids=["in a text", "in HTML", "in a map", "endless"],
)
async def test_attack_45_links_to_thousands_of_hosts_take_no_time_and_are_not_told_as_judged(
    desk: Desk, letter: dict[str, str]
) -> None:
    preview = await preview_of(desk, **letter)
    began = time.process_time()
    links = bodies(message_in(preview))["links"]
    assert time.process_time() - began < 3.0
    assert len(links) <= 500
    if len(links) == 500:
        assert "could not check what hosts its links lead to beyond the first 500" in preview["unchecked"]
    else:
        assert {flag for link in links for flag in link["flags"]} >= {
            "is longer than the name of any host: it leads nowhere"
        }


@pytest.mark.parametrize(
    "url",
    [
        "https:\\\\evil.example.net",
        "https:/evil.example.net",
        "https:evil.example.net",
        "http:////evil.example.net/",
        "///evil.example.net",
        "/\\evil.example.net",
        "https://evil.example.net\\@example.com/",
        "ftp://evil.example.net/",
        "wss://evil.example.net",
    ],
)
async def test_attack_89_a_link_leads_where_browsers_go_however_it_is_written(desk: Desk, url: str) -> None:
    preview = await preview_of(desk, html=f"<a href='{url}'>example.com</a>")
    (link,) = bodies(message_in(preview))["links"]
    assert preview["message"]["link_hosts"] == [link["host"]] == ["evil.example.net"]
    assert "A link shows example.com but leads to evil.example.net." in preview["warnings"]
    assert "the text names example.com, the link leads to evil.example.net" in link["flags"]


async def test_attack_89_an_address_that_begins_with_www_is_a_link_in_plain_text(desk: Desk) -> None:
    preview = await preview_of(desk, text="Pay at www.evil.example.net/pay today")
    assert preview["message"]["link_hosts"] == ["www.evil.example.net"]
    assert [link["host"] for link in bodies(message_in(preview))["links"]] == ["www.evil.example.net"]


@pytest.mark.parametrize(
    "link",
    [
        "<a href='https://example.com/'><animate attributeName=href values='https://example.com/;https://evil.example.net/'/>",
        "<a href='https://example.com/'><set attributeName=href to='https://evil.example.net/'/>",
        "<a href='https://example.com/'><set attributeName='xlink:href' to='https://evil.example.net/'/>",
        "<a href='https://example.com/'><animate attributeName=href from='https://evil.example.net/'/>",
        "<a href='https://example.com/' xlink:href='https://evil.example.net/'>",
    ],
)
async def test_attack_90_every_address_that_a_link_can_get_is_told(desk: Desk, link: str) -> None:
    preview = await preview_of(desk, html=f"<svg>{link}<text y=20>example.com</text></a></svg>")
    assert preview["message"]["link_hosts"] == ["example.com", "evil.example.net"]
    assert "A link shows example.com but leads to evil.example.net." in preview["warnings"]
    assert [link["host"] for link in bodies(message_in(preview))["links"]] == ["example.com", "evil.example.net"]


@pytest.mark.parametrize(
    "words",
    ["example&#x200b;.com", "example&shy;.com", "example&#x2024;com", "example&#xff0e;com", "ex&#x34f;ample.com"],
)
async def test_attack_91_a_host_in_the_words_of_a_link_is_read_as_it_is_seen(desk: Desk, words: str) -> None:
    preview = await preview_of(desk, html=f"<a href='https://evil.example.net/'>{words}</a>")
    assert "A link shows example.com but leads to evil.example.net." in preview["warnings"]
    (link,) = bodies(message_in(preview))["links"]
    assert "the text names example.com, the link leads to evil.example.net" in link["flags"]


@pytest.mark.parametrize(
    "html",
    [
        "<img alt=Pay src='data:image/png;base64,AA==' srcset='data:image/png;base64,BB== 1x'>",
        "<picture><source srcset='data:image/png;base64,BB=='><img alt=Pay src='data:image/png;base64,AA=='></picture>",
    ],
)
def test_attack_93_a_picture_that_has_other_versions_is_not_shown_as_the_one(html: str) -> None:
    frame = render(html)
    assert "<img" not in frame.document
    assert "picture: Pay</span>" in frame.document
    assert frame.removed == ("1 picture that programs choose from several",)
    assert "<img" in render(f"{html}<img src='data:image/png;base64,AA=='>").document


@pytest.mark.parametrize(
    "before", ["<source srcset=x>", "<audio><source src=x></audio>", "<picture></picture><source>"]
)
def test_attack_93_a_source_outside_a_picture_has_no_other_versions(before: str) -> None:
    assert "<img" in render(f"{before}<p><img src='data:image/png;base64,AA=='></p>").document


@pytest.mark.parametrize(
    "content",
    ["0;https://evil.example.net/", "0; url='https://evil.example.net/?a=b'", "5,URL = https://evil.example.net/"],
)
async def test_attack_89_a_redirect_leads_where_it_says(desk: Desk, content: str) -> None:
    preview = await preview_of(desk, html=f'<meta http-equiv=" refresh " content="{content}">')
    assert preview["message"]["link_hosts"] == ["evil.example.net"]
    assert "The HTML holds meta refresh: mail programs block or distrust these." in preview["warnings"]


@pytest.mark.parametrize("rule", [".maton-picture", "span", "p", "[class]", "*"])
def test_attack_92_a_label_of_ours_is_styled_by_nothing_that_a_message_can_override(rule: str) -> None:
    """A declaration of the element itself that is important wins over all of a style sheet (CSS Cascade 5, 6.1)."""
    frame = render(f"<style>{rule}{{display:none!important}}</style><p>Hi<img src='https://x.test/a' alt='Pay 500'>")
    label = frame.document.rpartition("<span ")[2]
    style = label.removeprefix('style="').partition('"')[0].split(";")
    assert label.endswith('">picture: Pay 500</span></p></body></html>')
    assert style[:2] == ["all:initial!important", "display:inline-block!important"]
    assert [one for one in style if not one.endswith("!important")] == []
    assert "maton-picture{display:inline-block" not in frame.document


async def test_attack_95_what_nobody_compared_or_judged_is_said(desk: Desk) -> None:
    links = " ".join(f"https://example.com/{number}" for number in range(6_000))
    numbers = " ".join(f"{number} EUR" for number in range(1_000, 23_000))
    sources = ", ".join(f"https://example.com/{number}.png 1x" for number in range(6_000))
    preview = await preview_of(desk, text=f"{links} {numbers}", html=f"<p>Hello<img srcset='{sources}'>")
    assert {one for one in preview["unchecked"] if "beyond" in one} == {
        "could not check the links of the text beyond the first 5,000",
        "could not compare the numbers of the text beyond the first 20,000",
        "could not check what it loads from outside beyond the first 5,000",
    }


async def test_attack_96_the_frame_reads_classes_as_the_recipient_does(desk: Desk) -> None:
    """Without a doctype `.Z` is the class `z` too."""
    preview = await preview_of(desk, html="<style>.Z{color:red}</style><p class=z>Pay</p>")
    assert render(preview["message"]["html"]).document.startswith("<html ")


async def test_attack_97_attributes_that_a_style_shows_are_told(desk: Desk) -> None:
    html = "<style>p::after{content:var(--y)}</style><p style='--y:attr(_x)' _x='Pay 500'>Hello</p>"
    preview = await preview_of(desk, html=html)
    assert "The style sheet adds words: Pay 500" in preview["warnings"]
    assert bodies(message_in(preview))["read"]["added"] == "Pay 500"


@pytest.mark.parametrize(
    "html",
    [
        "<style>p{background:u\\72l(https://evil.example.net/x)}</style><p>Hello",
        "<style>@im\\70ort '//evil.example.net';</style><p>Hello",
        "<style>p{background:image-set('https://evil.example.net/x' 1x)}</style><p>Hello",
        "<p style='background:url(htt\\p\\:\\2f/evil.example.net'>Hello",
        "<svg><style>p{background:u<!---->rl(https://evil.example.net/x)}</style></svg><p>Hello",
        "<svg><rect fill='url(https://evil.example.net/x#a)'></rect></svg>Hello",
        "<img srcset='https://a.invalid,@evil.example.net/x'>Hello",
        "<base href='https://evil.example.net/'><body background=x>Hello",
        "<link rel=stylesheet href='data:text/css,@import &quot;https://evil.example.net/&quot;'>Hello",
        "<iframe src='data:text/html,<img src=https://evil.example.net/x>'></iframe>Hello",
        "<link rel=next href='https://evil.example.net/x'>Hello",
        "<v:fill o:href='https://evil.example.net/x'></v:fill>Hello",
        "<style>@import https://evil.example.net/x;</style>Hello",
        "<frameset><img src='https://evil.example.net/x'></frameset>",
        "<svg><title><!--</title><img src='https://evil.example.net/x'>--></svg>Hello",
        "<svg><image><set attributeName=href to='https://evil.example.net/x'></set></image></svg>Hello",
    ],
)
async def test_attack_121_every_host_that_is_asked_when_it_is_opened_is_told(desk: Desk, html: str) -> None:
    preview = await preview_of(desk, html=html)
    (body,) = [one for one in preview["sections"] if one["heading"] == "Body"]
    told = {row["label"]: row["value"] for row in body["rows"]}
    assert "evil.example.net" in told["Loads from outside when opened"].split(", ")


@pytest.mark.parametrize(
    ("html", "links"),
    [
        ("<a href='https://example.com/' ping='https://evil.example.net/'>x</a>", "(told of a click)"),
        ("<!--[if mso]><v:rect href='https://evil.example.net/'>x</v:rect><![endif]-->", "(v:rect)"),
    ],
)
async def test_attack_121_who_is_told_of_a_click_and_where_a_shape_leads_is_told(
    desk: Desk, html: str, links: str
) -> None:
    preview = await preview_of(desk, html=html)
    told = {link["text"]: link["host"] for link in bodies(message_in(preview))["links"]}
    assert told[links] == "evil.example.net"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Pay \ue000 \ue001", "2 private-use characters (U+E000, U+E001) that each font draws in its own way"),
        ("Pay \U000e0041", "1 tag character (U+E0041) that nobody sees and programs may read"),
        ("Pay \u202e5000", "1 control character (U+202E) that turns the order of letters"),
        ("Pay 5\ufe00", "1 variation selector (U+FE00) that changes how the letter before it is drawn"),
        ("P\u200bay", "1 invisible character (U+200B) inside words"),
    ],
)
async def test_attack_122_characters_that_are_not_what_they_seem_are_told(desk: Desk, text: str, told: str) -> None:
    preview = await preview_of(desk, text=text, html=f"<p>{text}</p>")
    assert {f"The text holds {told}.", f"The HTML holds {told}."} <= set(preview["warnings"])


async def test_attack_122_honest_ones_are_not(desk: Desk) -> None:
    wales = "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"
    family, persian = "\U0001f468\u200d\U0001f469", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    honest = f"Hi \u2764\ufe0f 1\ufe0f\u20e3 {wales} {family} {persian}"
    preview = await preview_of(desk, text=honest, html=f"<div style='display:none'>See \u200c&nbsp;</div>{honest}")
    assert [one for one in preview["warnings"] if "holds" in one] == []


@pytest.mark.parametrize(
    ("html", "told"),
    [
        ("<style>@font-f\\61 ce{src:url(data:font/woff2,x)}</style>", "brings fonts of its own"),
        ("<link rel='Alternate Stylesheet' href='https://example.net/a.css'>", "takes a style sheet from outside"),
        ("<style>@import url(https://example.net/a.css);</style>", "takes a style sheet from outside"),
        ("<style>p{counter-increment:x 2500}</style>", "counts: numbers and signs may be shown"),
        ("<p style='counter-set:list-item 5000'>", "counts: numbers and signs may be shown"),
    ],
)
async def test_attack_123_what_styles_may_do_beside_the_words_is_told(desk: Desk, html: str, told: str) -> None:
    preview = await preview_of(desk, html=f"{html}<p>Hello")
    assert [one for one in preview["warnings"] if told in one] != []


async def test_attack_123_styles_of_most_newsletters_are_no_warning(desk: Desk) -> None:
    html = "<style>@media (max-width:600px){p{width:100%}}a:hover{color:red}li{list-style:disc}</style><p>Hello"
    preview = await preview_of(desk, html=html)
    assert [one for one in preview["warnings"] if "HTML" in one] == []


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ("<ol start=4999><li>a<li>EUR</ol>", "5000 EUR"),
        ("<ol type=A start=10867><li>now</ol>", "10867 PAY now"),
        ("<ol reversed><li>a<li>b<li value=5000>EUR</ol>", "5000 EUR"),
        ("<iframe src='data:text/html,Pay 500'></iframe>", "Pay 500"),
    ],
)
async def test_attack_124_numbers_that_a_list_makes_are_told(desk: Desk, html: str, said: str) -> None:
    preview = await preview_of(desk, html=html)
    assert said in bodies(message_in(preview))["read"]["words"].splitlines()


@pytest.mark.parametrize(
    "html",
    [
        "<link rel=stylesheet href='data:text/css,p::after{content:&quot;Pay 500&quot;}'>",
        "<style>@import 'data:text/css,@import \"data:text/css,p::after%257Bcontent:%2522Pay 500%2522\"';</style>",
        "<iframe srcdoc=\"<style>p::after{content:'Pay 500'}</style>\"></iframe>",
        "<p><template shadowrootmode=open><style>:host::after{content:'Pay 500'}</style></template>",
    ],
)
async def test_attack_124_words_of_every_style_sheet_are_told(desk: Desk, html: str) -> None:
    preview = await preview_of(desk, html=f"{html}<p>Hello")
    assert bodies(message_in(preview))["read"]["added"].splitlines() == ["Pay 500"]


async def test_attack_125_words_that_are_met_elsewhere_are_told_on_every_channel(desk: Desk) -> None:
    html = (
        "<title>Title words</title><div style='display:none'>Preheader words</div>"
        "<style>@media (prefers-color-scheme:dark){p{color:red}}</style>"
        "<p title='Tooltip words' aria-label='Read aloud'>Hello</p>"
    )
    preview = await preview_of(desk, html=html)
    rows = {
        "Preheader, shown in the inbox list only": "Preheader words",
        "Titles, tooltips and words read aloud": "Title words; Tooltip words; Read aloud",
        "Looks different by": "light or dark colours",
    }
    form = question(preview)
    assert form is not None
    said = form.text + "\n".join(unwrapped(preview))
    assert [f"{label}: {value}" for label, value in rows.items() if said.count(f"{label}: {value}") != 2] == []
    read = bodies(message_in(preview))["read"]
    assert (read["preheader"], read["asides"], read["depends"]) == (
        "Preheader words",
        "Title words\nTooltip words\nRead aloud",
        "light or dark colours",
    )


async def test_attack_121_bases_that_are_too_many_are_said_to_be(desk: Desk) -> None:
    bases = "".join(f"<base href='https://a{number}.example.net/'>" for number in range(12))
    preview = await preview_of(desk, html=f"{bases}<a href=pay>Pay</a>")
    assert "could not check where all links of the HTML lead: it has too many bases" in preview["unchecked"]


@pytest.mark.parametrize(
    ("css", "by"),
    [
        ("@media (min-width:600px){p{display:none}}", "the width of the window"),
        ("@MED\\49 A(orientation:portrait){p{display:none}}", "the width of the window"),
        ("@container (width>9px){p{display:none}}", "the width of the window"),
        ("p{color:light-dark(#fff,#000)}", "light or dark colours"),
        ("@media (prefers-reduced-motion){p{display:none}}", "what the reader prefers"),
        ("@media print{p{display:none}}", "whether it is printed"),
        ("@import 'data:text/css;charset=utf-8,p%7Bdisplay:none%7D' print;", "whether it is printed"),
        ("@supports (display:grid){p{display:none}}", "the program"),
        ("p:target{display:none}", "where the reader points or clicks"),
        ("@keyframes k{to{opacity:0}}p{animation:k 9s}", "time"),
    ],
)
async def test_attack_126_that_it_looks_different_elsewhere_is_told_with_all_words(
    desk: Desk, css: str, by: str
) -> None:
    preview = await preview_of(desk, html=f"<style>{css}</style><h1>Hello</h1><p>Pay")
    read = bodies(message_in(preview))["read"]
    assert (read["depends"], read["words"]) == (by, "Hello\nPay")


async def test_attack_121_what_could_not_be_checked_of_a_further_part_is_said(desk: Desk) -> None:
    many = f"Content-Type: text/html; charset=utf-8\n\n<img srcset='{SOURCES}'>"
    arguments = {"domain": LETTER["domain"], "to": ["ann@example.net"], "message": whole("mixed", TEXT, HTML, many)}
    async with desk.open() as house, house.client() as client:
        pending = structured(await client.call_tool("send_mime_message", arguments))
        assert pending["status"] == "approval_required"
        unchecked = (await house.only()).preview["unchecked"]
    told = "could not check what it loads from outside beyond the first 5,000"
    assert [line.partition(": ")[2] for line in unchecked if "HTML" in line] == [told]
