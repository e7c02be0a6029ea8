"""One operation of the store, written once for every database: statements out, rows in."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

T = TypeVar("T")

Statement = tuple[str, tuple[object, ...]]
Fetched = list[tuple[Any, ...]]
Script = Generator[Statement, Fetched, T]
"""It yields statements and is sent their rows. Placeholders are written `?`; `/*lock*/` marks where a database with row
locks takes one."""
