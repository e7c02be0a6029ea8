"""What the programs in examples/ say of themselves."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Example:
    """One program.

    Args:
        path: Its file, `with_NAME`.
    """

    path: Path

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return self.path.stem.removeprefix("with_")

    @property
    def about(self) -> str:
        """Its docstring, or the comment a TypeScript file begins with."""
        text = self.path.read_text(encoding="utf-8")
        if self.path.suffix == ".py":
            return ast.get_docstring(ast.parse(text)) or ""
        found = re.match(r"/\*\*\n(.*?)\n\*/\n", text, re.DOTALL)
        return found[1] if found else ""

    @property
    def behaves(self) -> dict[str, str]:
        """The lines `key: value` of its docstring."""
        return dict(
            re.findall(r"^    (server|protocol|asks by|left out|model reads): +(.+)$", self.about, re.MULTILINE)
        )


EXAMPLES = tuple(Example(path) for path in sorted((ROOT / "examples").glob("with_*")))
