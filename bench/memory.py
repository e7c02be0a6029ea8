"""Resident memory of the server over stdio: when it has listed its tools, warmed up, and carried out reads and a write.

    python bench/memory.py [--official node path/to/mailgun-mcp.js]

Without the official Mailgun server the gate compares with the 106 MB that it took when it was measured. Exits 1 where
the gate is missed.
"""

from __future__ import annotations

import argparse
import sys

from peer import OURS, holds, peer, verdict

from maton_mailgun.sandbox import Sandbox, serve

OFFICIAL_MB = 106.0
LIMIT = 0.67
_MESSAGE = {"from": "a@mg.example.com", "to": ["b@example.net"], "subject": "Hi", "text": "Hello"}


def listed(command: tuple[str, ...]) -> float:
    """MB when tools/list is answered and nothing was called yet."""
    # Without a key there is nothing to warm up for but the validators.
    with peer(command, **({"MATON_API_KEY": ""} if command == OURS else {})) as server:
        server.initialize()
        server.ask("tools/list")
        return server.memory()


def main() -> int:
    """Print the figures; 1 where the gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--official", nargs="+", metavar="PART", help="the command that starts Mailgun's own server")
    arguments = parser.parse_args()
    official = listed(tuple(arguments.official)) if arguments.official else OFFICIAL_MB
    ours = listed(OURS)
    print(f"tools listed:        {ours:6.1f} MB   {ours / official:.2f} of the official server's {official:.0f} MB")
    with serve(Sandbox()) as sandbox, peer(MATON_API_URL=sandbox.url, MATON_API_KEY="sandbox-maton-key") as server:
        server.initialize()
        server.ask("tools/list")
        for _ in range(200):
            server.call("list_domains")
        print(f"after 200 reads:     {server.memory():6.1f} MB")
        server.call("send_message", domain="mg.example.com", **_MESSAGE)
        print(f"after a proposal:    {server.memory():6.1f} MB   (the gate is loaded with the first write)")
    print(f"gate on the first: {ours / official:.2f}  {verdict(ours / official, LIMIT)}")
    return int(not holds(ours / official, LIMIT))


if __name__ == "__main__":
    sys.exit(main())
