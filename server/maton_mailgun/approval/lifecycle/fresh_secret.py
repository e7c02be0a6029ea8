"""A password or link that the service made up: sealed with the outcome, and shown once to the person who approved."""

from __future__ import annotations

import json
from collections.abc import Mapping

from maton_mailgun.approval.binding import seal
from maton_mailgun.approval.store.contract import Store
from maton_mailgun.approval.store.failures import Conflict, IllegalMove
from maton_mailgun.approval.store.record import Record


def keep_secret(seal_key: bytes, record: Record, secrets: Mapping[str, str]) -> str:
    """A fresh secret as a finished record keeps it under `_sealed`, until `take_secret` hands it out."""
    data = json.dumps(dict(secrets)).encode()
    return seal.seal(seal_key, data, approval_id=f"{record.id}/secret", digest=record.digest).hex()


def has_secret(record: Record) -> bool:
    """Whether a fresh secret of this write waits to be shown."""
    return isinstance((record.result or {}).get("_sealed"), str)


async def take_secret(store: Store, seal_key: bytes, record: Record) -> Mapping[str, str] | None:
    """The secret of a finished write: once, and only to whoever the store lets take it first."""
    sealed = (record.result or {}).get("_sealed")
    if not isinstance(sealed, str):
        return None
    rest = {key: value for key, value in (record.result or {}).items() if key != "_sealed"}
    try:
        await store.amend(record, actor="secret shown", result=rest)
    except (Conflict, IllegalMove):
        return None
    data = seal.unseal(seal_key, bytes.fromhex(sealed), approval_id=f"{record.id}/secret", digest=record.digest)
    secrets: dict[str, str] = json.loads(data)
    return secrets
