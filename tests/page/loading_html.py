"""HTML that loads from outside: every way in which a browser may fetch, in many spellings."""

from __future__ import annotations

import html
from itertools import cycle

# {u} becomes an address with a host of its own, {h} that host, {v} the address in another spelling for HTML, {s} for a
# string of CSS, {b} for a bare address in CSS. Braces that are meant are double.
ELEMENTS = (
    "<img src='{v}'>", "<IMG SRC={v}>", "<img srcset='{v} 1x'>", "<img srcset='x.png 2x,{v} 1x'>",
    "<image src='{v}'>", "<img src=data:image/png;base64,x srcset='{v}'>", "<img srcset='http://a.invalid,@{h}/x'>",
    "<img lowsrc='{v}'>", "<img src=x.png srcset=' , {v}, '>", "<img dynsrc='{v}'>", "<img loading=eager src='{v}'>",
    "<img attributionsrc='{v}' src=x>", "<picture><source srcset='{v}'><img></picture>",
    "<picture><source srcset='{v}' media='(min-width:1px)'><img src=x></picture>",
    "<picture><source srcset='x' media=print><img srcset='{v} 9w' sizes=9px></picture>", "<source src='{v}'>",
    "<video src='{v}'></video>", "<video poster='{v}'></video>", "<video><source src='{v}'></video>",
    "<audio src='{v}' preload=auto></audio>", "<audio><source src='{v}'></audio>", "<embed src='{v}'>",
    "<video src=data:, ><track default kind=captions src='{v}'></video>", "<object data='{v}'></object>",
    "<object type=image/png data='{v}'></object>", "<object classid='{v}'></object>",
    "<object codebase='{v}' data=x>", "<applet codebase='{v}' code=x></applet>", "<input type=image src='{v}'>",
    "<input type=IMAGE src='{v}' alt=x>", "<iframe src='{v}'></iframe>", "<iframe srcdoc='<img src={v}>'></iframe>",
    "<frameset><frame src='{v}'></frameset>",
    "<iframe srcdoc='&lt;iframe srcdoc=\"&amp;lt;img src={u}>\">'></iframe>", "<bgsound src='{v}'>",
    "<iframe srcdoc='<base href=\"{u}\"><img src=x.png>'></iframe>", "<portal src='{v}'>", "<fencedframe src='{v}'>",
    "<iframe src='data:text/html,<img src={u}>'></iframe>", "<embed src='data:text/html,<img src={u}>'>",
    "<iframe src='data:text/html,%3Cimg%20src=%22{u}%22%3E'></iframe>", "<xml src='{v}'>", "<layer src='{v}'>",
    "<object data='data:text/html;charset=utf-8,<style>@import \"{u}\"</style>'></object>",
    "<object data='data:image/svg+xml,<svg xmlns=\"http://www.w3.org/2000/svg\"><image href=\"{u}\"/></svg>'></object>",
    "<img src='data:image/svg+xml,<svg xmlns=\"http://www.w3.org/2000/svg\"><image href=\"{u}\"/></svg>'>",
    "<iframe src='data:text/html,<iframe src=\"data:text/html,<img src={u}>\"></iframe>'></iframe>",
    "<script src='{v}'></script>", "<body background='{v}'>", "<table background='{v}'><tr><td>x</table>",
    "<table><tr background='{v}'><td>x</table>", "<table><td background='{v}'>x</table>", "<th background='{v}'>x",
    "<table><thead background='{v}'><td>x</table>", "<p background='{v}'>x", "<menuitem icon='{v}'>",
    "<link rel=stylesheet href='{v}'>", "<link rel='alternate stylesheet' title=x href='{v}'>",
    "<link rel=stylesheet media=print href='{v}'>", "<link rel=preload as=image href='{v}'>",
    "<link rel=preload as=style href='{v}'>", "<link rel=preload as=font crossorigin href='{v}'>",
    "<link rel=preload as=image imagesrcset='{v} 1x'>", "<link rel=prefetch href='{v}'>",
    "<link rel=icon href='{v}'>", "<link rel='shortcut icon' href='{v}'>", "<link rel=modulepreload href='{v}'>",
    "<link rel=manifest href='{v}'>", "<link rel=prerender href='{v}'>",
    "<link rel=compression-dictionary href='{v}'>", "<link rel=import href='{v}'>", "<link rel=next href='{v}'>",
    "<link rel=apple-touch-icon href='{v}'>", "<link rel=search href='{v}'>", "<link rel=pingback href='{v}'>",
    "<link rel=subresource href='{v}'>", "<link rel=preload as=track href='{v}'>",
    "<p><link rel=stylesheet href='{v}'>x", "<link rel=stylesheet href='data:text/css,@import \"{u}\"'>",
    "<link rel=stylesheet href='data:text/css,*%7Bbackground:url({u})%7D'>x",
    "<link rel=stylesheet href='data:text/css;base64,@'>", "<html manifest='{v}'>", "<head profile='{v}'>",
    "<meta http-equiv=refresh content='0;url={u}'>", "<meta http-equiv=Refresh content='0;{u}'>",
    "<meta http-equiv=' refresh ' content=\"0 ,URL = '{u}'\">", "<meta http-equiv=refresh content='0.5;url={u}'>",
    "<base href='{u}'><img src=x.png>", "<base href='{v}'><style>@import 'x.css'</style>",
    "<base href='//{h}'><link rel=stylesheet href=x>", "<base><base href='{u}'><body background=x>",
    "<base href='{u}'><p style='background:url(x)'>x", "<base href='{u}'><img srcset='x 1x'>",
    "<img src=x.png><base href='{u}'>", "<base href='{u}'><iframe srcdoc='<img src=x>'></iframe>",
    "<base href='{u}'><style>p{{background:image-set(\"x\" 1x)}}</style><p>x",
    "<base target=x href='{v}'><embed src=x>", "<svg><image href='{v}' width=9 height=9 /></svg>",
    "<svg><image xlink:href='{v}' width=9 height=9 /></svg>", "<svg><use href='{v}#a'/></svg>",
    "<svg><use xlink:href='{v}#a'/></svg>", "<svg><script href='{v}'></script></svg>",
    "<svg><filter id=f><feImage href='{v}'/></filter><rect filter='url(#f)' width=9 height=9 /></svg>",
    "<svg><rect fill='url({u}#a)' width=9 height=9 /></svg>",
    "<svg><rect filter='url({u}#a)' width=9 height=9 /></svg>",
    "<svg><rect mask='u\\72l({u}#a)' width=9 height=9 /></svg>",
    "<svg><path d='M0 0L9 9' marker-end='url({u}#a)'/></svg>",
    "<svg><rect clip-path=\"url('{u}#a')\" width=9 height=9 /></svg>", "<svg><g cursor='url({u}),auto'></g></svg>",
    "<svg><linearGradient id=a href='{v}#b'/><rect fill='url(#a)' width=9 height=9 /></svg>",
    "<svg><pattern id=q href='{v}#b'/><rect fill='url(#q)' width=9 height=9 /></svg>",
    "<svg><text><textPath href='{v}#a'>x</textPath></text></svg>", "<svg><animateMotion><mpath href='{v}#a'/></svg>",
    "<svg><image width=9 height=9><set attributeName=href to='{v}'/></image></svg>",
    "<svg><image width=9 height=9><animate attributeName=href values='{u};{u}' dur=1s /></image></svg>",
    "<svg><rect width=9 height=9><set attributeName=fill to='url({u}#a)'/></rect></svg>",
    "<svg><style>@import '{s}';</style></svg>", "<svg><style>*{{background:u<!---->rl({u})}}</style></svg><p>x",
    "<svg><style><![CDATA[@import '{u}';]]></style></svg>", "<svg><style>@im<!-- -->port '{u}';</style></svg>",
    "<svg><foreignObject><img src='{v}'></foreignObject></svg>", "<svg><a href='{u}'><image href='{u}'/></a></svg>",
    "<svg><font-face-uri xlink:href='{v}'/></svg>", "<svg><image href='data:image/svg+xml,<svg/>' xlink:href='{v}'/>",
    "<math><mtext><img src='{v}'></mtext></math>", "<math><mi style='background:url({u})'>x</mi></math>",
    "<math><mglyph src='{v}'></math>",
    "<math><annotation-xml encoding=text/html><img src='{v}'></annotation-xml></math>",
    "<noscript><img src='{v}'></noscript>", "<template><img src='{v}'></template>",
    "<select><img src='{v}'></select>", "<div><template shadowrootmode=open><img src='{v}'></template></div>",
    "<div><template shadowrootmode=open><style>:host{{background:url({u})}}</style>x</template></div>",
    "<!--[if mso]><img src='{v}'><v:fill src='{v}'></v:fill><![endif]-->",
    "<v:fill src='{v}'><v:imagedata o:href='{v}'>", "<!--><img src='{v}'>-->",
    "<table><style>@import '{u}';</style></table>", "<textarea><img src='{v}'></textarea><img src='{u}'>",
    "<title><img src={u}></title><img src='{v}'", "<p><img src='{v}", "<div popover><img src='{v}'></div>",
    "<details><img src='{v}'></details>", "<p hidden><img src='{v}'></p>", "<dialog><img src='{v}'></dialog>",
    "<form action='{u}'><input type=image src='{v}'></form>", "<a href='{u}' ping='{u}'>x</a>",
    "<isindex action='{v}'>", "<marquee><img src='{v}'></marquee>", "<button><img src='{v}'></button>",
    "<canvas><img src='{v}'></canvas>", "<ruby><rt><img src='{v}'></ruby>", "<map><area href='{u}'></map>",
    "<blockquote cite='{u}'>x", "<q cite='{u}'>x", "<meta http-equiv=link content='<{u}>;rel=stylesheet'>",
    "<meta name=msapplication-TileImage content='{u}'>", "<style media='(min-width:1px)'>@import '{s}';</style>",
    "<style type=text/css>@import url({b});</style>",
    "<object><param name=movie value='{u}'><embed src='{v}'></object>",
    "<input src='{v}'><input type=image src='{u}'>", "<frameset><img src='{v}'></frameset>",
    "<select><select><img src='{v}'>", "<frameset><link rel=stylesheet href='{v}'></frameset>",
    "<table><colgroup><img src='{v}'></table>", "</p <img src='{v}'>",
    "<select><link rel=stylesheet href='{v}'></select>", "<frameset></frameset></html><img src='{v}'>",
    "<svg></p><img src='{v}'>", "<select><optgroup><option><img src='{v}'></select>",
    "<frameset><style>@import '{u}';</style>", "<svg><select><img src='{v}'>",
    "<svg><![CDATA[><img src='{v}'>]]></svg>", "<select><style>@import '{u}';</style></select>",
    "<!-- --!><img src='{v}'>", "<math><style><!--</style><img src='{v}'>--></math>",
    "<svg><title><!--</title><img src='{v}'>--></svg>", "<col><img src='{v}'>",
    "<math><textarea></math><img src='{v}'></textarea>", "<svg><xmp></svg><img src='{v}'></xmp>",
    "<frameset><noframes><img src='{v}'>", "<select><xmp><img src='{v}'></xmp></select>",
    "<select><textarea><img src='{v}'></select>", "<frame><img src='{v}'>", "<svg><style>@import {u};</style></svg>",
    "<math><style>@import '{u}';</style></math>", "<select><math><style>@import {u};",
    "<title><style>@import '{u}';</style>", "<style><!-- @import {u}; --></style>",
    "<noscript><style>@import '{u}';</style></noscript>", "<svg><plaintext><img src='{v}'>",
    "<select><plaintext><img src='{v}'>", "<frameset><plaintext><img src='{v}'>",
)  # fmt: skip
"""`@` becomes an import in base64."""

