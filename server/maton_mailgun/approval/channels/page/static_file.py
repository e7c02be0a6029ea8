"""The page's own files, as they lie in the package."""

from __future__ import annotations

from html import escape
from importlib import resources
from typing import Any

from starlette.responses import Response

from maton_mailgun.own_command import NAME

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


class StaticFile:
    """One of them, read once; `command` is how this installation is called in a terminal."""

    def __init__(self, name: str, folder: str = "static/", command: str = NAME) -> None:
        content = (resources.files(__package__) / "static" / name).read_bytes()
        named = f'name="command" content="{escape(command)}"'.encode()
        content = content.replace(f'name="command" content="{NAME}"'.encode(), named)
        self._content = content.replace(b"static/", folder.encode("ascii"))
        self._type = _TYPES[name.rpartition(".")[2]]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await Response(self._content, media_type=self._type)(scope, receive, send)


def own_files() -> list[str]:
    """The names of all of them."""
    names = (entry.name for entry in (resources.files(__package__) / "static").iterdir())
    return sorted(name for name in names if name.rpartition(".")[2] in _TYPES)
