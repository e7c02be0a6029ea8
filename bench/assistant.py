"""What the 22 usual kinds of jobs cost an assistant that sees nothing but the list of tools, or the skill beside it.

    python bench/assistant.py open FOLDER [TOOLSETS] leave it running; it writes FOLDER/tools.json and FOLDER/HOW.txt
    python bench/assistant.py skill FOLDER [TOOLSETS]  the same, with the skill in FOLDER/skill
    python bench/assistant.py job FOLDER N           prepare the account for job N, 1 to 22, and print the user's words
    python bench/assistant.py tool FOLDER NAME JSON  call a tool as a host would; `-` for JSON reads standard input
    python bench/assistant.py answer FOLDER TEXT     what the user is told at the end of the job; it is then checked
    python bench/assistant.py count FOLDER           jobs done, calls, and characters of answers, the list apart

Give FOLDER/HOW.txt to an assistant that knows nothing else. A person at the form says yes to what is asked, but for the
job in which the user corrects; every job begins with a fresh account. `open` ends at the end of its input.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "bench")]

from assistant_jobs import KINDS, Kitchen  # noqa: E402 - found by the line above
from mcp.client.stdio import StdioServerParameters  # noqa: E402

from e2e.account import Account  # noqa: E402
from e2e.host import host, text  # noqa: E402
from e2e.wire import FILES  # noqa: E402
from maton_mailgun.catalogue import files  # noqa: E402
from maton_mailgun.sandbox import Sandbox, serve  # noqa: E402

_WORDS: list[str] = [
    one["prompt"] for one in json.loads((ROOT / "evals" / "evals.json").read_text(encoding="utf-8"))["evals"]
]
_TOOLS_ALONE = "(read it; it is all you know)"
_WITH_SKILL = "and the skill in {folder}/skill (read its SKILL.md first; the two are all you know)"
_HOW = """You are an assistant with the tools listed in {folder}/tools.json {know}.
For N from 1 to 22:
  {program} job {folder} {{N}}
      prints what the user wants
  {program} tool {folder} NAME 'JSON ARGUMENTS'
      calls a tool and prints its answer (single quotes in JSON: give - instead and the JSON on standard input)
  {program} answer {folder} 'WHAT YOU TELL THE USER'
      ends the job; say there everything that the user asked for
Do each job in as few calls and with as little to read as you can. The user's files lie in the attachments directory.
"""


class Kept:
    """What was done so far: the job that is open, and a line for each that ended."""

    def __init__(self) -> None:
        self.job = 0
        self.calls = self.characters = 0
        self.ended: dict[int, dict[str, Any]] = {}

    def total(self) -> dict[str, Any]:
        ended = self.ended.values()
        return {
            "jobs": f"{sum(one['done'] for one in ended)} of {len(ended)} done",
            "calls": sum(one["calls"] for one in ended),
            "characters": sum(one["characters"] for one in ended),
            "each": self.ended,
        }


def opened(folder: Path, toolsets: str | None, *, skill: bool) -> None:
    """Run sandbox, server and client until standard input ends."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.skill().items() if skill else ():
        (folder / "skill" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "skill" / name).write_bytes(content)
    with serve(Sandbox()) as sandbox, tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as mine:
        for name, data in FILES.items():
            Path(mine, name).write_bytes(data)
        environment = {
            "PATH": os.environ["PATH"],
            "MATON_API_URL": sandbox.url,
            "MATON_API_KEY": "sandbox-maton-key",
            "MATON_MAILGUN_HOME": home,
            "MATON_MAILGUN_ATTACHMENTS": mine,
            "MATON_MAILGUN_PAGE": "false",
        }
        environment |= {"MATON_MAILGUN_TOOLSETS": toolsets} if toolsets else {}
        started = StdioServerParameters(
            command=sys.executable, args=["-P", "-m", "maton_mailgun", "serve"], env=environment
        )
        with host(started) as connected, Listener(str(folder / "socket")) as listener:
            listed = [tool.model_dump(mode="json", exclude_none=True) for tool in connected.tools()]
            (folder / "tools.json").write_text(json.dumps(listed, ensure_ascii=False), encoding="utf-8")
            program = f"{sys.executable} {Path(__file__).resolve()}"
            know = _WITH_SKILL if skill else _TOOLS_ALONE
            how = _HOW.format(know=know.format(folder=folder), folder=folder, program=program)
            (folder / "HOW.txt").write_text(how, encoding="utf-8")
            kitchen, kept = Kitchen(Account(sandbox), connected), Kept()
            threading.Thread(target=_answering, args=(listener, kitchen, kept), daemon=True).start()
            sys.stdin.read()


def _answering(listener: Listener, kitchen: Kitchen, kept: Kept) -> None:
    while True:
        with listener.accept() as connection:
            connection.send(_answered(connection, kitchen, kept))


def _answered(connection: Connection, kitchen: Kitchen, kept: Kept) -> str:
    command, *rest = connection.recv()
    if command == "count":
        return json.dumps(kept.total(), indent=1)
    if command == "job":
        kept.job, kept.calls, kept.characters = int(rest[0]), 0, 0
        kitchen.begin()
        KINDS[kept.job - 1].prepare(kitchen)
        return _WORDS[kept.job - 1]
    if not kept.job:
        return "No job is open: begin one with `job FOLDER N`."
    if command == "tool":
        told = text(kitchen.host.call(rest[0], json.loads(rest[1])))
        kept.calls, kept.characters = kept.calls + 1, kept.characters + len(told)
        return told
    problem = _problem(kitchen, kept.job, rest[0])
    kept.ended[kept.job] = {
        "done": problem is None,
        "problem": problem,
        "calls": kept.calls,
        "characters": kept.characters,
        "answer": rest[0],
    }
    kept.job = 0
    return "The job has ended."


def _problem(kitchen: Kitchen, job: int, answer: str) -> str | None:
    """Why a job is not done; None where it is."""
    try:
        KINDS[job - 1].check(kitchen, answer)
    except (AssertionError, KeyError, ValueError, IndexError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def main(arguments: list[str]) -> int:
    """Open the place, or say one thing to the one that is open."""
    if len(arguments) < 2:
        sys.stderr.write(str(__doc__))
        return 2
    command, folder = arguments[0], Path(arguments[1]).resolve()
    if command in ("open", "skill"):
        opened(folder, arguments[2] if len(arguments) > 2 else None, skill=command == "skill")
        return 0
    rest = [sys.stdin.read() if part == "-" else part for part in arguments[2:]]
    with Client(str(folder / "socket")) as connection:
        connection.send([command, *rest])
        sys.stdout.write(f"{connection.recv()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
