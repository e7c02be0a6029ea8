"""The operator's file that gives each person a Maton key, or a command for tokens, of their own.

Read again whenever it changed, so that who is taken out of it is out at the next request.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from maton_mailgun.config import Settings
from maton_mailgun.errors import PersonKeyMissing, SetupError
from maton_mailgun.ownership import Untrusted, trusted_text
from maton_mailgun.principal import of_subject
from maton_mailgun.setting_values import held_key

_FIELDS = ("subject", "key", "token_command", "connection_id")


@dataclass(frozen=True, slots=True)
class PersonKey:
    """What one person's requests are sent with."""

    key: str | None = field(repr=False)
    token_command: tuple[str, ...] = field(repr=False)
    connection_id: str | None

    def given(self, settings: Settings) -> Settings:
        """The settings of this one person's requests."""
        return replace(
            settings,
            api_key=self.key,
            token_command=self.token_command,
            people_keys=None,
            connection_id=self.connection_id or settings.connection_id,
        )


def people_of(settings: Settings) -> PeopleKeys | None:
    """The file that the settings name; None where one key is for all."""
    if settings.people_keys is None or settings.oauth is None:
        return None
    return PeopleKeys(settings.people_keys, settings.oauth.issuer)


class PeopleKeys:
    """The entries of one file.

    Args:
        path: The file; TOML, readable by this user alone.
        issuer: Whose subjects it names.
    """

    def __init__(self, path: Path, issuer: str) -> None:
        self._path = path
        self._issuer = issuer
        self._read_as: tuple[int, ...] = ()
        self._people: Mapping[str, PersonKey] = {}

    def entry(self, principal: str) -> PersonKey:
        """What this principal's requests are sent with.

        Raises:
            PersonKeyMissing: There is no entry for them, or the file cannot be used.
        """
        try:
            people = self.people()
        except SetupError as problem:
            raise PersonKeyMissing(
                message=f"The operator's file of keys cannot be used: {problem}",
                next="Tell the user that the operator of this server must look at it. Nothing was sent.",
            ) from None
        found = people.get(principal)
        if found is None:  # guard: 338-own-key
            raise PersonKeyMissing(
                message="The operator of this server has given you no Maton key, so nothing can be done for you here.",
                next=f"Tell the user: the operator must add {principal.rpartition('#')[2]!r} to the file of keys.",
            )
        return found

    def people(self) -> Mapping[str, PersonKey]:
        """All entries by principal.

        Raises:
            SetupError: The file cannot be used; says why, and no word of what it holds.
        """
        try:
            status = os.stat(self._path)
            now = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_dev)
            if now != self._read_as:
                text = trusted_text(self._path, private=True)  # guard: 339-private
                self._people = self._entries(tomllib.loads(text))
                self._read_as = now
        except Untrusted as problem:
            raise SetupError(f"MATON_MAILGUN_KEYS: {problem}") from None
        except (OSError, UnicodeDecodeError) as problem:
            raise SetupError(f"MATON_MAILGUN_KEYS: {self._path} cannot be read ({type(problem).__name__}).") from None
        except tomllib.TOMLDecodeError:
            # Its words may quote a key.
            raise SetupError(f"MATON_MAILGUN_KEYS: {self._path} is not TOML.") from None
        return self._people

    def _entries(self, content: Mapping[str, Any]) -> Mapping[str, PersonKey]:
        listed = content.get("person")
        if set(content) - {"person"} or not isinstance(listed, list):
            raise SetupError(f"MATON_MAILGUN_KEYS: {self._path} must hold [[person]] entries and nothing else.")
        found: dict[str, PersonKey] = {}
        for number, one in enumerate(listed, 1):
            subject, entry = self._person(number, one)
            principal = of_subject(self._issuer, subject)
            if principal in found:
                raise self._wrong(number, "there is one for this subject already")
            found[principal] = entry
        return found

    def _person(self, number: int, one: Any) -> tuple[str, PersonKey]:
        if not isinstance(one, dict) or set(one) - set(_FIELDS):
            raise self._wrong(number, f"it may have {', '.join(_FIELDS)} and nothing else")
        subject, command = one.get("subject"), one.get("token_command", [])
        if not isinstance(subject, str) or not subject:
            raise self._wrong(number, "subject is missing: whom the tokens name as sub")
        if not isinstance(command, list) or not all(isinstance(word, str) and word for word in command):
            raise self._wrong(number, "token_command must be a list of words")
        for name in ("key", "connection_id"):
            if not isinstance(one.get(name, ""), str):
                raise self._wrong(number, f"{name} must be text")
        try:
            key = held_key(one.get("key", ""))
        except SetupError:
            raise self._wrong(number, "key holds blanks or characters no key has") from None
        if (key is None) == (not command):
            raise self._wrong(number, "it needs either key or token_command")
        return subject, PersonKey(key, tuple(command), one.get("connection_id") or None)

    def _wrong(self, number: int, why: str) -> SetupError:
        return SetupError(f"MATON_MAILGUN_KEYS: entry {number} of {self._path}: {why}.")
