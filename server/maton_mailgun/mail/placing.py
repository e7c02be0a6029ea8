"""What declarations of CSS do to where words are drawn, and to whether they can be seen, that no reading can work out.

`of` says it of one declaration; `turned`, `cut` and `unjudged` of the pieces of a body.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from maton_mailgun.mail.pieces import SHOWN, UNSHOWN, Piece

TURNED, FLOATED_RIGHT, FLOATED_LEFT, RIGHT_TO_LEFT, MOVED_BY, OFF, UNJUDGED, CUT_BOX, CUT_LOW, NARROW = (
    1 << bit for bit in range(16, 26)
)
"""Drawn in another order; floated; read from right to left; one that left and top move; and moved by them; not to be
judged; a box that cuts off what is behind some height; a height of a line or less, a width of some letters."""
SCALED, DRAGS, NO_WRAP, BOUND, LINES, PUSHES, PUSHES_FAR, THICK, LIFTS, TALL, BLOCK = (
    1 << bit for bit in range(42, 53)
)
"""Its background may cover a part of it only; it draws what is beside it away; in one line; a width of a line or less;
a height of three lines or less; puts what is in it lower by a line, and by some; with a border that may cover words;
drawn some pixels over what is beside it; so is its background, where it stands in a line; a box of its own."""
MOVES = TURNED | DRAGS | OFF
_LENGTH = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(px|pt|em|rem|ex|ch|%|vw|vh|cm|mm|in|pc|q)?(?![\w.])")
_PIXELS = {
    **{"": 1.0, "px": 1.0, "pt": 1.34, "em": 16.0, "rem": 16.0, "ex": 8.0, "ch": 8.0, "%": 4.0, "vw": 6.0, "vh": 6.0},
    **{"cm": 38.0, "mm": 3.8, "in": 96.0, "pc": 16.0, "q": 1.0},
}
_ZERO = re.compile(r"(?:0|none|auto|normal|initial|unset|inherit|revert)\b")
_SIDEWAYS = re.compile(
    r"rotate|matrix|skew|scale(?:x|y|3d)?\([^)]*-|perspective|translate\w*\([^)]*(?:\d{2,}px|\d(?:em|%|vw))"
)
_COLOUR = re.compile(r"#\w+|[a-z-]+\([^()]*\)")
_ASIDE = 5.0
"""Pixels to the side by which one may nudge a letter; and below, from line to line."""
_LINE = 19.0
_LIFTED = 8.0
_INDENT = 100.0
_TALLEST = 20.0
_FLOATED_WORDS = 40
_LETTERS_IN_LINE = 50
_LETTERS_IN_WORD = 12
_PAINTED = frozenset({"img", "hr", "iframe", "object", "embed", "video", "canvas", "svg", "input", "button"})
_GROUNDS = frozenset({"bgcolor", "background"})
_MOST_TEXTS, _MOST_SIGNS = 60, 600
"""Of one element; more is not looked through."""
_RTL = frozenset({"R", "AL"})


def of(name: str, value: str) -> int:
    """What one declaration does, of a name and a value in lower case."""
    match name:
        case "order" | "-webkit-order" | "-webkit-box-ordinal-group" | "-ms-flex-order":
            return 0 if re.match(r"[+-]?0*(?:\s|!|$)|initial|inherit|unset|1\b(?=.*\bgroup)", value) else TURNED
        case "flex-direction" | "flex-flow" | "flex-wrap" | "-webkit-flex-direction" | "-webkit-box-direction":
            return TURNED if "reverse" in value else 0
        case "grid-area" | "grid-row" | "grid-column" | "grid-row-start" | "grid-column-start":
            return 0 if re.match(r"auto|span\s*\d+\s*$|1\s*/\s*-1", value) else TURNED
        case "grid-auto-flow":
            return TURNED if "dense" in value else 0
        case "float":
            return FLOATED_RIGHT if "right" in value or "end" in value else FLOATED_LEFT if "left" in value else 0
        case "direction":
            return RIGHT_TO_LEFT if "rtl" in value or "var(" in value else 0
        case "writing-mode" | "-webkit-writing-mode" | "text-orientation":
            return TURNED if re.match(r"vertical|sideways|tb|upright", value) else 0
        case "transform" | "-webkit-transform" | "rotate" | "translate" | "offset-path" | "offset":
            if name in {"rotate", "translate", "offset", "offset-path"}:
                return 0 if _ZERO.match(value) else TURNED
            return TURNED if _SIDEWAYS.search(value) else 0
        case "scale":
            return TURNED if "-" in value else 0
        case "position":
            return (
                TURNED if re.match(r"absolute|fixed|-?\w*-?sticky", value) else MOVED_BY if "relative" in value else 0
            )
        case "left" | "right" | "inset-inline" | "inset-inline-start" | "inset-inline-end" | "inset":
            return OFF if _beyond(value, _ASIDE) else 0
        case "top" | "bottom" | "inset-block" | "inset-block-start" | "inset-block-end":
            return OFF if _beyond(value, _LINE) else 0
        case "vertical-align":
            return TURNED if _beyond(value, _LINE) else 0
        case "margin-left" | "margin-right":
            dragged = DRAGS if min(_lengths(value), default=0.0) < -_LINE else 0
            return dragged | (TURNED if leftmost(value) < -_LINE else 0)
        case "margin-top" | "margin-bottom" | "margin" | "margin-block" | "margin-block-start" | "margin-block-end":
            least = min(_lengths(value), default=0.0)
            return _pushes(value) | (DRAGS | TURNED if least < -_LINE else 0) | (LIFTS if least < -_LIFTED else 0)
        case "text-indent":
            return UNJUDGED if max(_lengths(value), default=0.0) > _INDENT else 0
        case "padding" | "padding-top" | "padding-block" | "padding-block-start":
            return _pushes(value) | _tall(value)
        case "padding-bottom" | "padding-block-end" | "border-top" | "border-bottom" | "border" | "border-width":
            return _tall(value)
        case "letter-spacing" | "word-spacing":
            return TURNED if any(one < -4 for one in _lengths(value)) else 0
        case "display":
            block = BLOCK if re.search("block|table|flex|grid|list-item|flow-root", value) else 0
            return block | (TURNED if re.match(r"table-(?:header-group|footer-group|caption)", value) else 0)
        case "caption-side":
            return TURNED if "bottom" in value else 0
    return _of_ink(name, value)


def _of_ink(name: str, value: str) -> int:
    match name:
        case "z-index":
            return UNJUDGED if value.startswith("-") else 0
        case "color-scheme":
            return UNJUDGED if "dark" in value and "light" not in value else 0
        case "box-shadow" | "-webkit-box-shadow" | "outline" | "outline-width":
            thick = THICK if any(abs(one) >= 8 for one in _lengths(_COLOUR.sub("", value))) else 0
            return thick | (UNJUDGED if thick and "inset" in value else 0)
        case "text-decoration" | "text-decoration-thickness" | "text-underline-offset":
            return UNJUDGED if any(abs(one) >= 6 for one in _lengths(_COLOUR.sub("", value))) else 0
        case "background-size" | "background-position" | "background-repeat":
            return SCALED
        case "background" if "gradient(" in value and ("/" in value or "no-repeat" in value):
            return SCALED
        case "white-space" | "text-wrap" | "white-space-collapse" | "text-wrap-mode":
            return NO_WRAP if value.startswith(("nowrap", "pre")) and not value.startswith("pre-") else 0
        case "filter" | "-webkit-filter" | "backdrop-filter" | "-webkit-text-stroke" | "-webkit-text-stroke-width":
            return 0 if _ZERO.match(value) or value.startswith("drop-shadow") else UNJUDGED
        case "mix-blend-mode" | "-webkit-mask" | "mask" | "mask-image" | "-webkit-mask-image" | "-webkit-box-reflect":
            return 0 if _ZERO.match(value) else UNJUDGED
        case "background-clip" | "-webkit-background-clip":
            return UNJUDGED if "text" in value else 0
        case "clip-path" | "-webkit-clip-path" | "clip" | "shape-inside":
            return 0 if _ZERO.match(value) or value.startswith("rect(auto") else UNJUDGED
        case "zoom":
            number = _LENGTH.match(value)
            return UNJUDGED if number and float(number[1]) < (35 if number[2] == "%" else 0.35) else 0
        case "line-clamp" | "-webkit-line-clamp":
            return 0 if _ZERO.match(value) else CUT_BOX
        case "height" | "max-height" | "block-size" | "max-block-size":
            sizes = _lengths(value) if not re.search(r"%|v[hw]", value) else []
            least = sizes[0] if sizes else 999
            return CUT_LOW if least <= 14 else CUT_BOX | LINES if least <= 3 * _LINE else CUT_BOX if least <= 300 else 0
        case "width" | "max-width" | "inline-size" | "max-inline-size":
            sizes = _lengths(value) if not re.search(r"%|v[hw]", value) else []
            return (NARROW | BOUND if sizes[0] <= 60 else BOUND if sizes[0] <= 300 else 0) if sizes else 0
    return 0


def _lengths(value: str) -> list[float]:
    return [float(number) * _PIXELS[unit] for number, unit in _LENGTH.findall(value)]


def _pushes(value: str) -> int:
    most = max(_lengths(value), default=0.0)
    return PUSHES_FAR if most >= 3 * _LINE else PUSHES if most >= _LINE else 0


def _tall(value: str) -> int:
    """Of the lengths of the sides, those above and below."""
    return TALL if max(_lengths(_COLOUR.sub("", value))[::2], default=0.0) > _TALLEST else 0


def leftmost(value: str) -> float:
    """The least of the lengths in `value`, in pixels, without those in percent."""
    return min((float(number) * _PIXELS[unit] for number, unit in _LENGTH.findall(value) if unit != "%"), default=0.0)


def _beyond(value: str, least: float) -> bool:
    return "(" in value or any(abs(one) > least for one in _lengths(value))


@dataclass(slots=True)
class _Open:
    """An element that has not ended yet."""

    start: Piece
    does: int
    first: int = 0
    """How many texts were before it."""
    aside: str = ""
    """What floats to the right in it, and has no words behind it yet."""
    line: str = ""
    """What stands on the line in it so far."""
    placed: int = 0
    """Texts of SVG in it that have a place of their own."""
    foot: bool = False
    parts: int = 0
    """Texts in it, as far as it has ended."""
    breaks: int = 0
    """Lines that start in it, whatever its width."""
    within: int = 0
    """What styles do to the elements in it."""
    paints: bool = False
    """Whether something in it may cover words."""
    lifts: bool = False
    """Whether something in it draws what is behind it over it."""
    moved: bool = False
    """Whether something in it is put elsewhere than it stands."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Words of a body that are not drawn as they stand."""

    turned: tuple[str, ...] = ()
    """In another order."""
    cut: tuple[str, ...] = ()
    """In a box that may cut off a part of them."""
    unjudged: tuple[str, ...] = ()
    """In colours or under effects that could not be judged."""
    covering: tuple[str, ...] = ()
    """Where links lead that have no words of their own and are put over something."""


