"""The evaluations of the skill, as `evals/evals.json` has them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from catalogue.files import ROOT

EVALS: list[dict[str, Any]] = json.loads((ROOT / "evals" / "evals.json").read_text(encoding="utf-8"))["evals"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What an evaluation says of the way its job is done."""

    recipe: str
    tools: frozenset[str]


BY_JOB = {one["job"]: Asked(one["recipe"], frozenset(one["tools"])) for one in EVALS if one["job"] is not None}
"""The evaluation of each job, by the job's name."""
