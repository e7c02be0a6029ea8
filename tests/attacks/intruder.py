"""Another user of this machine, who acts through processes of their own, and a place that both can reach."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class Intruder:
    """A user without any right of ours. The number stands for nobody on an ordinary machine."""

    uid: int = 54_321

    def run(self, command: str, *words: object) -> None:
        """Run a shell command as this user; it must succeed, or the attack was none. `$1` is the first word."""
        done = subprocess.run(
            ["/bin/sh", "-c", command, "sh", *map(str, words)],
            user=self.uid, group=self.uid, extra_groups=[], cwd="/", env={"PATH": "/usr/bin:/bin"},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def intruder() -> Intruder:
    """Another user, or a skipped test where this process cannot become one."""
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("needs root to act as another user")
    return Intruder()


@contextmanager
def shared_place() -> Iterator[Path]:
    """A directory of ours that every user can enter and none but us can write to."""
    place = Path(tempfile.mkdtemp(prefix="mm-owner-"))
    place.chmod(0o755)
    try:
        yield place
    finally:
        shutil.rmtree(place)


def let_write(path: Path, uid: int) -> None:
    """What `setfacl -m u:UID:rwx PATH` does: an access list, of which the mode shows no more than its mask.

    The format is the kernel's (linux/posix_acl_xattr.h): version 2, then tag, permissions and id of each entry.
    """
    none = 0xFFFFFFFF
    entries = ((0x01, 7, none), (0x02, 7, uid), (0x04, 5, none), (0x10, 7, none), (0x20, 5, none))
    content = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(path, "system.posix_acl_access", content)
    except OSError as problem:
        pytest.skip(f"no access lists on this file system: {problem.strerror}")