def drawn(pieces: Sequence[Piece], clips: int, paper: int, *, covered: bool = False) -> Drawn:
    """What is drawn otherwise in `pieces`; `clips` is the mark of those that show nothing of what overflows, `paper` of
    those with a background. `covered` says that a style sheet puts something over the words."""
    turned: dict[str, None] = {}
    cut: dict[str, None] = {}
    unjudged: dict[str, None] = {}
    covering: dict[str, None] = {}
    texts: list[str] = []
    stack = [_Open(Piece("start"), 0)]
    for piece in pieces:
        if piece.kind == "start":
            stack.append(_Open(piece, _marks(piece), len(texts)))
            if piece.name in {"br", "hr"}:
                stack[-2].line = ""
            stack[-1].breaks += not piece.inline
            continue
        if piece.kind == "end":
            if len(stack) > 1:
                done = stack.pop()
                text = " ".join(" ".join(texts[done.first : done.first + _MOST_TEXTS]).split())[:_MOST_SIGNS]
                done.parts = len(texts) - done.first
                turned.update(dict.fromkeys(_turned(done, stack[-1], text)))
                if text and done.does & clips and _cuts(done, text):
                    cut[text] = None
                if text and done.does & UNJUDGED:
                    unjudged[text] = None
                stack[-1].within |= done.within | done.does
                covered |= _lies_over(done, stack[-1], paper)  # guard: 226-over
                if _covers(done, stack, text):
                    covering[done.start.attributes["href"]] = None
                stack[-1].moved |= done.moved or _moves(done)
                _into(stack[-1], done, text)
            continue
        if piece.where == SHOWN and piece.name not in UNSHOWN and piece.text.strip():
            last = stack[-1]
            said = piece.text[:_MOST_SIGNS]
            texts.append(said)
            if piece.does & UNJUDGED:
                unjudged[" ".join(said.split())] = None
            if last.aside:
                turned[f"{last.aside} {said.strip()}"] = None
                last.aside = ""
            last.line = (last.line + said)[-_FLOATED_WORDS:]
    if covered or stack[0].within & DRAGS:
        unjudged[" ".join(" ".join(texts[:_MOST_TEXTS]).split())[:_MOST_SIGNS]] = None
    return Drawn(tuple(turned), tuple(cut), tuple(unjudged), tuple(covering))


