"""What holds for all tests, and which are slow because of what they need; single modules say it of themselves."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

# Files that tests make for the operator must be taken by the server whatever the umask of whoever runs them: with 002
# a policy file could be written by a group, and is refused.
os.umask(0o022)

# As for somebody who activated the environment: commands are told to them by their bare name.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])

SLOW = {"browser", "clients", "long", "node", "postgres"}
"""What has one of these marks is slow too."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(mark.name in SLOW for mark in item.iter_markers()):
            item.add_marker(pytest.mark.slow)
    # What takes longest begins first, so that no worker is left alone with it at the end. xdist keeps this order only
    # with --no-loadscope-reorder: else it begins with the modules that have most tests, and those are the quick ones.
    slow = {item.path for item in items if item.get_closest_marker("slow") is not None}
    items.sort(key=lambda item: ("test_no_change" not in item.name, item.path not in slow))
