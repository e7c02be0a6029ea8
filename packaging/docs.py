"""Writes the parts of docs/ and the skill that the code knows better: settings, commands, exit statuses, tools, hosts;
the programs of examples/ into docs/frameworks.md and examples/README.md; and, in schemas/, the arguments that tools
share (`packaging/shared_arguments.json`) or their digest (docs/tool-digests.json); and what the front answers.

    python packaging/docs.py            rewrite them
    python packaging/docs.py --check    only say whether they are as they must be

A generated part stands between `<!-- NAME -->` and `<!-- /NAME -->`.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import first_answers
import reference

from maton_mailgun.catalogue.rows import load
from maton_mailgun.cli.exit_status import EXIT_STATUSES
from maton_mailgun.cli.parser import build
from maton_mailgun.cli.tools import markdown
from maton_mailgun.config import NAMES
from maton_mailgun.protocol.approval_schemas import TOOLS

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = ROOT / "schemas"
DIGESTS = ROOT / "docs" / "tool-digests.json"
SHARED = Path(__file__).with_name("shared_arguments.json")
"""Arguments that several tools have, by which tools: named, or wherever there is an optional one of the name."""
ANYWHERE = "where it may be left out"


def settings() -> list[str]:
    """Every environment variable, with its meaning."""
    return ["| Variable | Meaning |", "| --- | --- |", *(f"| `{name}` | {about} |" for name, about in NAMES.items())]


def commands() -> list[str]:
    """Every command with the line its parent shows for it, and its flags."""
    rows = [
        f"| `maton-mailgun {name}{_arguments(parser)}` | {_cell(about)} | {' '.join(_flags(parser))} |"
        for name, about, parser in _commands(build())
    ]
    return ["| Command | What it does | Flags |", "| --- | --- | --- |", *rows]


def exit_statuses() -> list[str]:
    """What every exit status means."""
    rows = [f"| {status} | {_cell(about)} |" for status, about in EXIT_STATUSES.items()]
    return ["| Status | Meaning |", "| --- | --- |", *rows, "| 130 | stopped with Ctrl-C |"]


def tools() -> list[str]:
    """One row for each tool."""
    return markdown(load())


def toolsets() -> list[str]:
    """One row for each toolset: short, for agents that look a tool up."""
    catalogue = load()
    lines = ["| Toolset | Reads, at once | Writes, after a person's yes | Only where it is named |"]
    lines.append("| --- | --- | --- | --- |")
    for toolset in catalogue.toolsets:
        mine = [operation for operation in catalogue.values() if operation.toolset == toolset]
        always = [operation for operation in mine if operation.exposure == "always"]
        reads = _code(operation.name for operation in always if not operation.writes)
        writes = _code(operation.name for operation in always if operation.writes)
        named = _code(operation.name for operation in mine if operation.exposure == "named")
        lines.append(f"| {toolset} | {reads} | {writes} | {named} |")
    names = _code(tool["name"] for tool in TOOLS)
    return [*lines, f"| approvals | {names} | | |"]


def count() -> list[str]:
    """How many operations there are, and how many are offered without being asked for."""
    every = load()
    usual = every.only(None, read_only=False)
    return [
        f"{len(usual)} operations are offered to a client unless you say otherwise: each costs every conversation its "
        f"words. {len(every) - len(usual)} more, {len(every)} in all, come with their toolset:",
    ]


def _code(names: Iterable[str]) -> str:
    return " ".join(f"`{name}`" for name in names)


_BEHAVES = re.compile(r"^    (\S[^:]*): +(.+)$", re.MULTILINE)
_COLUMNS = ("server", "asks by", "model reads", "left out", "protocol")


def _examples() -> Iterator[tuple[Path, str, str]]:
    """Every program for a framework: its file, its docstring, and what stands between its two marks."""
    for path in sorted((ROOT / "examples").glob("with_*")):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".py":
            about = ast.get_docstring(ast.parse(text)) or ""
        else:
            about = text.partition("/**\n")[2].partition("\n*/")[0]
        snippet = re.split(r"^(?:#|//) (?:end of the )?snippet\n", text, flags=re.MULTILINE)
        if len(snippet) != 3:
            raise ValueError(f"{path.name} must have one '# snippet' and one '# end of the snippet'")
        yield path, about, snippet[1].strip("\n")


def _title(about: str) -> str:
    return re.split(r"[:.,] ?", about.splitlines()[0])[0]


def frameworks() -> list[str]:
    """How each framework behaves, as its example says."""
    lines = [f"| Framework | {' | '.join(_COLUMNS)} |", f"|{' --- |' * (len(_COLUMNS) + 1)}"]
    for path, about, _ in _examples():
        behaves = dict(_BEHAVES.findall(about))
        cells = " | ".join(behaves[name] for name in _COLUMNS)
        lines.append(f"| [{_title(about)}](../examples/{path.name}) | {cells} |")
    return lines


def snippets() -> list[str]:
    """What each example says of its framework, and the part of it that anybody's own program needs."""
    lines = []
    for path, about, snippet in _examples():
        language = {".py": "python", ".ts": "typescript"}[path.suffix]
        lines += [f"## {_title(about)}", "", *about.splitlines()[2:], ""]
        lines += [f"The whole program: [{path.name}](../examples/{path.name}).", ""]
        lines += [f"```{language}", *snippet.splitlines(), "```", ""]
    return lines[:-1]