def _marks(piece: Piece) -> int:
    does = piece.does
    if piece.name == "marquee" or (piece.foreign and piece.name in {"text", "textpath", "tspan"}):
        does |= UNJUDGED
    if not piece.attributes:
        return does
    if piece.attributes.get("dir", "").strip().lower() == "rtl":
        does |= RIGHT_TO_LEFT
    if piece.name in {"img", "table", "iframe", "object"}:
        side = piece.attributes.get("align", "").strip().lower()
        does |= FLOATED_RIGHT if side == "right" else FLOATED_LEFT if side == "left" else 0
    if piece.foreign and piece.attributes.get("transform"):
        does |= TURNED
    return does


def _lies_over(done: _Open, outer: _Open, paper: int) -> bool:
    """Whether an element that is put elsewhere, or behind one that draws it there, may cover words."""
    done.paints |= bool(done.does & (paper | THICK)) or done.start.name in _PAINTED
    done.paints |= not _GROUNDS.isdisjoint(done.start.attributes)
    tall = done.does & TALL and done.start.inline and not done.does & BLOCK
    over = done.paints and bool(_moves(done) or done.does & LIFTS or outer.lifts or tall)
    outer.lifts |= bool(done.does & LIFTS)
    return over


def _into(outer: _Open, done: _Open, text: str) -> None:
    """Go on in what is around an element that has ended."""
    outer.placed += done.placed
    outer.breaks += done.breaks
    outer.paints |= done.paints
    if done.start.foreign and text:
        given = [done.start.attributes.get(name, "").split() for name in ("x", "y", "dx", "dy", "rotate")]
        outer.placed += max(map(len, given))
    if not text:
        return
    outer.foot |= done.start.name == "tfoot"
    floated = done.does & (FLOATED_RIGHT | FLOATED_LEFT)
    if not floated:
        outer.aside = ""
        outer.line = f"{outer.line}{text}"[-_FLOATED_WORDS:] if done.start.inline else ""
    elif done.does & FLOATED_RIGHT:
        outer.aside = text if len(text) <= _FLOATED_WORDS else ""


