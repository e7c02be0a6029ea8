"""A domain with its DNS records as a person publishes them: every record with its name, its value and what it is for.

Mailgun names no host for MX records, which stand at the domain itself, and repeats in `cached` what it last saw.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from maton_mailgun.wire.fencing import Own

_FOR = {"TXT": Own("sending (required)"), "CNAME": Own("tracking"), "MX": Own("receiving")}
_TAGS = re.compile(r"v=spf1(?: [\w:.~?+/=-]+)*|(?:[a-z]+=[\w+/=:.@,*-]*(?:; ?|$))+", re.IGNORECASE)
"""SPF, DKIM and DMARC: a person publishes such a value as it stands, so it has no mark before it."""


def told(body: Mapping[str, Any]) -> dict[str, Any]:
    """What the caller is told of `body`; parts of another form stay as they are."""
    domain = body.get("domain")
    name = domain.get("name") if isinstance(domain, Mapping) else None
    shown = {key: value for key, value in body.items() if not key.endswith("_dns_records")}
    for key in ("sending_dns_records", "receiving_dns_records"):
        records = body.get(key)
        if isinstance(records, list):
            shown[key] = [_record(one, name) if isinstance(one, Mapping) else one for one in records]
        elif key in body:
            shown[key] = records
    return shown


def _record(record: Mapping[str, Any], domain: Any) -> dict[str, Any]:
    kind = record.get("record_type")
    host = record.get("name") or (domain if kind == "MX" else None)
    value = record.get("value")
    if isinstance(value, str) and _TAGS.fullmatch(value):
        value = Own(value)
    found = {"record_type": kind, "name": host, "value": value, "valid": record.get("valid")}
    if kind == "MX":
        found["priority"] = record.get("priority")
    if seen := [one for one in record.get("cached") or () if one != record.get("value")]:
        found["seen_instead"] = seen
    return {**found, "for": _FOR.get(str(kind), "")}
