"""The extension bundle for Claude Desktop: what its manifest says, what is in it, and that it runs as unpacked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from clients.environments import node_packages
from maton_mailgun import __version__
from maton_mailgun.hosts.known import BY_NAME, Surroundings
from maton_mailgun.hosts.proving import Proof, proved

ROOT = Path(__file__).resolve().parents[2]
KEY = "canary-key-that-belongs-in-no-file"


def built(directory: Path) -> Path:
    """Build it as a release does, with what the registry is told beside it."""
    flags = ["--registry-name", "io.github.somebody/maton-mailgun"]
    command = [sys.executable, str(ROOT / "packaging" / "bundles.py"), str(directory), *flags]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120, check=True)
    return Path(done.stdout.splitlines()[0])


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def unpacked(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle as a host has it on disk."""
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder)
    return folder


def manifest(unpacked: Path) -> dict[str, Any]:
    """What the host reads first."""
    found: dict[str, Any] = json.loads((unpacked / "manifest.json").read_text(encoding="utf-8"))
    return found


def started(unpacked: Path, command: list[str] | None = None, home: str = "") -> Proof:
    """Start it with a key from the host's settings, in the environment that Claude Desktop hands on, for its tools.

    What the host fills in is named in MANIFEST.md of the bundles: the folder, and each setting.
    """
    said = manifest(unpacked)
    settings = {name: str(one.get("default", "")).lower() for name, one in said["user_config"].items()}
    filling = {"${__dirname}": str(unpacked)}
    filling |= {f"${{user_config.{name}}}": value for name, value in (settings | {"api_key": KEY}).items()}

    def filled(text: str) -> str:
        for place, value in filling.items():
            text = text.replace(place, value)
        return text

    entry = said["server"]["mcp_config"]
    words = command or [entry["command"], *map(filled, entry["args"])]
    env = {name: filled(value) for name, value in entry["env"].items()}
    surroundings = Surroundings(unpacked, unpacked, {"PATH": os.environ["PATH"], "HOME": home}, sys.platform)
    return proved(BY_NAME["claude-desktop"], {"command": words[0], "args": words[1:], "env": env}, surroundings)


def test_name_version_and_python_are_those_of_the_package(unpacked: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    said = manifest(unpacked)
    inside = tomllib.loads((unpacked / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (said["name"], said["version"], inside["version"]) == (project["name"], __version__, __version__)
    assert said["compatibility"]["runtimes"]["python"] == inside["requires-python"] == project["requires-python"]
    assert said["description"] == project["description"]


def test_the_key_is_a_sensitive_setting_and_stands_nowhere_else(unpacked: Path) -> None:
    said = manifest(unpacked)
    assert {name: one.get("sensitive", False) for name, one in said["user_config"].items()} == {
        "api_key": True,
        "read_only": False,
    }
    assert said["server"]["mcp_config"]["env"]["MATON_API_KEY"] == "${user_config.api_key}"
    # An optional setting without a default would reach the server as it is written here.
    assert [name for name, one in said["user_config"].items() if not one["required"] and "default" not in one] == []


def test_every_tool_that_is_offered_is_named(unpacked: Path) -> None:
    assert len(manifest(unpacked)["tools"]) == 65


def test_it_holds_the_package_as_it_is_and_names_exactly_what_was_tested(unpacked: Path) -> None:
    inside = unpacked / "server" / "maton_mailgun"
    source = ROOT / "server" / "maton_mailgun"
    modules = {path.relative_to(source) for path in source.rglob("*.py")}
    assert {path.relative_to(inside) for path in inside.rglob("*.py")} == modules
    assert all((inside / one).read_bytes() == (source / one).read_bytes() for one in modules)
    needs = tomllib.loads((unpacked / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    lines = (ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8").splitlines()
    assert needs == [line.rstrip("\\ ") for line in lines if line[:1].isalnum()]
    assert all("==" in need for need in needs)


def test_the_same_tree_gives_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    assert built(tmp_path).read_bytes() == bundle.read_bytes()


def test_the_registry_is_told_this_version_and_that_the_key_is_a_secret(bundle: Path) -> None:
    """Its schema takes no more than 100 characters of description, and a name of two parts."""
    said = json.loads((bundle.parent / "server.json").read_text(encoding="utf-8"))
    (package,) = said["packages"]
    (key,) = package["environmentVariables"]
    assert (said["version"], package["version"]) == (__version__, __version__)
    assert (package["registryType"], package["identifier"]) == ("pypi", manifest_name(bundle))
    assert (key["name"], key["isSecret"], key["isRequired"]) == ("MATON_API_KEY", True, True)
    assert (said["name"].count("/"), len(said["description"]) <= 100) == (1, True)


def manifest_name(bundle: Path) -> str:
    """The name in the bundle's manifest."""
    with zipfile.ZipFile(bundle) as archive:
        return str(json.loads(archive.read("manifest.json"))["name"])


@pytest.mark.slow
def test_it_runs_as_it_was_unpacked(unpacked: Path) -> None:
    proof = started(unpacked, [sys.executable, str(unpacked / "server" / "main.py")])
    assert (proof.tools, proof.key, proof.why) == (65, True, "")


@pytest.mark.long
@pytest.mark.clients
def test_it_runs_with_what_uv_fetches_for_it(unpacked: Path, tmp_path: Path) -> None:
    """As Claude Desktop starts it: nothing of ours is installed there but what is in the bundle."""
    if shutil.which("uv") is None:
        pytest.skip("uv is not installed here")
    mine = {name: value for name, value in os.environ.items() if name.startswith(("UV_", "PIP_", "SSL_"))}
    home = {"HOME": os.environ.get("HOME", str(tmp_path))}
    prepared = subprocess.run(
        ["uv", "sync", "--quiet", "--directory", str(unpacked)],
        env={"PATH": os.environ["PATH"], **home, **mine}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if prepared.returncode:
        pytest.skip(f"uv cannot fetch it here: {prepared.stderr.strip().splitlines()[-1]}")
    proof = started(unpacked, home=home["HOME"])
    assert (proof.tools, proof.key) == (65, True), proof.why


@pytest.mark.long
@pytest.mark.clients
@pytest.mark.node
def test_the_tool_of_its_makers_takes_it(bundle: Path, unpacked: Path, request: pytest.FixtureRequest) -> None:
    command, more = node_packages(request.config.cache.mkdir("clients"), ("@anthropic-ai/mcpb@2.1.2",))
    tool = Path(more["NODE_PATH"]) / "@anthropic-ai" / "mcpb" / "dist" / "cli" / "cli.js"

    def asked(*words: str) -> str:
        done = subprocess.run(
            [*command, str(tool), *words], capture_output=True, text=True, timeout=120, check=False,
            env={"PATH": os.environ["PATH"]},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "Manifest schema validation passes!" in asked("validate", str(unpacked / "manifest.json"))
    again = unpacked.parent / "again"
    asked("unpack", str(bundle), str(again))
    assert manifest(again) == manifest(unpacked)
