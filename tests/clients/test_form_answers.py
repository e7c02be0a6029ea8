"""A client whose own code holds a person's answer to the form's schema: a decision alone is an answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from e2e.serving import serving
from maton_mailgun.sandbox import Sandbox, serve

from .environments import form_answerer, of_a_server, run_tour

pytestmark = [pytest.mark.clients, pytest.mark.long]


def test_a_yes_without_a_reason_counts(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    assert request.config.cache is not None
    command = [*form_answerer(request.config.cache.mkdir("clients")), str(Path(__file__).with_name("answer_form.py"))]
    with serve(Sandbox()) as running:
        with serving(of_a_server(running.url, tmp_path)) as started:
            (line,) = run_tour(command, f"{started.url}/mcp", {})
        assert json.loads(line)["status"] == "executed"
        assert [message["subject"] for message in running.sandbox.messages] == ["Hello"]
