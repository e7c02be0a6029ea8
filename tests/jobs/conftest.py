"""One sandbox and one server for all jobs, and a table of what they cost at the end of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest
from mcp.client.stdio import StdioServerParameters

from e2e.account import Account
from e2e.conftest import account, attachments, environment, let_warm_up, process, running
from e2e.host import Host, host

__all__ = ["account", "attachments", "environment", "process", "running"]


@pytest.fixture(scope="module")
def assistant(
    process: Callable[[], StdioServerParameters], account: Account
) -> Iterator[tuple[Host, Mapping[str, str]]]:
    """The one client of all jobs, and what its server was started with."""
    server = process()
    assert server.env is not None
    with host(server) as connected:
        let_warm_up(connected, account)
        yield connected, server.env


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    costs = [
        cost
        for kind in ("passed", "failed")
        for report in terminalreporter.getreports(kind)
        for name, cost in getattr(report, "user_properties", ())
        if name == "job"
    ]
    if not costs:
        return
    terminalreporter.section("what jobs cost")
    for name, calls, characters in costs:
        terminalreporter.line(f"{name:<72} {calls:>3} calls {characters:>7,} characters")
    calls, characters = (sum(cost[part] for cost in costs) for part in (1, 2))
    terminalreporter.line(f"{f'all {len(costs)}':<72} {calls:>3} calls {characters:>7,} characters")
