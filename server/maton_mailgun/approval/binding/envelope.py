"""A prepared call as sealed bytes, and back: what runs after a yes is rebuilt from here and from nothing else."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from maton_mailgun.approval.binding.canonical import canonical
from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.config import Settings
from maton_mailgun.exchange import Account, Prepared
from maton_mailgun.wire.request import FilePart, Request


@dataclass(frozen=True, slots=True)
class Sealed:
    """An opened envelope: the call, and which gateway account it was prepared for."""

    prepared: Prepared
    gateway: str
    absent_before: bool = False
    """Whether the look before the question found that the target did not exist."""


def canonical_of(prepared: Prepared) -> bytes:
    """The text whose digest a yes to this call is bound to."""
    return canonical(
        prepared.request,
        tool=prepared.operation.name,
        schema_digest=schema_digest(prepared.operation),
        connection_id=prepared.account.connection_id,
    )


def schema_digest(operation: Operation) -> str:
    """Which version of the schema the arguments were held to."""
    text = json.dumps(operation.schema, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def gateway_mark(settings: Settings, secret: bytes) -> str:
    """Names what a call depends on besides itself, without telling the key: only a process with the same gateway, key,
    policy file and attachments directory may run it."""
    # Tokens of a command change; what stands for the account is the command.
    key = settings.api_key or (json.dumps(settings.token_command) if settings.token_command else "")
    parts = (settings.api_url, key, str(settings.policy or ""), str(settings.attachments or ""))
    return hmac.digest(secret, "\n".join(parts).encode(), "sha256").hex()


def pack(prepared: Prepared, gateway: str, *, absent_before: bool = False) -> bytes:
    """The plaintext of an envelope. File contents stay out: their SHA-256 is in, and they are read again."""
    sent = prepared.request
    # A part without a path holds text the caller gave (a MIME message): it has no other home than the envelope.
    files = [
        {**asdict(part), "content": part.content.hex() if part.path is None and part.content is not None else None}
        for part in sent.files
    ]
    value = {
        "gateway": gateway,
        "absent_before": absent_before,
        "tool": prepared.operation.name,
        "arguments": dict(prepared.arguments),
        "account": asdict(prepared.account),
        "request": {
            "service": sent.service,
            "method": sent.method,
            "path": sent.path,
            "query": sent.query,
            "form": sent.form,
            "json": sent.json,
            "multipart": sent.multipart,
            "headers": sent.headers,
            "files": files,
        },
    }
    return json.dumps(value, separators=(",", ":")).encode()


def unpack(data: bytes, operations: Mapping[str, Operation]) -> Sealed:
    """Rebuild the call of an envelope.

    Raises:
        KeyError: The tool is no longer in the catalogue.
    """
    value = json.loads(data)
    request: dict[str, Any] = value["request"]
    prepared = Prepared(
        operation=operations[value["tool"]],
        arguments=value["arguments"],
        request=Request(
            service=request["service"],
            method=request["method"],
            path=request["path"],
            query=tuple((name, text) for name, text in request["query"]),
            form=tuple((name, text) for name, text in request["form"]),
            files=tuple(_part(part) for part in request["files"]),
            json=request["json"],
            multipart=request["multipart"],
            headers=tuple((name, text) for name, text in request.get("headers", ())),
        ),
        account=Account(**value["account"]),
    )
    return Sealed(prepared, value["gateway"], value["absent_before"])


def _part(part: dict[str, Any]) -> FilePart:
    content = part.pop("content")
    return FilePart(**part, content=bytes.fromhex(content) if content is not None else None)
