"""`maton-mailgun` and `python -m maton_mailgun`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line. Returns the exit status."""
    from maton_mailgun.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
