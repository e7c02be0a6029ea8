"""A private PostgreSQL server for tests and benchmarks: its own directory, user, port and data, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_DEADLINE_SECONDS = "60"


class NotHere(Exception):
    """PostgreSQL cannot be run on this machine; says why."""


@contextmanager
def own_postgres() -> Iterator[str]:
    """The URL of an empty database on a server that ends with the block.

    Raises:
        NotHere: It is not installed, or there is nobody to run it as.
        RuntimeError: It is here and does not start.
    """
    binaries = _binaries()
    if binaries is None:
        raise NotHere("PostgreSQL's initdb and pg_ctl are not installed")
    as_user = _unprivileged()
    if as_user is None:
        raise NotHere("PostgreSQL does not run as root, and there is no user to run it as (postgres or nobody)")
    # Short and outside pytest's directory: a Unix socket path has some 100 bytes, and the user must reach it.
    home = Path(tempfile.mkdtemp(prefix="mm-pg-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(home, as_user[-1])
        data, port = str(home / "data"), _free_port()
        run = [*as_user[:-1], "--"] if len(as_user) > 1 else []
        _call([*run, f"{binaries}/initdb", "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C"])
        settings = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={home}"
        start = ["start", "-w", "-t", _DEADLINE_SECONDS, "-l", str(home / "log"), "-o", settings]
        _call([*run, f"{binaries}/pg_ctl", "-D", data, *start])
        try:
            yield f"postgresql://tester@127.0.0.1:{port}/postgres"
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
    if user is None or shutil.which("runuser") is None:
        return None
    return ["runuser", "-u", user, user]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _call(command: Sequence[str]) -> None:
    # Its output goes nowhere but into the error: the server keeps what it inherits open as long as it lives.
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", check=False)
        if done.returncode != 0:
            output.seek(0)
            raise RuntimeError(f"{command[-1]} failed:\n{output.read()}")
