"""Whether something was left that a server takes up as soon as it starts: approvals that are not finished, finished
ones that have been kept long enough, what an earlier version wrote in clear.

Looks, and decides nothing: in any doubt the server starts and finds out for itself. What is asked is in the head of
`first_answers.txt`, in the words of the store.
"""

from __future__ import annotations

import os
import stat
import time

_COMPANIONS = ("", "-wal", "-shm", "-journal")
_WAIT_SECONDS = 0.2
_DAY = 86_400.0


def anything_left(database: str, unfinished: str, older: str, keep_days: float) -> bool:
    """Whether there is anything to take up, or it cannot be told.

    Args:
        database: The file that approvals are kept in.
        unfinished: The statement that finds one that is not finished.
        older: The statement that finds one that was finished before a moment (Unix seconds).
        keep_days: How long finished ones are kept.
    """
    there = [ending for ending in _COMPANIONS if os.path.lexists(database + ending)]
    if not there:
        return False
    if not all(_is_ours(database + ending) for ending in there):
        return True
    if "" not in there or "-journal" in there:
        return True
    import sqlite3

    # Without a log nobody has it open, and nothing is written beside it just to look.
    mode = "mode=ro" if "-wal" in there else "mode=ro&immutable=1"
    try:
        connection = sqlite3.connect(f"file:{_quoted(database)}?{mode}", uri=True, timeout=_WAIT_SECONDS)
        try:
            sealed = connection.execute("PRAGMA user_version").fetchone()[0] > 0
            before = time.time() - keep_days * _DAY
            found = connection.execute(unfinished).fetchone() or connection.execute(older, (before,)).fetchone()
        finally:
            connection.close()
    except sqlite3.Error:
        return True
    return found is not None or not sealed


def _is_ours(path: str) -> bool:
    found = os.lstat(path)
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022


def _quoted(path: str) -> str:
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
