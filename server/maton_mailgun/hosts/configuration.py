"""A host's file: what it says, and what it would be with our entry added, changed or taken out; other bytes stay."""

from __future__ import annotations

import codecs
import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from maton_mailgun.hosts import json_text, toml_text
from maton_mailgun.hosts.edits import NotEditable, applied
from maton_mailgun.hosts.entry import ASKED, INPUT
from maton_mailgun.hosts.known import Host


@dataclass(frozen=True, slots=True)
class HostDocument:
    """A host's file as it is."""

    host: Host
    text: str
    said: Mapping[str, Any]
    bom: bytes = b""

    @classmethod
    def of(cls, host: Host, raw: bytes) -> HostDocument:
        """Read it.

        Raises:
            NotEditable: It is not what the host documents.
        """
        bom = codecs.BOM_UTF8 if raw.startswith(codecs.BOM_UTF8) else b""
        try:
            text = raw[len(bom) :].decode("utf-8")
        except UnicodeDecodeError:
            raise NotEditable("not UTF-8") from None
        said = _read(host, text)
        servers, inputs = said.get(host.servers, {}), said.get("inputs", [])
        if not isinstance(servers, dict) or (host.asks and not isinstance(inputs, list)):
            raise NotEditable(f"not what {host.title} documents: {host.servers} or inputs")
        return cls(host, text, said, bom)

    @property
    def servers(self) -> Mapping[str, Any]:
        """Every server in it."""
        found: Mapping[str, Any] = self.said.get(self.host.servers, {})
        return found

    def with_entry(self, name: str, wanted: Mapping[str, Any]) -> bytes:
        """The file with this entry, new or brought up to date.

        Raises:
            NotEditable: It is written so that this cannot be done in one place alone.
        """
        if self.host.form == "toml":
            return self._checked(self._toml_with(name, wanted), self._plain(name, wanted))
        return self._checked(*self._json_with(name, wanted))

    def without_entry(self, name: str, *, servers_too: bool = False, inputs_too: bool = False) -> bytes:
        """The file without an entry; `servers_too` and `inputs_too` take out what held it, where nothing else is in it.

        Raises:
            NotEditable: As `with_entry`.
        """
        text = self.text
        path = (self.host.servers, name)
        expected: dict[str, Any] = copy.deepcopy(dict(self.said))
        expected[self.host.servers].pop(name, None)
        if self.host.form == "toml":
            text = applied(text, toml_text.take_table(text, path))
            if not expected[self.host.servers] and self.host.servers not in _read(self.host, text):
                del expected[self.host.servers]
            return self._checked(text, expected)
        text = applied(text, json_text.take(text, path))
        if not expected[self.host.servers] and servers_too:
            del expected[self.host.servers]
            text = applied(text, json_text.take(text, path[:1]))
        text, expected = self._without_input(text, expected, inputs_too=inputs_too)
        return self._checked(text, expected)

    def _json_with(self, name: str, wanted: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """The text with the entry, and what it then has to say."""
        path = (self.host.servers, name)
        found, expected = self.servers.get(name), self._plain(name, wanted)
        if isinstance(found, Mapping):
            text = _brought(self.text, path, found, wanted)
        else:
            text = applied(self.text, json_text.put(self.text, path, wanted))
        if not self._asks(wanted):
            return self._without_input(text, expected, inputs_too=False)
        inputs = self.said.get("inputs")
        if any(isinstance(one, Mapping) and one.get("id") == INPUT["id"] for one in inputs or ()):
            return text, expected
        expected["inputs"] = [*(inputs or ()), dict(INPUT)]
        place: tuple[json_text.Step, ...] = ("inputs",) if inputs is None else ("inputs", len(inputs))
        return applied(text, json_text.put(text, place, [INPUT] if inputs is None else INPUT)), expected

    def _toml_with(self, name: str, wanted: Mapping[str, Any]) -> str:
        path = (self.host.servers, name)
        found = self.servers.get(name)
        if not isinstance(found, Mapping):
            return applied(self.text, toml_text.put_table(self.text, path, wanted))
        text = self.text
        for key in sorted({*found, *wanted}, key=[*wanted, *found].index):
            value = wanted.get(key)
            if found.get(key) == value:
                continue
            if isinstance(value, Mapping) and isinstance(found.get(key), Mapping) and f".{key}]" in text:
                for inner in {*found[key], *value}:
                    text = applied(text, toml_text.put(text, (*path, key), inner, value.get(inner)))
            else:
                text = applied(text, toml_text.put(text, path, key, value))
        return text

    def _plain(self, name: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        expected = copy.deepcopy(dict(self.said))
        expected[self.host.servers] = {**self.servers, name: dict(wanted)}
        return expected

    def _asks(self, wanted: Mapping[str, Any]) -> bool:
        return self.host.asks and ASKED in dict(wanted.get("env") or {}).values()

    def _without_input(self, text: str, expected: dict[str, Any], *, inputs_too: bool) -> tuple[str, dict[str, Any]]:
        """Without the question for the key, if it is exactly ours and nothing asks it any more."""
        inputs = expected.get("inputs")
        asked = ASKED in _strings(expected.get(self.host.servers, {}))
        if not self.host.asks or not inputs or INPUT not in inputs or asked:
            return text, expected
        place = inputs.index(INPUT)
        left = [one for at, one in enumerate(inputs) if at != place]
        text = applied(text, json_text.take(text, ("inputs", place)))
        changed = {key: value for key, value in expected.items() if key != "inputs"}
        if left or not inputs_too:
            changed["inputs"] = left
        else:
            text = applied(text, json_text.take(text, ("inputs",)))
        return text, changed

    def _checked(self, text: str, expected: Mapping[str, Any]) -> bytes:
        """The bytes of `text`, which says what was meant and nothing else."""
        if not json_text.same(_read(self.host, text), expected):
            raise NotEditable("written so that one entry cannot be changed alone")
        try:
            return self.bom + text.encode("utf-8")
        except UnicodeEncodeError:
            raise NotEditable("to hold a path that is no Unicode") from None


def _brought(text: str, path: tuple[str, ...], found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """An object brought up to date member by member, so that comments inside of it stay."""
    for key in found:
        if key not in wanted:
            text = applied(text, json_text.take(text, (*path, key)))
    for key, value in wanted.items():
        if isinstance(value, Mapping) and isinstance(found.get(key), Mapping):
            text = _brought(text, (*path, key), found[key], value)
        else:
            text = applied(text, json_text.put(text, (*path, key), value))
    return text


def _read(host: Host, text: str) -> dict[str, Any]:
    if host.form == "toml":
        return toml_text.read(text)
    node = json_text.read(text)
    if node is not None and not isinstance(node.value, dict):
        raise NotEditable("no object")
    return {} if node is None else dict(node.value)


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [text for one in inside for text in _strings(one)]
