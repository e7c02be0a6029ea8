"""Stands between an agent framework and a server over stdio, and notes what the framework does: a line of JSON each.

    python between.py NOTES COMMAND…

The start is noted, and every message of the client as it was. On the way back each half of a result is given a key that
names it, `half`, by which it is seen which of them a model is handed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

notes, command = Path(sys.argv[1]), sys.argv[2:]


def note(what: Any) -> None:
    """One line, whole, whoever else writes."""
    with notes.open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps(what)}\n")


def marked(line: bytes) -> bytes:
    """A message of the server with each half of a result named."""
    message = json.loads(line)
    result = message.get("result", {})
    if "structuredContent" in result:
        result["structuredContent"] = {"half": "structured", **result["structuredContent"]}
        for part in result["content"]:
            part["text"] = json.dumps({"half": "text", **json.loads(part["text"])}, ensure_ascii=False)
    return json.dumps(message).encode() + b"\n"


note({"started": command})
server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
assert server.stdin is not None
assert server.stdout is not None


def to_server() -> None:
    assert server.stdin is not None
    for line in sys.stdin.buffer:
        note(json.loads(line))
        server.stdin.write(line)
        server.stdin.flush()
    server.stdin.close()


threading.Thread(target=to_server, daemon=True).start()
for answer in server.stdout:
    sys.stdout.buffer.write(marked(answer))
    sys.stdout.buffer.flush()
sys.exit(server.wait())
