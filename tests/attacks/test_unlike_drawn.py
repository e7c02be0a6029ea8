"""Attacks 156 to 166: an HTML body that says one thing to the person who approves, and another to who gets it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from maton_mailgun.approval.preview.broken_markup import of_template, of_values
from maton_mailgun.mail.breaking import by_template
from maton_mailgun.mail.letter import Letter

from .bench import LETTER, Desk, structured

pytestmark = pytest.mark.anyio

ANN, BOB = "ann@mg.example.com", "bob@example.net"
BUILT = "is built otherwise than what is shown"


async def warned(desk: Desk, tool: str = "send_message", **parts: Any) -> list[str]:
    """The warnings about a call with these arguments beside a plain letter."""
    async with desk.open() as house, house.client() as client:
        pending = structured(await client.call_tool(tool, {**LETTER, **parts} if tool == "send_message" else parts))
        assert pending["status"] == "approval_required", pending
        return list((await house.only()).preview["warnings"])


def batch(html: str, **values: str) -> dict[str, Any]:
    own = {ANN: dict.fromkeys(values, "Ann"), BOB: values}
    return {"to": [ANN, BOB], "html": html, "recipient_variables": own}


@pytest.mark.parametrize(
    ("html", "value"),
    [
        ("<p>Free.</p><!-- %recipient.c% Pay 500 --><p>Bye", "--><b>"),
        ("<p>Hello %recipient.c%</p><p>You owe 500 EUR", "<!--"),
        ("<p>Hello %recipient.c%</p><p>You owe 500 EUR", "</p></div><div hidden>"),
        ("<p>Hello %recipient.c%</p><p>You owe 500 EUR", "<style>p{display:none}"),
        ("<p>Hello %recipient.c%</p><p>You owe 500 EUR", "<"),
        ('<p title="%recipient.c%">You owe 500 EUR', 'x" style="display:none'),
        ("<p class=%recipient.c%>You owe 500 EUR", "x hidden"),
        ("<p %recipient.c%>You owe 500 EUR", "hidden"),
        ("<style>p{color:%recipient.c%}</style><p>You owe 500 EUR", "red}p{display:none"),
    ],
)
async def test_attack_156_a_value_that_changes_the_markup_is_told(desk: Desk, html: str, value: str) -> None:
    found = await warned(desk, **batch(html, c=value))
    assert any("%recipient.c% in a" in one or BUILT in one for one in found), found


@pytest.mark.parametrize(
    ("html", "value"),
    [
        ("<p>Hello %recipient.c%, welcome", "Seán O'Brien & Sons <3"),
        ("<p>Hello %recipient.c%, welcome", "<b>Bob</b> <br> <a href='https://mg.example.com/'>you</a>"),
        ('<p>See <a href="https://mg.example.com/%recipient.c%">it</a>', "a/b?c=d&e='f'"),
        ("<p style='color:%recipient.c%'>Hello", "#ff0000"),
        ("<td class=%recipient.c%>Hello", "gold"),
    ],
)
async def test_attack_156_a_value_that_only_says_something_is_no_alarm(desk: Desk, html: str, value: str) -> None:
    assert not [one for one in await warned(desk, **batch(html, c=value)) if BUILT in one]


@pytest.mark.parametrize(
    "html",
    [
        "<p>Pay <b style='float:right'>5</b>00 EUR",
        "<p><b style='float:right'>00</b><b style='float:right'>5</b>",
        "<p>Pay 00<b style='float:left'>5</b> EUR",
        "<style>b{float:right}</style><p>Pay <b>5</b>00 EUR",
        "<div style='display:flex;flex-direction:row-reverse'><b>00</b><b>5</b></div>",
        "<div style='display:flex'><b style='order:2'>00</b><b>5</b></div>",
        "<div style='display:grid'><b style='grid-column:2'>00</b><b>5</b></div>",
        "<p dir=rtl><b>00</b> <b>5</b></p>",
        "<style>p{direction:rtl}</style><p><b>00</b> <b>5</b></p>",
        "<bdo dir=rtl>005</bdo>",
        "<p style='unicode-bidi:bidi-override;direction:rtl'>005</p>",
        "<p style='transform:rotate(180deg)'>006</p>",
        "<p style='transform:scaleX(-1)'>005</p>",
        "<p><b style='position:relative;left:3em'>00</b><b>5</b></p>",
        "<p><b style='position:absolute;right:0'>00</b><b>5</b></p>",
        "<p><b>00</b><b style='margin-left:-4em'>5</b></p>",
        "<svg><text x='50'>00</text><text x='0'>5</text></svg>",
        "<svg><text><tspan x='50'>00</tspan><tspan x='0'>5</tspan></text></svg>",
        "<p style='writing-mode:vertical-rl'>005</p>",
        "<table><tfoot><tr><td>00</tfoot><tbody><tr><td>5</table>",
    ],
)
async def test_attack_157_what_is_drawn_in_another_order_is_told(desk: Desk, html: str) -> None:
    assert any("drawn in another order than it is written" in one for one in await warned(desk, html=html))


@pytest.mark.parametrize(
    "html",
    [
        "<style>.x{color:#fff}</style><p class=x>SECRET",
        "<style>.a .x{color:#fff}</style><div class=a><p class=x>SECRET</div>",
        "<style>.a{background:navy}</style><div class=a><p style='color:hsl(240 100% 25%)'>SECRET</div>",
        "<p style='color:#fffF'>SECRET",
        "<p style='color:rgba(255,255,255,.9)'>SECRET",
        "<p style='color:rgb(100% 100% 100%)'>SECRET",
        "<p style='color:rgb(0 0 0 / 4%)'>SECRET",
        "<p style='color:hsla(0,0%,99%,1)'>SECRET",
        "<p style='color:ivory'>SECRET",
        "<body text=white><p>SECRET",
        "<body bgcolor=navy><font color='#000082'>SECRET</font>",
        "<p style='-webkit-text-fill-color:#fff'>SECRET",
        "<p style='background:currentColor'>SECRET",
        "<style>p::first-letter{font-size:0}</style><p>SECRET",
        "<style>p::first-line{color:#fff}</style><p>SECRET",
        "<div style='opacity:.2'><div style='opacity:.3'>SECRET</div></div>",
    ],
)
async def test_attack_158_ink_that_nobody_sees_is_hidden_text(desk: Desk, html: str) -> None:
    assert any("text that is not displayed: SECRET" in one for one in await warned(desk, html=html))


@pytest.mark.parametrize(
    "style",
    [
        "color:oklch(100% 0 0)",
        "color:lab(100 0 0)",
        "color:color(srgb 1 1 1)",
        "color:var(--x)",
        "color:color-mix(in srgb, white, white)",
        "background:light-dark(black,black)",
        "filter:brightness(9)",
        "mix-blend-mode:screen",
        "-webkit-text-stroke:9px white",
        "-webkit-background-clip:text",
        "clip-path:inset(0 0 90% 0)",
        "clip-path:polygon(9px 9px,9px 9px,9px 9px)",
        "mask-image:linear-gradient(transparent,transparent)",
        "zoom:.1",
    ],
)
async def test_attack_158_ink_that_cannot_be_judged_is_told(desk: Desk, style: str) -> None:
    found = await warned(desk, html=f"<p style='{style}'>SECRET")
    assert any("could not be judged" in one or "not displayed" in one for one in found), found


@pytest.mark.parametrize(
    "style",
    [
        "height:8px;overflow:hidden",
        "max-height:1em;overflow:hidden",
        "max-height:40px;overflow-y:hidden",
        "width:20px;overflow:hidden;white-space:nowrap",
        "display:-webkit-box;-webkit-line-clamp:1;overflow:hidden",
    ],
)
async def test_attack_158_a_box_that_cuts_off_is_told(desk: Desk, style: str) -> None:
    found = await warned(desk, html=f"<div style='{style}'>{'We deliver soon. ' * 10} And you owe 500 EUR</div>")
    assert any("may cut off a part of this: We deliver" in one or "not displayed" in one for one in found), found


@pytest.mark.parametrize(
    ("link", "said"),
    [
        (
            "<a href='mailto:bob@evil.example'>help@mg.example.com</a>",
            "help@mg.example.com but writes to bob@evil.exam",
        ),
        ("<a href='mailto:a@mg.example.com?bcc=bob@evil.example'>us</a>", "adds bob@evil.example"),
        ("<a href='tel:+449001234567'>+44 20 7946 0958</a>", "shows +44 20 7946 0958 but calls +449001234567"),
        ("<a href='sms:+449001234567?body=YES'>020 7946 0958</a>", "020 7946 0958 but writes to +449001234567"),
        ("<a href='ms-word:ofe|u|https://evil.example/a.docx'>Read</a>", "opens another program (ms-word)"),
        ("<a href='intent://pay#Intent;end'>Read</a>", "opens another program (intent)"),
        ("<a href='upi://pay?pa=evil@bank'>Read</a>", "opens another program (upi)"),
        ("<a href='javascript:alert(1)'>Read</a>", "runs javascript:"),
        ("<a href='data:text/html,x'>Read</a>", "runs data:"),
        (
            "<p>Read <a href='https://mg.example.com/'>here</a></p><a href='https://evil.example/' "
            "style='position:absolute;inset:0'></a>",
            "a link without words over other things: it leads to evil.example",
        ),
        (
            "<div style='position:absolute;top:0'><a href='https://evil.example/'><img src='cid:x' alt=''></a></div>",
            "a link without words over other things: it leads to evil.example",
        ),
    ],
)
async def test_attack_159_a_link_that_is_none_to_a_page_is_told(desk: Desk, link: str, said: str) -> None:
    found = await warned(desk, html=f"<p>Hello</p>{link}")
    assert any(said in one for one in found), found


@pytest.mark.parametrize(
    "link",
    [
        "<a href='mailto:help@mg.example.com?subject=Order'>help@mg.example.com</a>",
        "<a href='tel:+442079460958'>020 7946 0958</a>",
        "<a href='tel:+442079460958'>+44 (0)20 7946-0958</a>",
        "<a href='tel:00442079460958'>Call us</a>",
        "<a href='mailto:%recipient.agent%'>agent@mg.example.com</a>",
        "<a name='top'></a><a href='https://mg.example.com/'></a>",
    ],
)
async def test_attack_159_an_ordinary_link_is_no_alarm(desk: Desk, link: str) -> None:
    found = await warned(desk, html=f"<p>Hello</p>{link}")
    assert not [one for one in found if " link " in one or one.startswith("A link")], found


AMP = "<!doctype html><html ⚡4email><body>{}</body></html>"


@pytest.mark.parametrize(
    ("amp", "host"),
    [
        ("<form method=post action-xhr='https://evil.example/take'><input name=a></form>", "evil.example"),
        ("<a [href]=\"'https://evil.example/'\" href='https://mg.example.com/'>x</a>", "evil.example"),
        ("<button on=\"tap:AMP.navigateTo(url='https://evil.example/')\">x</button>", "evil.example"),
    ],
)
async def test_attack_160_where_amp_writes_and_leads_is_told(desk: Desk, amp: str, host: str) -> None:
    async with desk.open() as house, house.client() as client:
        structured(await client.call_tool("send_message", {**LETTER, "html": "<p>Hi", "amp_html": AMP.format(amp)}))
        assert host in (await house.only()).preview["message"]["link_hosts"]


async def test_attack_160_hidden_words_of_amp_are_told(desk: Desk) -> None:
    found = await warned(desk, html="<p>Hi", amp_html=AMP.format("<p hidden>You owe 500 EUR"))
    assert "The AMP HTML holds text that is not displayed: You owe 500 EUR" in found


@pytest.mark.parametrize(
    "html",
    [
        '<script type=\'application/ld+json\'>{"@type":"Order","name":"SECRET","url":"https://evil.example/"}</script>',
        '<script type=\'application/adaptivecard+json\'>{"body":[{"text":"SECRET","url":"https://evil.example/"}]}'
        "</script>",
        "<div itemscope><meta itemprop=name content=SECRET><link itemprop=url href='https://evil.example/'></div>",
    ],
)
async def test_attack_160_data_for_programs_is_read(desk: Desk, html: str) -> None:
    async with desk.open() as house, house.client() as client:
        structured(await client.call_tool("send_message", {**LETTER, "html": f"<p>Hi</p>{html}"}))
        preview = (await house.only()).preview
    rows = [row for section in preview["sections"] for row in section["rows"]]
    assert [row["value"] for row in rows if row["label"].startswith("Data for mail programs")] == ["SECRET"]
    assert "evil.example" in preview["message"]["link_hosts"]


async def test_attack_160_words_behind_plaintext_are_read(desk: Desk) -> None:
    found = await warned(desk, text="Good morning, nothing to do", html="<p>Hi<plaintext><!-- You owe 500 EUR -->")
    assert any("Only the HTML part says 500 EUR" in one for one in found), found


async def test_attack_162_pictures_in_the_html_itself_are_told(desk: Desk) -> None:
    found = await warned(desk, html="<p>Hi<img src='data:image/png;base64,iVBORw0KGgo='>")
    assert any("of its own, which no text shows: image/png, 8 bytes, SHA-256 4c4b6a3b" in one for one in found), found


NEW: dict[str, Any] = {"domain": "mg.example.com", "name": "greeting"}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("<p>Hi</p><p hidden>You owe 500 EUR", "text that is not displayed: You owe 500 EUR"),
        ("<p>Pay <b style='float:right'>5</b>00 EUR", "drawn in another order"),
        ("<a href='https://evil.example/'>mg.example.com</a>", "shows mg.example.com but leads to evil.example"),
        ("{{#if x}}<!--{{/if}}<p>You owe nothing</p>{{#if x}}-->{{/if}}", "{{#if x}}"),
    ],
)
async def test_attack_161_a_new_template_is_looked_through_as_a_message(desk: Desk, source: str, said: str) -> None:
    found = await warned(desk, "create_template", **NEW, template=source)
    assert any(said in one for one in found), found


async def test_attack_161_headers_of_a_new_template_are_judged(desk: Desk) -> None:
    headers = {"From": "Boss <boss@evil.example>", "Reply-To": "thief@evil.example", "Subject": "Hi"}
    found = await warned(desk, "create_template", **NEW, template="<p>Hi", headers=headers)
    assert [one for one in found if "evil.example" in one and "not at mg.example.com" in one] == [
        "The template's From “Boss <boss@evil.example>”: not at mg.example.com.",
        "The template's Reply-To “thief@evil.example”: not at mg.example.com.",
    ]


@pytest.mark.parametrize(
    "source",
    [
        "<p>Hello {{name}}</p>{{#if paid}}<p>Thanks <b>{{name}}</b></p>{{else}}<p>Please pay</p>{{/if}}",
        "<table>{{#each rows}}<tr><td {{#if a}}class='b'{{/if}}>{{this.n}}</td></tr>{{/each}}</table>",
        '<a href="https://mg.example.com/{{#if x}}a{{else}}b{{/if}}?id={{id}}">See</a>{{{body}}}',
        "{{#if a}}<div class=x>{{else}}<div class=y>{{/if}}Hello</div>",
    ],
)
async def test_attack_161_an_ordinary_template_is_no_alarm(desk: Desk, source: str) -> None:
    assert not [one for one in await warned(desk, "create_template", **NEW, template=source) if BUILT in one]
    assert list(by_template(source, {"body": "<p>Hello</p>"})) == []


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{#if x}}<!--{{/if}}<p>You owe 500</p>", ""),
        ("{{#each x}}</div>{{/each}}<p>You owe 500</p>", ""),
        ("{{#if x}}<p>{{else}}<div hidden>{{/if}}You owe 500", ""),
        ("{{#if x}}<style>{{/if}}<p>You owe 500</p>{{#if x}}</style>{{/if}}", ""),
        ("<p>{{{body}}}</p><p>You owe 500</p>", "<!--"),
        ("<p {{body}}>You owe 500</p>", "hidden"),
        ("<p title={{body}}>You owe 500</p>", "x hidden"),
        ("{{range .x}}<!--{{end}}<p>You owe 500</p>", ""),
    ],
)
def test_attack_156_a_template_that_may_change_its_markup_is_told(source: str, value: str) -> None:
    found = of_template(Letter(html=source), {"body": value})
    assert any(BUILT in one for one in found), found


@pytest.mark.parametrize(
    "source", ["{{!--" * 300_000, "{{" * 600_000, "{{#if a}}<b>" * 20_000, "<!-" * 400_000, "<p title='" * 100_000]
)
def test_attack_156_odd_markup_is_read_in_little_time(source: str) -> None:
    begun = time.process_time()
    of_template(Letter(html=f"{source}{{{{a}}}}"), {"a": "<b>" * 100_000})
    of_values(Letter(html=f"{source}%recipient.a%"), [({"a": "<b>" * 100_000}, "")])
    assert time.process_time() - begun < 2.0
