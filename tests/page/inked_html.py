"""Mails by dice in which words are inked, cut, moved and covered in every way that style sheets and attributes have."""

from __future__ import annotations

import random
import re
from pathlib import Path

# `{w}` becomes a word of its own.
WHITES = (
    *("white", "#fff", "#ffffff", "#fefefe", "rgb(255,255,255)", "rgb(100% 100% 100%)", "hsl(0 0% 100%)", "snow"),
    *("hwb(0 100% 0%)", "lab(100% 0 0)", "oklch(1 0 0)", "color(srgb 1 1 1)", "color-mix(in srgb,white,white)"),
    *("rgba(0,0,0,0)", "transparent", "#0000", "rgb(0 0 0/2%)", "hsla(0,0%,0%,0)", "light-dark(white,black)"),
    *("hsl(none 0% 100%)", "rgb(255 255 255/none)", "hsl(.5turn 10% 100%)", "rgb(calc(255) 255 255)", "Canvas"),
    *("rgb(from white r g b)", "color-mix(in oklab,#fff 50%,#fff)", "oklab(1 0 0)", "lch(100 0 0)", "var(--w)"),
)
INKS = (
    *("black", "#000", "#333", "rgb(20%,20%,20%)", "hsl(240 100% 25%)", "navy", "gray", "crimson", "#c00", "#0b3d91"),
    *("rgba(0,0,0,.8)", "hwb(240 0% 50%)", "lab(30% 40 20)", "oklch(.4 .1 90)", "color-mix(in srgb,red,black)"),
    *("currentcolor", "inherit", "initial", "unset", "revert", "CanvasText", "var(--b)", "var(--no,#222)", "nonsense"),
)
PAPERS = (
    *("#fff", "white", "#f4f4f4", "#0b3d91", "navy", "black", "#222", "transparent", "none", "rgba(0,0,0,.9)"),
    *("linear-gradient(#000,#000)", "linear-gradient(white,white)", "hsl(240 100% 25%)", "currentcolor", "#000 none"),
    *("url(x.png) #222", "inherit", "rgb(255 255 255/50%)", "radial-gradient(navy,navy)", "#eee url(x.png) no-repeat"),
)
BOXES = (
    *("height:0;overflow:hidden", "max-height:0;overflow:hidden", "width:0;overflow:hidden", "height:0", "width:0"),
    *("overflow:hidden;height:40px", "overflow:hidden", "max-height:0;overflow:clip", "height:0;overflow-y:hidden"),
    *("max-width:0;overflow:hidden;white-space:nowrap", "height:1px;overflow:hidden;line-height:1px", "line-height:0"),
    *("text-indent:-9999px;overflow:hidden;white-space:nowrap", "text-indent:-40em", "text-indent:-999px"),
    *("text-indent:100%;overflow:hidden;white-space:nowrap", "padding-top:60px;height:0;overflow:hidden"),
    *(
        "contain:strict",
        "contain:paint;height:0",
        "contain:size layout paint",
        "height:0;overflow:auto",
        "height:0.4em",
    ),
    *("max-block-size:0;overflow:hidden", "inline-size:0;overflow:hidden", "block-size:0;overflow-block:hidden"),
    *("max-height:calc(1px - 1px);overflow:hidden", "max-height:0!important;overflow:hidden", "aspect-ratio:1"),
    *("margin-bottom:-30px;height:0;overflow:clip", "interpolate-size:allow-keywords", "overflow:visible;height:0"),
    *("font-size:0;height:0", "display:inline-block;width:0;height:0;overflow:hidden", "display:grid;height:0"),
)
CUTS = (
    *("clip:rect(0,0,0,0);position:absolute", "clip:rect(0 0 0 0)", "clip:rect(1px,1px,1px,1px);position:absolute"),
    *("clip-path:inset(50%)", "clip-path:inset(100%)", "clip-path:circle(0)", "clip-path:polygon(0 0)"),
    *("clip-path:inset(0 100% 0 0)", "clip-path:inset(0)", "clip-path:none", "clip-path:circle(90%)"),
    *("clip-path:ellipse(0 0)", "clip-path:path('M0 0')", "clip-path:rect(0 0 0 0)", "clip-path:xywh(0 0 0 0)"),
    *("clip:rect(5px,5px,5px,5px);position:fixed", "clip-path:inset(0 0 99.9% 0)", "-webkit-clip-path:inset(100%)"),
    *("mask:linear-gradient(transparent,transparent)", "-webkit-mask-image:linear-gradient(#0000,#0000)"),
)
PLACES = (
    *("position:absolute;left:-9999px", "position:absolute;top:-999px", "position:fixed;left:-200vw"),
    *("position:relative;left:-5000px", "position:absolute;left:-60em", "position:absolute;right:100%"),
    *("position:absolute;left:-99px", "margin-left:-9999px", "margin-top:-5000px", "position:absolute;top:-10em"),
    *("position:relative;top:2px", "position:relative", "transform:translateX(-9999px)", "translate:-9999px"),
    *("transform:translate(-200%)", "transform:translateY(-100vh)", "margin-left:-100%", "margin-left:-120em"),
    *("position:absolute;inset:-50em auto auto -50em", "inset-inline-start:-999px;position:absolute", "float:left"),
    *("position:absolute;left:calc(-1 * 9999px)", "position:absolute;bottom:100%", "margin:-99em 0 0 -99em"),
    *("left:-9999px", "margin:-9999px", "padding:20px", "position:absolute;left:-700px", "text-align:right"),
)
EFFECTS = (
    *("opacity:0", "opacity:.01", "opacity:.05", "opacity:.1", "opacity:.5", "opacity:.9", "opacity:1", "opacity:0%"),
    *("opacity:calc(0)", "opacity:var(--z)", "visibility:hidden", "visibility:collapse", "visibility:visible"),
    *("display:none", "display:block", "display:contents", "content-visibility:hidden", "transform:scale(0)"),
    *("transform:scaleX(0)", "scale:0", "zoom:.05", "transform:rotateY(90deg)", "transform:rotateX(90deg)"),
    *("filter:opacity(0)", "filter:brightness(100)", "filter:invert(1)", "filter:blur(90px)", "filter:contrast(0)"),
    *("transform:matrix(0,0,0,0,0,0)", "transform:scale(.01)", "transform:rotate(5deg)", "transform:scale3d(0,0,1)"),
    *("transform:translateZ(0)", "backface-visibility:hidden;transform:rotateY(180deg)", "mix-blend-mode:screen"),
    *("perspective:1px;transform:rotateY(90deg)", "filter:none", "opacity:1e-9", "opacity:+.0", "opacity:-1"),
    *("-webkit-text-security:disc", "text-shadow:0 0 2px black", "content:url(x)", "rotate:y 90deg", "scale:1 0"),
    *("animation:a 1s", "visibility:inherit", "visibility:unset", "display:revert", "opacity:inherit", "all:unset"),
)
SIZES = (
    *("font-size:0", "font-size:0px", "font-size:1px", "font-size:.5px", "font-size:12px", "font-size:0%"),
    *("font-size:100%", "font-size:.01em", "font:0/0 a", "font:12px/0 serif", "font:1px a", "font-size:calc(0px)"),
    *("font-size:1em", "font-size:inherit", "font-size:larger", "font-size:0.1pt", "font-size:medium", "font-size:2vw"),
    *("font-size:0rem", "font-size:0.01vw", "font-size:1e-3px", "font:bold 0 serif", "font-size:max(0px,0px)"),
    *("line-height:0", "line-height:1", "letter-spacing:-1em", "word-spacing:9px", "font-size:1.4px", "font-size:10%"),
    *(
        "font-size:smaller",
        "font-size-adjust:0",
        "-webkit-text-size-adjust:none",
        "zoom:1",
        "zoom:0",
        "line-height:1px",
    ),
)
SELECTORS = (
    *("p", "td", "b", "a", "div", ".a", ".b", ".c", "p.a", "#i", "#i .a", "div .b", "div>p", ".a .b", ".a>.b", "*"),
    *("p:first-child", "p:last-child", ":not(.a)", "p:not(.b)", "[data-x]", "[class~=c]", ".a+.b", ".a~.c", "body"),
    *("table td", "td b", ":is(.a,.b)", ":where(#i)", "p:nth-child(2)", "body div", "html .c", "p::first-letter"),
    *("p::first-line", "p:hover", ".a:hover", "p:empty", "td.a.b", "p.a,p.b", "div:has(b)", ":root", "font", "span"),
    *("a:link", "a:visited", "p b.c", "u + .body .a", "[style*=color]", "p:only-child", "* .b", "div div .c"),
)
WRAPPERS = (
    *("", "", "", "", "", "@media screen", "@media print", "@media (max-width:300px)", "@media (min-width:300px)"),
    *("@media (prefers-color-scheme:dark)", "@layer l", "@supports (display:grid)", "@supports (display:nope)"),
    *("@scope (.a)", "@container (min-width:1px)", "@starting-style", "@media not all", "@media only screen"),
)
ATTRIBUTES = (
    *("bgcolor=navy", "bgcolor=#ffffff", "bgcolor=white", "bgcolor='0b3d91'", "hidden", "dir=rtl", "data-x", "id=i"),
    *("width=0", "height=0", "width=1 height=1", "background=x.png", "align=right", "hidden=until-found", "bgcolor="),
)
_TAGS = ("p", "div", "span", "b", "a href='https://x.example/'", "font", "center", "h2", "td", "li", "i", "blockquote")
_PLACE = re.compile(r"\{w\}")

