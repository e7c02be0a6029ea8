"""Logs: one JSON object a line on standard error, without bodies, recipients or secrets."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from maton_mailgun.wire.answers import scrub

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """A record as one line of JSON; control characters are escaped by JSON itself, so no line can be faked."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": scrub(record.getMessage()),
        }
        line |= {key: scrub(str(value)) for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info and record.exc_info[0] is not None:
            # The type only: messages and frames of foreign errors may hold values.
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=True)  # guard: 31-json


def configure(level: str) -> None:
    """Send everything of this process to standard error at this level."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Their messages name full URLs and bodies.
    for name in ("httpx2", "httpcore2", "mcp", "uvicorn.access"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