def _turned(done: _Open, outer: _Open, text: str) -> Iterator[str]:
    if not text:
        return
    moved = done.does & TURNED or (done.does & MOVED_BY and done.does & OFF)
    backwards = done.does & RIGHT_TO_LEFT and _backwards(text, done)
    bdo = done.start.name == "bdo" and "dir" in done.start.attributes
    placed = done.start.name == "svg" and done.placed > 1
    after_foot = outer.foot and outer.start.name == "table"
    if moved or backwards or bdo or placed or after_foot:
        yield text
    elif outer.aside:
        yield f"{outer.aside} {text}"
    elif done.does & FLOATED_LEFT and outer.line.strip():
        yield f"{outer.line.strip()} {text}"


def _backwards(text: str, done: _Open) -> bool:
    """Whether letters that are read from the left are put in order from the right. Those of one run stay together."""
    kinds = {unicodedata.bidirectional(sign) for sign in text}
    return not kinds & _RTL and (done.parts > 1 or not kinds <= {"L", "WS"})


def _moves(one: _Open) -> bool:
    return bool(one.does & TURNED or (one.does & MOVED_BY and one.does & OFF))


def _covers(done: _Open, around: Sequence[_Open], text: str) -> bool:
    if text or done.start.name != "a" or not done.start.attributes.get("href"):
        return False
    return done.moved or _moves(done) or any(map(_moves, around))


def _cuts(done: _Open, text: str) -> bool:
    if done.does & CUT_LOW or (done.does & (CUT_BOX | LINES) and done.within & PUSHES_FAR):
        return True
    wide = NO_WRAP & (done.does | done.within) and done.does & BOUND
    if len(text) > _LETTERS_IN_WORD and (wide or done.does & NARROW):
        return True
    lines = max(len(text) / _LETTERS_IN_LINE, done.breaks - 1)
    if done.does & LINES:
        return lines > 1 or bool(done.within & PUSHES)
    return bool(done.does & CUT_BOX) and lines > 2


def told(texts: Iterable[str]) -> str:
    """Those texts that stand in no other one, in words."""
    kept: list[str] = []
    for text in sorted(texts, key=len):
        if not any(one in text for one in kept):
            kept.append(text)
    return "; ".join(kept[:5])
