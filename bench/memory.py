"""Resident memory of the server over stdio: with its tools listed, and after a read, more reads and a write.

    python bench/memory.py [--official node path/to/mailgun-mcp.js]

Without the official Mailgun server the gates compare with the 106 MB that it took when it was measured. Exits 1 where
a gate is missed.
"""

from __future__ import annotations

import argparse
import sys
import time

from peer import AS_INSTALLED, holds, peer, verdict

from maton_mailgun.sandbox import Sandbox, serve

OFFICIAL_MB = 106.0
SETTLED = 2.0
"""Seconds after the first read, in which the gate is loaded."""
LIST_LIMIT, READ_LIMIT = 0.2, 0.72
_MESSAGE = {"from": "a@mg.example.com", "to": ["b@example.net"], "subject": "Hi", "text": "Hello"}


def listed(command: tuple[str, ...]) -> float:
    """MB when tools/list is answered and nothing was called yet."""
    # Without a key there is nothing to warm up for but the validators.
    with peer(command, **({"MATON_API_KEY": ""} if command == AS_INSTALLED else {})) as server:
        server.initialize()
        server.ask("tools/list")
        return server.memory()


def main() -> int:
    """Print the figures; 1 where a gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--official", nargs="+", metavar="PART", help="the command that starts Mailgun's own server")
    arguments = parser.parse_args()
    official = listed(tuple(arguments.official)) if arguments.official else OFFICIAL_MB
    ours = listed(AS_INSTALLED)
    print(f"tools listed:        {ours:6.1f} MB   {ours / official:.2f} of the official server's {official:.0f} MB")
    with (
        serve(Sandbox()) as sandbox,
        peer(AS_INSTALLED, MATON_API_URL=sandbox.url, MATON_API_KEY="sandbox-maton-key") as server,
    ):
        server.initialize()
        server.ask("tools/list")
        server.call("list_domains")
        at_once = server.memory()
        time.sleep(SETTLED)
        read = server.memory()
        print(f"as it is answered:   {at_once:6.1f} MB   {at_once / official:.2f}")
        print(f"after the first read:{read:6.1f} MB   {read / official:.2f}")
        for _ in range(199):
            server.call("list_domains")
        print(f"after 200 reads:     {server.memory():6.1f} MB")
        server.call("send_message", domain="mg.example.com", **_MESSAGE)
        print(f"after a proposal:    {server.memory():6.1f} MB   (with the store, and what seals)")
    gates = (("the list", ours / official, LIST_LIMIT), ("the first read", read / official, READ_LIMIT))
    for what, ratio, limit in gates:
        print(f"gate on {what}: {ratio:.2f}  {verdict(ratio, limit)}")
    return int(not all(holds(ratio, limit) for _, ratio, limit in gates))


if __name__ == "__main__":
    sys.exit(main())
