"""Which operation a method and a path mean.

Matching works on decoded segments of the raw path, so a value may hold any character when it is percent-encoded. Words
win over placeholders: `/v3/lists/pages` is not a domain called `lists`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from maton_mailgun.sandbox.account.mailgun_account import MailgunAccount
from maton_mailgun.sandbox.web.calls import Call, HttpAnswer, page_not_found, plain

Handler = Callable[[MailgunAccount, Call], HttpAnswer]


@dataclass(frozen=True)
class MailgunOperation:
    """One method on one path pattern. `collapses` marks collections that a trailing slash still reaches, which is how a
    delete with an empty path value wipes a whole list."""

    method: str
    pattern: str
    handler: Handler
    collapses: bool = False

    @property
    def segments(self) -> tuple[str, ...]:
        return tuple(self.pattern.strip("/").split("/"))

    def match(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        mine = self.segments
        if len(mine) != len(segments):
            return None
        bound: dict[str, str] = {}
        for word, value in zip(mine, segments, strict=True):
            if word.startswith("{"):
                if value in ("", ".", ".."):
                    return None
                bound[word.strip("{}")] = value
            elif word != value:
                return None
        return bound


class Router:
    """Operations, the most literal pattern first."""

    def __init__(self, operations: Iterable[MailgunOperation]) -> None:
        ordered = sorted(operations, key=lambda operation: [word.startswith("{") for word in operation.segments])
        self._by_length: dict[int, list[MailgunOperation]] = {}
        for operation in ordered:
            self._by_length.setdefault(len(operation.segments), []).append(operation)

    def answer(self, account: MailgunAccount, call: Call) -> HttpAnswer:
        segments, slashed = call.segments, False
        if len(segments) > 1 and segments[-1] == "":
            segments, slashed = segments[:-1], True
        matches = [
            (operation, bound)
            for operation in self._by_length.get(len(segments), [])
            if (not slashed or operation.collapses) and (bound := operation.match(segments)) is not None
        ]
        if not matches:
            return page_not_found()
        for operation, bound in matches:
            if operation.method == call.method:
                raw = call.raw_path.rstrip("/") if slashed else call.raw_path
                return operation.handler(account, replace(call, path=bound, raw_path=raw))
        return plain(405, "Method Not Allowed")
