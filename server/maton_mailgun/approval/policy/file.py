"""The policy file: TOML to a frozen Policy, or an error with file, line and reason.

A broken policy stops the server: a rule that silently does not apply would be worse than none.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, Strict, StrictInt, ValidationError, model_validator

from maton_mailgun.approval.policy.judge import Decision, Policy, Rule
from maton_mailgun.approval.store.record import Level
from maton_mailgun.mail.plain_address import ascii_label
from maton_mailgun.own_command import own_command
from maton_mailgun.ownership import Untrusted, trusted_text

_WILD = re.compile(r"[*?]")
_LABEL_PATTERN = re.compile(r"[a-z0-9*?-]+")
_LOCAL_PATTERN = re.compile(r"[a-z0-9_+\-'=~&#$.*?]+")

_LENGTH = re.compile(r"([0-9]{1,4})([sm])")
_DAY = 86_400.0
LONGEST_HOLD = 600
"""Seconds for which a yes may be held at most."""


class PolicyError(Exception):
    """The policy file cannot be used; the text names file, line, rule and reason."""

    def __init__(self, path: Path, line: int | None, reason: str) -> None:
        super().__init__(f"{path}{'' if line is None else f', line {line}'}: {reason}")
        self.path = path
        self.line = line
        self.reason = reason


_Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Texts = Annotated[tuple[_Text, ...], Field(min_length=1)]


class _Entry(BaseModel):
    """One `[[rule]]` as written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: _Text
    decision: Decision
    level: Level | None = None
    tools: _Texts | None = None
    recipients: _Texts | None = None
    max_recipients: Annotated[StrictInt, Field(ge=1)] | None = None
    domains: _Texts | None = None
    connections: _Texts | None = None
    per_day: Annotated[StrictInt, Field(ge=1)] | None = None
    per_hour: Annotated[StrictInt, Field(ge=1)] | None = None
    hold: _Text | None = None
    approvers: Annotated[StrictInt, Field(ge=1, le=2)] | None = None
    per_person: Annotated[StrictInt, Field(ge=1)] | None = None
    until: Annotated[datetime, Strict()] | Annotated[date, Strict()] | None = None

    @model_validator(mode="after")
    def _fits_its_decision(self) -> _Entry:
        if self.decision == "allow" and self.tools is None:
            raise ValueError('an allow rule must name its tools; write tools = ["*"] if you mean every one')
        if self.decision == "allow" and self.level is not None:
            raise ValueError("an allow rule asks nobody, so it has no level")
        limits = (self.level, self.per_day, self.per_hour, self.per_person)
        if self.decision == "deny" and any(limit is not None for limit in limits):
            raise ValueError(
                "a deny rule lets nothing through, so it has neither level nor per_day nor per_hour and no per_person"
            )
        if self.decision != "ask" and (self.hold is not None or self.approvers is not None):
            raise ValueError("hold and approvers are for the yes of a person: only an ask rule has them")
        if self.decision != "allow" and self.until is not None:
            raise ValueError("until ends what an allow rule allows; what a person is asked or refused does not end")
        if self.decision != "allow" and self.max_recipients is not None:
            raise ValueError("max_recipients limits an allow rule; what an allow rule does not cover is asked anyway")
        return self


def load_policy(path: Path, *, tools: Collection[str] | None = None, level: Level = "client") -> Policy:
    """The policy in a TOML file. With `tools`, a pattern that matches none of these names is an error.

    `level` is the least assurance of the settings; rules can only raise it. Raises PolicyError.
    """
    text, content = _toml(path)
    unknown = next((key for key in content if key != "rule"), None)
    if unknown is not None:
        line = _line_of(text, lambda part: unknown in part)
        raise PolicyError(path, line, f"unknown key {unknown!r}; there is [[rule]]")
    entries = content.get("rule", [])
    if not isinstance(entries, list):
        raise PolicyError(path, _line_of(text, lambda part: "rule" in part), "write [[rule]] with two brackets")
    rules: list[Rule] = []
    for number, entry in enumerate(entries):
        try:
            rules.append(_rule(entry, tools, {rule.name for rule in rules}))
        except _Wrong as wrong:
            name = entry.get("name") if isinstance(entry, dict) else None
            reason = f"rule {name or number + 1!r}: {wrong.reason}"
            raise PolicyError(path, _line_of_rule(text, number, wrong.key), reason) from wrong
    return Policy(tuple(rules), level)


