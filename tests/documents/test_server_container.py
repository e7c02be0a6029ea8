"""The container of a team's server: its recipe, what starts it with PostgreSQL, and what operators are told."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from catalogue.files import ROOT
from e2e.serving import serving
from maton_mailgun.cli.parser import build
from maton_mailgun.config import NAMES

FOLDER = ROOT / "packaging" / "server"
RECIPE = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")


def instruction(name: str) -> list[str]:
    (line,) = re.findall(rf"^ *{name} (\[.+\])$", RECIPE, re.MULTILINE)
    words: list[str] = json.loads(line)
    return words


def copied() -> list[str]:
    lines = re.findall(r"^COPY (?!--from)(.+)$", RECIPE, re.MULTILINE)
    return [word for line in lines for word in line.split()[:-1]]


def test_all_that_it_copies_is_there_and_in_what_the_build_is_given() -> None:
    assert [source for source in copied() if not (ROOT / source).exists()] == []
    given = re.findall(r"^!(.+)$", (FOLDER / "Dockerfile.dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(given) == sorted({source.partition("/")[0] for source in copied()})


def test_it_copies_all_that_a_wheel_is_made_of_and_installs_what_is_pinned() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (listed,) = re.findall(r"^only-include = (\[.+\])$", project, re.MULTILINE)
    assert {place.partition("/")[0] for place in json.loads(listed)} <= set(copied())
    installs = re.findall(r"pip(?: --python \S+)? install ([^\\\n]+)", RECIPE)
    assert installs
    assert all("--require-hashes -r requirements/" in one or "--no-deps /wheel/" in one for one in installs)


def test_it_serves_http_on_the_port_it_exposes_as_nobody() -> None:
    _, *arguments = instruction("ENTRYPOINT")
    started = build().parse_args(arguments)
    (exposed,) = re.findall(r"^EXPOSE (\d+)$", RECIPE, re.MULTILINE)
    assert (started.run, started.http) == ("serve:run", f"0.0.0.0:{exposed}")
    assert f"127.0.0.1:{exposed}/healthz" in instruction("CMD")[-1]
    assert re.findall(r"^USER (\S+)$", RECIPE, re.MULTILINE) == ["65534:65534"]


@pytest.mark.slow
def test_its_health_check_tells_a_server_that_lives_from_one_that_does_not(tmp_path: Path) -> None:
    _, *words = instruction("CMD")
    with serving({"MATON_MAILGUN_HOME": str(tmp_path), "MATON_API_KEY": "none"}) as started:
        words[-1] = words[-1].replace("127.0.0.1:8000", started.netloc)
        assert subprocess.run([sys.executable, *words], timeout=20, check=False).returncode == 0
    gone = subprocess.run([sys.executable, *words], stderr=subprocess.DEVNULL, timeout=20, check=False)
    assert gone.returncode == 1


def test_compose_starts_it_with_postgresql_and_settings_that_exist() -> None:
    server, database = COMPOSE["services"]["server"], COMPOSE["services"]["database"]
    assert (FOLDER / server["build"]["context"]).resolve() == ROOT
    assert (ROOT / server["build"]["dockerfile"]).is_file()
    assert set(server["environment"]) <= set(NAMES)
    # Nothing but the proxy of this machine reaches it, and numbers are for the network of the containers.
    assert server["ports"] == ["127.0.0.1:8000:8000"]
    assert server["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert "ports" not in database
    assert (server["read_only"], server["cap_drop"]) == (True, ["ALL"])
    # Secrets are in files that the repository does not take.
    files = [*server["env_file"], *database["env_file"]]
    assert files == ["secrets/server.env", "secrets/database.env"]
    assert "packaging/server/secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_operators_are_told_of_settings_paths_and_metrics_that_exist() -> None:
    from maton_mailgun.protocol.metrics import PrometheusMeasures

    told = set(re.findall(r"MATON_[A-Z_]+[A-Z]", PAGE))
    assert told - set(NAMES) == set()
    named = {metric.name for metric in PrometheusMeasures(set()).registry.collect()}
    shown = set(re.findall(r"maton_mailgun_[a-z_]+", PAGE))
    assert {name.removesuffix("_total") for name in shown} - named == set()
    for path in ("/mcp", "/approvals/", "/healthz", "/readyz", "/metrics"):
        assert f"`{path}`" in PAGE
