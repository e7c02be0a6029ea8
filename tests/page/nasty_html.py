"""HTML made by dice: everything that browsers show in ways of their own, in parts that do not belong together."""

from __future__ import annotations

import random
import re

# In the tables {w}, {v} and {c} become words of their own in text, attributes and style sheets, {h} a host, {n} a
# number. Braces that are meant are double.
TAGS = (
    *("<p>", "</p>", "<b>", "</b>", "<h1>", "<table>", "</table>", "<tr>", "<td>", "<th>", "<tbody>", "<caption>"),
    *("<svg>", "</svg>", "<math>", "</math>", "<mi>", "<mtext>", "<desc>", "<foreignObject>", "<title>", "</title>"),
    *("<text y=9>", "<annotation-xml encoding=text/html>", "<annotation-xml>", "</mtext>", "</foreignObject>"),
    *("<style>", "</style>", "<script>", "</script>", "<xmp>", "</xmp>", "<select>", "<option>", "</select>", "<!--"),
    *("-->", "--!>", "<!-->", "<![CDATA[", "]]>", "<template>", "</template>", "<noscript>", "</noscript>", "<switch>"),
    *("<textarea>", "</textarea>", "<div>", "</div>", "<button>", "</form>", "<form>", "<br>", "</br>", "<plaintext>"),
    *("<frameset>", "<frame>", "<body>", "</body>", "</html>", "<!doctype html>", "<?x", "<x title='", "'>", "<input>"),
    *("<nobr>", "<font color=red>", "</font>", "<mglyph>", "<malignmark>", "<optgroup label={v}>", "<hr>", "<keygen>"),
    *("<ruby>", "<rt>", "<rp>", "<dl><dd>", "<isindex prompt={v}>", "<image alt={v}>", "<iframe>", "</iframe>", "<li>"),
    *(
        "<noembed>",
        "</noembed>",
        "<noframes>",
        "</noframes>",
        "<object>",
        "</object>",
        "<marquee>",
        "<center>",
        "</h2>",
    ),
    *("<template shadowrootmode=open>", "<slot>", "<a href='https://{h}/'>", "</a>", "\x00", "&lt;b&gt;"),
)
ELEMENTS = (
    "<details><summary>{w}</summary>{w}</details>", "<details open>{w}</details>", "<dialog>{w}</dialog>",
    "<dialog open>{w}</dialog>", "<div popover>{w}</div>", "<div popover=manual class=a>{w}</div>",
    "<p hidden>{w}</p>", "<p hidden=until-found>{w}</p>", "<p hidden class=a>{w}</p>", "<img alt='{v}'>",
    "<img src=x title={v}>", "<input value={v}>", "<input type=hidden value={v}>", "<input placeholder={v}>",
    "<input type=submit value={v}>", "<input type=reset value={v}>", "<input type=image src=x alt={v}>",
    "<input type=password value={v}>", "<input type=HIDDEN value={v}>", "<input type=' hidden' value={v}>",
    "<textarea placeholder={v}></textarea>", "<textarea>{w}</textarea>",
    "<select><option label={v}>{w}</option></select>", "<select><option>{w}<option selected>{w}</select>",
    "<select multiple><optgroup label={v}><option>{w}<option value={v}>{w}</optgroup></select>",
    "<select><button><selectedcontent></button><option>{w}</select>", "<datalist><option>{w}</datalist>",
    "<meter>{w}</meter>", "<canvas>{w}</canvas>", "<video>{w}</video>", "<object>{w}</object>",
    "<object type=text/html>{w}</object>", "<embed>{w}", "<applet>{w}</applet>", "<map><area alt={v}>{w}</map>",
    "<ruby>{w}<rp>{w}<rt>{w}</ruby>", "<fieldset><legend>{w}</legend>{w}</fieldset>", "<q>{w}</q>", "<slot>{w}</slot>",
    "<iframe srcdoc='<p>{w}</p>'></iframe>", "<iframe srcdoc='&lt;iframe srcdoc=&quot;{w}&quot;>'></iframe>",
    "<div><template shadowrootmode=open>{w}<slot></slot></template>{w}</div>",
    "<div><template shadowrootmode=closed>{w}<slot name=s>{w}</slot></template><b slot=s>{w}</b>{w}</div>",
    "<div><template shadowrootmode=bad>{w}</template>{w}</div>", "<noscript>{w}</noscript>", "<xmp>{w}</xmp>",
    "<!--[if mso]><p>{w}</p><![endif]-->", "<!--[if !mso]><!--><p>{w}</p><!--<![endif]-->",
    "<![if !mso]>{w}<![endif]>", "<bdo dir=rtl>{w}</bdo>", "<p aria-label={v}>{w}</p>", "<p aria-hidden=true>{w}</p>",
    "<p title={v} data-w={v} class=g>{w}</p>", "<ol><li class=m>{w}</ol>", "<x-tag class=a>{w}</x-tag>",
    "<p class='a b'>{w}<b class=c>{w}</b></p>", "<p id=i>{w}</p>", "<p class=C>{w}</p>", "<p data-x=1>{w}</p>",
    "<p data-x>{w}<i class=d>{w}</i></p>", "<div class=a><div class=b><span class=c>{w}</span></div></div>",
    "<p style='display:none'>{w}</p>", "<p style='display:none;display:block'>{w}</p>",
    "<p style='visibility:hidden'>{w}<b style='visibility:visible'>{w}</b></p>",
    "<p style='font-size:0'>{w}<b style='font-size:12px'>{w}</b></p>", "<p style='opacity:0'>{w}</p>",
    "<p style='max-height:0;overflow:hidden'>{w}</p>", "<p style='--x:\"{c}\"' class=v>{w}</p>",
    "<p style='display:contents'>{w}</p>", "<p style='content-visibility:hidden'>{w}</p>",
    "<p style='display:no\\6ee'>{w}</p>", "<svg><text y=9>{w}</text><title>{w}</title><desc>{w}</desc></svg>",
    "<svg><text y=9><tspan>{w}</tspan><a href='https://{h}'>{w}</a></text></svg>",
    "<svg><defs><text id=t>{w}</text></defs><use href=#t></svg>",
    "<svg><switch><text y=9 systemLanguage=xx>{w}</text><text y=9>{w}</text></switch></svg>",
    "<svg><foreignObject width=99 height=99><p>{w}</p></foreignObject></svg>", "<svg><metadata>{w}</metadata></svg>",
    "<math><mtext>{w}</mtext><mi>ab</mi><merror>{w}</merror></math>", "<math><ms lquote={v}>{w}</ms></math>",
    "<math><semantics><mi>{w}</mi><annotation>{w}</annotation></semantics></math>",
    "<math><annotation-xml encoding='text/html'><p>{w}</p></annotation-xml></math>",
    "<math><mphantom><mtext>{w}</mtext></mphantom></math>", "<math href='https://{h}'><mtext>{w}</mtext></math>",
    "<a href='https://{h}'>{w}</a>", "<a href='//{h}/x'>{w}</a>", "<a href='\\\\{h}'>{w}</a>",
    "<a href=' \thttps:/{h}'>{w}</a>", "<a href='ht\ntps://{h}'>{w}</a>", "<a HREF=https://{h}>{w}</a>",
    "<map name=m><area href='https://{h}' shape=default alt={v}></map><img usemap=#m src=x width=9 height=9>",
    "<form action='https://{h}'><button>{w}</button></form>", "<button formaction='https://{h}'>{w}</button>",
    "<p><a href='https://{h}'><p>{w}</p></a>", "<a href='https://{h}'>{w}<a href='https://{h}'>{w}</a>",
    "<base href='https://{h}/'><a href=x>{w}</a>", "<a href='?x'>{w}</a><base href='//{h}'>",
    "<table>{w}<tr>{w}<td>{w}</table>", "<table><td><table><tr hidden><td>{w}</table>", "<col>{w}",
    "<select>{w}<div>{w}</div></select>", "<title>{w}</title>", "<head><p>{w}", "<nobr>{w}<wbr>{w}</nobr>",
    "<input type=range list=l><datalist id=l><option label={v}></datalist>", "<frameset><noframes>{w}</frameset>",
    "<marquee>{w}</marquee>", "<p class=\"a\u00a0b\">{w}</p>", "<p CLASS='A'>{w}</p>", "<portal>{w}</portal>",
    "<permission>{w}</permission>", "<command>{w}", "<rb>{w}", "<basefont>{w}", "<nextid>{w}", "<spacer>{w}",
)  # fmt: skip
SELECTORS = (
    *("*", "p", "b", ".a", ".b", ".a.b", "#i", "p.a", ".a .c", ".a > .b", ".a + p", ".a ~ *", "div", "body", "html"),
    *("head", "title", "style", "p:has(.c)", "div:has(> .b)", "[data-x]", "[data-x='1']", "[class^=a]", "[class~=a i]"),
    *("[hidden]", ":not(.a)", "p:not(.b)", "p:first-child", "p:nth-child(odd)", ":root", "::before", "p::after"),
    *(".g::before", ".v::before", ".m::marker", "summary::marker", "details::details-content", "::placeholder"),
    *("p::first-letter", ":is(.a,p)", ":where(p)", "svg|*", "script", "noscript", "template", "option"),
    *("dialog", "[popover]", "::backdrop", "input", "p\\.x", ".\\61", "P", "rp", "desc", "datalist, datalist *"),
    *("head, head *", "style, title", "q::before", "input::after", "object", "iframe", ":host", "body > *", ".a,.b,p"),
)
DECLARATIONS = (
    *("display:none", "display:none!important", "display:block", "display:block!important", "display:contents"),
    *("display:revert", "display:no/**/ne", "visibility:hidden", "visibility:visible", "opacity:0", "font-size:0"),
    *("font-size:12px", "font:0/0 a", "color:transparent", "position:absolute;left:-999em", "clip-path:inset(100%)"),
    *("max-height:0;overflow:hidden", "text-indent:-999px", "content:'{c}'", 'content:"{c}"', "content:'{c}'/'{c}'"),
    *("content:attr(data-w)", "content:attr(title)", "content:attr( aria-label )", "content:var(--x)", "--x:'{c}'"),
    *("content:'\\63 {n}x'", "content:open-quote;quotes:'{c}' '{c}'", "list-style-type:'{c}'", "content:'c' '{n}' 'x'"),
    *("display:list-item;list-style:'{c}' inside", "content:attr(data-none,'{c}')", "content:counters(a,'{c}')"),
    *("content:none", "content:'{c}", "content:'{c}';display:block", "DISPLAY : NONE", "dis\\70lay:none"),
    *("content:attr(data-w type(<string>))", "content:if(else:'{c}')", "content:'c'/**/'{n}x'", "content:'c'\n'{n}x'"),
)
SHEETS = (
    *("{r}",) * 8, "@media screen{{{r}}}", "@media print{{{r}}}", "@media (max-width:1px){{{r}}}", "@layer x{{{r}}}",
    "@media not print{{{r}}}", "@supports (display:grid){{{r}}}", "@supports not (display:grid){{{r}}}", "p{{{r}}}",
    "@scope (div){{{r}}}", "@container (min-width:1px){{{r}}}", "@starting-style{{{r}}}", "/*{r}*/", "<!--{r}-->",
    "@charset 'utf-8';{r}", "}}{r}", "@x;{r}", "@import 'x';{r}", "@font-face{{font-family:x}}{r}",
    "@namespace svg url(http://www.w3.org/2000/svg);{r}", "@keyframes k{{from{{opacity:0}}}}{r}",
    "@counter-style k{{system:cyclic;symbols:'{c}' '{c}'}}{r}",
    "@property --x{{syntax:'*';inherits:true;initial-value:'{c}'}}{r}",
)  # fmt: skip
_PLACE = re.compile(r"\{([wvchn])\}")


