"""The colours that the declarations of one rule or one element give to its letters and to what is behind them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from maton_mailgun.mail.colours import Colour, with_cover
from maton_mailgun.mail.css_rules import unescaped

Given: TypeAlias = tuple[Colour, float] | None
"""A colour and how much it covers; None is one that could not be judged."""
Picture: TypeAlias = tuple[Given, ...]
"""The colours of a gradient; of any other picture one that is not known."""

Kind: TypeAlias = Literal["ink", "fill", "paper", "picture"]
"""Two properties colour letters: programs that know the second one (`fill`) take it, and others the first."""

_KINDS: dict[str, Kind] = {
    "color": "ink", "-webkit-text-fill-color": "fill", "background": "paper", "background-color": "paper",
    "background-image": "picture", "all": "ink",
}  # fmt: skip
_BLACK: Given = ((0, 0, 0), 1.0)
_INHERITED = frozenset({"inherit", "currentcolor", "unset"})
_REVERTED = frozenset({"revert", "revert-layer"})
_SEE_THROUGH = frozenset({"transparent", "none", "inherit", "initial", "unset", "0", "0 0"})
_SYSTEM = frozenset(
    re.findall(
        r"\S+",
        "accentcolor accentcolortext activetext buttonborder buttonface buttontext canvas canvastext field fieldtext"
        " graytext highlight highlighttext linktext mark marktext selecteditem selecteditemtext visitedtext"
        " activeborder activecaption appworkspace background buttonhighlight buttonshadow captiontext inactiveborder"
        " inactivecaption inactivecaptiontext infobackground infotext menu menutext scrollbar threeddarkshadow"
        " threedface threedhighlight threedlightshadow threedshadow window windowframe windowtext -webkit-link"
        " -webkit-activelink -webkit-text -internal-light-dark -webkit-focus-ring-color",
    )
)
"""CSS Color Module 4, 6.2 and appendix A: what they are is up to the program."""
_IMPORTANT = re.compile(r"!\s*important\b")
_PART = re.compile(r"[\w-]+\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)?|[^\s,/]+|/")
_LONGEST = 20_000
"""Characters of a value; a longer one is not judged."""
_STOP = re.compile(r"(?:rgb|hsl)a?\([^()]*\)|[\w-]+\((?:[^()]|\([^()]*\))*\)|#[0-9a-f]+|[a-z]+")
_PICTURE = re.compile(r"(?:url|src|[\w-]*gradient|(?:-webkit-)?image-set|image|cross-fade|element|paint)\(")
_BARE_DIGITS = re.compile(r"(?:[0-9a-f]{3,4}){1,2}")
"""A colour without its sign, which only pages of old are read with (Quirks Mode Standard, 3.1)."""


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of one property."""

    kind: Kind
    colours: tuple[Given, ...] = ()
    """Each may be the one that a program takes, for not all know all of them."""
    sure: bool = False
    """Whether every program takes one of them, if it takes anything that is said here."""
    important: bool = False
    inherits: bool = False
    """Whether it may be that of the element around; of a background, that it is seen through."""
    own_ink: bool = False
    """Whether a background may have the colour of the letters."""
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class Paint:
    """What is given by one rule."""

    said: tuple[Said, ...] = ()
    dark: bool = False
    """Whether only programs with dark colours follow it."""


def of(declarations: Iterable[str]) -> Paint:
    """The last one of each property, and those before it where some programs do not know it."""
    found: dict[tuple[Kind, bool], Said] = {}
    for declaration in declarations:
        name, _, value = declaration.partition(":")
        name = unescaped(name).strip().lower()
        kind = _KINDS.get(name.strip("*_ \t\n"))
        if kind is None:
            continue
        odd = "\\" in declaration or name[:1] in {"*", "_"}
        value = unescaped(value).strip().lower()
        important = _IMPORTANT.search(value) is not None
        for said in _said(name, kind, _IMPORTANT.sub("", value).strip(), important=important):
            before = None if said.sure and not odd else found.get((said.kind, important))
            if before is None:
                found[said.kind, important] = said if not odd else _with(said, said)
            else:
                found[said.kind, important] = _with(before, said)
    return Paint(tuple(found.values()))


