"""Agent frameworks, each with its own client: what its model is handed says that nothing was executed."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.sandbox import Sandbox, serve

from .environments import FRAMEWORKS, agent_framework, of_a_server, run_tour

pytestmark = [pytest.mark.clients, pytest.mark.long, pytest.mark.slow]
LETTER = {"domain": "mg.example.com", "from": "a@mg.example.com", "to": ["b@example.net"], "subject": "Hi", "text": "x"}


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_options_left_out_as_null_are_taken_and_what_waits_is_handed_to_the_model_as_not_executed(
    request: pytest.FixtureRequest, tmp_path: Path, framework: str
) -> None:
    assert request.config.cache is not None
    command = agent_framework(request.config.cache.mkdir("clients"), framework)
    script = str(Path(__file__).with_name("call_by_framework.py"))
    with serve(Sandbox()) as running:

        def handed(*calls: tuple[str, dict[str, Any]]) -> list[str]:
            given = {
                "command": sys.executable,
                "args": ["-P", "-m", "maton_mailgun"],
                "env": of_a_server(running.url, tmp_path),
                "calls": calls,
            }
            lines = run_tour([*command, script, framework], json.dumps(given), {})
            return [json.loads(line).replace("\\", "") for line in lines[-len(calls) :]]

        bounces, asked = handed(
            ("list_bounces", {"domain": "mg.example.com", "limit": None}),
            ("send_message", {**LETTER, "cc": None, "bcc": None, "attachments": None}),
        )
        assert "gone@example.net" in bounces
        first = re.search(r'"(\w+)": ?"([^"]*)', asked[asked.index("headline") - 1 :])
        assert first is not None
        assert (first[1], first[2][:13]) == ("headline", "NOT EXECUTED.")
        found = re.search(r"apr_[0-9a-f]{32}", asked)
        assert found is not None
        (waits,) = handed(("get_approval", {"approval_id": found[0], "wait_seconds": None}))
        assert "NOT EXECUTED." in waits
        assert found[0] in waits
        assert [request["path"] for request in running.sandbox.requests if request["method"] != "GET"] == []
