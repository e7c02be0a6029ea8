"""JSON as it comes from outside, made such that it can go on to a client."""

from __future__ import annotations

import json
import math
import re
from typing import Any

_HALF_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_HALF = re.compile("[\ud800-\udfff]")


def parsed(body: bytes) -> Any:
    """A body as JSON, by content: successful JSON sometimes comes as text/plain (recorded). None if it is not.

    Halves of characters (an emoji cut in two) and numbers that JSON does not have are replaced: nothing that goes on to
    a client could hold them.
    """
    try:
        text = body.decode(json.detect_encoding(body), "replace")
        value = json.loads(text, parse_constant=_no_number, parse_float=_finite)
        return _mended(value) if _HALF_ESCAPE.search(text) else value
    except (ValueError, RecursionError):
        return None


def _finite(text: str) -> float | None:
    """A number with a fraction or an exponent; one too large for any client (1e999) is none."""
    number = float(text)
    return number if math.isfinite(number) else None


def _no_number(_: str) -> None:
    """NaN and the infinities."""


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value)
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {_mended(key): _mended(item) for key, item in value.items()}
    return value
