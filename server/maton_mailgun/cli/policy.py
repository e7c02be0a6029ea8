"""`maton-mailgun policy check`: what would happen to a call, and why. Nothing is sent and nobody is asked."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from maton_mailgun.approval.policy.case import case_of
from maton_mailgun.approval.policy.in_force import policy_of
from maton_mailgun.catalogue import arguments as holding
from maton_mailgun.catalogue.as_meant import as_meant
from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.catalogue.rows import load
from maton_mailgun.cli.exit_status import FAILED, NOT_FOUND, OK, USAGE, CommandFailed
from maton_mailgun.cli.flags import settings_of
from maton_mailgun.cli.screen import Screen
from maton_mailgun.config import Settings
from maton_mailgun.errors import BadArguments, Problem
from maton_mailgun.exchange import Account, Prepared
from maton_mailgun.own_command import own_command
from maton_mailgun.wire import attachments, list_files
from maton_mailgun.wire import request as requests

_VERDICTS = {
    "allow": "It would be carried out without asking anybody.",
    "ask": "A person would be asked, and nothing happens without their yes.",
    "deny": "It would be refused. Nobody would be asked.",
}


def check(arguments: argparse.Namespace) -> int:
    """Judge the call in a file. FAILED where the policy or the schema refuses it."""
    settings, screen = settings_of(arguments), Screen()
    if arguments.policy:
        settings = replace(settings, policy=Path(arguments.policy))
    policy = policy_of(settings)
    tool, given = _read(arguments.call)
    operation = load().get(tool)
    if operation is None:
        raise CommandFailed(NOT_FOUND, f"There is no tool {tool[:80]}. See: {own_command('tools')}")
    try:
        prepared = _prepared(operation, given, settings)
    except BadArguments as problem:
        raise CommandFailed(FAILED, f"The call would be refused before the policy is asked. {problem}") from None
    if not operation.writes:
        screen.outcome("good", f"{tool} only reads: it is carried out at once, and no policy applies.")
        return OK
    case = case_of(prepared)
    verdict = policy.judge(case)
    screen.outcome("bad" if verdict.decision == "deny" else "good", _VERDICTS[verdict.decision])
    screen.lines(policy.explain(case).split("\n"))
    if not prepared.account.connection_id:
        screen.line("The connection was not looked up: rules about connections match once it is known.", "quiet")
    if settings.policy is None:
        screen.line("No policy file is set (MATON_MAILGUN_POLICY): every write is asked.", "quiet")
    return FAILED if verdict.decision == "deny" else OK


def _prepared(operation: Operation, given: Mapping[str, Any], settings: Settings) -> Prepared:
    """The call as the gate would see it, without the look-up of the account.

    Raises:
        BadArguments: It does not fit the tool.
    """
    given, unread = list_files.filled(operation, given, settings.attachments)
    if unread:
        raise BadArguments(operation.name, unread)
    if operation.from_file:
        given = as_meant(operation.schema, given)
    holding.check(operation, given)
    files, problems = attachments.collect(operation, given, settings.attachments)
    if problems:
        raise BadArguments(operation.name, problems)
    try:
        built = requests.build(operation, given, files)
    except ValueError as problem:
        raise BadArguments(operation.name, [Problem("", str(problem), "Give the exact name of one resource")]) from None
    connection_id = str(given.get("connection_id") or settings.connection_id or "")
    return Prepared(operation, given, built, Account(connection_id, "", settings.sandbox))


def _read(name: str) -> tuple[str, Mapping[str, Any]]:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        call = json.loads(text)
    except (OSError, UnicodeDecodeError) as problem:
        raise CommandFailed(USAGE, f"{name} cannot be read: {problem}") from None
    except ValueError as problem:
        raise CommandFailed(USAGE, f"{name} is not JSON: {problem}") from None
    if (
        not isinstance(call, dict)
        or set(call) - {"tool", "arguments"}
        or not isinstance(call.get("tool"), str)
        or not isinstance(call.get("arguments", {}), dict)
    ):
        raise CommandFailed(USAGE, f'{name} must be {{"tool": "send_message", "arguments": {{…}}}} and nothing else.')
    return call["tool"], call.get("arguments", {})
