"""What passes from the front to the server, so that a client cannot tell where the one ends and the other begins."""

from __future__ import annotations


class Begun:
    """A conversation that the server goes on with."""

    __slots__ = ("rest", "said", "unsent")

    def __init__(self) -> None:
        self.said: list[tuple[bytes, bytes]] = []
        """Each line of the client that was answered, and the answer: nothing where it was a notification."""
        self.rest = b""
        """What was read after that."""
        self.unsent = b""
        """What of the answers the client has not taken yet."""
