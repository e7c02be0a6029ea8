"""The functions that catalogue rows may name in `told_as`: what an answer is told as, where that is not itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from maton_mailgun.wire import domain_told, numbers_told, stats_told, stored_message

SHAPES: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "domain": domain_told.told,
    "logs": numbers_told.logs,
    "metrics": numbers_told.metrics,
    "stats": stats_told.told,
    "stored_message": stored_message.told,
}
