"""The official clients, each in an environment of its own below pytest's cache: made once, kept for the next run."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

PYTHON_CLIENT = "mailgun==1.10.0"
MAIL_PARSER = "flanker==0.9.11"
FORM_ANSWERER = "fastmcp==4.2.3"
ONE_PROCESS_A_CALL = "langchain-mcp-adapters==0.3.2"
VALIDATORS = ("agnix==0.59.3", "skillsaw==0.22.0")
"""What knows the formats of plugins and extensions, without a network."""
CONVERTERS = {"google-genai": "google-genai==3.6.1", "openai": "openai==3.57.0", "anthropic": "anthropic==2.14.0"}
FRAMEWORKS = {
    "pydantic_ai": ("pydantic-ai-slim[mcp]==2.68.0",),
    "openai_agents": ("openai-agents==0.24.0",),
    "llama_index": ("llama-index-tools-mcp==0.6.0",),
    "autogen": ("autogen-ext[mcp]==0.7.5", "mcp<2"),
    "agno": ("agno==3.1.10", "mcp>=2", "fastmcp>=4,<5"),
    "crewai": ("crewai-tools[mcp]==1.15.30",),
    "adk": ("google-adk[mcp]==2.13.0",),
    "agent_framework": ("agent-framework-core==1.23.0", "mcp>=2", "tenacity"),
}
EXAMPLES = {
    "langchain": ("langchain==1.5.2", "langchain-mcp-adapters==0.3.2"),
    "openai_agents": FRAMEWORKS["openai_agents"],
    "pydantic_ai": FRAMEWORKS["pydantic_ai"],
    "mcp": ("mcp==2.3.0",),
    "fastmcp": (FORM_ANSWERER,),
    "google_adk": FRAMEWORKS["adk"],
    "strands": ("strands-agents==1.62.0", "mcp>=2,<3"),
    "agent_framework": FRAMEWORKS["agent_framework"],
    "crewai": ("crewai==1.15.30", "crewai-tools[mcp]==1.15.30"),
    "llama_index": (*FRAMEWORKS["llama_index"], "llama-index-core==0.14.25"),
    "smolagents": ("smolagents[mcp]==1.26.0", "mcp<2"),
}
"""What each program in examples/ is run with, by its name; package.json says it for those in TypeScript."""
IMGHDR = "standard-imghdr==3.13.0; python_version >= '3.13'"
"""A module that the parser imports, and that newer standard libraries no longer have."""
NODE_PACKAGES = ("mailgun.js@14.0.1", "form-data@4.0.6")
MAIL_READERS = ("mailparser@3.14.2", "postal-mime@4.0.0")
_SECONDS = 90
_LARGE_SECONDS = 240
"""For what brings hundreds of packages."""


def python_client(cache: Path) -> list[str]:
    """The command that runs a script with Mailgun's Python client. Skips where it cannot be installed."""
    return _python(cache, PYTHON_CLIENT)


def mail_parser(cache: Path) -> list[str]:
    """The command that runs a script with the parser Mailgun reads addresses with. Skips as above."""
    return _python(cache, MAIL_PARSER, IMGHDR)


def form_answerer(cache: Path) -> list[str]:
    """The command that runs a script with fastmcp's client. Skips as above."""
    return _python(cache, FORM_ANSWERER)


def one_process_a_call(cache: Path) -> list[str]:
    """The command that runs a script with LangChain's adapter. Skips as above."""
    return _python(cache, ONE_PROCESS_A_CALL)


def agent_framework(cache: Path, name: str) -> list[str]:
    """The command that runs a script with an agent framework. Skips as above."""
    return _python(cache, *FRAMEWORKS[name], seconds=_LARGE_SECONDS)


def example_command(cache: Path, path: Path) -> list[str]:
    """The command that runs an example. Skips as above."""
    if path.suffix == ".py":
        packages = EXAMPLES[path.stem.removeprefix("with_")]
        return [*_python(cache / "examples", *packages, seconds=_LARGE_SECONDS), str(path)]
    needs = path.with_name("package.json").read_bytes()
    wanted = {**json.loads(needs)["dependencies"], **json.loads(needs)["devDependencies"]}
    name = f"examples-{hashlib.sha256(needs).hexdigest()[:12]}"
    command, _ = _node(cache, tuple(f"{package}@{version}" for package, version in wanted.items()), name)
    home = cache / f"node-{name}"
    for source in (*path.parent.glob("*.ts"), path.with_name("package.json")):
        shutil.copy(source, home)
    return [*command, str(home / "node_modules" / "tsx" / "dist" / "cli.mjs"), str(home / path.name)]


