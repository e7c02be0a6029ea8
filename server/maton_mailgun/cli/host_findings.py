"""What `doctor` finds in the files of assistants: every entry of ours, and each thing that is wrong. Nothing is
changed or started."""

from __future__ import annotations

from collections.abc import Iterator

from maton_mailgun.cli.findings import Finding
from maton_mailgun.hosts.known import BY_NAME, here
from maton_mailgun.hosts.looking import Found, look
from maton_mailgun.own_command import own_command


def hosts_found() -> Iterator[Finding]:
    """One finding for an entry that is as it must be, else one for each problem."""
    try:
        found = look(tuple(BY_NAME), here())
    except (OSError, RuntimeError) as problem:
        # No home, or a working directory that is gone.
        yield Finding("warn", "assistants", f"not looked at: {problem}", "Run this again in a folder of yours.")
        return
    if not found:
        right = f"To put it into one, run: {own_command('install HOST --write')}"
        yield Finding("good", "assistants", "none has this server yet", right)
    for one in found:
        yield from _about(one)


def _about(one: Found) -> Iterator[Finding]:
    about = f"{BY_NAME[one.host].title}, {one.scope}"
    if one.entry is None:
        for problem in one.problems:
            # Whether an entry of ours stands in it is not known: the assistant may have none, and lack nothing.
            yield Finding("warn", about, f"{one.path} {problem.wrong}", "Correct the file; the assistant needs it too.")
        return
    if not one.problems:
        yield Finding("good", about, f"{one.name} in {one.path}, key: {one.key_from}")
    for problem in one.problems:
        wrong = f"{one.name} in {one.path}: {problem.wrong}"
        yield Finding("bad" if problem.sure else "warn", about, wrong, problem.right)
