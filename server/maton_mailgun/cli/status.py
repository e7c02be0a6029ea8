"""`maton-mailgun status`: which assistants have this server, where its key comes from, and what is wrong."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from typing import Any

from maton_mailgun.cli.exit_status import FAILED, OK
from maton_mailgun.cli.screen import Screen
from maton_mailgun.hosts.entry import masked, secrets
from maton_mailgun.hosts.known import BY_NAME, here
from maton_mailgun.hosts.looking import Found, look
from maton_mailgun.hosts.proving import Proof, proved
from maton_mailgun.mail.text import count


def run(arguments: argparse.Namespace) -> int:
    """Look at every host, or at one; with --start each entry is started too. FAILED where something is wrong."""
    surroundings = here()
    hosts = (arguments.host,) if arguments.host else tuple(BY_NAME)
    found = look(hosts, surroundings)
    proofs = [
        # Only where it was asked for: a file of a project is as good as whoever wrote the project.
        proved(BY_NAME[one.host], one.entry, surroundings) if arguments.start and one.entry is not None else None
        for one in found
    ]
    if arguments.json:
        rows = [_row(one, proof) for one, proof in zip(found, proofs, strict=True)]
        sys.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
    else:
        _told(Screen(), hosts, found, proofs)
    return (
        FAILED
        if any(one.problems or (proof and proof.tools is None) for one, proof in zip(found, proofs, strict=True))
        else OK
    )


def _told(screen: Screen, hosts: tuple[str, ...], found: list[Found], proofs: list[Proof | None]) -> None:
    for one, proof in zip(found, proofs, strict=True):
        title = f"{BY_NAME[one.host].title}, {one.scope}"
        if one.entry is None:
            screen.outcome("bad", f"{title}: {one.path} {one.problems[0]}")
            continue
        screen.outcome("warn" if one.problems else "good", f"{title}: {one.name} in {one.path}")
        screen.line(f"    starts: {_command(one)}")
        screen.line(f"    key: {one.key_from}")
        screen.lines(f"    {problem}" for problem in one.problems)
        if proof is not None and proof.tools is None:
            screen.outcome("bad", f"it does not start: {masked(proof.why, secrets(one.entry))}")
        elif proof is not None:
            screen.line(f"    it starts and lists {count(proof.tools or 0, 'tool')}")
    there = {one.host for one in found}
    if missing := [name for name in hosts if name not in there]:
        screen.line(f"Not there: {', '.join(missing)}.", "quiet")


def _command(one: Found) -> str:
    entry = one.entry or {}
    return shlex.join([str(entry.get("command", "")), *map(str, entry.get("args") or ())])


def _row(one: Found, proof: Proof | None) -> dict[str, Any]:
    made: dict[str, Any] = {
        "host": one.host, "scope": one.scope, "path": str(one.path), "name": one.name or None,
        "starts": _command(one) if one.entry is not None else None, "key": one.key_from,
        "problems": [str(problem) for problem in one.problems],
    }  # fmt: skip
    if proof is not None:
        made |= {"tools": proof.tools, "why": masked(proof.why, secrets(one.entry)) or None}
    return made
