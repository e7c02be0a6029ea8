"""The rooms of the house: arrows point down, no two files import each other, names are used once."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from catalogue.files import ROOT

SERVER = ROOT / "server"
PACKAGE = "maton_mailgun"

ROOMS = (
    ("cli",),
    ("hosts", "lingering", "pytest_plugin", "runtime"),
    ("protocol",),
    ("call",),
    ("loading_ahead",),
    ("approval.gate",),
    ("approval.refused",),
    ("approval.told", "approval.channels", "approval.receipt"),
    ("approval.lifecycle",),
    ("approval.policy",),
    ("approval.preview",),
    ("approval.store",),
    ("approval.binding",),
    ("reading",),
    ("exchange", "connections", "logs"),
    ("combined",),
    ("wire",),
    ("catalogue", "config", "heard"),
    (
        "mail",
        "bounded_run",
        "connection_limits",
        "gathered_writes",
        "host_header",
        "loopback",
        "measures",
        "own_command",
        "ownership",
        "principal",
        "search_path",
        "setting_values",
        "under_way",
        "whole_file",
    ),
    ("errors", "front"),
)
"""From the top: a room imports those below it. Rooms in one line do not know each other, but for what is named here."""
BESIDE = {
    ("connections", "exchange"),
    ("connection_limits", "gathered_writes"),
    ("lingering", "runtime"),
    ("protocol", "runtime"),
    ("approval.channels", "approval.told"),
}


@cache
def modules() -> dict[str, Path]:
    """Every module by its dotted name below the package."""
    found = {}
    for path in sorted((SERVER / PACKAGE).rglob("*.py")):
        parts = path.relative_to(SERVER / PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports() -> dict[str, set[str]]:
    """What each module imports of ours, anywhere in it and for types too."""
    return {name: set(_imported(name, path)) - {name} for name, path in modules().items()}


def _imported(name: str, path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full"
            # A name may be a module of the package or something in it.
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    ours = [one.removeprefix(f"{PACKAGE}.") for one in found if one.startswith(f"{PACKAGE}.")]
    return [one if one in modules() else one.rpartition(".")[0] for one in ours]


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that reach each other (Tarjan's strongly connected components of two or more)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in graph[name]:
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                found.append(sorted(group))

    for name in graph:
        if name not in index:
            visit(name)
    return found


def test_a_circle_is_found_where_there_is_one() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]


def test_no_two_files_import_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    graph = imports()
    with capsys.disabled():
        arrows = sum(len(others) for others in graph.values())
        sys.stdout.write(f"\nimport graph: {len(graph)} modules, {arrows} arrows, {len(circles(graph))} circles\n")
    assert circles(graph) == []


def _room(name: str) -> tuple[int, str] | None:
    """The place of a module in the order of rooms, and its room."""
    for place, line in enumerate(ROOMS):
        for room in line:
            if name == room or name.startswith(f"{room}."):
                return place, room
    return None


def test_every_module_has_its_room() -> None:
    outside = {"", "__main__", "approval", "sandbox"}
    homeless = {name for name in modules() if name not in outside and not name.startswith("sandbox.")}
    assert {name for name in homeless if _room(name) is None} == set()


def test_arrows_point_down() -> None:
    up = []
    for name, others in imports().items():
        here = _room(name)
        for other in others:
            there = _room(other)
            if here is None or there is None or here[1] == there[1] or here[0] < there[0]:
                continue
            if here[0] == there[0] and (here[1], there[1]) in BESIDE:
                continue
            up.append(f"{name} -> {other}")
    assert up == []


def test_the_sandbox_is_entered_by_its_door_and_imports_nothing_of_the_engine() -> None:
    graph = imports()
    engine = {name for name in graph if not name.startswith("sandbox")}
    assert {name for name, others in graph.items() if name.startswith("sandbox") and others & engine} == set()


def test_names_of_modules_are_used_once() -> None:
    """The command line names its modules after its commands, which are named after what they are about."""
    named = defaultdict(list)
    for name in modules():
        if name and not name.startswith("cli.") and modules()[name].name != "__init__.py":
            named[name.rpartition(".")[2]].append(name)
    assert {stem: names for stem, names in named.items() if len(names) > 1} == {}


def test_names_of_classes_are_used_once() -> None:
    named = defaultdict(list)
    for name, path in modules().items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                named[node.name].append(name)
    assert {one: names for one, names in named.items() if len(names) > 1} == {}


def test_the_gate_stands_alone_in_its_room() -> None:
    beside = {path.stem for path in (SERVER / PACKAGE / "approval").glob("*.py")}
    assert len(beside) < 6, sorted(beside)


@pytest.mark.parametrize("folder", [path for path in (SERVER / PACKAGE).rglob("*") if (path / "__init__.py").exists()])
def test_a_room_says_what_lives_there_and_what_may_import_it(folder: Path) -> None:
    said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    assert len([line for line in said.splitlines() if line.strip()]) == 2, said
