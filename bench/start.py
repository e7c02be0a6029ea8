"""From the start of the process to the first answers, over stdio.

    python bench/start.py [--rounds 15] [--official node path/to/mailgun-mcp.js]

Each round starts every variant once, in turn; ratios are medians of the rounds. Without the official Mailgun server its
start is taken as 1 / 0.41 of the time that importing the protocol's types takes, as measured when both were at hand.
Exits 1 where a gate is missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time

from peer import OURS, holds, median_ratio, peer, verdict

FLOOR = "import mcp.server.lowlevel, os; os.write(1, b'.')"
TYPES = "import mcp_types, os; os.write(1, b'.')"
TYPES_TO_OFFICIAL = 0.41
START_LIMIT = 1.2 if sys.version_info >= (3, 13) else 1.4
EXIT_LIMIT = 0.1


def imported(code: str) -> float:
    """Seconds from the start of an interpreter to the end of its imports."""
    reading, writing = os.pipe()
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code], stdout=writing)
    os.read(reading, 1)
    taken = time.perf_counter() - began
    process.kill()
    process.wait()
    os.close(reading)
    os.close(writing)
    return taken


def answered(command: tuple[str, ...]) -> tuple[float, float, float]:
    """Seconds to `initialize` and to `tools/list`, and from the end of input to the end of the process."""
    with peer(command) as server:
        to_initialize = server.initialize()
        server.ask("tools/list")
        to_list = time.perf_counter() - server.began
        return to_initialize, to_list, server.end()


def main() -> int:
    """Print the figures; 1 where a gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--official", nargs="+", metavar="PART", help="the command that starts Mailgun's own server")
    arguments = parser.parse_args()
    answered(OURS)  # Byte code is compiled once, at installation; that is no part of a start.
    floor, types, ours, official = [], [], [], []
    for _ in range(arguments.rounds):
        floor.append(imported(FLOOR))
        types.append(imported(TYPES))
        ours.append(answered(OURS))
        if arguments.official:
            official.append(answered(tuple(arguments.official)))
    to_initialize, to_list, to_exit = ([one[index] for one in ours] for index in range(3))
    # The quickest of many exits: the interpreter's teardown waits for whatever else the machine is doing.
    ending = min(to_exit)
    theirs = [one[1] for one in official] or [one / TYPES_TO_OFFICIAL for one in types]
    ratio = median_ratio(to_list, theirs)
    print(f"import mcp.server.lowlevel     {statistics.median(floor):6.3f} s   1.00")
    for what, seconds in (("initialize answered", to_initialize), ("tools/list answered", to_list)):
        print(f"{what:<30} {statistics.median(seconds):6.3f} s   {median_ratio(seconds, floor):.2f}")
    which = "the official server" if official else "the official server (estimated)"
    print(f"tools/list to {which}: {ratio:.2f}  {verdict(ratio, START_LIMIT)}")
    print(
        f"end of input to end of process: {ending * 1000:.0f} ms, median {statistics.median(to_exit) * 1000:.0f} ms  "
        f"{verdict(ending, EXIT_LIMIT)}"
    )
    return int(not (holds(ratio, START_LIMIT) and holds(ending, EXIT_LIMIT)))


if __name__ == "__main__":
    sys.exit(main())
