"""The functions that catalogue rows may name in `preview`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from maton_mailgun.approval.preview import (
    dns_records,
    domain_additions,
    domain_deletion,
    entry_list,
    existing_login,
    forwarding,
    invited,
    message,
    new_template,
    reach,
    ready_mime,
    spelling,
    stored_original,
    template_deletion,
    template_versions,
)
from maton_mailgun.approval.preview.proposal import PreviewFunction, Proposal, Reads

PREVIEWS: Mapping[str, PreviewFunction] = {
    "dns_records": dns_records.preview,
    "domain_deletion": domain_deletion.preview,
    "entries": entry_list.preview,
    "existing_login": existing_login.preview,
    "login_password": existing_login.password,
    "footer": domain_additions.footer,
    "forwarding": forwarding.preview,
    "invitation": invited.preview,
    "member": spelling.member,
    "members": entry_list.members,
    "message": message.preview,
    "mime": ready_mime.preview,
    "new_login": existing_login.new,
    "new_template": new_template.preview,
    "resent": stored_original.preview,
    "template_deletion": template_deletion.preview,
    "template_version": template_versions.preview,
    "template_version_deletion": template_versions.deletion,
}

WATCHES: Mapping[str, Callable[[Proposal], list[tuple[str, Mapping[str, Any]]]]] = {
    "message": message.watch,  # guard: 19-template
    "mime": message.watch,
    "template_version": template_versions.watch,  # guard: 68-live
}
"""Reads beyond the row's `before` to whose answers a yes is bound as well."""

HOLDS: Mapping[str, Callable[[Proposal, Reads, Mapping[str, Any]], Awaitable[list[str]]]] = {
    "message": reach.hold,  # guard: 49-held
    "mime": reach.hold,  # guard: 49-held.mime
    "invitation": reach.hold,  # guard: 49-held.invitation
    "resent": reach.hold,  # guard: 200-held
}
"""What compares what the preview recorded as its reach with how it is now: for what may change within limits."""
