"""Addresses as a caller wrote them, taken apart strictly, with what a person should know about each.

Nothing here repairs an address: what is not plainly an address is kept with its problems, and whoever decides
(a policy rule, a person) treats it as unknown. An address without problems has a domain that `approval.address` reads
as it is written, and the same: what a person is shown, what a rule is asked about and what is sent are one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import idna
from confusable_homoglyphs import categories, confusables  # type: ignore[import-untyped]

from .approval import address as plain

_LOCAL = re.compile(r"[^\s\x00-\x1f\x7f\"(),:;<>@\[\\\]]+")
_QUOTED_LOCAL = re.compile(r'"(?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*"')
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_ADDRESS_IN_NAME = re.compile(r"[^\s@<>\"',;]+@[^\s@<>\"',;]+\.[^\s@<>\"',;]+")

_WRITTEN_TOGETHER = (
    frozenset({"HAN", "HIRAGANA", "KATAKANA", "LATIN"}),
    frozenset({"HAN", "HANGUL", "LATIN"}),
    frozenset({"HAN", "BOPOMOFO", "LATIN"}),
)
"""Scripts that one language mixes in one word (Unicode Technical Standard 39, "highly restrictive")."""

_DRAWN_AS = {"ӏ": "l", "Ӏ": "l", "ı": "i"}
"""Letters that fonts draw like another one than the Unicode table of confusables says."""

_LOOK_ALIKES = (("rn", "m"), ("vv", "w"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"))


@dataclass(frozen=True, slots=True)
class Address:
    """One recipient or sender."""

    raw: str
    """As given."""
    name: str
    """The display name, or the empty string."""
    local: str
    """What stands before the @; empty where the address could not be taken apart."""
    domain: str
    """The domain as given, lower case; empty where it could not be taken apart."""
    ascii_domain: str
    """The domain as the mail system looks it up; empty where there is no valid form."""
    problems: tuple[str, ...] = ()
    """Why this is not plainly an address, in words for a person."""

    @property
    def address(self) -> str:
        """`local@domain` with the domain in ASCII; the raw text where it could not be taken apart."""
        return f"{self.local}@{self.ascii_domain}" if self.local and self.ascii_domain else self.raw.strip()

    @property
    def key(self) -> str:
        """The form in which two spellings of one address are equal."""
        return self.address.casefold()

    @property
    def identity(self) -> str:
        """The form in which only those are equal that are one recipient for certain: odd ones as they are written."""
        if self.problems:
            return self.raw.strip()
        return self.key if self.address.isascii() else self.address


def parse_all(given: str | Iterable[str]) -> list[Address]:
    """Every address in one text or several, each of which may hold a comma-separated list."""
    texts = [given] if isinstance(given, str) else list(given)
    return [parse(part) for text in texts for part in split(text)]


def split(text: str) -> list[str]:
    """The parts of a comma-separated address list; a comma in quotes or in angle brackets does not separate.

    Where quotes or brackets never close, every comma separates: showing a recipient too many is harmless, hiding
    one is not.
    """
    parts, balanced = _split(text)
    if not balanced:
        parts = text.split(",")
    return [part.strip() for part in parts if part.strip()]


def parse(text: str) -> Address:
    """One address, with or without a display name."""
    stripped = text.strip()
    name, address = _name_and_address(stripped)
    problems: list[str] = []
    if _CONTROL.search(text):
        problems.append("holds a line break or control character")
    local, at, domain = address.rpartition("@")
    if not at:
        problems.append("has no @")
        return Address(text, name, "", "", "", tuple(problems))
    if not (_LOCAL.fullmatch(local) or _QUOTED_LOCAL.fullmatch(local)):
        problems.append("the part before the @ is not valid")
    domain = domain.removesuffix(".")
    ascii_form = ascii_domain(domain)
    if not ascii_form or domain.endswith("."):
        problems.append("the domain is not valid")
    elif plain.ascii_domain(domain) != ascii_form:
        # A full-width letter, a character without width: what mail systems make of them differs.
        problems.append(f"the domain is not written plainly, it may mean {ascii_form}")
    return Address(text, name, local, domain.lower(), ascii_form, tuple(problems))


def ascii_domain(domain: str) -> str:
    """`domain` as looked up in the DNS, lower case, or the empty string when it is no valid host name.

    Characters that stand for others count as those, as in browsers (Unicode Technical Standard 46).
    """
    domain = domain.strip().rstrip(".")
    try:
        meant = domain if domain.isascii() else idna.uts46_remap(domain, std3_rules=False)
    except idna.IDNAError:
        return ""
    return plain.ascii_domain(meant) or ""


def unicode_domain(domain: str) -> str:
    """`domain` with every `xn--` label as the letters it stands for; labels that do not decode stay as they are."""
    return ".".join(_decoded(label) for label in domain.split("."))


def domain_flags(domain: str, *, known: str = "") -> list[str]:
    """What a person should know about the spelling of `domain`: punycode, mixed scripts, look-alike letters.

    `known` is a domain of the account; one that only looks like it is told apart.
    """
    ascii_form = ascii_domain(domain)
    decoded = unicode_domain(ascii_form or domain.casefold())
    flags: list[str] = []
    if not decoded.isascii():
        flags.append(f"international domain: {ascii_form or domain} shows as {decoded}")
    if any(_mixes_scripts(label) for label in decoded.split(".")):
        flags.append("letters of different scripts in one word")
    if imitated := _imitated(decoded):
        flags.append(f"looks like {imitated} but is not")
    elif known and ascii_form != ascii_domain(known) and _skeleton(decoded) == _skeleton(known.casefold()):
        flags.append(f"looks like {known} but is not")
    return flags


def address_flags(address: Address, *, known: str = "") -> list[str]:
    """What a person should know about how one address is written; `known` as in `domain_flags`."""
    flags = list(address.problems)
    if address.domain:
        flags += domain_flags(address.domain, known=known)
    if not address.local.isascii():
        flags.append("letters outside ASCII before the @")
        if _mixes_scripts(address.local):
            flags.append("letters of different scripts before the @")
    for named in _ADDRESS_IN_NAME.findall(address.name):
        if named.casefold().strip(".") not in {address.key, f"{address.local}@{address.domain}".casefold()}:
            flags.append(f"the name shows another address: {named}")
    return flags  # guard: 11-look-alikes


def _split(text: str) -> tuple[list[str], bool]:
    parts, current = [], ""
    in_quotes = in_brackets = escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\" and in_quotes:
            escaped = True
        elif character == '"':
            in_quotes = not in_quotes
        elif not in_quotes and character in "<>":
            in_brackets = character == "<"
        elif character == "," and not in_quotes and not in_brackets:
            parts.append(current)
            current = ""
            continue
        current += character
    return [*parts, current], not (in_quotes or in_brackets)


def _name_and_address(text: str) -> tuple[str, str]:
    if not text.endswith(">") or "<" not in text:
        return "", text
    name, _, address = text[:-1].rpartition("<")
    name = name.strip()
    if len(name) >= 2 and name.startswith('"') and name.endswith('"'):
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return name, address.strip()


def _decoded(label: str) -> str:
    if not label.casefold().startswith("xn--"):
        return label
    try:
        return idna.decode(label)
    except (idna.IDNAError, UnicodeError):
        try:
            return label[4:].encode("ascii").decode("punycode")
        except UnicodeError:
            return label


def _mixes_scripts(word: str) -> bool:
    if word.isascii():
        return False
    scripts = {alias for alias in categories.unique_aliases(word) if alias not in {"COMMON", "INHERITED"}}
    return len(scripts) > 1 and not any(scripts <= together for together in _WRITTEN_TOGETHER)


def _imitated(decoded: str) -> str:
    """The ASCII name that `decoded` can be taken for, or the empty string."""
    if decoded.isascii():
        return ""
    plain = "".join(_ascii_twin(character) for character in decoded)
    return plain if len(plain) == len(decoded) else ""


def _ascii_twin(character: str) -> str:
    if character.isascii():
        return character
    if character in _DRAWN_AS:
        return _DRAWN_AS[character]
    found = confusables.is_confusable(character, greedy=True, preferred_aliases=["latin"]) or []
    twins = [
        str(twin["c"]) for one in found for twin in one["homoglyphs"] if twin["c"].isascii() and len(twin["c"]) == 1
    ]
    # Small letters first: the list also names capitals, and a capital I would stand where an l is meant.
    return next((twin for twin in sorted(twins, key=str.isupper)), "").casefold()


def _skeleton(domain: str) -> str:
    for seen, meant in _LOOK_ALIKES:
        domain = domain.replace(seen, meant)
    return domain
