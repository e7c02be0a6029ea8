"""The messages that are sent while something dies, and what arrived of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from maton_mailgun.sandbox import RunningSandbox


def send(number: int) -> dict[str, Any]:
    """A message told from the others by its subject."""
    return {
        "domain": "mg.example.com",
        "from": "desk@mg.example.com",
        "to": ["reader@example.net"],
        "subject": f"round {number}",
        "text": "hello",
    }


def posts(running: RunningSandbox) -> Counter[str]:
    """How many requests came for each, acted upon or not."""
    requests = running.sandbox.requests
    forms = [dict(request["form"]) for request in requests if request["path"].endswith("/messages")]
    return Counter(form["subject"] for form in forms)
