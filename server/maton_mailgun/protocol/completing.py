"""Values for what a person types: domains, lists, templates of the account, ids of their own approvals.

They are read as any call reads: for each person once a minute, one at a time, a page of them and for seconds only, as
clients ask at every key. Only plain words are offered: a name that is a sentence may be a stranger's, and would stand
in a prompt.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from maton_mailgun.errors import CallError
from maton_mailgun.exchange import Caller, Outcome
from maton_mailgun.protocol.prompts import ValueSource, book

if TYPE_CHECKING:
    from maton_mailgun.call import Engine
    from maton_mailgun.wire.gateway import Gateway

MOST = 100
"""Values in an answer (MCP, completion)."""
KEPT_SECONDS = 60.0
_MOST_KEPT = 50
"""Lists of values of one person."""
_MOST_PEOPLE = 1_000
_SECONDS = 5.0
_PLAIN = re.compile(r"[!-~]{1,120}")


@dataclass(slots=True)
class _Known:
    """What one person was told of late, and under whose key it was read."""

    gateway: Gateway
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    values: dict[tuple[str, ...], tuple[float, list[str]]] = field(default_factory=dict)


class Completing:
    """What is known of one server's values.

    Args:
        engine: Reads them.
        clock: A monotonic clock, in seconds.
    """

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._people: OrderedDict[str, _Known] = OrderedDict()

    async def of_prompt(
        self, name: str, argument: str, typed: str, others: Mapping[str, str], caller: Caller
    ) -> list[str]:
        """Values of an argument that fit what was typed.

        Raises:
            BadPrompt: There is no such prompt.
        """
        prompt = book().get(name, self._engine.catalogue)
        wanted = prompt.arguments.get(argument)
        if wanted is None or wanted.completes is None:
            return []
        source = book().sources[wanted.completes]
        if source.tool not in self._engine.catalogue or any(not others.get(one) for one in source.within):
            return []
        return fitting(await self._values(source, {one: others[one] for one in source.within}, caller), typed)

    async def _values(self, source: ValueSource, within: Mapping[str, str], caller: Caller) -> list[str]:
        key = (source.tool, *within.values())
        try:
            known = self._known(caller.principal)
        except CallError:
            return []
        async with known.reading:  # guard: 326-one-at-a-time
            at, values = known.values.get(key, (-math.inf, []))
            if self._clock() - at < KEPT_SECONDS:
                return values
            until = asyncio.get_running_loop().time() + _SECONDS
            arguments = {**within, "fields": source.field, "limit": MOST}
            outcome = await self._engine.call(source.tool, arguments, replace(caller, until=min(until, caller.until)))
            values = _values_in(outcome) if isinstance(outcome, Outcome) else []
            # What failed is not asked for again at the next key either.
            if len(known.values) >= _MOST_KEPT:
                known.values.clear()
            known.values[key] = (self._clock(), values)
            return values

    def _known(self, principal: str) -> _Known:
        """What this person was told under the key that is theirs now; nobody waits for another's reads.

        Raises:
            CallError: They have none.
        """
        gateway = self._engine.gateway.of(principal)
        known = self._people.pop(principal, None)  # guard: 373-own-values
        if known is None or known.gateway is not gateway:  # guard: 373-own-key
            known = _Known(gateway)
        self._people[principal] = known
        while len(self._people) > _MOST_PEOPLE:
            self._people.popitem(last=False)
        return known


def fitting(values: list[str], typed: str) -> list[str]:
    """Those that begin with what was typed, then those that hold it."""
    word = typed.strip().casefold()
    first = [value for value in values if value.casefold().startswith(word)]
    return first + [value for value in values if word in value.casefold() and value not in first]


def _values_in(outcome: Outcome) -> list[str]:
    """The one column of a list's answer, as far as it is plain."""
    result: Any = outcome.content.get("result")
    rows = result.get("rows") if isinstance(result, Mapping) else None
    cells = [row[0] for row in rows if isinstance(row, list) and row] if isinstance(rows, list) else []
    return [cell for cell in cells if isinstance(cell, str) and _PLAIN.fullmatch(cell)]  # guard: 326-plain
