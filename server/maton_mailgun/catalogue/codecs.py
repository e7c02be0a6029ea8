"""Values of arguments as texts on the wire: path segments, form values, addresses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any
from urllib.parse import quote

from maton_mailgun.mail.dates import rfc2822

PLACES = re.compile(r"\{([a-z][a-z0-9_]*)\}")
"""Where an argument stands in a path template."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def fill(template: str, values: Mapping[str, str]) -> str:
    """Put encoded values into a path template."""
    return PLACES.sub(lambda match: segment(values[match[1]]), template)


def segment(value: str) -> str:
    """One path value, percent-encoded completely.

    An empty value or a dot segment would turn "delete this one" into "delete the collection" (Mailgun's collection
    DELETEs wipe everything), so these are refused here, whatever was checked before.

    Raises:
        ValueError: Empty, `.`, `..`, or with control characters.
    """
    if not value.strip():
        raise ValueError("is empty")
    if value in (".", ".."):  # guard: 30-dots
        raise ValueError("is a dot segment, which would name another resource")
    if _CONTROL.search(value):
        raise ValueError("has control characters")
    return quote(value, safe="")  # guard: 30-segment


def written_addresses(value: Any) -> Iterator[str]:
    """Each address in a field of its own, in our spelling: what was given could hold more for another reader."""
    from maton_mailgun.mail.address_fields import read

    for text in value if isinstance(value, list) else [value]:
        yield from (address.written for address in read(text))  # guard: 41-written-anew


def map_value(wire: str, name: str, value: Any) -> str:
    """An entry of a map: text as it is, anything else as JSON; headers with addresses or message ids are written anew.

    Mailgun reads `v:` fields as text or JSON and hands them to templates: `no` is a text there, and every text is true
    to a template's `{{#if}}`. Yes and no are words of its switches alone, which are arguments of their own.
    """
    text = value if isinstance(value, str) else json_text(value)  # guard: 47-json
    if wire != "h:*":
        return text
    from maton_mailgun.mail import address_fields, message_ids

    if message_ids.holds_ids(name):
        return message_ids.written(text)
    return address_fields.header_value(name, text) if address_fields.holds_addresses(name) else text


def minutes(span: str) -> int:
    """How long `1h30m`, `90m` or `2h` is."""
    hours, _, rest = span.rpartition("h")
    return 60 * int(hours or 0) + int(rest.removesuffix("m") or 0)


def codec_for(value: Any) -> str:
    """The codec of a value that names none."""
    if isinstance(value, bool):
        return "yes_no"
    if isinstance(value, list):
        return "repeat"
    return "json" if isinstance(value, dict) else "text"


def encoded(codec: str, value: Any) -> Iterator[str]:
    """The texts that a value is on the wire: one, several under the same name, or none."""
    match codec:
        case "file" | "mime" | "text_files" | "base64_files":
            return
        case "repeat":
            yield from (text_of(item) for item in (value if isinstance(value, list) else [value]))
        case "comma":
            yield ",".join(text_of(item) for item in value) if isinstance(value, list) else text_of(value)
        case "json":
            yield json_text(value)
        case "date":
            yield rfc2822(value)
        case "span":
            # The documented form has both parts.
            yield "{}h{}m".format(*divmod(minutes(value), 60))
        case "message_id":
            from maton_mailgun.mail.message_ids import bare

            yield bare(value)
        case "yes_only":
            if value is True:
                yield "yes"
            elif value is not False:
                yield text_of(value)
        case "true_false":
            yield ("true" if value else "false") if isinstance(value, bool) else text_of(value)
        case _:
            yield text_of(value)


def json_text(value: Any) -> str:
    """A value as JSON. JSON has one kind of number: 30.0 is a whole one there, and a readable one as 30.

    Raises:
        ValueError: A number that JSON does not have.
    """
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:
        raise ValueError("holds a number that JSON does not have") from None


def json_value(value: Any) -> Any:
    """A value inside a JSON body: itself. Whole numbers have no fraction there either.

    Raises:
        ValueError: A number that JSON does not have.
    """
    if isinstance(value, float):
        if not isfinite(value):
            raise ValueError("holds a number that JSON does not have")
        return int(value) if value.is_integer() else value
    if isinstance(value, list):
        return [json_value(item) for item in value]
    return {name: json_value(item) for name, item in value.items()} if isinstance(value, dict) else value


def text_of(value: Any) -> str:
    """A scalar as Mailgun reads it; booleans are words, `str(True)` is in none of its lists."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict | list):
        return json_text(value)
    if isinstance(value, float) and value.is_integer():
        # JSON has one kind of number: 30.0 is a whole one there and none to Mailgun.
        return str(int(value))
    return str(value)
