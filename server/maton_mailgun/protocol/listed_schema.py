"""Schemas as they are listed: what a model needs to make a call, in as few words as do.

Every conversation pays for the list. What only the check needs (that a text is not empty, that nothing else is known,
what a text must look like beside what its description says) is held by the check alone, which names what would be
right; a listed schema takes all that the check takes. Providers have one type for each argument: a moment is a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maton_mailgun.catalogue.operation import Operation

_FOR_THE_CHECK = frozenset({"pattern", "minLength", "additionalProperties", "maxProperties"})
_SPEAKS_FOR_ITSELF = frozenset(
    {
        *("connection_id", "domain", "cursor", "address", "list_address", "member_address", "cc", "text", "amp_html"),
        *("dkim", "sending_ip", "sending_ip_pool", "pool_id", "createdBy", "require_tls", "tracking_opens"),
        *("route_id", "template_name", "webhook_type", "description", "skip_verification", "comment"),
        *("tracking_pixel_location_top",),
    }
)
"""Names of one meaning, which the name says, or which stand in so many tools that it is known."""
_TAKEN_NOT_TOLD = frozenset({"native_send"})
"""Taken for whoever knows the field from elsewhere; undocumented, so told to nobody."""


def listed(operation: Operation, offered: Mapping[str, Operation]) -> dict[str, Any]:
    """The schema of a tool's arguments as a client is told it, among the other tools that it is offered."""
    shown = lean(operation.schema)
    other = offered.get(operation.options_of or "")
    told_there = other.properties if other is not None else {}
    properties = {
        name: _without_words(shape)
        if name in _SPEAKS_FOR_ITSELF or told_there.get(name) == operation.properties[name]
        else shape
        for name, shape in shown.get("properties", {}).items()
        if name not in _TAKEN_NOT_TOLD
    }
    return {**shown, "properties": properties}


def _without_words(shape: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in shape.items() if key != "description"}


def lean(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema without what only the check needs."""
    if "anyOf" in schema:
        return {"type": "string", **{key: value for key, value in schema.items() if key != "anyOf"}}
    found: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _FOR_THE_CHECK or (key in ("minimum", "minItems") and value in (0, 1)):
            continue
        if key == "properties":
            found[key] = {name: lean(shape) for name, shape in value.items()}
        else:
            found[key] = lean(value) if key == "items" else value
    return found
