"""The parser's commands as plain data, for what is written from them: completion and the manual."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from maton_mailgun.cli.help_texts import TEXTS

_FILES = ("FILE", "CALL.json", "@FILE")


@dataclass(frozen=True, slots=True)
class Flag:
    """One option."""

    name: str
    about: str
    value: str = ""
    """What stands after it, as the help names it; empty for a switch."""

    @property
    def takes_file(self) -> bool:
        """Whether its value is a file."""
        return self.value in _FILES


@dataclass(frozen=True, slots=True)
class Operand:
    """One argument without a name."""

    name: str
    about: str
    words: Sequence[str] = ()
    """What it may be, where that is known."""

    @property
    def is_file(self) -> bool:
        """Whether it is a file."""
        return self.name in _FILES


@dataclass(frozen=True, slots=True)
class Command:
    """One command, or the program itself."""

    path: tuple[str, ...]
    about: str
    description: str
    examples: Sequence[str]
    commands: Sequence[tuple[str, str]]
    """Those below it, with a line about each."""
    flags: Sequence[Flag]
    operands: Sequence[Operand]
    usage: str

    @property
    def key(self) -> str:
        """Its path in one text."""
        return " ".join(self.path)


def commands(parser: argparse.ArgumentParser, path: tuple[str, ...] = (), about: str = "") -> Iterator[Command]:
    """The program and every command below it, in the order of the help."""
    full, examples = TEXTS.get(" ".join(path), ("", ()))
    program = parser.prog.partition(" ")[0]
    actions = [one for one in parser._actions if one.help != argparse.SUPPRESS]
    below = [one for one in actions if isinstance(one, argparse._SubParsersAction)]
    children = [(child.dest, child.help or "") for group in below for child in group._choices_actions]
    yield Command(
        path=path,
        about=about,
        description=full or parser.description or f"{about[:1].upper()}{about[1:]}.",
        examples=[f"{program} {one}" for one in examples],
        commands=children,
        flags=[Flag(one.option_strings[-1], one.help or "", _value(one)) for one in actions if one.option_strings],
        operands=[_operand(one) for one in actions if not one.option_strings and one not in below],
        usage=" ".join(parser.format_usage().removeprefix("usage: ").split()),
    )
    for group in below:
        for name, line in children:
            yield from commands(group.choices[name], (*path, name), line)


def _value(action: argparse.Action) -> str:
    return "" if action.nargs == 0 else str(action.metavar or action.dest.upper())


def _operand(action: argparse.Action) -> Operand:
    return Operand(str(action.metavar or action.dest), action.help or "", tuple(map(str, action.choices or ())))
