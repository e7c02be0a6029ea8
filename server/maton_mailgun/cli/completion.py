"""`maton-mailgun completion SHELL`: a script by which bash, zsh or fish completes commands, options and tool names.

It is written from the parser and the catalogue, so it knows what they know and starts nothing while somebody types.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from maton_mailgun.catalogue.rows import load
from maton_mailgun.cli.command_tree import Command, Operand, commands
from maton_mailgun.cli.exit_status import OK
from maton_mailgun.own_command import NAME
from maton_mailgun.protocol.approval_schemas import TOOLS

_FUNCTION = re.sub(r"\W", "_", f"_{NAME}")


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    from maton_mailgun.cli.parser import build

    found = list(commands(build()))
    sys.stdout.write("\n".join(SHELLS[arguments.shell](found)) + "\n")
    return OK


def _words(operand: Operand) -> Sequence[str]:
    if operand.name == "TOOL":
        return [*load(), *(tool["name"] for tool in TOOLS)]
    return operand.words


def _candidates(command: Command) -> list[tuple[str, str]]:
    """What may stand next that is no option, with a line about each."""
    first = command.operands[0] if command.operands else None
    return [*command.commands, *((word, "") for word in (_words(first) if first else ()))]


def _table(found: Sequence[Command]) -> str:
    """Every command as a pattern of `case`."""
    return "|".join(_sh(one.key) for one in found if one.path)


def _sh(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def bash(found: Sequence[Command]) -> Iterator[str]:
    """For `source <(maton-mailgun completion bash)`. What is no word of ours falls back to the names of files."""
    yield f"# bash completion of {NAME}"
    yield f"{_FUNCTION}() {{"
    yield '  local current="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" key= word candidates= i'
    yield from _walk('for ((i = 1; i < COMP_CWORD; i++)); do word="${COMP_WORDS[i]}"', found)
    yield '  case "$key $before" in'
    yield from (f"    {_sh(f'{key} {flag}')}) COMPREPLY=(); return ;;" for key, flag in _with_value(found))
    yield "  esac"
    yield '  case "$key" in'
    for one in found:
        words = [name for name, _ in _candidates(one)]
        flags = [flag.name for flag in one.flags]
        yield f"    {_sh(one.key)})"
        yield f"      if [[ $current == -* ]]; then candidates={_sh(' '.join(flags))}"
        yield f"      else candidates={_sh(' '.join(words))}; fi ;;"
    yield "  esac"
    yield '  COMPREPLY=($(compgen -W "$candidates" -- "$current"))'
    yield "}"
    yield f"complete -o default -o bashdefault -F {_FUNCTION} {NAME}"


def zsh(found: Sequence[Command]) -> Iterator[str]:
    """For a file `_maton-mailgun` in $fpath, or `source <(maton-mailgun completion zsh)` after compinit."""
    yield f"#compdef {NAME}"
    yield f"{_FUNCTION}() {{"
    yield "  local key= word i"
    yield "  local -a candidates options"
    yield from _walk('for ((i = 2; i < CURRENT; i++)); do word="${words[i]}"', found)
    yield '  case "$key ${words[CURRENT-1]}" in'
    yield from (f"    {_sh(f'{key} {flag}')}) _files; return ;;" for key, flag in _with_value(found))
    yield "  esac"
    yield '  case "$key" in'
    for one in found:
        yield f"    {_sh(one.key)})"
        yield f"      candidates=({' '.join(_described(name, about) for name, about in _candidates(one))})"
        yield f"      options=({' '.join(_described(flag.name, flag.about) for flag in one.flags)}) ;;"
    yield "  esac"
    yield '  if [[ "${words[CURRENT]}" == -* ]]; then _describe -o option options'
    yield "  elif (( $#candidates )); then _describe command candidates"
    yield "  else _files; fi"
    yield "}"
    yield f'if [ "$funcstack[1]" = "_{NAME}" ]; then {_FUNCTION} "$@"; else compdef {_FUNCTION} {NAME}; fi'


def fish(found: Sequence[Command]) -> Iterator[str]:
    """For `maton-mailgun completion fish | source`, or a file in ~/.config/fish/completions."""
    yield f"# fish completion of {NAME}"
    yield f"function _{_FUNCTION}_at"
    yield "  set -l key"
    yield "  for word in (commandline -opc)[2..]"
    yield '    set -l next (string trim -- "$key $word")'
    yield f"    if contains -- $next {' '.join(_fish(one.key) for one in found if one.path)}"
    yield "      set key $next"
    yield "    end"
    yield "  end"
    yield '  test "$key" = "$argv[1]"'
    yield "end"
    yield f"complete -c {NAME} -f"
    for one in found:
        at = f"complete -c {NAME} -n {_fish(f'_{_FUNCTION}_at {_fish(one.key)}')}"
        for name, about in _candidates(one):
            yield f"{at} -a {_fish(name)}{f' -d {_fish(about)}' if about else ''}"
        if any(operand.is_file for operand in one.operands) or any(operand.name == "JSON" for operand in one.operands):
            yield f"{at} -F"
        for flag in one.flags:
            takes = " -r -F" if flag.takes_file else " -x" if flag.value else ""
            yield f"{at} -l {flag.name.removeprefix('--')}{takes} -d {_fish(flag.about)}"


SHELLS: Mapping[str, Callable[[Sequence[Command]], Iterator[str]]] = {"bash": bash, "zsh": zsh, "fish": fish}


def _walk(head: str, found: Sequence[Command]) -> Iterator[str]:
    """The longest command that the words before make."""
    yield f"  {head}"
    yield '    case "${key:+$key }$word" in'
    yield f'      {_table(found)}) key="${{key:+$key }}$word" ;;'
    yield "    esac"
    yield "  done"


def _with_value(found: Sequence[Command]) -> Iterator[tuple[str, str]]:
    return ((one.key, flag.name) for one in found for flag in one.flags if flag.value)


def _described(name: str, about: str) -> str:
    escaped = name.replace("\\", "\\\\").replace(":", "\\:")
    return _sh(f"{escaped}:{about}" if about else escaped)


def _fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
