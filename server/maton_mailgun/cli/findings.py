"""What `doctor` finds: one thing that was looked at, each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["good", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    verdict: Verdict
    about: str
    found: str
    right: str = ""
    """What would be right, for a person who can do it; empty where it is."""

    def fields(self) -> dict[str, Any]:
        """The same for `--json`."""
        return asdict(self)
