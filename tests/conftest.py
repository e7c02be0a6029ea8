"""What holds for all tests."""

from __future__ import annotations

import os

# Files that tests make for the operator must be taken by the server whatever the umask of whoever runs them: with 002
# a policy file could be written by a group, and is refused.
os.umask(0o022)
