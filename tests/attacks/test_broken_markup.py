"""Attacks 171 and 172: a value, or a tag of a template, that changes the markup around it where our reading of that
markup is not a browser's."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser, LexborNode

from maton_mailgun.approval.preview.broken_markup import of_template
from maton_mailgun.mail.breaking import by_template, by_values
from maton_mailgun.mail.letter import Letter
from maton_mailgun.mail.template_tags import filled_blank, tags

from .bench import DOMAIN, Desk
from .telling import previewed

pytestmark = pytest.mark.anyio
PAY = "<p>Pay to <a href='https://evil.example.net/'>DE99</a></p>"
HIDING = [
    f"<p>Hi</p>{{{{! <!-- }}}}{PAY}{{{{! --> }}}}<p>Bye</p>",
    f"<p>Hi</p>{{{{!-- <!-- --}}}}{PAY}{{{{!-- --> --}}}}<p>Bye</p>",
    f"<p>Hi</p>{{{{~!-- <!-- --~}}}}{PAY}{{{{!-- --> --}}}}<p>Bye</p>",
    f"<p>Hi</p>{{{{! }} <!-- }}}}{PAY}{{{{! }} --> }}}}<p>Bye</p>",
    f"<p>Hi</p>{{{{/* <!-- */}}}}{PAY}{{{{/* --> */}}}}<p>Bye</p>",
    f"<p>Hi</p>{{{{#if \"<!--\"}}}}{{{{/if}}}}{PAY}{{{{#if '-->'}}}}{{{{/if}}}}<p>Bye</p>",
    f"<p>Hi</p><!{{{{! x }}}}-- {PAY} --><p>Bye</p>",
    f"<p>Hi</p>{{{{! <title> }}}}{PAY}{{{{! </title> }}}}<p>Bye</p>",
    f'<p>Hi</p><p title="{{{{! " }}}}>{PAY}{{{{! " }}}}"><p>Bye</p>',
]
"""Templates in whose source nobody sees what everybody gets, or everybody sees what nobody gets."""


# 171: what a template says of itself is no markup of the message ------------------------------------------------------


@pytest.mark.parametrize("source", HIDING)
async def test_attack_171_a_template_tag_that_holds_markup_is_told(desk: Desk, source: str) -> None:
    preview = await previewed(desk, "create_template", {"domain": DOMAIN, "name": "new", "template": source})
    assert any("in the HTML may open or close a tag" in line for line in preview["warnings"]), preview["warnings"]


@pytest.mark.parametrize("source", HIDING[:6])
async def test_attack_171_so_is_what_is_seen_only_when_it_is_filled_in(desk: Desk, source: str) -> None:
    new = {"domain": DOMAIN, "name": "new", "template": source}
    preview = await previewed(desk, "create_template", new)
    assert "Once the template is filled in, the HTML also says: Pay to DE99" in preview["warnings"]
    assert any(row["value"] == "evil.example.net" for part in preview["sections"] for row in part["rows"])


@pytest.mark.parametrize(
    "source",
    [
        '<fo{{!x}}rm action="https://evil.example.net/"><input name="pin"></form>',
        f"<p>Hi</p><sty{{{{!x}}}}le>{PAY}</style>",
        '<a hr{{!x}}ef="https://evil.example.net/">our bank</a>',
        '<a hr{{#if x}}{{/if}}ef="https://evil.example.net/">our bank</a>',
        '<a hr{{!x}}{{!y}}ef="https://evil.example.net/">our bank</a>',
    ],
)
async def test_attack_171_a_name_that_is_whole_only_when_it_is_filled_in_is_told(desk: Desk, source: str) -> None:
    new = {"domain": DOMAIN, "name": "new", "template": source}
    preview = await previewed(desk, "create_template", new)
    assert any("in the HTML may open or close a tag" in line for line in preview["warnings"]), preview["warnings"]


@pytest.mark.parametrize(
    "source",
    [
        '<p{{#if x}} class="b"{{/if}}>Hi</p>',
        '<p class="a"{{#if x}}{{#if y}} hidden{{/if}}{{/if}}>Hi</p>',
        '<p {{! a remark }} class="a">Hi</p>',
    ],
)
def test_attack_171_a_tag_between_names_is_no_alarm(source: str) -> None:
    assert list(by_template(source, {})) == []


async def test_attack_171_what_a_filled_template_holds_is_warned_of(desk: Desk) -> None:
    source = '<p>Hi</p>{{!<!--}}<form action="https://evil.example.net/"></form>{{!-->}}'
    preview = await previewed(desk, "create_template", {"domain": DOMAIN, "name": "new", "template": source})
    assert "The HTML holds form: mail programs block or distrust these." in preview["warnings"]


@pytest.mark.parametrize(
    "link",
    [
        '<a href="{{#if (eq l "de")}}https://a.example.org/{{else}}https://evil.example.net/{{/if}}">x</a>',
        "<a href='{{#if l}}https://a.example.org/{{else}}https://evil.example.net/{{/if}}'>x</a>",
        "<a href='{{#if l}}//a.example.org/{{else if m}}//b.example.org/{{else}}//evil.example.net/{{/if}}'>x</a>",
    ],
)
async def test_attack_171_where_each_branch_of_a_link_leads_is_told(desk: Desk, link: str) -> None:
    preview = await previewed(desk, "create_template", {"domain": DOMAIN, "name": "new", "template": link})
    told = ", ".join(row["value"] for part in preview["sections"] for row in part["rows"] if "Links" in row["label"])
    assert {"a.example.org", "evil.example.net"} <= set(told.split(", "))


@pytest.mark.parametrize(
    ("source", "values"),
    [
        ("<p>{{{order.name}}}</p><p>You owe 500", {"order": {"name": "<!--"}}),
        ("{{#each items}}{{{name}}}{{/each}}<p>You owe 500", {"items": [{"name": "Ann"}, {"name": "<!--"}]}),
        ("{{#each items}}{{{this}}}{{/each}}<p>You owe 500", {"items": ["<!--"]}),
        ("{{{@root.x}}}<p>You owe 500", {"x": "<!--"}),
        ("{{{lookup this 'x'}}}<p>You owe 500", {"x": "<!--"}),
        ("{{#with o}}{{{../x}}}{{/with}}<p>You owe 500", {"x": "<!--"}),
        ("{{{ [a b] }}}<p>You owe 500", {"a b": "<!--"}),
        ("{{& x}}<p>You owe 500", {"x": "<!--"}),
        ("<style>p{color:{{x}}}</style><p>You owe 500", {"x": "red}p{display:none"}),
    ],
)
def test_attack_171_a_value_is_found_however_it_is_named(source: str, values: dict[str, Any]) -> None:
    assert of_template(Letter(html=source), values) != []


@pytest.mark.parametrize(
    "source",
    [
        "{{! the head }}<p>Hello {{name}}</p>{{!-- <tr><td>old</td></tr> --}}",
        "<title>{{subject}}</title><p>Hello {{{greeting}}}</p>",
        "<td{{#if a}} class='b'{{/if}}>Hello</td>",
        "<td class='{{#if a}}b{{else}}c{{/if}}'>Hello</td>",
        '{{#if (eq lang "de")}}<p>Hallo</p>{{else}}<p>Hello</p>{{/if}}',
        "{{#each rows}}<li>{{this.title}}: {{{this.text}}}</li>{{/each}}",
        '<svg><title>Logo</title><path d="M0 0"/></svg><p>Hello {{name}}</p>',
        "<!--[if mso]><table><tr><td><![endif]--><p>Hello {{name}}</p><!--[if mso]></td></tr></table><![endif]-->",
        "{{~#if a~}} yes {{~/if~}}{{else}}{{}}",
    ],
)
def test_attack_171_an_ordinary_template_is_no_alarm(source: str) -> None:
    given = {"name": "Seán O'Brien", "subject": "It's <new>", "greeting": "<b>Hi</b>", "rows": [{"text": "<i>x</i>"}]}
    assert of_template(Letter(html=source), given) == []


async def test_attack_171_what_a_tag_looks_up_is_no_host_that_a_link_shows(desk: Desk) -> None:
    source = "{{#each rows}}<a href='https://mg.example.com/{{this.id}}'>{{this.title}}</a>{{/each}}"
    preview = await previewed(desk, "create_template", {"domain": DOMAIN, "name": "new", "template": source})
    assert [line for line in preview["warnings"] if "A link shows" in line] == []
    shown = source.replace("{{this.title}}", "See example.org, {{this.title}}")
    preview = await previewed(desk, "create_template", {"domain": DOMAIN, "name": "newer", "template": shown})
    assert "A link shows example.org but leads to mg.example.com." in preview["warnings"]


def test_attack_171_tags_are_cut_as_handlebars_cuts_them() -> None:
    source = 'a{{b}}{{{c}}}{{! } }}{{!-- }} --}}{{#if (eq d "}}")}}{{else}}{{/if}}{{&e}}{{> f}}{{{{g}}}}{{- .h -}}'
    found = [(tag.sign, tag.word, tag.whole, tag.shows) for tag in tags(source)]
    assert found == [
        ("", "b", False, True),
        ("", "c", True, True),
        ("!", "", False, False),
        ("!", "", False, False),
        ("#", "if", False, False),
        ("", "else", False, False),
        ("/", "if", False, False),
        ("&", "e", True, True),
        (">", "f", False, False),
        ("", "g", False, False),
        ("", ".h", False, True),
    ]
    assert filled_blank("<p>{{#if a}}{{b}}{{/if}}{{! c }}") == "<p>{{}}{{b}}{{}}{{}}"


# 172: tags, attributes and comments end where browsers end them -------------------------------------------------------

SOURCES = [
    '<p =">%recipient.x%</p><p>You owe 500',
    '<p title="a"=">%recipient.x%</p><p>You owe 500',
    '<p/=">%recipient.x%</p><p>You owe 500',
    '<p x=\x0b">%recipient.x%</p><p>You owe 500',
    '<p x=\xa0">%recipient.x%</p><p>You owe 500',
    '<p x=a\xa0y="z>%recipient.x%</p><p>You owe 500',
    '1 <\n a="b <p>%recipient.x%</p><p>You owe 500',
    '<style>a{}</style\x0b> <a title="</style>%recipient.x%</p><p>You owe 500',
    '<svg><![CDATA[> <a title="]]></svg><p>%recipient.x%</p><p>You owe 500',
    '<svg><title><a title="</title><p>%recipient.x%</p><p>You owe 500',
    '<select><xmp><a title="</xmp></select><p>%recipient.x%</p><p>You owe 500',
    '<svg><foreignObject></svg></foreignObject><![CDATA[> <a title="]]><p>%recipient.x%</p><p>You owe 500',
    '<script><!--<script></script><a title="--></script><p>%recipient.x%</p><p>You owe 500',
]


@pytest.mark.parametrize("source", SOURCES)
def test_attack_172_a_value_breaks_what_it_breaks_in_a_browser(source: str) -> None:
    found = [*by_values(source, {".x": ["<!-- "], ".y": ["Ann"]})]
    assert any(line.startswith("%recipient.x%") for line in found), found


def test_attack_172_a_slash_closes_nothing_in_html() -> None:
    assert [*by_values("<p>%recipient.x%</p>You owe 500", {".x": ["<div/>"]})] != []
    assert [*by_values("<p>%recipient.x%</p>You owe 500", {".x": ["<svg><path d='M0'/></svg><br/>"]})] == []


def test_attack_172_places_behind_the_first_thousands_are_said_to_be_unread() -> None:
    source = "%recipient.y%" * 5_000 + "<p>%recipient.x%"
    assert [*by_values(source, {".x": ["<!--"], ".y": ["Ann"]})] == ["Every place behind the first 5,000\n"]
    assert [*by_template("{{y}}" * 5_000 + "{{{x}}}", {"x": "<!--"})] == ["{{{x}}}"]


@pytest.mark.parametrize("value", ["Seán O'Brien", 'The "Club"', "a < b"])
def test_attack_172_a_value_in_a_title_is_no_alarm(value: str) -> None:
    found = [*by_values("<title>For %recipient.x%</title><p>Hi", {".x": [value]})]
    assert (found == []) == ("<" not in value)


PIECES = (
    *(
        "<p>",
        "</p>",
        '<p title="',
        "\" id='",
        "'>",
        '">',
        ">",
        "<a href=",
        '=">',
        "=",
        '"',
        "'",
        " ",
        "\n",
        "\x0b",
        "\xa0",
    ),
    *("/", "<!--", "-->", "--!>", "<!", "<?", "</", "</ x", "<style>", "</style>", "</style\x0b>", '</style x="'),
    *("<title>", "</title>", "<textarea>", "</textarea>", "<script>", "</script>", "<xmp>", "</xmp>", "<iframe>"),
    *("</iframe>", "<noscript>", "</noscript>", "<svg>", "</svg>", "<math>", "</math>", "<foreignObject>", "<![CDATA["),
    *(
        "]]>",
        "<select>",
        "</select>",
        "<option>",
        "<table>",
        "<tr>",
        "<td>",
        "</table>",
        "<plaintext>",
        "<br/>",
        "<div/>",
    ),
    *(
        "<div>",
        "</div>",
        "text",
        "a=b",
        "<template>",
        "</template>",
        "&",
        "<b",
        "<!doctype html>",
        "<",
        "-",
        "<title/>",
    ),
    *("<svg/>", "<p x==", '<p/="', "%recipient.y%"),
)
VALUES = (
    *("<!-- ", 'x" y="', "x' y='", "> z", "</p><i ", "--> z", "<b>", "</style>", "</title><u>", "x y", "<![CDATA["),
    *("]]> x", "</svg>", "<plaintext>", "a onx=1 ", "<", "</script>"),
)


def _tree(node: LexborNode) -> tuple[Any, ...]:
    """Names, attributes, texts and comments, in their order."""
    own = node.text_content if node.is_text_node else node.comment_content if node.is_comment_node else ""
    inner = [*(node.template_fragments() or ())] if node.tag == "template" else []
    child = node.first_child
    while child is not None:
        inner.append(child)
        child = child.next
    attributes = tuple(sorted((name, value or "") for name, value in node.attributes.items()))
    return node.tag, own, attributes, tuple(map(_tree, inner))


def _parsed(source: str) -> tuple[Any, ...]:
    root = LexborHTMLParser(f"<body>{source}").root
    assert root is not None
    return _tree(root)


def _with_value(tree: Any, value: str) -> Any:
    if isinstance(tree, tuple):
        return tuple(_with_value(one, value) for one in tree)
    return tree.replace("WORD", value) if isinstance(tree, str) else tree


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    before=st.lists(st.sampled_from(PIECES), max_size=8),
    behind=st.lists(st.sampled_from(PIECES), max_size=4),
    value=st.sampled_from(VALUES),
)
@example(before=['<p/="', ">"], behind=[], value="<!-- ")
def test_attack_172_what_changes_the_tree_of_a_browser_is_told(
    before: list[str], behind: list[str], value: str
) -> None:
    """The tree with the value in it, against the tree with a word in its place."""
    source = "".join([*before, "%recipient.x%", *behind])
    plain = source.replace("%recipient.y%", "Ann")
    whole = _parsed(plain.replace("%recipient.x%", value))
    if whole != _with_value(_parsed(plain.replace("%recipient.x%", "WORD")), value):
        assert [*by_values(source, {".x": [value], ".y": ["Ann"]})] != []


@pytest.mark.slow
@pytest.mark.parametrize(
    "source",
    [
        "{{!--" * 75_000, "{{" * 150_000, '{{"' * 100_000, "{{'{{\"" * 50_000, "{{[" * 100_000, "{{a" * 100_000,
        "<p " * 100_000, "<p x" * 75_000, "<p x=" * 62_000, "<p  " + " " * 250_000, "<" * 250_000, "</" * 125_000,
        "<svg><title>" * 25_000, "<svg><![CDATA[" * 22_000, "<p x=" + " " * 250_000, "<p " + "= " * 125_000,
        "%recipient.a%" * 20_000, "{{a}}" * 50_000, "{{! a" * 50_000, "{{/*" * 75_000,
    ],
)  # fmt: skip
def test_attack_172_odd_markup_is_read_in_little_time(source: str) -> None:
    begun = time.process_time()
    list(by_values(f"{source}%recipient.x%", {".x": ["<b>" * 10_000]}))
    list(by_template(f"{source}{{{{{{x}}}}}}", {"x": "<b>" * 10_000}))
    filled_blank(source)
    assert time.process_time() - begun < 2.0