def schema_converter(cache: Path, library: str) -> list[str]:
    """The command that runs a script with a provider's library. Skips as above."""
    return _python(cache, CONVERTERS[library])


def validators(cache: Path) -> dict[str, list[str]]:
    """The commands that know the formats of plugins, by their names. Skips as above."""
    (interpreter,) = _python(cache, *VALIDATORS)
    return {"agnix": [str(Path(interpreter).with_name("agnix"))], "skillsaw": [interpreter, "-m", "skillsaw"]}


def _python(cache: Path, *packages: str, seconds: float = _SECONDS) -> list[str]:
    home = cache / f"python{sys.version_info[0]}.{sys.version_info[1]}-{packages[0]}"
    interpreter = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not interpreter.exists():
        _make(
            home,
            lambda place: [
                [sys.executable, "-m", "venv", str(place)],
                [str(place / interpreter.relative_to(home)), "-m", "pip", "install", "-q", *packages],
            ],
            seconds,
        )
    return [str(interpreter)]


def node_client(cache: Path) -> tuple[list[str], dict[str, str]]:
    """The command that runs a script with mailgun.js, and its environment. Skips where it cannot be installed."""
    return node_packages(cache, NODE_PACKAGES)


def node_packages(cache: Path, packages: tuple[str, ...]) -> tuple[list[str], dict[str, str]]:
    """Node.js with packages of npm, and what it needs in its environment."""
    return _node(cache, packages)


def mail_readers(cache: Path, script: Path) -> Callable[[Iterable[bytes]], list[str]]:
    """What a script for Node.js prints of each of many messages, a line each, with libraries that mail programs read
    messages with. Skips as above."""
    command, more = node_packages(cache, MAIL_READERS)

    def lines(sources: Iterable[bytes]) -> list[str]:
        done = subprocess.run(
            [*command, str(script)],
            input="".join(f"{base64.b64encode(source).decode()}\n" for source in sources),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=300,
            check=True,
            env={"PATH": os.environ["PATH"], **more},
        )
        # JSON leaves U+2028 and its like as they are, which end no line here.
        return done.stdout.removesuffix("\n").split("\n")

    return lines


def _node(cache: Path, packages: tuple[str, ...], name: str = "") -> tuple[list[str], dict[str, str]]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("Node.js and npm are not installed here")
    home = cache / "node-{}".format(name or "-".join(packages).replace("/", "-"))
    if not (home / "node_modules" / packages[0].rpartition("@")[0]).exists():
        install = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-save"]
        _make(home, lambda place: [[*install, "--prefix", str(place), *packages]])
    return [node], {"NODE_PATH": str(home / "node_modules")}


def _make(home: Path, commands: Callable[[Path], list[list[str]]], seconds: float = _SECONDS) -> None:
    """Builds beside the final place and moves it there whole, so that a broken attempt leaves nothing behind."""
    place = home.with_name(f"{home.name}.{os.getpid()}")
    place.mkdir(parents=True)
    try:
        for command in commands(place):
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
            if done.returncode != 0:
                words = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
                pytest.skip(f"the client cannot be installed here: {' '.join(words)[:300]}")
        if not home.exists():
            place.rename(home)
    except subprocess.TimeoutExpired:
        pytest.skip(f"the client cannot be installed here: the registry did not answer within {seconds:.0f} seconds")
    finally:
        shutil.rmtree(place, ignore_errors=True)


def of_a_server(url: str, home: Path) -> dict[str, str]:
    """The environment of a server of ours over the sandbox at this address."""
    return {
        "PATH": os.environ["PATH"],
        "MATON_API_URL": url,
        "MATON_API_KEY": "sandbox-maton-key",
        "MATON_MAILGUN_HOME": str(home),
        "MATON_MAILGUN_PAGE": "false",
    }


def run_tour(command: list[str], url: str, more: dict[str, str]) -> list[str]:
    """The lines a tour prints. Nothing of this process's settings reaches the client, proxies least of all."""
    environment = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "HOME") if name in os.environ}
    done = subprocess.run(
        [*command, url], capture_output=True, text=True, timeout=_SECONDS, check=False, env={**environment, **more}
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()
