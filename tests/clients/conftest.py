"""Each client makes its tour once; the tests look at what it was told and at what the sandbox has."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.sandbox import Sandbox, serve

from .environments import node_client, python_client, run_tour

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Tour:
    """What a client was told, step by step, and what the sandbox saw."""

    steps: dict[str, dict[str, Any]]
    messages: list[dict[str, Any]]
    requests: list[dict[str, Any]]
    sandbox: Sandbox

    def body(self, step: str) -> Any:
        """The answer to a step that must have succeeded."""
        told = self.steps[step]
        assert "raised" not in told, told
        assert told.get("status", 200) == 200, told
        return told["body"]


def _toured(command: list[str], more: dict[str, str]) -> Tour:
    with serve(Sandbox()) as running:
        lines = run_tour(command, running.url, more)
        steps = {line.pop("step"): line for line in map(json.loads, lines)}
        return Tour(steps, running.sandbox.messages, list(running.sandbox.requests), running.sandbox)


def _cache(request: pytest.FixtureRequest) -> Path:
    cache: Path = request.config.cache.mkdir("clients")
    return cache


@pytest.fixture(scope="session")
def python_tour(request: pytest.FixtureRequest) -> Tour:
    return _toured([*python_client(_cache(request)), str(_HERE / "tour_python.py")], {})


@pytest.fixture(scope="session")
def node_tour(request: pytest.FixtureRequest) -> Tour:
    command, more = node_client(_cache(request))
    return _toured([*command, str(_HERE / "tour_node.cjs")], more)
