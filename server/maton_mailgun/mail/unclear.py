"""What every strict reader of mail raises: a text that could be read in two ways."""

from __future__ import annotations


class Unclear(ValueError):
    """A text that does not say without doubt what it means: what is wrong with it, and what would be right."""

    def __init__(self, wrong: str, right: str) -> None:
        super().__init__(f"{wrong}. {right}")
        self.wrong, self.right = wrong, right
