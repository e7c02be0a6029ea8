"""The functions that catalogue rows may name in `preview`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from maton_mailgun.approval.preview import (
    credential_deletion,
    domain_additions,
    domain_deletion,
    forwarding,
    message,
    new_template,
    reach,
    ready_mime,
    spelling,
    template_deletion,
)
from maton_mailgun.approval.preview.proposal import PreviewFunction, Proposal, Reads

PREVIEWS: Mapping[str, PreviewFunction] = {
    "credential_deletion": credential_deletion.preview,
    "domain_deletion": domain_deletion.preview,
    "footer": domain_additions.footer,
    "forwarding": forwarding.preview,
    "member": spelling.member,
    "message": message.preview,
    "mime": ready_mime.preview,
    "new_template": new_template.preview,
    "template_deletion": template_deletion.preview,
}

WATCHES: Mapping[str, Callable[[Proposal], list[tuple[str, Mapping[str, Any]]]]] = {
    "message": message.watch,  # guard: 19-template
    "mime": message.watch,
}
"""Reads beyond the row's `before` to whose answers a yes is bound as well."""

HOLDS: Mapping[str, Callable[[Proposal, Reads, Mapping[str, Any]], Awaitable[list[str]]]] = {
    "message": reach.hold,  # guard: 49-held
    "mime": reach.hold,  # guard: 49-held.mime
}
"""What compares what the preview recorded as its reach with how it is now: for what may change within limits."""