def programs() -> list[str]:
    """One row for each example."""
    lines = ["| Program | What it shows | Who asks the person | Run with |", "| --- | --- | --- | --- |"]
    asks = {"a form": "the program, by the framework's own question", "page or terminal": "the server, beside it"}
    for path, about, _ in _examples():
        run = f"python {path.name}" if path.suffix == ".py" else f"npx tsx {path.name}"
        who = asks[dict(_BEHAVES.findall(about))["asks by"]]
        lines.append(f"| [{path.name}]({path.name}) | {about.splitlines()[0]} | {who} | `{run}` |")
    return lines


PARTS: Mapping[str, Mapping[str, Callable[[], list[str]]]] = {
    "docs/hosts.md": {"hosts": reference.hosts, "each-host": reference.each_host},
    "docs/reference.md": {"settings": settings, "commands": commands, "exit-statuses": exit_statuses},
    "docs/tools.md": {
        "count": count,
        "tools": tools,
        "digests": reference.digest_rows,
        "arguments": reference.arguments,
    },
    "references/tools.md": {"toolsets": toolsets},
    "docs/frameworks.md": {"frameworks": frameworks, "snippets": snippets},
    "examples/README.md": {"programs": programs},
}


def main() -> int:
    """Rewrite or check. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Generated parts of the documents.")
    parser.add_argument("--check", action="store_true", help="change nothing; 1 if something is out of date")
    check = parser.parse_args().check
    # First, for the catalogue is read once and the rest is made of it.
    shared = [path.name for path in sorted(SCHEMAS.glob("*.json")) if not _share(path, write=not check)]
    stale = [name for name, parts in PARTS.items() if not _bring_up_to_date(ROOT / name, parts, write=not check)]
    stale += shared
    stale += [] if _digests_up_to_date(write=not check) else [DIGESTS.name]
    stale += [] if _answers_up_to_date(write=not check) else [Path(first_answers.FILE).name]
    if check and stale:
        sys.stderr.write(f"{' and '.join(stale)} out of date. Run: python packaging/docs.py\n")
        return 1
    return 0


def rendered(text: str, parts: Mapping[str, Callable[[], list[str]]]) -> str:
    """`text` with its generated parts made anew. Raises ValueError where the place for one is missing."""
    for name, make in parts.items():
        place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if len(place.findall(text)) != 1:
            raise ValueError(f"there must be one <!-- {name} --> … <!-- /{name} -->")
        opening, closing = place.findall(text)[0]
        before, _, rest = text.partition(opening)
        text = f"{before}{opening}" + "\n".join(make()) + f"\n{closing}{rest.partition(closing)[2]}"
    return text


def with_shared(tool: str, text: str, shared: Mapping[str, Mapping[str, object]]) -> str:
    """A tool's schema with the arguments that it shares with others as they stand in one place.

    Raises ValueError where a tool that is named there does not have one of them on a line of its own.
    """
    required = json.loads(text).get("required", ())
    for group, arguments in shared.items():
        named = tool in group.split()
        for name, schema in arguments.items():
            if not named and (group != ANYWHERE or name in required):
                continue
            line = re.compile(rf'^    "{name}": {{.*}}(,?)$', re.MULTILINE)
            written = f'    "{name}": {json.dumps(schema, ensure_ascii=False)}'
            text, found = line.subn(written.replace("\\", r"\\") + r"\1", text)
            if named and not found:
                raise ValueError(f"schemas/{tool}.json has no {name}, which packaging/shared_arguments.json says")
    return text


def _share(path: Path, *, write: bool) -> bool:
    before = path.read_text(encoding="utf-8")
    after = with_shared(path.stem, before, json.loads(SHARED.read_text(encoding="utf-8")))
    if write and after != before:
        path.write_text(after, encoding="utf-8")
    return after == before


def _digests_up_to_date(*, write: bool) -> bool:
    before, after = DIGESTS.read_text(encoding="utf-8") if DIGESTS.exists() else "", reference.digest_file()
    if write and after != before:
        DIGESTS.write_text(after, encoding="utf-8", newline="\n")
    return after == before


def _answers_up_to_date(*, write: bool) -> bool:
    path, after = Path(first_answers.FILE), first_answers.written()
    before = path.read_bytes() if path.exists() else b""
    if write and after != before:
        path.write_bytes(after)
    return after == before


def _bring_up_to_date(path: Path, parts: Mapping[str, Callable[[], list[str]]], *, write: bool) -> bool:
    before = path.read_text(encoding="utf-8")
    after = rendered(before, parts)
    if write and after != before:
        path.write_text(after, encoding="utf-8")
    return after == before


def _commands(parser: argparse.ArgumentParser, prefix: str = "") -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """Commands that do something, with their help; those that only group others give way to them."""
    for action in parser._actions:
        if not isinstance(action, argparse._SubParsersAction):
            continue
        about = {choice.dest: choice.help or "" for choice in action._choices_actions}
        for name, inner in action.choices.items():
            below = list(_commands(inner, f"{prefix}{name} "))
            yield from below or [(f"{prefix}{name}", about.get(name, ""), inner)]


def _arguments(parser: argparse.ArgumentParser) -> str:
    names = [
        str(action.metavar) if action.nargs != "?" else f"[{action.metavar}]"
        for action in parser._get_positional_actions()
    ]
    return "".join(f" {name}" for name in names)


def _flags(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._get_optional_actions():
        if action.dest != "help":
            value = f" {action.metavar}" if action.metavar else ""
            yield f"`{action.option_strings[-1]}{value}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
