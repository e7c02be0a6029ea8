"""Seals what an earlier version left in clear.

Earlier versions wrote records as plain JSON. The checksum of a row is over that JSON, so its seal changes neither the
row's checksum nor the audit.
"""

from __future__ import annotations

import logging

from maton_mailgun.approval.binding.seal import Unsealable
from maton_mailgun.approval.store import audit, table
from maton_mailgun.approval.store.failures import Tampered
from maton_mailgun.approval.store.script import Script
from maton_mailgun.approval.store.table import Rows

AT_ONCE = 200
"""Rows sealed in one transaction: other processes get their turn between."""

_log = logging.getLogger(__name__)


def seal_some(rows: Rows, after: str) -> Script[str | None]:
    """Seal the next rows in clear whose ids come after this one. Returns the last id looked at, None at the end.

    What cannot be vouched for (changed, or under a lost key) stays as it is, and is told.
    """
    yield audit.HEAD_LOCKED, ()
    found = yield table.IN_CLEAR, (after, AT_ONCE)
    for row in found:
        try:
            stored = rows.check(row)
        except (Tampered, Unsealable) as error:
            _log.warning("Left in clear: %s", error)
            continue
        record = stored.record
        yield (
            table.SEAL_ONE,
            (rows.sealed_body(record.id, record.digest, str(row[7])), record.id, record.version, stored.mac),
        )
    return str(found[-1][0]) if found else None
