"""Finds and removes what is kept of one person: in what was proposed, shown and answered, whatever its state."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

from maton_mailgun.approval.binding import seal
from maton_mailgun.approval.binding.keys import Keys
from maton_mailgun.approval.store.contract import Store
from maton_mailgun.approval.store.failures import Conflict, IllegalMove
from maton_mailgun.approval.store.record import TERMINAL, Record
from maton_mailgun.approval.store.table import StoredRow
from maton_mailgun.mail.mentions import Mentions


@dataclass(slots=True)
class About:
    """The records in which an address stands."""

    finished: list[Record] = field(default_factory=list)
    open: list[Record] = field(default_factory=list)
    """Those that wait, run, or whose outcome is unknown: they stay."""
    unreadable: list[str] = field(default_factory=list)
    """Ids of records that nobody can look into: changed from outside, or written under a lost key."""


async def about(store: Store, keys: Keys, mentions: Mentions) -> About:
    """Look through every record. Raises StoreError."""
    found = About()
    last: str | None = ""
    while last is not None:
        page = await store.every(last)
        found.unreadable.extend(page.unreadable)
        for row in page.rows:
            try:
                stands = await asyncio.to_thread(_stands_in, row, keys, mentions)
            except seal.Unsealable:
                found.unreadable.append(row.record.id)
                continue
            if stands:
                (found.finished if row.record.state in TERMINAL else found.open).append(row.record)
        last = page.last
    return found


async def empty(store: Store, found: About, actor: str) -> list[Record]:
    """Take all words out of what is finished, and what was deleted out of the database's files.

    Returns:
        The records that were emptied; one that was changed meanwhile is left out.
    """
    emptied = []
    for record in found.finished:
        try:
            emptied.append(await store.empty(record, actor=actor))
        except (Conflict, IllegalMove):
            continue
    return emptied


def _stands_in(row: StoredRow, keys: Keys, mentions: Mentions) -> bool:
    record = row.record
    shown = (record.preview, record.result, record.reason or "", record.client)
    if mentions.stand_in([one for one in shown if one]):
        return True
    return row.envelope is not None and mentions.stand_in(_request(row.envelope, keys, record))


def _request(envelope: bytes, keys: Keys, record: Record) -> object:
    """What a sealed request holds, with the contents of its files as bytes."""
    data = seal.unseal(keys.seal, envelope, approval_id=record.id, digest=record.digest)
    try:
        request = json.loads(data)
        files = request["request"]["files"]
        return [request, *(bytes.fromhex(one["content"]) for one in files if one.get("content"))]
    except (ValueError, KeyError, TypeError, AttributeError):
        return data
