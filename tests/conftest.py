"""Which tests are slow because of what they need; single modules and tests say it of themselves."""

from __future__ import annotations

import pytest

SLOW = {"browser", "clients", "long", "node", "postgres"}
"""What has one of these marks is slow too."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(mark.name in SLOW for mark in item.iter_markers()):
            item.add_marker(pytest.mark.slow)
