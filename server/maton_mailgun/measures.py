"""What is counted of a server while it works. Nothing is, unless somebody asks for numbers."""

from __future__ import annotations


class Measures:
    """Where counts go; this one forgets them. What is counted names no person, no address and no account."""

    def called(self, tool: str, outcome: str, seconds: float) -> None:
        """A call has its answer.

        Args:
            tool: Which one, as it was asked for.
            outcome: The status that its caller is told, or the kind of the error.
            seconds: How long it took.
        """

    def exchanged(self, status: str, seconds: float) -> None:
        """A request to the gateway has ended.

        Args:
            status: Its HTTP status, `not_sent` or `no_answer`.
            seconds: How long it took.
        """

    def turned_away(self, why: str) -> None:
        """A request was refused before it became a call: `token`, `keys`, `scope`, `rate`, `sessions` or `stopping`."""
