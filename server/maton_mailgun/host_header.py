"""Whether a request says under which name it came, once and in the form of a name: else nobody can tell whether the
name is ours.

RFC 9112, section 3.2: a request without a Host field, with several, or with an invalid one gets 400. Not every HTTP
parser sees to that, so it is seen to here, before the name itself is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# RFC 3986, section 3.2.2: a name or an IPv4 address, or an address in brackets; a port may follow. No user information.
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?")


def why_malformed(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """What is wrong with the Host field of a request, or None. Names are in lower case, as ASGI has them."""
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) != 1:
        return f"The request has {len(hosts)} Host headers; it must have one."
    if not _HOST.fullmatch(hosts[0]):  # guard: 113-host
        return "The Host header is not a host and a port."
    return None
