"""`maton-mailgun` and `python -P -m maton_mailgun`.

Not even `__future__` is imported before the search path was looked at: it is a file like any other, and the working
directory's would win.
"""

import sys

from maton_mailgun.search_path import refusal


def main() -> int:
    """Run the command line. Returns the exit status."""
    why = refusal()
    if why is not None:
        sys.stderr.write(f"maton-mailgun: {why}\n")
        # As `exit_status.USAGE`, which cannot be imported here.
        return 2
    from maton_mailgun.front.doorway import ClientLeft, opened

    try:
        begun = opened(sys.argv[1:])
    except ClientLeft:
        return 0
    except KeyboardInterrupt:
        return 130
    from maton_mailgun.cli import run

    # The HTTP client loads it where it is installed, in case somebody else runs the loop: 50 ms (measured), and nobody
    # does in this process.
    sys.modules.setdefault("trio", None)  # type: ignore[arg-type]
    return run(sys.argv[1:], begun)


if __name__ == "__main__":
    sys.exit(main())
