"""A process of its own that hands a notice to apprise: what that loads, and the time it takes, are no server's.

Addresses come by standard input, as they hold what signs in. It says what became of each of them and nothing else.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_LONGEST_NAME = 40


def main() -> None:
    """Read what is to be done, do it, and print the outcome of each address: its service, and whether it took it."""
    given = json.loads(sys.stdin.buffer.read())
    logging.disable(logging.CRITICAL)
    try:
        import apprise
    except ImportError:
        _answer(None)
        return
    # The credentials of an address must not follow a redirect to another host.
    asset = apprise.AppriseAsset(
        app_id="maton-mailgun",
        app_desc="maton-mailgun",
        app_url="",
        http_redirects=False,  # guard: 322-redirect
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )

    def one(address: str) -> dict[str, Any]:
        service = apprise.Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
        if service is None:
            return {"service": None, "taken": False}
        name = str(service.service_name or "")[:_LONGEST_NAME]
        if not given["send"]:
            return {"service": name, "taken": False}
        group = apprise.Apprise(asset=asset)
        group.add(service)
        taken = group.notify(given["body"], given["title"], apprise.NotifyType.INFO, apprise.NotifyFormat.TEXT)
        return {"service": name, "taken": bool(taken)}

    with ThreadPoolExecutor(len(given["addresses"])) as pool:
        _answer(list(pool.map(one, given["addresses"])))


def _answer(found: list[dict[str, Any]] | None) -> None:
    # Not by way of standard output's own object, where a library may have said something.
    os.write(1, json.dumps(found).encode("ascii"))


if __name__ == "__main__":
    main()
