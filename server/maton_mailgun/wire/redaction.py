"""What nobody but the approver sees: passwords, links that sign in, and whatever a call was given as secret."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.wire.fencing import Own

MAX_LEVELS = 64
"""Of nesting; JSON writers down the line give up at a few hundred."""
HIDDEN = Own("(not shown)")
_SECRET_KEYS = frozenset({"smtp_password", "password", "session_token"})
_LONG = 16
"""Characters from which on a secret is no word that stands in something else by chance."""
_TOKEN = re.compile(r"session_token=", re.IGNORECASE)


def public(value: Any, levels: int = MAX_LEVELS) -> Any:
    """The same value without secrets: passwords, and links that carry a session token."""
    if isinstance(value, dict | list) and not levels:
        return Own("(nested too deep to show)")
    if isinstance(value, dict):
        return {
            key: HIDDEN if key in _SECRET_KEYS and item is not None else public(item, levels - 1)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [public(item, levels - 1) for item in value]
    return HIDDEN if isinstance(value, str) and _TOKEN.search(value) else value


def redacted(value: Any, secrets: Collection[str]) -> Any:
    """The same value without these texts, wherever they stand: a service may quote what it was sent.

    A short one, which may be a word, goes only where it stands alone: inside other words and ids it is not the secret.
    """
    forms = _forms(frozenset(secrets))
    return value if forms is None else _without(value, forms)


@lru_cache(maxsize=4)
def _forms(secrets: frozenset[str]) -> re.Pattern[str] | None:
    """What finds these texts in every form that they may have; None where there is none."""
    # The same ones, call after call: they change with a new token.
    forms = {form for secret in secrets if secret for form in (secret, html.escape(secret), quote(secret, safe=""))}
    if not forms:
        return None
    return re.compile("|".join(map(_standing, sorted(forms, key=len, reverse=True))))


def _standing(form: str) -> str:
    found = re.escape(form)
    return found if len(form) >= _LONG else rf"(?<![\w.-]){found}(?![\w-])"


def _without(value: Any, forms: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return forms.sub(HIDDEN, value)
    if isinstance(value, dict):
        return {key: _without(item, forms) for key, item in value.items()}
    if isinstance(value, list):
        return [_without(item, forms) for item in value]
    return value


def split_secrets(operation: Operation, body: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """An answer in what anyone may see and the fresh secrets that are for the approver.

    A connect link counts only if it leads to Maton's own page over https: it goes on a person's screen.
    """
    secrets: dict[str, str] = {}
    rest = dict(body)
    for key in operation.reveals:  # guard: 27-password
        value = rest.pop(key, None)
        if isinstance(value, dict):
            secrets |= {str(name): str(item) for name, item in value.items()}
        elif isinstance(value, str) and (not _TOKEN.search(value) or _is_connect_page(value)):
            secrets[key] = value
    return public(rest), secrets


def _is_connect_page(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" and parts.hostname == "connect.maton.ai" and not parts.username
