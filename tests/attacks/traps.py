"""A folder full of Python files that tell when they are run: one for every name that ours imports or looks for."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

_OTHERS = """
h2 hpack socksio brotli brotlicffi zstandard certifi truststore idna chardet charset_normalizer
uvloop winloop httptools websockets wsproto watchfiles dotenv yaml orjson ujson simplejson
psycopg psycopg_binary rich colorama readline email_validator opentelemetry logfire sitecustomize usercustomize
"""
PROBED = frozenset(_OTHERS.split())
"""Names that clients, servers and interpreters are known to look for, besides those seen in a run."""
_RECORDED = """
import sys

class Asked:
    def __init__(self, told):
        # A line at a time: a server that is stopped by a signal gets to no end.
        self.file = open(told, "w", buffering=1)
        self.file.write(" ".join(sys.modules) + "\\n")

    def find_spec(self, name, path=None, target=None):
        self.file.write(name + "\\n")

sys.meta_path.insert(0, Asked(sys.argv[1]))
sys.argv = ["maton-mailgun", *sys.argv[2:]]
from maton_mailgun.__main__ import main
main()
"""


def recorded(told: Path, *arguments: str) -> tuple[str, ...]:
    """The command that runs ours and writes to `told` every name that is imported or looked for."""
    return (sys.executable, "-P", "-c", _RECORDED, str(told), *arguments)


def top_level(told: Iterable[Path]) -> frozenset[str]:
    """The top-level names in these records."""
    names = {name.partition(".")[0] for path in told for name in path.read_text(encoding="utf-8").split()}
    return frozenset(name for name in names if name.isidentifier()) - {"__main__"}


def before_our_first_line() -> frozenset[str]:
    """What Python, for -m too, and an entry script import before anything of ours: no check comes before that."""
    code = "import re, runpy, sys; print(*sys.modules)"
    seen = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True).stdout
    return frozenset(name.partition(".")[0] for name in seen.split()) | {"sitecustomize", "usercustomize"}


@dataclass(frozen=True)
class Traps:
    """The folder, and where its files leave their marks."""

    folder: Path
    marks: Path

    def set(self, names: Iterable[str], below: str = ".") -> None:
        """Put a trap under each of these names. `maton_mailgun` becomes a package that can be run."""
        place = self.folder / below
        place.mkdir(exist_ok=True)
        for name in names:
            if name == "maton_mailgun":
                (place / name).mkdir()
                for module in ("__init__", "__main__"):
                    (place / name / f"{module}.py").write_text(self.code(name), encoding="utf-8")
            else:
                (place / f"{name}.py").write_text(self.code(name), encoding="utf-8")
        # pydantic runs whatever an installed distribution names as its plugin.
        plugin = place / "plugged-1.0.dist-info"
        plugin.mkdir()
        (plugin / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged\nVersion: 1.0\n", encoding="utf-8")
        (plugin / "entry_points.txt").write_text("[pydantic]\nplugged = plugged:plugin\n", encoding="utf-8")
        (place / "plugged.py").write_text(self.code("plugged"), encoding="utf-8")
        # Settings of a stranger: were they read, the reads of the session would go to a port where nothing listens.
        (place / ".env").write_text("MATON_API_URL=http://127.0.0.1:9\n", encoding="utf-8")

    def code(self, name: str) -> str:
        """What a trap does; it needs nothing that would have to be imported."""
        return f"open({str(self.marks / name)!r}, 'w').close()\n"

    def sprung(self) -> list[str]:
        """The traps that were run."""
        return sorted(path.name for path in self.marks.iterdir())


def python_path(*entries: str) -> dict[str, str]:
    """PYTHONPATH with these entries before those of whoever runs the tests."""
    return {"PYTHONPATH": os.pathsep.join([*entries, *filter(None, [os.environ.get("PYTHONPATH", "")])])}


@contextmanager
def listening(command: Iterable[str], environment: Mapping[str, str], cwd: Path) -> Iterator[int]:
    """A command that serves until it is stopped, and has answered once; gives the status of that answer."""
    process = subprocess.Popen(
        [*command], env={**environment, "PYTHONUNBUFFERED": "1"}, cwd=cwd, stdin=subprocess.DEVNULL, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        said = ""
        while (port := re.search(r"127\.0\.0\.1:(\d+)", said)) is None:
            line = process.stdout.readline()
            assert line, said
            said += line
        connection = HTTPConnection("127.0.0.1", int(port[1]), timeout=30)
        connection.request("GET", "/")
        answer = connection.getresponse()
        answer.read()
        connection.close()
        yield answer.status
    finally:
        process.terminate()
        process.communicate(timeout=20)


def entry(printed: str) -> tuple[str, ...]:
    """The command in a host's configuration, as the host would start it."""
    (server,) = next(found for key, found in json.loads(printed).items() if key.lower().endswith("servers")).values()
    return (server["command"], *server["args"])