class NastyHtml:
    """A seed's own inputs, one after the other."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._number = 0

    def one_of_each(self) -> list[str]:
        """Every element of the table by itself."""
        return [self._filled(element) for element in ELEMENTS]

    def next(self) -> str:
        """Some elements or loose tags, most often under style sheets, sometimes broken off."""
        dice = self._dice
        parts: list[str] = []
        loose = dice.random() < 0.4
        parts.extend(f"<style>{self._sheet()}</style>" for _ in range(dice.choice((0, 1, 1, 2))))
        for _ in range(dice.randint(2, 7)):
            if loose or dice.random() < 0.15:
                parts.append(self._filled(dice.choice(TAGS)) + (self._filled(" {w} ") if dice.random() < 0.5 else ""))
            else:
                parts.append(self._filled(dice.choice(ELEMENTS)))
        if dice.random() < 0.15:
            parts.append(f"<style>{self._sheet()}</style>")
        whole = "".join(parts)
        return whole[: dice.randint(1, len(whole))] if dice.random() < 0.08 else whole

    def _sheet(self) -> str:
        dice, rules = self._dice, ""
        for _ in range(dice.randint(1, 4)):
            selector = dice.choice(SELECTORS)
            if dice.random() < 0.25:
                selector += dice.choice((", ", " ", " > ")) + dice.choice(SELECTORS)
            declarations = ";".join(dice.choice(DECLARATIONS) for _ in range(dice.randint(1, 3)))
            rules += dice.choice(SHEETS).replace("{r}", f"{selector}{{{{{declarations}}}}}")
        return self._filled(rules)

    def _filled(self, part: str) -> str:
        def fill(place: re.Match[str]) -> str:
            self._number += 1
            kind = place[1]
            if kind == "n":
                return str(self._number)
            return f"h{self._number}x.example.net" if kind == "h" else f"{kind}{self._number}x"

        return _PLACE.sub(fill, part).replace("{{", "{").replace("}}", "}")
