"""Whether a file lies where version control would take it."""

from __future__ import annotations

import os
from pathlib import Path

_MARKS = (".git", ".hg", ".jj", ".svn", ".bzr", "_darcs", ".pijul", ".fslckout", "_FOSSIL_", "CVS")
"""What the root of a working tree holds: git's is a folder, or a file in a linked worktree or a submodule."""


def working_tree(path: Path) -> Path | None:
    """The version-controlled folder that a file lies in, tracked or not: it may be added later, and an ignored one may
    be added by force. No program is asked: git runs what a repository configures."""
    return next((folder for folder in path.parents if any(os.path.lexists(folder / name) for name in _MARKS)), None)
