"""From the start of the process to the first answers, over stdio.

    python bench/start.py [--rounds 15] [--official node path/to/mailgun-mcp.js]

Each round starts every variant once, in turn; ratios are medians of the rounds. The bare interpreter imports json
alone. Without the official Mailgun server its start is taken as 1 / 0.41 of the time that importing the protocol types
takes, as measured when both were at hand. The first call, of a tool that needs no network, waits until the server is
loaded. Exits 1 where a gate is missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time

from peer import OURS, holds, median_ratio, peer, verdict

BARE = "import json, os; os.write(1, b'.')"
FLOOR = "import mcp.server.lowlevel, os; os.write(1, b'.')"
TYPES = "import mcp_types, os; os.write(1, b'.')"
TYPES_TO_OFFICIAL = 0.41
BARE_LIMIT, OFFICIAL_LIMIT = 2.5, 0.1
EXIT_LIMIT = 5.0


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


def called() -> tuple[float, float]:
    """Seconds that the first call of our server takes, from its list on, and from the end of input to its end."""
    with peer() as server:
        server.initialize()
        server.ask("tools/list")
        began = time.perf_counter()
        server.call("get_domain")
        taken = time.perf_counter() - began
        return taken, server.end()


def main() -> int:
    """Print the figures; 1 where a gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--official", nargs="+", metavar="PART", help="the command that starts Mailgun's own server")
    arguments = parser.parse_args()
    answered(OURS)  # Byte code is compiled once, at installation; that is no part of a start.
    called()
    bare, floor, types, ours, calls, official = [], [], [], [], [], []
    for _ in range(arguments.rounds):
        bare.append(imported(BARE))
        ours.append(answered(OURS))
        floor.append(imported(FLOOR))
        calls.append(called())
        types.append(imported(TYPES))
        if arguments.official:
            official.append(answered(tuple(arguments.official)))
    to_initialize, to_list, to_exit = ([one[index] for one in ours] for index in range(3))
    to_call, to_later_exit = ([one[index] for one in calls] for index in range(2))
    # The quickest of many exits: the interpreter's teardown waits for whatever else the machine is doing.
    ending, later = min(to_exit), min(to_later_exit)
    theirs = [one[1] for one in official] or [one / TYPES_TO_OFFICIAL for one in types]
    to_bare, to_official = median_ratio(to_list, bare), median_ratio(to_list, theirs)
    print(f"import json                    {statistics.median(bare):6.3f} s   1.00")
    for what, seconds in (
        ("initialize answered", to_initialize),
        ("tools/list answered", to_list),
        ("import mcp.server.lowlevel", floor),
        ("the first call, from the list", to_call),
    ):
        print(f"{what:<30} {statistics.median(seconds):6.3f} s   {median_ratio(seconds, bare):.2f}")
    which = "the official server" if official else "the official server (estimated)"
    print(f"tools/list to a bare interpreter: {to_bare:.2f}  {verdict(to_bare, BARE_LIMIT)}")
    print(f"tools/list to {which}: {to_official:.2f}  {verdict(to_official, OFFICIAL_LIMIT)}")
    for what, seconds, quickest in (("the list", to_exit, ending), ("a call", to_later_exit, later)):
        middle = statistics.median(seconds) * 1000
        print(
            f"end of input to end of process, after {what}: {quickest * 1000:.0f} ms, median {middle:.0f} ms, "
            f"{quickest / min(bare):.2f} of a bare interpreter  {verdict(quickest / min(bare), EXIT_LIMIT)}"
        )
    exits = ((one / min(bare), EXIT_LIMIT) for one in (ending, later))
    gates = ((to_bare, BARE_LIMIT), (to_official, OFFICIAL_LIMIT), *exits)
    return int(not all(holds(*gate) for gate in gates))


if __name__ == "__main__":
    sys.exit(main())
