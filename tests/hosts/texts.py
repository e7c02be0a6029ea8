"""Files as people and hosts keep them: JSON with comments, and TOML, beside what they say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

BLANKS = st.sampled_from(
    ["", "", " ", "\n", "\n  ", "\r\n\t", " // one\n", "/* two */", " /* three\n */ ", "// four\r\n  "]
)
NAMES = st.sampled_from(["other", "github", "a b", "ü", 'q"uote', "back\\slash", "\u2028", "mailgun-2", ""])
WORDS = st.sampled_from(['"x"', '"\\u00fc"', '"// no comment"', '"/* nor this */"', '"\\"}"', '"},"', '""', '"\\\\"'])
NUMBERS = st.sampled_from(["1", "1e2", "100.0", "-0", "1E+5", "0.10", "12345678901234567890", "true", "false", "null"])


@dataclass(frozen=True)
class Written:
    """A text and what it says."""

    text: str
    said: Any


@st.composite
def scalars(draw: st.DrawFn) -> Written:
    """A string, a number, a word."""
    text = draw(st.one_of(WORDS, NUMBERS))
    return Written(text, json.loads(text))


@st.composite
def lists(draw: st.DrawFn, inside: st.SearchStrategy[Written]) -> Written:
    """A list, perhaps with a comma behind its last element."""
    items = draw(st.lists(inside, max_size=3))
    return Written(f"[{_joined(draw, [item.text for item in items])}]", [item.said for item in items])


@st.composite
def objects(draw: st.DrawFn, inside: st.SearchStrategy[Written], *, also: dict[str, Written] | None = None) -> Written:
    """An object with different keys, perhaps with a comma behind its last member; `also` are among its members."""
    members = {name: draw(inside) for name in draw(st.lists(NAMES, max_size=3, unique=True))} | (also or {})
    names: list[str] = draw(st.permutations(sorted(members)))
    texts = [f"{json.dumps(name)}{draw(BLANKS)}:{draw(BLANKS)}{members[name].text}" for name in names]
    return Written(f"{{{_joined(draw, texts)}}}", {name: members[name].said for name in names})


def _joined(draw: st.DrawFn, texts: list[str]) -> str:
    parts = [f"{draw(BLANKS)}{text}{draw(BLANKS)}" for text in texts]
    one_more: bool = draw(st.booleans())
    trailing = f",{draw(BLANKS)}" if texts and one_more else ""
    return (",".join(parts) if parts else draw(BLANKS)) + trailing


def values() -> st.SearchStrategy[Written]:
    """Any value, not too deep."""
    return st.recursive(scalars(), lambda inner: st.one_of(lists(inner), objects(inner)), max_leaves=6)


@st.composite
def documents(draw: st.DrawFn, servers: str = "mcpServers") -> Written:
    """A host's file, with servers in it or without."""
    held = draw(st.sampled_from(["none", "empty", "some"]))
    also: dict[str, Written] = {}
    if held == "empty":
        also[servers] = Written(f"{{{draw(BLANKS)}}}", {})
    elif held == "some":
        also[servers] = draw(objects(values()))
    if draw(st.booleans()):
        also["inputs"] = draw(lists(objects(values())))
    root = draw(objects(values(), also=also))
    return Written(f"{draw(BLANKS)}{root.text}{draw(BLANKS)}", root.said)


TABLES = st.sampled_from(
    [
        'model = "gpt" # mine\n',
        "# a comment\n",
        "\n",
        '[mcp_servers.other]\ncommand = "x"\nargs = [\n  "a", # why\n  "b",\n]\n',
        "[mcp_servers.other.env]\nTOKEN = 'a[b]'\n",
        '[profiles."a.b"]\ntext = """\n[mcp_servers.mailgun]\ncommand = "no"\n"""\n',
        "[[projects]]\npath = '/x'\n[[projects]]\npath = '/y'\n",
        "[notice]\nwhen = 2026-11-26T10:00:00Z\ndeep.dotted = 1_000\n",
        '[tui]\r\ntheme = "dark"\r\n',
    ]
)


@st.composite
def toml_files(draw: st.DrawFn) -> str:
    """A file of Codex: parts that may stand in any order, once each, keys without a table first."""
    parts = draw(st.lists(TABLES, max_size=6, unique=True))
    text = "".join(sorted(parts, key=lambda part: part.startswith("[")))
    return text.rstrip("\r\n") if draw(st.booleans()) else text
