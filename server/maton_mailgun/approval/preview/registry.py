"""The functions that catalogue rows may name in `preview`: each is loaded when a call of its kind comes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import Any, TypeAlias, cast

from maton_mailgun.approval.preview.proposal import PreviewFunction, Proposal, Reads

Watch: TypeAlias = Callable[[Proposal], list[tuple[str, Mapping[str, Any]]]]
Hold: TypeAlias = Callable[[Proposal, Reads, Mapping[str, Any]], Awaitable[list[str]]]

PREVIEWS: Mapping[str, str] = {
    "dns_records": "dns_records.preview",
    "domain_deletion": "domain_deletion.preview",
    "entries": "entry_list.preview",
    "existing_login": "existing_login.preview",
    "login_password": "existing_login.password",
    "footer": "domain_additions.footer",
    "forwarding": "forwarding.preview",
    "invitation": "invited.preview",
    "member": "spelling.member",
    "members": "entry_list.members",
    "message": "message.preview",
    "mime": "ready_mime.preview",
    "new_login": "existing_login.new",
    "new_template": "new_template.preview",
    "resent": "stored_original.preview",
    "template_deletion": "template_deletion.preview",
    "template_version": "template_versions.preview",
    "template_version_deletion": "template_versions.deletion",
}
"""Where each is: the module of this package, and its name there."""

WATCHES: Mapping[str, str] = {
    "message": "message.watch",  # guard: 19-template
    "mime": "message.watch",
    "template_version": "template_versions.watch",  # guard: 68-live
}
"""Reads beyond the row's `before` to whose answers a yes is bound as well."""

HOLDS: Mapping[str, str] = {
    "message": "reach.hold",  # guard: 49-held
    "mime": "reach.hold",  # guard: 49-held.mime
    "invitation": "reach.hold",  # guard: 49-held.invitation
    "resent": "reach.hold",  # guard: 200-held
}
"""What compares what the preview recorded as its reach with how it is now: for what may change within limits."""


def preview_of(name: str) -> PreviewFunction:
    """What makes the preview that a row names."""
    return cast(PreviewFunction, _function(PREVIEWS[name]))


def watch_of(name: str) -> Watch | None:
    """What says which further reads a yes is bound to; None where there are none."""
    return cast(Watch, _function(WATCHES[name])) if name in WATCHES else None


def hold_of(name: str) -> Hold | None:
    """What holds a write to the reach that was shown; None where it has none."""
    return cast(Hold, _function(HOLDS[name])) if name in HOLDS else None


def _function(place: str) -> Any:
    module, _, name = place.partition(".")
    return getattr(import_module(f"{__package__}.{module}"), name)
