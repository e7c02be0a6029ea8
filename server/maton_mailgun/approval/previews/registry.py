"""The functions that catalogue rows may name in `preview`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .proposal import Preview, Proposal

PREVIEWS: Mapping[str, Preview] = {}

WATCHES: Mapping[str, Callable[[Proposal], list[tuple[str, Mapping[str, Any]]]]] = {}
"""Reads beyond the row's `before` to whose answers a yes is bound as well."""