def _toml(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = trusted_text(path)
    except Untrusted as error:
        raise PolicyError(path, None, f"the policy file is not taken: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(path, None, f"the policy file cannot be read as UTF-8 text ({error})") from error
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        raise PolicyError(path, line, f"this is not TOML: {error}") from error


class _Wrong(Exception):
    """What is wrong with a rule, and with which of its keys."""

    def __init__(self, key: str | None, reason: str) -> None:
        super().__init__(reason)
        self.key = key
        self.reason = reason


def _rule(entry: Any, known_tools: Collection[str] | None, taken: Collection[str]) -> Rule:
    try:
        read = _Entry.model_validate(entry)
    except ValidationError as error:
        raise _wrong(error) from error
    if read.name in taken:
        raise _Wrong("name", f"there is already a rule with the name {read.name!r}")
    return Rule(
        name=read.name,
        decision=read.decision,
        level=read.level,
        tools=None if read.tools is None else tuple(_tool_pattern(text, known_tools) for text in read.tools),
        recipients=None if read.recipients is None else tuple(map(_recipient_pattern, read.recipients)),
        max_recipients=read.max_recipients,
        domains=None if read.domains is None else tuple(_domain_pattern("domains", text) for text in read.domains),
        connections=read.connections,
        per_day=read.per_day,
        per_hour=read.per_hour,
        approvers=read.approvers,
        hold=None if read.hold is None else _seconds(read.hold),
        per_person=read.per_person,
        until=None if read.until is None else _moment(read.until),
    )


def _seconds(hold: str) -> float:
    """The length of an undo window."""
    found = _LENGTH.fullmatch(hold)
    seconds = int(found[1]) * (60 if found[2] == "m" else 1) if found else 0
    if not 1 <= seconds <= LONGEST_HOLD:
        raise _Wrong("hold", f'{hold!r} is not a time such as "30s" or "2m", of {LONGEST_HOLD // 60} minutes at most')
    return float(seconds)


def _moment(until: datetime | date) -> float:
    """Unix seconds. A day is over when it is over in UTC; a time without a zone is refused, as it is nobody's."""
    if not isinstance(until, datetime):
        return datetime(until.year, until.month, until.day, tzinfo=UTC).timestamp() + _DAY
    if until.tzinfo is None:
        raise _Wrong("until", "until needs a zone, such as 2027-01-31T18:00:00Z, or is a day: 2027-01-31")
    return until.timestamp()


def _wrong(error: ValidationError) -> _Wrong:
    """The first problem in plain words; a misspelt key before the key that is then missing."""
    problems = error.errors(include_url=False, include_input=False)
    problem = min(problems, key=lambda found: found["type"] != "extra_forbidden")
    key = str(problem["loc"][0]) if problem["loc"] else None
    if problem["type"] == "extra_forbidden":
        return _Wrong(key, f"unknown key {key!r}; there are {', '.join(_Entry.model_fields)}")
    if problem["type"] == "missing":
        return _Wrong(None, f"the key {key!r} is missing")
    message = problem["msg"].removeprefix("Value error, ")
    return _Wrong(key, f"{key}: {message}" if key else message)


def _tool_pattern(text: str, known: Collection[str] | None) -> str:
    pattern = text.lower()
    if not re.fullmatch(r"[a-z0-9_*?]+", pattern):
        raise _Wrong("tools", f"{text!r} is not a tool name with * or ?")
    as_regex = pattern.replace("*", ".*").replace("?", ".")
    if known is not None and not any(re.fullmatch(as_regex, name.lower()) for name in known):
        raise _Wrong("tools", f"no tool is named {text!r}; `{own_command('tools')}` lists them")
    return pattern


def _recipient_pattern(text: str) -> tuple[str, str]:
    local, at, domain = text.partition("@")
    if not at or not _LOCAL_PATTERN.fullmatch(local.lower()) or not local.isascii():
        raise _Wrong("recipients", f"{text!r} must look like *@example.com: one plain part, an @, a domain")
    return local.lower(), _domain_pattern("recipients", domain)


def _domain_pattern(key: str, text: str) -> str:
    """Labels with wildcards stay as they are; a label in another script gets its ASCII form."""
    labels = []
    for label in text.split("."):
        wild = _WILD.search(label) is not None
        form = label.lower() if wild and label.isascii() and _LABEL_PATTERN.fullmatch(label.lower()) else None
        form = form if wild else ascii_label(label)
        if form is None:
            raise _Wrong(key, f"{text!r} is not a domain (a part with * or ? must be ASCII)")
        labels.append(form)
    return ".".join(labels)


def _line_of(text: str, holds: Callable[[dict[str, Any]], bool], begin: int = 0) -> int | None:
    """The number of the line (from 1) where something first holds for the file read up to and with that line.

    tomllib tells no positions; but a beginning of the file that ends between two statements is TOML as well, and text
    inside a multi-line string is not taken for a statement, since such a beginning does not parse.
    """
    lines = text.splitlines(keepends=True)
    whole = begin
    for end in range(begin + 1, len(lines) + 1):
        try:
            part = tomllib.loads("".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue
        if holds(part):
            return whole + 1
        whole = end
    return None


def _line_of_rule(text: str, number: int, key: str | None) -> int | None:
    def begun(part: dict[str, Any]) -> bool:
        return len(part.get("rule", ())) > number

    header = _line_of(text, begun)
    if key is None or header is None:
        return header
    return _line_of(text, lambda part: begun(part) and key in part["rule"][number], header - 1) or header
