"""Under which names the HTTP server answers."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from mcp.server.transport_security import TransportSecuritySettings

from maton_mailgun import loopback


class ServedNames:
    """Under which names the server answers; all others are turned away (DNS rebinding)."""

    def __init__(self, host: str, port: int, public: str | None) -> None:
        self.public = public
        self.bound = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        hosts = [f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}", self.bound]
        self.shown = public or f"http://{self.bound}"
        # What a browser kept of another program on this port must not reach the page; a name outside is nobody else's.
        own = f"{loopback.own_host()}:{port}" if not public and is_loopback(host) else None
        self.page = f"http://{own}" if own else self.shown
        outside = [urlsplit(public).netloc] if public else []
        self.hosts = tuple(dict.fromkeys([*outside, *hosts]))
        self.page_hosts = (*self.hosts, *([own] if own else []))
        self.security = TransportSecuritySettings(
            # Any port of this machine's own names: a container's port is seldom the one outside.
            allowed_hosts=[*self.hosts, "127.0.0.1:*", "localhost:*", "[::1]:*"],
            allowed_origins=[
                *([public] if public else []),
                *("http://127.0.0.1:*", "http://localhost:*", "http://[::1]:*", f"http://{self.bound}"),
            ],
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
