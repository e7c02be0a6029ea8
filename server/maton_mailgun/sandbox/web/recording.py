"""The record of what arrived, as `GET /_sandbox/requests` shows it."""

from __future__ import annotations

from maton_mailgun.sandbox.control.outbox import shown_upload
from maton_mailgun.sandbox.web.calls import Call, HttpAnswer, Record

_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


def record_call(call: Call, number: int, at: float) -> Record:
    """A record of a call that has no answer yet."""
    headers = dict(call.headers)
    if "authorization" in headers:
        headers["authorization"] = headers["authorization"].partition(" ")[0] + " [redacted]"
    return {
        "n": number,
        "method": call.method,
        "path": call.raw_path + ("?" + call.raw_query if call.raw_query else ""),
        "query": [list(pair) for pair in call.query.pairs],
        "headers": headers,
        "content_type": call.headers.get("content-type", ""),
        "form": [list(pair) for pair in call.form.pairs] if call.content_type in _FORMS else None,
        "files": [shown_upload(upload) for upload in call.files.uploads],
        "json": call.json,
        "status": None,
        "acted": False,
        "ignored": [],
        "connection_id": None,
        "at": at,
    }


def record_operation(record: Record, call: Call, answer: HttpAnswer, connection_id: str | None) -> None:
    """What became of the call: carried out or refused, and which of its fields nobody asked for.

    `ignored` is filled for operations that were carried out: a refusal may come before a field is read.
    """
    record["acted"] = answer.acted
    record["connection_id"] = connection_id
    if answer.acted:
        record["ignored"] = [*call.query.ignored(), *call.form.ignored(), *call.files.ignored()]
