"""A PostgreSQL server of a benchmark's own: its directory, user, port and data, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def postgres() -> Iterator[str | None]:
    """The URL of an empty database; None where PostgreSQL is not installed, or nobody is there to run it as."""
    binaries, as_user = _binaries(), _unprivileged()
    if binaries is None or as_user is None:
        yield None
        return
    # Short: a Unix socket path has some 100 bytes, and the user must reach it.
    home = Path(tempfile.mkdtemp(prefix="mm-pg-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(home, as_user[-1])
        data = str(home / "data")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        run = [*as_user[:-1], "--"] if len(as_user) > 1 else []
        _call([*run, f"{binaries}/initdb", "-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C"])
        settings = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={home}"
        start = ["start", "-w", "-t", "60", "-l", str(home / "log"), "-o", settings]
        _call([*run, f"{binaries}/pg_ctl", "-D", data, *start])
        try:
            yield f"postgresql://bench@127.0.0.1:{port}/postgres"
        finally:
            _call([*run, f"{binaries}/pg_ctl", "-D", data, "stop", "-m", "immediate"])
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _binaries() -> Path | None:
    found = shutil.which("pg_ctl")
    candidates = [Path(found).parent] if found else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((path for path in candidates if (path / "initdb").exists() and (path / "pg_ctl").exists()), None)


def _unprivileged() -> Sequence[str] | None:
    """The command prefix that drops root, with the user's name last; only the name where there is nothing to drop."""
    if os.geteuid() != 0:
        return [pwd.getpwuid(os.geteuid()).pw_name]
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = next((name for name in ("postgres", "nobody") if name in names), None)
    return ["runuser", "-u", user, user] if user is not None and shutil.which("runuser") else None


def _call(command: Sequence[str]) -> None:
    # Its output goes to a file: the server keeps what it inherits open as long as it lives.
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", check=False)
        if done.returncode != 0:
            output.seek(0)
            sys.exit(f"{command[-1]} failed:\n{output.read()}")