SHEETS = (
    "@import {u};", "@import {u}", "@import  {u} x;", "/**/@import {u};", "@charset 'x';@import {u};",
    "@import {u}}}", "@import url{u};", "p{{}}@import {u};", "@layer x;@import {u};", "@import ({u});",
    "@import '{u};", "@import {u}');}}", "@import '{s}';", '@import "{s}";', "@import url({b});",
    "@import url('{s}');", "@import url( \"{s}\" ) screen;", "@IMPORT'{s}';", "@im\\70ort '{s}';",
    "@\\69mport url({b});", "@import/**/'{s}';", "@import '{s}' layer(x);", "@import '{s}' supports(display:grid);",
    "@import URL({b})", "@import '{s}", "@import url({b}", "@charset 'x';@import '{s}';", "@import u\\72l({b});",
    "@import \\75\\72\\6c('{s}');", "@import 'data:text/css,@import \"{u}\"';", "<!--@import '{s}';-->",
    "@import url('data:text/css,*{{background:url({u})}}');", "@layer x;@import '{s}';", "@import src('{s}');",
    "@import '{s}' print;", "p{{background:url({b})}}", "p{{background:url('{s}')}}", "p{{background:url( {b} )}}",
    "p{{background:u\\72l({b})}}", "p{{background:\\000075rl({b})}}", "p{{background:URL({b})}}",
    "p{{BACKGROUND:ur\\6C ('{s}')}}", "p{{background:url(\n{b}\n)}}", "p{{background:url({b}",
    "p{{background:url('{s}", "p{{background:url('{s}'", "p{{background-image:url({b}),url(x)}}",
    "p{{background:url(/**/{b})}}p{{background:url({b})}}", "p{{background:red/*'*/url({b})/*'*/}}",
    "p{{background:url({b})\\;}}", "p{{background:image-set('{s}' 1x)}}",
    "p{{background:-webkit-image-set(url({b}) 1x)}}", "p{{background:IMAGE-SET(\"{s}\" 1x)}}",
    "p{{background:image-s\\65t('{s}' type('image/png'))}}", "p{{background:image-set('x' 9x,'{s}' 1x)}}",
    "p{{background:src('{s}')}}", "p{{--u:url({b});background:var(--u)}}",
    "p{{--u:'{s}';background:image-set(var(--u) 1x)}}", "p{{--u:'{s}';background:src(var(--u))}}",
    "p{{background:cross-fade(url({b}),url(x),50%)}}", "p{{background:-webkit-cross-fade(url({b}),url(x),50%)}}",
    "p{{background:image('{s}')}}", "p{{list-style:url({b});display:list-item}}",
    "p{{list-style-image:image-set('{s}' 1x);display:list-item}}", "p{{cursor:url({b}),auto}}",
    "p::before{{content:url({b})}}", "p::after{{content:url('{s}')/'x'}}", "p{{content:url({b})}}",
    "p::marker{{content:url({b})}}", "p{{border-image:url({b}) 1}}", "p{{mask:url({b})}}",
    "p{{-webkit-mask-image:url({b})}}", "p{{-webkit-box-reflect:below 0 url({b})}}", "p{{filter:url({b}#a)}}",
    "p{{clip-path:url({b}#a)}}", "p{{shape-outside:url({b});float:left}}", "p{{backdrop-filter:url({b}#a)}}",
    "@font-face{{font-family:f;src:url({b})}}p{{font-family:f}}",
    "@font-face{{font-family:f;src:local(q),url('{s}')format('woff2')}}p{{font:9px f}}",
    "@font-f\\61 ce{{font-family:f;src:url({b})}}p{{font-family:f}}", "@media screen{{p{{background:url({b})}}}}",
    "p{{&{{background:url({b})}}}}", "@supports(display:grid){{p{{background:url({b})}}}}",
    "@layer x{{p{{background:url({b})}}}}", "@container (width>1px){{p{{background:url({b})}}}}",
    "@media (prefers-color-scheme:light){{p{{background:url({b})}}}}", "@scope(body){{p{{background:url({b})}}}}",
    "p:hover,p{{background:url({b})}}", "@keyframes k{{from,to{{background:url({b})}}}}p{{animation:k 9s}}",
    "@property --u{{syntax:'<url>';inherits:true;initial-value:url({b})}}p{{background:var(--u)}}",
    "@counter-style k{{system:cyclic;symbols:url({b})}}p{{display:list-item;list-style:k}}",
    "@namespace 'x';p{{background:url({b})}}", "i{{x:');p{{background:url({b})}}/*'}}*/p{{background:url({b})}}",
    "i{{x:\\31 url(\" x)\"}}p{{background:url({b})}}", "}}p{{background:url({b})}}",
    "i{{x:url(a'b);}}p{{background:url({b})}}", "i{{x:'\n}}p{{background:url({b})}}",
    "p{{background:url({b}) no-repeat,linear-gradient(red,red)}}", "p{{background:light-dark(url({b}),url({b}))}}",
    "p{{background:if(else:url({b}))}}", "p{{background:url({b} crossorigin(anonymous))}}",
    "p{{background:url('{s}' referrer-policy(no-referrer))}}", "@page{{background:url({b})}}",
    "p{{behavior:url({b});-moz-binding:url({b})}}", "@document url({b}){{p{{color:red}}}}",
    "p::first-line{{background:url({b})}}", "html,body{{background:url({b})}}", "*{{background:url({b})}}",
    "p{{background:url({b}\\)x)}}", "p{{offset-path:url({b}#a)}}", "p{{fill:url({b}#a);stroke:url({b}#a)}}",
    "::selection{{background:url({b})}}p{{background:url({b})}}",
)  # fmt: skip
_ADDRESS = (
    "http://{h}/x", "//{h}/x", "\\\\{h}\\x", "HTTP://{h}", "http:\\\\{h}/x", "ht&#9;tp://{h}/x", " http://{h}/x ",
    "&#104;ttp://{h}/x", "http:///{h}/x", "http://a.b@{h}/x", "/\\{h}/x", "http:/&Tab;/{h}/x", "http://{h}?x#y",
    "&#1;http://{h}/x",
)  # fmt: skip
_BARE = (
    "http://{h}/x", "//{h}/x", "http\\:\\2f/{h}/x", "\\68ttp://{h}/x", "http://\\{h}", "http:\\\\\\\\{h}/x",
    "HTTP://{h}/x",
)  # fmt: skip
_STRING = (
    "http://{h}/x", "//{h}/x", "http\\3a //{h}/x", "\\68 ttp://{h}/x", "htt\\\np://{h}/x", "ht\\9 tp://{h}/x",
    "http:\\5c\\5c {h}",
)  # fmt: skip


def inputs(host: str) -> list[str]:
    """Each way by itself and, in the style sheets, also as a style of an element where it can be one; `host` has a
    place for the number of the input."""
    addresses, bare, strings = cycle(_ADDRESS), cycle(_BARE), cycle(_STRING)
    made: list[str] = []

    def fill(template: str) -> None:
        named = host.format(len(made))
        made.append(
            template.format(
                u=f"http://{named}/x",
                h=named,
                v=next(addresses).format(h=named),
                b=next(bare).format(h=named),
                s=next(strings).format(h=named),
            )
        )

    for element in ELEMENTS:
        fill(element)
        if "{v}" in element:
            fill(element)
    for sheet in SHEETS:
        for _ in range(2):
            fill(f"<style>{sheet}</style><p>x")
        if sheet.startswith("p{{") and sheet.endswith("}}"):
            fill(f'<p style="{html.escape(sheet[3:-2])}">x')
    return made
