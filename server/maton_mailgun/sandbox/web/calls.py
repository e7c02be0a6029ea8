"""What arrives and what is answered, free of any web framework.

A `Call` is one request as it stood on the wire, an `Answer` what goes back, a `Refusal` an answer raised from anywhere
inside an operation. `Fields` remembers which of its keys an operation looked at: what is left over was ignored by
Mailgun, and the request record says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"

Record = dict[str, Any]
"""A JSON object in the shape Mailgun prints it."""


_OWN_NAMES = ("v:", "h:")
_NUMBER = re.compile(r"\[\d{0,4}\]$")


def field_name(key: str) -> str:
    """A key without the `[]` (recorded) or `[0]` that PHP's clients end repeated ones with (Symfony's transport).

    The names behind `v:` and `h:` are the sender's own and keep a number.
    """
    return key.removesuffix("[]") if key.startswith(_OWN_NAMES) else _NUMBER.sub("", key)


class SentFields:
    """Keys and values in order of arrival, the keys as `field_name` reads them."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.pairs = tuple((field_name(key), value) for key, value in pairs)
        self._read: set[str] = set()

    def first(self, name: str) -> str | None:
        """The first value of `name`, or None when the key did not arrive."""
        values = self.every(name)
        return values[0] if values else None

    def every(self, name: str) -> list[str]:
        self._read.add(name)
        return [value for key, value in self.pairs if key == name]

    def prefixed(self, prefix: str) -> list[tuple[str, str]]:
        """Rest of the key and value of every key that begins with `prefix`."""
        found = [(key, value) for key, value in self.pairs if key.startswith(prefix)]
        self._read.update(key for key, _ in found)
        return [(key.removeprefix(prefix), value) for key, value in found]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self.every(name))

    def ignored(self) -> list[str]:
        """Keys nobody asked for, each once, in order of arrival."""
        return list(dict.fromkeys(key for key, _ in self.pairs if key not in self._read))


@dataclass(frozen=True)
class Upload:
    """A file part of a multipart body."""

    name: str
    filename: str
    content_type: str
    data: bytes


class Files:
    """File parts in order of arrival; like `Fields` it remembers which names were asked for."""

    def __init__(self, uploads: Iterable[Upload] = ()) -> None:
        self.uploads = tuple(uploads)
        self._read: set[str] = set()

    def named(self, name: str) -> list[Upload]:
        self._read.add(name)
        return [upload for upload in self.uploads if field_name(upload.name) == name]

    def ignored(self) -> list[str]:
        """Names nobody asked for, each once, in order of arrival."""
        names = (field_name(upload.name) for upload in self.uploads)
        return list(dict.fromkeys(name for name in names if name not in self._read))


@dataclass(frozen=True)
class Call:
    """One request.

    `raw_path` is the undecoded path without its query. `segments` are its decoded pieces; a raw `+` in a path is a
    space, as servers that query-unescape paths read it. `path` holds the values bound by the matched pattern.
    `origin` is the scheme and host it was called at, None where these are Mailgun's own.
    """

    method: str
    raw_path: str
    raw_query: str
    segments: tuple[str, ...]
    headers: Mapping[str, str]
    query: SentFields = field(default_factory=SentFields)
    content_type: str = ""
    form: SentFields = field(default_factory=SentFields)
    files: Files = field(default_factory=Files)
    json: Any = None
    malformed: str | None = None
    path: Mapping[str, str] = field(default_factory=dict)
    origin: str | None = None


@dataclass(frozen=True)
class HttpAnswer:
    """One response; `acted` is True when an operation was carried out, not merely refused."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    acted: bool = False


class Rejection(Exception):
    """Ends an operation with this answer."""

    def __init__(self, answer: HttpAnswer) -> None:
        super().__init__(answer.body.decode("utf-8", "replace"))
        self.answer = answer


def encode(payload: object) -> bytes:
    # A lone surrogate can arrive in JSON text; it cannot leave as UTF-8.
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def ok(payload: object, status: int = 200, content_type: str = JSON) -> HttpAnswer:
    return HttpAnswer(status, encode(payload), content_type, acted=True)


def refuse(status: int, message: str) -> Rejection:
    """A refusal in Mailgun's usual shape, `{"message": ...}`."""
    return Rejection(HttpAnswer(status, encode({"message": message})))


def plain(status: int, text: str) -> HttpAnswer:
    return HttpAnswer(status, text.encode(), TEXT)


def page_not_found() -> HttpAnswer:
    """What Mailgun's web server says for a path it does not know: HTML, not JSON (recorded for `/v3/lists/`)."""
    return HttpAnswer(
        404,
        b"<!DOCTYPE HTML>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n"
        b"<p>There is nothing at this address.</p>\n",
        HTML,
    )


def required(fields: SentFields, name: str, message: str) -> str:
    """The value of a field that must be there and not be blank; refuses with 400 and `message`."""
    value = fields.first(name)
    if value is None or not value.strip():
        raise refuse(400, message)
    return value


SWITCH = ("yes", "no", "true", "false")
TRUE_FALSE = ("true", "false")
_PYTHONS = {"True": "true", "False": "false"}
"""As a form of Python's spells them: Mailgun's own client for Python sends them, and its live tests pass."""


def switch(fields: SentFields, name: str, words: Sequence[str] = SWITCH) -> bool | None:
    """A boolean word, or None when absent. Any word outside the list, `on` and `1` among them, is refused."""
    word = choice(fields, name, words)
    return None if word is None else word in ("yes", "true")


def choice(fields: SentFields, name: str, words: Sequence[str]) -> str | None:
    """One of `words`, or None when absent. Where `true` is one, so is `True`."""
    given = fields.first(name)
    if given is None:
        return None
    word = _PYTHONS.get(given, given)
    if word not in words:
        raise refuse(400, f"Invalid value '{given}' for parameter '{name}'. It can be any of: {', '.join(words)}")
    return word


def integer(fields: SentFields, name: str, default: int, low: int, high: int | None, too_big: str = "") -> int:
    """A whole number within bounds; refuses with 400."""
    text = fields.first(name)
    if text is None or text == "":
        return default
    try:
        number = int(text)
    except ValueError:
        raise refuse(400, f"The '{name}' parameter is not an integer") from None
    if number < low:
        raise refuse(400, f"The '{name}' parameter can't be smaller than {low}")
    if high is not None and number > high:
        raise refuse(400, too_big or f"The '{name}' parameter can't be larger than {high}")
    return number


_DEEPEST = 100
"""Levels of JSON."""


def parse_json(text: str | bytes) -> Any:
    """The value of JSON text. Raises ValueError when it is none, nesting beyond all measure included: what was read
    must be writable again, wherever it is put."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    level = [value]
    for _ in range(_DEEPEST):
        level = [inner for one in level if isinstance(one, dict | list) for inner in _inside(one)]
        if not level:
            return value
    raise ValueError("nested too deeply")


def _inside(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def json_object(text: str, message: str) -> Record:
    """JSON text that must hold an object; refuses with 400 and `message`."""
    try:
        value = parse_json(text)
    except ValueError:
        raise refuse(400, message) from None
    if not isinstance(value, dict):
        raise refuse(400, message)
    return value
