"""The listed exceptions, and the documented statuses that the sandbox does not produce."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).with_name("exceptions.toml")

NOT_PRODUCED: dict[tuple[str, int], str] = {
    ("send_message", 500): "a failure of the service; armed as a fault it has the armed fault's body",
    ("send_mime_message", 500): "a failure of the service; armed as a fault it has the armed fault's body",
    ("create_mailing_list", 201): "the recorded status is 200",
    ("delete_bounce", 400): "any text is looked up as an address: what is not there is 404",
    ("delete_unsubscribe", 400): "any text is looked up as an address: what is not there is 404",
    ("get_stored_message", 400): "any text is looked up as a key: what is not there is 404",
    ("get_tag", 400): "the tag stands in the path, so that it cannot be left out",
    ("delete_tag", 400): "the tag stands in the path, so that it cannot be left out",
}


@dataclass(frozen=True)
class Known:
    """One disagreement of one operation that is known and kept."""

    operation: str
    status: int
    kind: str
    where: str
    says: str
    real: str
    evidence: str

    @property
    def key(self) -> tuple[str, int, str, str]:
        return (self.operation, self.status, self.kind, self.where)


def listed() -> list[Known]:
    """Every entry of `exceptions.toml`, one for each operation and place it names."""
    return list(_entries())


def _entries() -> Iterator[Known]:
    for row in tomllib.loads(_FILE.read_text(encoding="utf-8"))["exception"]:
        rest = {name: row[name] for name in ("status", "kind", "says", "real", "evidence")}
        places = row.get("where", "")
        for operation in row["operations"]:
            for where in [places] if isinstance(places, str) else places:
                yield Known(operation=operation, where=where, **rest)
