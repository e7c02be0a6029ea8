"""`maton-mailgun manual`: the manual page, written from the parser, the settings and the exit statuses."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from maton_mailgun import __version__
from maton_mailgun.cli.command_tree import Command, commands
from maton_mailgun.cli.exit_status import EXIT_STATUSES, OK
from maton_mailgun.config import NAMES
from maton_mailgun.own_command import NAME

_HELP = "--help"


def run(_: argparse.Namespace) -> int:
    """Print the page."""
    from maton_mailgun.cli.parser import build

    sys.stdout.write("\n".join(page(list(commands(build())))) + "\n")
    return OK


def page(found: list[Command]) -> Iterator[str]:
    """The page as lines of man(7), which groff and mandoc read."""
    program, *others = found
    yield f'.TH {NAME.upper()} 1 "" "{NAME} {__version__}" "User Commands"'
    yield ".SH NAME"
    yield f"{_text(NAME)} \\- {_text(program.description)}"
    yield ".SH SYNOPSIS"
    yield f".B {_text(NAME)}"
    yield ".I COMMAND"
    yield "[...]"
    yield ".SH DESCRIPTION"
    yield _text(program.description)
    yield "Without a command it serves MCP on standard input and output."
    yield ".SH COMMANDS"
    for one in others:
        if not one.commands:
            yield from _command(one)
    yield ".SH ENVIRONMENT"
    for name, about in NAMES.items():
        yield from _item(f".B {_text(name)}", about.replace("`", ""))
    yield ".SH EXIT STATUS"
    for status, about in EXIT_STATUSES.items():
        yield from _item(f".B {status}", f"{about}.")
    yield from _item(".B 130", "after Ctrl-C.")


def _command(one: Command) -> Iterator[str]:
    yield f".SS {_text(one.key)}"
    yield _text(one.description)
    yield ".PP"
    yield f".I {_text(one.usage)}"
    for operand in one.operands:
        yield from _item(f".I {_text(operand.name)}", operand.about)
    for flag in one.flags:
        if flag.name != _HELP:
            yield from _item(f".B {_text(' '.join([flag.name, flag.value]).strip())}", flag.about)
    if one.examples:
        yield ".PP"
        yield "Examples:"
        yield ".PP"
        yield ".nf"
        yield from (_text(line) for line in one.examples)
        yield ".fi"


def _item(head: str, about: str) -> Iterator[str]:
    yield ".TP"
    yield head
    yield _text(f"{about[:1].upper()}{about[1:]}")


def _text(text: str) -> str:
    """A line of text alone: no control line, and hyphens that can be copied."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("\n", " \n")
    return "\n".join(f"\\&{line}" if line[:1] in ".'" else line for line in escaped.split("\n"))
