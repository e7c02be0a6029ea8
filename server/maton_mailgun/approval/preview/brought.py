"""Mail of others that a preview holds: whoever is shown it, an assistant perhaps, has read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from maton_mailgun.approval.preview.document import Preview, Row
from maton_mailgun.exchange import Prepared

_MOST = 200_000
"""Characters of one body: no assistant is told as much of it, whatever it asks with."""
_ITS = "its "
"""Before the names of what is told of a message that is answered (see `answered`)."""


def key_of_mail(prepared: Prepared) -> str:
    """The storage key of the mail that a call answers or sends once more; empty where it names none."""
    names = (*prepared.operation.answers, "storage_key")
    return next((str(prepared.arguments[name]) for name in names if name in prepared.arguments), "")


def brought(frozen: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Each such mail, as the answer of a read tells one (see `heard`)."""
    preview = Preview.of(frozen)
    for section in preview.sections:
        if section.outside:
            yield _told(section.rows)
    message = preview.message
    if preview.outside and message is not None:
        bodies = (message.text, message.html, message.amp_html, *(part.text for part in message.parts))
        texts = [body[:_MOST] for body in bodies if body]
        texts += [f"//{host}" for host in message.link_hosts]
        told = _told([row for section in preview.sections for row in section.rows])
        told["items"] += [{name.casefold(): value} for name, value in message.headers]
        yield {**told, "from": message.sender, "reply_to": message.reply_to, "subject": message.subject, "texts": texts}


def _told(rows: Sequence[Row]) -> dict[str, Any]:
    """Rows by their names, with who wrote it, and about what, as they are named elsewhere."""
    items = [{_name(row): row.value} for row in rows]
    known = {name: value for item in reversed(items) for name, value in item.items()}
    return {**{name: known[name] for name in ("from", "subject") if name in known}, "items": items}


def _name(row: Row) -> str:
    return row.label.casefold().removeprefix(_ITS).replace("-", "_")
