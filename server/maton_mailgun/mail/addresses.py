"""Addresses as a caller wrote them, read by one strict grammar, with what a person should know about each.

`,` and `;` separate, outside quotes, angle brackets and comments, as for Mailgun's own parser (`flanker`; its API
reference, "parse lists": either , or ;). Nothing here repairs an address: what is not plainly one is kept with its
problems, which the strict readers of `address_fields` refuse. An address without problems has a domain that
`plain_address` reads as it is written, and the same; and `written` is what goes on the wire: what a person is shown,
what a rule is asked about and what is sent are one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

import idna

from maton_mailgun.mail import mime_values, plain_address
from maton_mailgun.mail.display_names import shown_addresses
from maton_mailgun.mail.unclear import Unclear

_BLANKS = " \t"
_SEPARATORS = ",;"  # guard: 41-separators
_ATOM = r"A-Za-z0-9!#$%&'*+\-/=?^_`{|}~"
_DOTTED = re.compile(rf"[{_ATOM}\x80-\U0010ffff]+(?:\.[{_ATOM}\x80-\U0010ffff]+)*")
_QUOTED_LOCAL = re.compile(rf'"[{_ATOM}.]+"')
"""Quotes around dots that stand anywhere, as old Japanese addresses need them; nothing that could be read otherwise."""
_QUOTED = r'"(?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*"'
_WORD = r'[^\x00-\x20\x7f()<>\[\]:;@\\,"\u1680\u2000-\u200a\u205f]+'
"""Letters of a name outside quotes: a dot is one of them (RFC 5322, obs-phrase), and so are the wide and the no-break
space that people type between the parts of a name."""
_TYPED = "\u00a0\u202f\u3000"
_NAMED = re.compile(rf"(?:(?P<name>(?:{_QUOTED}|{_WORD})(?:[ \t]+(?:{_QUOTED}|{_WORD}))*)[ \t]*)?<(?P<address>[^<>]*)>")
_PIECE = re.compile(rf"{_QUOTED}|{_WORD}")
_PLAIN_NAME = re.compile(rf"[{_ATOM}]+(?: [{_ATOM}]+)*")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LONGEST = 900
"""Characters of one address with its name: a header line has 998 (RFC 5322, 2.1.1)."""

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
    def written(self) -> str:
        """The address with its name as it goes on the wire: one that every reader takes apart in the same way."""
        if not self.name:
            return self.address
        letters = "".join("x" if not sign.isascii() and sign.isalnum() else sign for sign in self.name)
        if _PLAIN_NAME.fullmatch(letters):
            return f"{self.name} <{self.address}>"
        return f"{_in_quotes(self.name)} <{self.address}>"

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


def parse_all(given: str | Iterable[str], *, encoded: bool = False) -> list[Address]:
    """Every address in one text or several, each of which may hold a list; those with problems among them."""
    texts = [given] if isinstance(given, str) else list(given)
    found = []
    for text in texts:
        places, balanced = spans(text)
        found += [parse(text[start:end], balanced=balanced, encoded=encoded) for start, end in places]
    return found


def split(text: str) -> list[str]:
    """The parts of an address list between `,` and `;` outside quotes, angle brackets and comments.

    Where quotes or brackets never close, each of them separates: showing a recipient too many is harmless, hiding one
    is not.
    """
    return [text[start:end] for start, end in spans(text)[0]]


def spans(text: str) -> tuple[list[tuple[int, int]], bool]:
    """Where the parts of a list are, without the blanks around them, and whether all quotes and brackets close."""
    cuts = []
    in_quotes = in_brackets = escaped = stray = False
    comments = 0
    for place, sign in enumerate(text):
        if escaped:
            escaped = False
        elif sign == "\\" and (in_quotes or comments):
            escaped = True
        elif sign == '"' and not comments:
            in_quotes = not in_quotes
        elif in_quotes:
            continue
        elif sign == "(" or (sign == ")" and comments):
            comments += 1 if sign == "(" else -1
        elif sign in "<>" and not comments:
            stray = stray or in_brackets == (sign == "<")
            in_brackets = sign == "<"
        elif sign in _SEPARATORS and not in_brackets and not comments:
            cuts.append(place)
    balanced = not (in_quotes or in_brackets or comments or stray)
    if not balanced:
        cuts = [place for place, sign in enumerate(text) if sign in _SEPARATORS]
    return [
        (start + len(part) - len(part.lstrip(_BLANKS)), start + len(part.rstrip(_BLANKS)))
        for start, end in zip([0, *(cut + 1 for cut in cuts)], [*cuts, len(text)], strict=True)
        if (part := text[start:end]).strip(_BLANKS)
    ], balanced


def parse(text: str, *, balanced: bool = True, encoded: bool = False) -> Address:
    """One address, with or without a display name."""
    part = text.strip(_BLANKS)
    problems = [] if balanced else ["holds quotes or brackets that do not close"]
    problems += _oddities(part)
    named = _NAMED.fullmatch(part)
    phrase, address = (named["name"] or "", named["address"]) if named else ("", part)
    if named is None and "<" in part:
        address = part.rpartition("<")[2].removesuffix(">")
    name = _unquoted(phrase)
    if mime_values.holds_words(name):  # guard: 79-names
        name, wrong = _decoded_name(phrase) if encoded else (name, "the name is an encoded word, write it as it reads")
        problems += [wrong] if wrong else []
    local, at, domain = address.rpartition("@")
    if _QUOTED_LOCAL.fullmatch(local) and _plain_local(local[1:-1]):  # guard: 132-quotes
        # Quotes that need not be are no part of the address (RFC 5321, 4.1.2).
        local = local[1:-1]
    if not at:
        return Address(text, name, "", "", "", (*problems, "has no @"))
    if not (_plain_local(local) or (_QUOTED_LOCAL.fullmatch(local) and not mime_values.holds_words(local))):
        problems.append("the part before the @ is not valid")
    ascii_form = ascii_domain(domain)
    if not ascii_form or domain.endswith(".") or not plain_address.decodes(ascii_form):
        problems.append("the domain is not valid")
    elif plain_address.ascii_domain(domain) != ascii_form:
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
    return plain_address.ascii_domain(meant) or ""


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
    for named in shown_addresses(address.name):  # guard: 116-shown-addresses
        if named.casefold() not in {address.key, f"{address.local}@{address.domain}".casefold()}:
            flags.append(f"the name shows another address: {named}")
    return flags  # guard: 11-look-alikes


def _oddities(part: str) -> list[str]:
    """What makes one part of a list readable in two ways, in words."""
    if _CONTROL.search(part):
        return ["holds a line break or control character"]
    if len(part) > _LONGEST:
        return [f"is longer than {_LONGEST} characters"]
    outside = re.sub(_QUOTED, "", part)
    found = []
    if "(" in outside or ")" in outside:
        found.append("holds parentheses outside quotes")
    if ":" in outside:
        found.append("holds a colon outside quotes: a group, a route, or mailto:")
    if any(sign in outside for sign in "[]\\"):
        found.append("holds square brackets or a backslash outside quotes")
    name, opened, _ = outside.partition("<")
    if opened and "@" in name:
        found.append("the name holds an @ outside quotes")
    name = name.strip(_BLANKS)
    allowed = _BLANKS + (_TYPED if opened else "")
    if any(sign.isspace() and sign not in allowed for sign in outside) or name[:1].isspace() or name[-1:].isspace():
        found.append("holds a blank that is no common space")
    if not found and opened and not _NAMED.fullmatch(part):
        found.append("is not one name and one address in angle brackets after it")
    return found


def _plain_local(local: str) -> bool:
    """A dot-atom, of letters that stand for nothing but themselves (RFC 6532 adds those outside ASCII)."""
    if not _DOTTED.fullmatch(local) or mime_values.holds_words(local):
        return False
    return local.isascii() or (
        unicodedata.normalize("NFKC", local) == local
        and all(unicodedata.category(sign)[0] not in "CZ" for sign in local)
    )


def _unquoted(phrase: str) -> str:
    pieces: list[str] = _PIECE.findall(phrase)
    return " ".join(re.sub(r"\\(.)", r"\1", one[1:-1]) if one[0] == '"' else one for one in pieces).strip(_BLANKS)


def _in_quotes(name: str) -> str:
    return '"{}"'.format(re.sub(r'(["\\])', r"\\\1", name))


def _decoded_name(phrase: str) -> tuple[str, str]:
    """A name with encoded words as it reads, and what is wrong with it: one that could be taken for more than a name,
    or that is read in two ways, as words in quotes are (RFC 2047, 5, forbids them; most programs decode them)."""
    texts = []
    for quotes, pieces in groupby(_PIECE.findall(phrase), key=lambda piece: piece[0] == '"'):
        run = " ".join(pieces)
        if quotes and mime_values.holds_words(run):
            return _unquoted(phrase), "the name is an encoded word in quotes, leave the quotes out"
        try:
            texts.append(_unquoted(run) if quotes else mime_values.words(run))
        except Unclear as problem:
            return _unquoted(phrase), f"the name {problem.wrong}"
    decoded = " ".join(texts)
    if mime_values.holds_words(decoded):
        return decoded, "the name holds something that programs may take for an encoded word"
    if _CONTROL.search(decoded) or "\t" in decoded or any(sign in decoded for sign in "<>@\ufe6b\uff20"):
        return decoded, "the name is an encoded word that hides an address, a bracket or a control character"
    return decoded.strip(), ""


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
    # Its tables take 7 MB, and most processes never meet such a letter.
    from confusable_homoglyphs import categories  # type: ignore[import-untyped]

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
    from confusable_homoglyphs import confusables

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
