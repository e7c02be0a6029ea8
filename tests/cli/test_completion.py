"""Completion in the shells themselves, the manual in its reader, and examples that the parser takes."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from maton_mailgun.catalogue.rows import load
from maton_mailgun.cli.command_tree import commands
from maton_mailgun.cli.completion import SHELLS
from maton_mailgun.cli.exit_status import EXIT_STATUSES
from maton_mailgun.cli.help_texts import TEXTS
from maton_mailgun.cli.manual import page
from maton_mailgun.cli.parser import build
from maton_mailgun.config import NAMES

FOUND = list(commands(build()))
EVERY = {name for name, _ in FOUND[0].commands}


def script(shell: str) -> str:
    """What `maton-mailgun completion` prints."""
    return "\n".join(SHELLS[shell](FOUND)) + "\n"


def needs(shell: str) -> Callable[..., None]:
    """Marks a test that is skipped where the shell is missing."""
    marked: Callable[..., None] = pytest.mark.skipif(shutil.which(shell) is None, reason=f"needs {shell}")
    return marked


def in_bash(*lines: Sequence[str]) -> list[set[str]]:
    """What bash offers for the last word of each line."""
    asked = [
        f"COMP_WORDS=({shlex.join(('maton-mailgun', *words))}); COMP_CWORD={len(words)}; COMPREPLY=(); _maton_mailgun; "
        'printf "%s " "${COMPREPLY[@]}"; echo'
        for words in lines
    ]
    return _offered(["bash", "--norc", "-c", "\n".join([script("bash"), *asked])])


def in_fish(*lines: Sequence[str]) -> list[set[str]]:
    """What fish offers for the last word of each line."""
    typed = [shlex.quote(" ".join(("maton-mailgun", *words))) for words in lines]
    asked = [f"complete -C {line} | string split -f 1 \\t | string join ' '; echo" for line in typed]
    return _offered(["fish", "--no-config", "-c", "\n".join([script("fish"), *asked])])


def _offered(command: list[str]) -> list[set[str]]:
    # Nothing of whoever runs the tests, such as files that fish reads.
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env, timeout=60)
    assert done.stderr == ""
    return [set(line.split()) for line in done.stdout.split("\n")[:-1]]


def in_zsh(folder: Path, words: Sequence[str], made: Sequence[str]) -> str:
    """What an interactive zsh shows after Tab, on a terminal of its own, as soon as it holds what is expected."""
    (folder / "_maton-mailgun").write_text(script("zsh"))
    master, slave = pty.openpty()
    with subprocess.Popen(
        ["zsh", "-f", "-i"], stdin=slave, stdout=slave, stderr=slave, start_new_session=True, cwd=folder,
        env={"PATH": os.environ["PATH"], "TERM": "dumb", "HOME": str(folder), "COLUMNS": "200"},
    ) as shell:  # fmt: skip
        os.close(slave)
        try:
            begin = f"fpath=({folder} $fpath); autoload -Uz compinit; compinit -D -u; PS1='at the 'pro'mpt '\n"
            os.write(master, begin.encode())
            # Its line editor reads from here on, and Tab is no longer the terminal's.
            _seen(master, ["at the prompt "])
            os.write(master, f"{' '.join(('maton-mailgun', *words))}\t".encode())
            return _seen(master, made)
        finally:
            shell.kill()
            os.close(master)


def _seen(terminal: int, until: Sequence[str]) -> str:
    seen, deadline = "", time.monotonic() + 30
    while any(one not in seen for one in until):
        ready, _, _ = select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"{until} did not appear in {seen!r}"
        seen += os.read(terminal, 65_536).decode("utf-8", "replace").replace("\r", "")
    return seen


CASES: Mapping[tuple[str, ...], set[str]] = {
    ("",): EVERY,
    ("app",): {"approvals"},
    ("approvals", "re"): {"receipt", "reject", "resume"},
    ("approvals", "show", "--"): {"--all", "--help", "--json", "--recipient", "--sandbox"},
    ("completion", ""): {"bash", "fish", "zsh"},
    ("call", "list_ev"): {"list_events"},
    ("call", "--sandbox", "get_appr"): {"get_approval"},
    ("audit", "verify", "--sa"): {"--sandbox"},
}


@needs("bash")
def test_bash_offers_what_may_stand_next() -> None:
    assert in_bash(*CASES) == list(CASES.values())


@needs("fish")
def test_fish_offers_what_may_stand_next() -> None:
    seen = [one for one in in_fish(*CASES) if one]
    # Before a word is begun fish offers options too.
    words = [
        {word for word in found if not word.startswith("-") or asked[-1].startswith("-")}
        for asked, found in zip(CASES, seen, strict=True)
    ]
    assert words == list(CASES.values())


@needs("bash")
@needs("fish")
def test_the_value_of_an_option_is_no_command() -> None:
    lines = [("approvals", "reject", "--reason", ""), ("serve", "--http", "")]
    assert in_bash(*lines) == [set(), set()]
    assert [one for one in in_fish(*lines) if one] == []


@needs("zsh")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "made"),
    [
        (("appro",), ["maton-mailgun approvals "]),
        (("approvals", "wa"), ["maton-mailgun approvals watch "]),
        (("call", "list_ev"), ["maton-mailgun call list_events "]),
        (("approvals", "re"), ["reject", "show one and reject it", "resume", "lift a stop"]),
        (("audit", "verify", "--sa"), ["maton-mailgun audit verify --sandbox "]),
    ],
)
def test_zsh_completes_on_a_terminal(tmp_path: Path, words: tuple[str, ...], made: list[str]) -> None:
    assert in_zsh(tmp_path, words, made)


@needs("zsh")
def test_zsh_takes_the_script_from_a_file_that_is_sourced(tmp_path: Path) -> None:
    (tmp_path / "script").write_text(script("zsh"))
    said = f"autoload -Uz compinit; compinit -D -u; source {tmp_path}/script; echo $_comps[maton-mailgun]"
    done = subprocess.run(
        ["zsh", "-f", "-c", said], capture_output=True, text=True, check=True, env={**os.environ, "HOME": str(tmp_path)}
    )
    assert (done.stdout.strip(), done.stderr) == ("_maton_mailgun", "")


def test_every_tool_and_option_is_in_every_script() -> None:
    words = {*load(), *(flag.name.removeprefix("--") for one in FOUND for flag in one.flags)}
    for shell in SHELLS:
        assert [word for word in words if word not in script(shell)] == []


def test_every_example_is_a_command_that_the_parser_takes() -> None:
    parser = build()
    for key, (about, examples) in TEXTS.items():
        assert about.endswith("."), key
        for example in examples:
            assert parser.parse_args(shlex.split(example)).run
    assert TEXTS.keys() <= {one.key for one in FOUND}


def test_the_help_of_a_command_holds_its_text_and_its_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build().parse_args(["approvals", "watch", "--help"])
    told = capsys.readouterr().out
    assert " ".join(TEXTS["approvals watch"][0].split()) in " ".join(told.split())
    assert "examples:\n  maton-mailgun approvals watch\n  maton-mailgun approvals watch --json\n" in told


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
def test_the_manual_reads_without_a_warning_and_holds_everything(tmp_path: Path) -> None:
    source = "\n".join(page(FOUND)) + "\n"
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-rLL=100n", "-K", "utf8"],
        input=source, capture_output=True, text=True, encoding="utf-8", check=True,
    )  # fmt: skip
    shown = re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout)
    assert done.stderr == ""
    words = " ".join(re.sub(r"‐\n\s+", "", shown).split())
    for name in (*NAMES, *(one.key for one in FOUND if not one.commands)):
        assert name in words
    # Each begins with a capital there.
    assert [one for one in EXIT_STATUSES.values() if one[1:] not in words] == []
    assert "maton-mailgun call send_message @message.json" in shown
