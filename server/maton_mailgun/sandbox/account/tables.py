"""Records kept in the order of their key, so that a page costs what it holds and not what the table holds."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from maton_mailgun.sandbox.web.calls import Record


class Table:
    """Records under lower-case keys: a dictionary for looking up, a sorted list of its keys for paging."""

    def __init__(self, items: Iterable[tuple[str, Record]] = ()) -> None:
        self._records = {key.lower(): record for key, record in items}
        self._keys = sorted(self._records)

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.lower() in self._records

    def get(self, key: str) -> Record | None:
        return self._records.get(key.lower())

    def put(self, key: str, record: Record) -> None:
        key = key.lower()
        if key not in self._records:
            at = bisect_left(self._keys, key)
            self._keys.insert(at, key)
        self._records[key] = record

    def pop(self, key: str) -> Record | None:
        key = key.lower()
        record = self._records.pop(key, None)
        if record is not None:
            del self._keys[bisect_left(self._keys, key)]
        return record

    def clear(self) -> None:
        self._records.clear()
        self._keys.clear()

    def items(self) -> Iterator[tuple[str, Record]]:
        return ((key, self._records[key]) for key in self._keys)

    def values(self) -> Iterator[Record]:
        return (self._records[key] for key in self._keys)

    def after(self, pivot: str | None, prefix: str = "") -> Iterator[tuple[str, Record]]:
        """Ascending from just behind `pivot` (which need not exist any more), among keys beginning with `prefix`."""
        at = bisect_left(self._keys, prefix)
        if pivot is not None:
            at = max(at, bisect_right(self._keys, pivot.lower()))
        while at < len(self._keys) and self._keys[at].startswith(prefix):
            yield self._keys[at], self._records[self._keys[at]]
            at += 1

    def before(self, pivot: str | None, prefix: str = "") -> Iterator[tuple[str, Record]]:
        """Descending from just in front of `pivot`, or from the end."""
        at = bisect_left(self._keys, prefix + "\U0010ffff") if prefix else len(self._keys)
        if pivot is not None:
            at = min(at, bisect_left(self._keys, pivot.lower()))
        while at > 0 and self._keys[at - 1].startswith(prefix):
            at -= 1
            yield self._keys[at], self._records[self._keys[at]]
