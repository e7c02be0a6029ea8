"""The calls that the skill's recipes show, and what must be in the account for each of them to be made."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from catalogue.files import ROOT

from .work import DOMAIN, TEAM, Work

SHOWN = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "references").glob("*.md"))}
"""Every recipe by its name."""
_DECODER = json.JSONDecoder()


def calls(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each tool and its arguments, as the blocks of a recipe have them.

    Raises:
        ValueError: A block holds something that is no call.
    """
    for block in re.findall(r"^```call\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        at = 0
        while at < len(block):
            named = re.compile(r"([a-z_]+) (?=\{)").match(block, at)
            if named is None:
                raise ValueError(f"no call: {block[at:]!r}")
            arguments, end = _DECODER.raw_decode(block, named.end())
            if block[end] != "\n":
                raise ValueError(f"something behind a call: {block[end:]!r}")
            yield named[1], arguments
            at = end + 1


def filled(value: Any, answers: Sequence[Mapping[str, Any]]) -> Any:
    """With what the answers before it, or the user, say for each `<name>`."""
    if isinstance(value, dict):
        return {key: filled(one, answers) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, answers) for one in value]
    name = re.fullmatch(r"<([a-z_]+)>", value) if isinstance(value, str) else None
    if name is None:
        return value
    if name[1] == "delivery_time":
        return (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="seconds")
    return next(found for answer in reversed(answers) for found in _said(answer, name[1].removeprefix("route_")))


def _said(answer: Any, name: str) -> Iterator[Any]:
    """What an answer says under a name, or in the first row of a column."""
    if isinstance(answer, list):
        for one in answer:
            yield from _said(one, name)
    elif isinstance(answer, dict):
        if name in answer and not isinstance(answer[name], dict | list):
            yield answer[name]
        if name in answer.get("columns", ()) and answer.get("rows"):
            yield answer["rows"][0][answer["columns"].index(name)]
        for one in answer.values():
            yield from _said(one, name)


def _team(work: Work) -> None:
    work.team(["ann@example.net", "bob@example.org"], opted_out=["ann@example.net"])


def _asked(work: Work) -> None:
    rule = {"expression": f'match_recipient("help@{DOMAIN}")', "action": "store()", "priority": "0"}
    work.account.ask("POST", "/v3/routes", rule)
    letter = {"from": "dave@example.net", "to": f"help@{DOMAIN}", "subject": "Opening hours?", "text": "On Sunday?"}
    work.account.tell("inbound", letter)


def _campaign(work: Work) -> None:
    _team(work)
    work.mail("ann@example.net", **{"o:tag": "spring"})


def _friends(work: Work) -> None:
    _team(work)
    work.account.ask("PUT", f"/v3/lists/{TEAM}/members/ann@example.net", {"vars": '{"city": "Graz"}'})
    (work.files / "friends.csv").write_text("address,name\nbob@example.org,Bob\n", encoding="utf-8")


def _to_gustav(work: Work) -> None:
    for address in ("gustav@example.net", "slow@example.net", "gone@example.net"):
        work.mail(address)


BEFORE: Mapping[str, Callable[[Work], None]] = {
    "answer": _asked,
    "audience": _campaign,
    "delivery": _to_gustav,
    "list": _friends,
    "schedule": _team,
}
"""What is in the account before the calls of a recipe, beyond what the sandbox begins with."""