ONE_EACH = (Path(__file__).parent / "inked_mails.txt").read_text(encoding="utf-8").splitlines()


class InkedHtml:
    """A seed's own mails, one after the other."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._number = 0

    def one_each(self) -> list[str]:
        """Every mail of the table, and every declaration by itself: inline, and in a style sheet."""
        alone = []
        for declaration in (*BOXES, *CUTS, *PLACES, *EFFECTS, *SIZES):
            alone.append(f'<div style="{declaration}"><p>{{w}}</p></div><p>{{w}}')
            alone.append(f"<style>.a{{{declaration}}}</style><table><tr><td class=a>{{w}}<td>{{w}}</table>")
        for ink in (*WHITES, *INKS):
            alone.append(f"<p style='color:{ink}'>{{w}}")
            alone.append(f"<style>p{{color:{ink}}}</style><div style='background:#001'><p>{{w}}</div><p>{{w}}")
        for paper in PAPERS:
            alone += [f"<p style='background:{paper}'>{{w}}", f"<div style='background:{paper};color:#fff'>{{w}}</div>"]
        return [self._filled(one) for one in (*ONE_EACH, *alone)]

    def next(self) -> str:
        """Some nested elements under some rules."""
        dice = self._dice
        sheets = "".join(f"<style>{self._sheet()}</style>" for _ in range(dice.choice((0, 1, 1, 1, 2))))
        body = "".join(self._element(0) for _ in range(dice.randint(1, 3)))
        return self._filled(f"{sheets}{self._root()}{body}")

    def _root(self) -> str:
        dice = self._dice
        if dice.random() < 0.7:
            return ""
        return (
            f"<body {dice.choice(('bgcolor=black', 'text=white', 'bgcolor=white', 'class=a', 'id=i', self._style()))}>"
        )

    def _sheet(self) -> str:
        dice, rules = self._dice, ""
        for _ in range(dice.randint(1, 4)):
            rule = f"{dice.choice(SELECTORS)}{{{self._declarations()}}}"
            wrapper = dice.choice(WRAPPERS)
            rules += f"{wrapper}{{{rule}}}" if wrapper else rule
        return rules

    def _declarations(self) -> str:
        dice = self._dice
        return ";".join(self._declaration() for _ in range(dice.choice((1, 1, 2, 3))))

    def _declaration(self) -> str:
        dice = self._dice
        important = "!important" if dice.random() < 0.1 else ""
        match dice.randint(0, 9):
            case 0 | 1:
                return f"color:{dice.choice((*WHITES, *INKS))}{important}"
            case 2:
                return f"color:{dice.choice(INKS[:10])}{important}"
            case 3 | 4:
                return f"background{dice.choice(('', '-color'))}:{dice.choice(PAPERS)}{important}"
            case 5:
                return dice.choice(BOXES)
            case 6:
                return dice.choice((*PLACES, *CUTS))
            case 7 | 8:
                return dice.choice(EFFECTS)
            case _:
                return dice.choice(SIZES) + important

    def _style(self) -> str:
        return f'style="{self._declarations()}"'

    def _element(self, depth: int) -> str:
        dice = self._dice
        tag = dice.choice(_TAGS)
        given = [f"class='{' '.join(dice.sample('abc', dice.randint(1, 2)))}'"] if dice.random() < 0.6 else []
        if dice.random() < 0.4:
            given.append(self._style())
        if dice.random() < 0.15:
            given.append(dice.choice(ATTRIBUTES))
        inner = "".join(
            self._element(depth + 1) if depth < 3 and dice.random() < 0.5 else " {w} "
            for _ in range(dice.randint(1, 3))
        )
        name = tag.split()[0]
        made = f"<{' '.join((tag, *given))}>{inner}</{name}>"
        return f"<table><tr>{made}</tr></table>" if name == "td" else made

    def _filled(self, part: str) -> str:
        def fill(_: re.Match[str]) -> str:
            self._number += 1
            return f"w{self._number}x"

        return _PLACE.sub(fill, part)
