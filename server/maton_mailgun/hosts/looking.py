"""Which hosts have an entry of ours, what it starts, where its key comes from, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from maton_mailgun.hosts.configuration import HostDocument
from maton_mailgun.hosts.edits import NotEditable
from maton_mailgun.hosts.entry import ASKED, ours
from maton_mailgun.hosts.known import BY_NAME, KEY, Host, Scope, Surroundings
from maton_mailgun.hosts.versioned import working_tree
from maton_mailgun.own_command import own_command
from maton_mailgun.setting_values import unfilled

KeyFrom = Literal["the file", "the host's environment", "the host asks", "not needed", "nowhere"]


@dataclass(frozen=True, slots=True)
class HostProblem:
    """One thing that is wrong with an entry or its file."""

    wrong: str
    right: str = ""
    """What would be right, for a person who can do it."""
    sure: bool = True
    """Whether it is wrong for the host too, and not only as seen from here."""

    def __str__(self) -> str:
        return f"{self.wrong}. {self.right}" if self.right else self.wrong


@dataclass(frozen=True, slots=True)
class Found:
    """An entry of ours in a host's file, or a file that cannot be read."""

    host: str
    scope: Scope
    path: Path
    name: str = ""
    """Empty where the file cannot be read."""
    entry: Mapping[str, Any] | None = None
    key_from: KeyFrom = "nowhere"
    problems: tuple[HostProblem, ...] = ()


def look(hosts: Sequence[str], surroundings: Surroundings) -> list[Found]:
    """Every entry of ours in the files of these hosts. Nothing is started, and no file is changed."""
    found: list[Found] = []
    for name in hosts:
        seen: set[Path] = set()
        for scope, place in sorted(BY_NAME[name].places.items(), reverse=True):
            # In the user's own folder the file of a project is the user's.
            path = place(surroundings)
            found += () if path in seen else _in_file(name, scope, path, surroundings)
            seen.add(path)
    return found


def _in_file(name: str, scope: Scope, path: Path, surroundings: Surroundings) -> Iterator[Found]:
    host = BY_NAME[name]
    try:
        document = HostDocument.of(host, path.read_bytes())
    except FileNotFoundError:
        return
    except OSError as problem:
        yield Found(name, scope, path, problems=(HostProblem(f"cannot be read: {problem.strerror}"),))
        return
    except NotEditable as problem:
        yield Found(name, scope, path, problems=(HostProblem(f"is {problem}"),))
        return
    for server, entry in document.servers.items():
        if ours(entry):
            problems = tuple(_problems(host, name, entry, path, surroundings))
            yield Found(name, scope, path, server, entry, key_from(host, entry), problems)


def key_from(host: Host, entry: Mapping[str, Any]) -> KeyFrom:
    """Where the server gets its key from."""
    if "--sandbox" in (entry.get("args") or ()):
        return "not needed"
    env = dict(entry.get("env") or {})
    value = str(env.get(KEY, ""))
    if value == ASKED and host.asks:
        return "the host asks"
    if value and unfilled(value) is None:
        return "the file"
    if host.replaces is not None and value and host.replaces.search(value):
        return "the host's environment"
    if host.passes_on and KEY in (entry.get("env_vars") or ()):
        return "the host's environment"
    return "not needed" if env.get("MATON_TOKEN_COMMAND") else "nowhere"


def _problems(
    host: Host, name: str, entry: Mapping[str, Any], path: Path, surroundings: Surroundings
) -> Iterator[HostProblem]:
    again = own_command(f"install {name} --write")
    command = str(entry.get("command", ""))
    if Path(command).is_absolute() and not Path(command).exists():
        yield HostProblem(f"{command} is not there any more", f"Run: {again}")
    for variable, value in dict(entry.get("env") or {}).items():
        left = unfilled(str(value))
        replaced = host.replaces is not None and host.replaces.search(str(value))
        if left and not replaced and not (host.asks and left.startswith("${input:")):
            yield HostProblem(
                f"{host.title} does not replace {left} in {variable}", "Write the value itself, or leave it out."
            )
    source = key_from(host, entry)
    if source == "nowhere":
        way = host.without_key or "install it again without --with-key"
        yield HostProblem("There is no key", f"{way[0].upper()}{way[1:]}.")
    if source == "the file" and (tree := working_tree(path.resolve())) is not None:
        yield HostProblem(
            f"The key stands in a file under version control, in {tree}",
            f"Make a new key at maton.ai/settings, and run: {again}",
        )
    if source == "the host's environment" and not surroundings.environ.get(KEY):
        yield HostProblem(f"{KEY} is not set here", f"It must be where {host.title} runs.", sure=False)
