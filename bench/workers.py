"""Streamable HTTP: what two workers answer with a core each, to one worker with one.

    python bench/workers.py [--connections 64] [--seconds 3] [--rounds 3]

The call of `streamable.py`, in turn to a server of one process and one of two workers, so that both meet the same load
of the machine. What is compared is by the time that the processes had a core: the load generator needs one too, so that
by the clock a machine of two cores shows less. Exits 1 where the gate is missed, or one of the two does most of it.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys

from peer import holds, verdict
from streamable import cpu_seconds, load, serving, workers_of

LEAST_GAIN = 1.9
MOST_SHARE = 0.7
"""Of the work that the busier worker has."""


def main() -> int:
    """Print the figures; 1 where a gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    gains, shares, clock = [], [], []
    with serving() as one, serving(MATON_MAILGUN_WORKERS="2") as two:
        for _ in range(arguments.rounds):
            rates = []
            for server in (one, two):
                before = [cpu_seconds(pid) or 0.0 for pid in workers_of(server[0])]
                measured = asyncio.run(
                    load(server, "/mcp", b'"isError":true', arguments.connections, arguments.seconds)
                )
                rates.append(measured)
                used = [(cpu_seconds(pid) or 0.0) - was for pid, was in zip(workers_of(server[0]), before, strict=True)]
                if used:
                    shares.append(max(used) / sum(used))
            single, both = rates
            gains.append(2 * (both.of_a_core or both.rate) / (single.of_a_core or single.rate))
            clock.append(both.rate / single.rate)
            print(f"one: {single.of_a_core or 0:.0f} with a second of its core, {single.rate:.0f} a second; two: "
                  f"{both.of_a_core or 0:.0f} with one of either's, {both.rate:.0f} a second")  # fmt: skip
    gain, share = statistics.median(gains), statistics.median(shares)
    print(f"two workers with a core each, to one: {gain:.2f}  {verdict(gain, LEAST_GAIN, at_least=True)}")
    print(f"share of the busier one: {share:.2f}  {verdict(share, MOST_SHARE)}")
    print(f"by the clock, on this machine: {statistics.median(clock):.2f}")
    return int(not (holds(gain, LEAST_GAIN, at_least=True) and holds(share, MOST_SHARE)))


if __name__ == "__main__":
    sys.exit(main())
