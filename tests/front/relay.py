"""Starts a server and passes on, unchanged, what it and its client say; keeps a copy of each in files.

Usage: relay.py SAID HEARD COMMAND…
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading


def passed_on(source: int, sink: int, copy: str) -> None:
    """Copy what comes until it ends."""
    with open(copy, "wb", buffering=0) as file:
        while chunk := os.read(source, 1 << 16):
            file.write(chunk)
            view = memoryview(chunk)
            while view:
                view = view[os.write(sink, view) :]
    os.close(sink)


def main(said: str, heard: str, *command: str) -> int:
    """Returns the server's exit status."""
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdin is not None
    assert server.stdout is not None
    saying = threading.Thread(target=passed_on, args=(0, os.dup(server.stdin.fileno()), said), daemon=True)
    server.stdin.close()
    saying.start()
    passed_on(server.stdout.fileno(), 1, heard)
    return server.wait()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
