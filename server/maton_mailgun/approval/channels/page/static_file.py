"""The page's own files, as they lie in the package."""

from __future__ import annotations

import json
from html import escape
from importlib import resources
from typing import Any

from starlette.responses import Response

from maton_mailgun.own_command import NAME

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "png": "image/png"}
_INSTALLED = b"""\
<link rel="manifest" href="static/app.webmanifest">
<link rel="apple-touch-icon" href="static/icon-180.png">
<meta name="theme-color" content="#f5f4f0" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#121418" media="(prefers-color-scheme: dark)">
"""
"""What a page says of itself that may be put on a phone's home screen."""


class StaticFile:
    """One of them, read once.

    Args:
        folder: Where the files are served.
        command: How this installation is called in a terminal.
        installed: Whether the document may be put on a phone's home screen.
    """

    def __init__(self, name: str, folder: str = "static/", command: str = NAME, *, installed: bool = False) -> None:
        content = (resources.files(__package__) / "static" / name).read_bytes()
        named = f'name="command" content="{escape(command)}"'.encode()
        content = content.replace(f'name="command" content="{NAME}"'.encode(), named)
        if installed:
            content = content.replace(b"</head>", _INSTALLED + b"</head>")
        self._content = content.replace(b"static/", folder.encode("ascii"))
        self._type = _TYPES[name.rpartition(".")[2]]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await Response(self._content, media_type=self._type)(scope, receive, send)


class Manifest:
    """What a phone that installs the page is told of it (W3C, Web Application Manifest).

    Args:
        prefix: Where the page is, without a slash at the end.
    """

    def __init__(self, prefix: str) -> None:
        sizes = ("192x192", "512x512")
        icons = [{"src": f"icon-{one.partition('x')[0]}.png", "sizes": one, "type": "image/png"} for one in sizes]
        told = {
            "id": f"{prefix}/",
            "name": "Mailgun approvals",
            "short_name": "Approvals",
            "description": "What waits for your yes, and what became of the rest.",
            "start_url": f"{prefix}/",
            "scope": f"{prefix}/",
            "display": "standalone",
            "background_color": "#f5f4f0",
            "theme_color": "#f5f4f0",
            "icons": [*({**one, "purpose": use} for use in ("any", "maskable") for one in icons)],
        }
        self._content = json.dumps(told, separators=(",", ":"))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await Response(self._content, media_type="application/manifest+json")(scope, receive, send)


def own_files() -> list[str]:
    """The names of all of them."""
    names = (entry.name for entry in (resources.files(__package__) / "static").iterdir())
    return sorted(name for name in names if name.rpartition(".")[2] in _TYPES)
