"""What the jobs that people give to an assistant cost a model: calls, and characters of answers to read.

    python bench/job_costs.py

Does every job of tests/jobs with a real client over stdio against the sandbox, and prints its table with the totals.
Exits 1 where a job was not done or took more than it may.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run the jobs in one process, so that the table is in their order."""
    jobs = ["-m", "pytest", "tests/jobs", "-q", "-n", "0", "-m", ""]
    return int(subprocess.run([sys.executable, *jobs], cwd=Path(__file__).parents[1], check=False).returncode != 0)


if __name__ == "__main__":
    sys.exit(main())
