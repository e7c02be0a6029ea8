"""An approver at a terminal of the machine on which a server runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cli.conftest import PASSPHRASE
from cli.terminals import Terminal


def set_passphrase(env: Mapping[str, str], at: Path) -> None:
    """Set the approver's passphrase the only way there is."""
    with Terminal("approvals", "passphrase", env=env, cwd=at) as terminal:
        terminal.expect("New passphrase:")
        terminal.enter(PASSPHRASE)
        terminal.expect("The same again:")
        terminal.enter(PASSPHRASE)
        assert terminal.finish() == 0, terminal.seen


def decide(verb: str, approval_id: str, env: Mapping[str, str], at: Path) -> str:
    """Type a decision; what was seen meanwhile."""
    with Terminal("approvals", verb, approval_id, env=env, cwd=at) as terminal:
        terminal.expect("Passphrase, to ")
        terminal.enter(PASSPHRASE)
        assert terminal.finish() == 0, terminal.seen
        return terminal.seen