def _with(before: Said, said: Said) -> Said:
    """Both, for programs that know the second one and for others."""
    return Said(
        said.kind,
        tuple(dict.fromkeys((*before.colours, *said.colours))),
        before is not said and before.sure,
        said.important,
        before.inherits or said.inherits,
        before.own_ink or said.own_ink,
        tuple(dict.fromkeys((*before.pictures, *said.pictures))),
    )


def _said(name: str, kind: Kind, value: str, *, important: bool) -> list[Said]:
    if len(value) > _LONGEST:
        return [Said(kind, (None,), False, important)]
    if name.strip("*_ \t\n") == "all":
        # Few mail programs know it: what it resets may be as it was.
        ink = Said("ink", (_BLACK,) if value == "initial" else (), False, important, inherits=value != "initial")
        return [ink, Said("paper", (), False, important, inherits=True), Said("picture", (), False, important)]
    if kind in {"ink", "fill"}:
        return _ink(kind, value, important=important)
    if kind == "picture":
        pictures = _pictures(value)
        known = bool(pictures) or value in _SEE_THROUGH
        return [Said(kind, (), True, important, pictures=pictures)] if known else _open(kind, value, important)
    if name == "background-color" and value in {"none", "0"}:
        return []
    if name == "background-color" and (_PICTURE.search(value) or len(_PART.findall(value)) > 1):
        return []
    given = _background(value, important=important)
    return given[:1] if name.startswith("background-color") else given


def _ink(kind: Kind, value: str, *, important: bool) -> list[Said]:
    if value in _INHERITED | _REVERTED:
        return [Said(kind, (), value in _INHERITED, important, inherits=True)]
    if value == "initial":
        return [Said(kind, (_BLACK,), True, important)]
    known = with_cover(value)
    if known is not None:
        return [Said(kind, (known,), not _bare(value), important)]
    return _open(kind, value, important)


def _open(kind: Kind, value: str, important: bool) -> list[Said]:
    """What only a browser knows, or nobody."""
    return [Said(kind, (None,), False, important)] if "(" in value or value in _SYSTEM else []


def _bare(value: str) -> bool:
    return _BARE_DIGITS.fullmatch(value) is not None


def _background(value: str, *, important: bool) -> list[Said]:
    """The colour of a background, and its pictures."""
    picture = Said("picture", (), True, important, pictures=_pictures(value))
    if value in _SEE_THROUGH | _REVERTED:
        return [Said("paper", (), value not in _REVERTED, important, inherits=True), picture]
    given: list[Given] = []
    sure = True
    parts = [part for part in _PART.findall(value) if not _PICTURE.match(part)]
    for part in parts:
        if (known := with_cover(part)) is not None:
            given.append(known)
            sure &= not _bare(part)
        elif "(" in part or part in _SYSTEM:
            given.append(None)
            sure = False
    own = "currentcolor" in parts
    clear = not own and given in ([], [((0, 0, 0), 0.0)])
    return [Said("paper", () if clear else tuple(given), sure, important, inherits=clear, own_ink=own), picture]


def _pictures(value: str) -> tuple[Picture, ...]:
    return tuple(_picture(part) for part in _PART.findall(value) if _PICTURE.match(part))


def _picture(part: str) -> Picture:
    if "gradient(" not in part:
        return (None,)
    inner = part[part.index("(") + 1 :]
    found = [
        with_cover(stop) if "(" not in stop or stop[:3] in {"rgb", "hsl"} else None
        for stop in dict.fromkeys(_stops(inner))
    ]
    return tuple(dict.fromkeys(found)) or (None,)


def _stops(inner: str) -> Iterable[str]:
    return (stop for stop in _STOP.findall(inner) if "(" in stop or with_cover(stop) is not None)
