"""Run with `flanker`, never with the server: what it finds in each JSON text of standard input, a JSON line each."""

from __future__ import annotations

import json
import logging
import sys

logging.disable(logging.CRITICAL)

import idna  # noqa: E402
from flanker.addresslib import address  # type: ignore[import-not-found]  # noqa: E402


def form(one: address.Address) -> str:
    """An address with its domain as it is looked up."""
    if one.addr_type != "email":
        return str(one.address)
    return f"{one.mailbox}@{one.hostname if one.hostname.isascii() else idna.encode(one.hostname).decode()}"


for line in sys.stdin:
    sys.stdout.write(json.dumps([form(one) for one in address.parse_list(json.loads(line))]) + "\n")
