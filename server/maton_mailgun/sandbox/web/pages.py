"""The two ways Mailgun pages lists: skip and limit with a total, and pivots in absolute URLs.

Behind the gateway the URLs point at Mailgun's own host, as in every recorded answer: the gateway does not rewrite
bodies, so a client that follows them as they are leaves the gateway. A client that called the sandbox as Mailgun gets
them at the address it called, as it does from Mailgun: its key stays on this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from urllib.parse import urlencode

from maton_mailgun.sandbox.account.tables import Table
from maton_mailgun.sandbox.web.calls import Call, Record, integer, refuse

ORIGIN = "https://api.mailgun.net"
LARGEST = 1000
_WORDS = ("first", "next", "previous", "prev", "last")


def windowed(call: Call, items: Sequence[Record], too_big: str = "") -> Record:
    """Skip/limit page: `limit` 100, at most 1000; `total_count` counts everything that matched."""
    limit = integer(call.query, "limit", 100, 1, LARGEST, too_big)
    skip = integer(call.query, "skip", 0, 0, None)
    return {"total_count": len(items), "items": list(items[skip : skip + limit])}


def pivoted(
    call: Call,
    table: Table,
    pivot: str,
    *,
    prefix_word: str | None = None,
    always: bool = False,
    remembered: Iterable[str] = (),
    largest: int = LARGEST,
    keep: Callable[[Record], bool] | None = None,
    show: Callable[[Record], Record] = lambda record: record,
) -> Record:
    """Pivot page of `table`: `{"items": [...], "paging": {first, last, next, previous}}`.

    `pivot` names the query key that carries the last or first key of the page. `prefix_word` is the key that filters by
    beginning (`term` or `prefix`); with `always` it is repeated in the URLs even when empty. All four URLs are always
    there; on an empty list they are all the first page (recorded), so only empty `items` end a walk.
    """
    limit = integer(call.query, "limit", 100, 1, largest)
    word = call.query.first("page") or "first"
    if word not in _WORDS:
        raise refuse(400, f"Invalid page direction '{word}'")
    prefix = (call.query.first(prefix_word) or "") if prefix_word else ""
    kept = {"limit": str(limit)}
    if prefix_word and (always or prefix):
        kept[prefix_word] = prefix
    kept |= {name: value for name in remembered if (value := call.query.first(name)) is not None}

    rows = _rows(table, word, call.query.first(pivot), prefix.lower(), limit, keep)
    base = (call.origin or ORIGIN) + call.raw_path
    first, last = f"{base}?{urlencode(kept)}", f"{base}?{urlencode({'page': 'last', **kept})}"
    empty = not rows and next(iter(_kept(table.after(None, prefix.lower()), keep)), None) is None
    if empty:
        paging = {"first": first, "last": first, "next": first, "previous": first}
    elif rows:
        paging = {
            "first": first,
            "last": last,
            "next": f"{base}?{urlencode({'page': 'next', pivot: rows[-1][0], **kept})}",
            "previous": f"{base}?{urlencode({'page': 'previous', pivot: rows[0][0], **kept})}",
        }
    else:
        # Past either end of a list that is not empty: stay there, and lead back without losing an item.
        paging = {"first": first, "last": last, "next": first, "previous": last}
        behind = "next" if word == "next" else "previous"
        paging[behind] = f"{base}?{urlencode({'page': behind, pivot: call.query.first(pivot) or '', **kept})}"
    return {"items": [show(record) for _, record in rows], "paging": paging}


def _kept(rows: Iterable[tuple[str, Record]], keep: Callable[[Record], bool] | None) -> Iterable[tuple[str, Record]]:
    return rows if keep is None else (row for row in rows if keep(row[1]))


def _rows(
    table: Table, word: str, pivot: str | None, prefix: str, limit: int, keep: Callable[[Record], bool] | None
) -> list[tuple[str, Record]]:
    if word == "first":
        return list(islice(_kept(table.after(None, prefix), keep), limit))
    if word == "next":
        return list(islice(_kept(table.after(pivot, prefix), keep), limit))
    rows = table.before(None if word == "last" else pivot, prefix)
    return list(islice(_kept(rows, keep), limit))[::-1]
