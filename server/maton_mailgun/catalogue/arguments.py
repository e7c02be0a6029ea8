"""Holds arguments to the published schema, then to the rules a schema cannot say. Every problem in one answer.

Messages are our own: the validator's quote the offending value, which may be a key or a whole message.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from maton_mailgun.catalogue import entry_fields, header_texts, limits
from maton_mailgun.catalogue.codecs import segment
from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.errors import BadArguments, Problem
from maton_mailgun.mail.dates import EXPECTED, moment, now_told
from maton_mailgun.mail.unclear import Unclear

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, ValidationError

_NUL_OR_SURROGATE = re.compile("[\x00\ud800-\udfff]")
_LINE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_HEADER_NAME = re.compile(r"[!-9;-~]+")
"""RFC 5322 field names: printable ASCII without the colon."""
_CONNECTION = re.compile(r"[!-~]{1,200}")
"""It travels in a header, or as one segment of a path."""
MOST_LEVELS = 64
_ASCII = "^[ -~]+$"
"""The pattern of a schema that wants printable ASCII."""
_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def check(operation: Operation, arguments: Mapping[str, Any]) -> None:
    """Hold the arguments of one call to its tool.

    Raises:
        BadArguments: With every problem found.
    """
    if found := problems(operation, arguments):
        raise BadArguments(operation.name, found)


def problems(operation: Operation, arguments: Mapping[str, Any]) -> list[Problem]:
    """Every problem with the arguments of one call.

    Raises:
        BadArguments: They are nested too deep to be looked at.
    """
    _refuse_deep(operation.name, arguments)
    errors = _errors(operation, arguments)  # guard: 01-unknown-arguments
    found = [_explain(error, operation.name, operation.properties, operation.meant) for error in errors]
    # The rules take a value's type for granted, so they look at what the schema has nothing against.
    unsound = {str(error.absolute_path[0]) for error in errors if error.absolute_path}
    fitting = {name: value for name, value in arguments.items() if name in operation.properties and name not in unsound}
    found += [*_combinations(operation, arguments), *_rules(operation, fitting)]
    found += limits.together_problems(operation, fitting)
    found += entry_fields.problems(operation, fitting)  # guard: 69-each
    found += header_texts.problems(operation, fitting)
    # Each argument that is missing is an error of its own, in which all of them are named.
    return list(dict.fromkeys(found))


def sound(arguments: Mapping[str, Any], problems: Sequence[Problem]) -> dict[str, Any]:
    """The arguments that have no problem."""
    wrong = {re.split(r"[.\[]", problem.path, maxsplit=1)[0] for problem in problems}
    return {name: value for name, value in arguments.items() if name not in wrong}


def check_tool(name: str, schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
    """Hold arguments to a schema that has no row (the approval tools).

    Raises:
        BadArguments: With every problem found.
    """
    _refuse_deep(name, arguments)
    found = _validator(name, _Schema(schema)).iter_errors(arguments)
    problems = [_explain(error, name, schema.get("properties", {})) for error in found]
    if problems:
        raise BadArguments(name, list(dict.fromkeys(problems)))


def _refuse_deep(name: str, arguments: Mapping[str, Any]) -> None:
    """Values go through readers and writers of JSON that give up at a few hundred levels; nobody means more than some.

    Raises:
        BadArguments: Something is nested deeper.
    """
    level: list[tuple[str, Any]] = list(arguments.items())
    for _ in range(MOST_LEVELS):
        level = [(where, item) for where, value in level for item in _inside(value)]
        if not level:
            return
    right = "Give it with fewer levels"
    deep = [Problem(_short(where), f"is nested deeper than {MOST_LEVELS} levels", right) for where in dict(level)]
    raise BadArguments(name, deep)


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def compile_all(operations: Mapping[str, Operation]) -> None:
    """Build every validator ahead of the first call."""
    for operation in operations.values():
        _validator(operation.name, _Schema(operation.schema))


_Properties = Mapping[str, Mapping[str, Any]]


class _Schema:
    """A schema that can key a cache."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Schema) and self.schema is other.schema


@lru_cache(maxsize=512)
def _validator(_name: str, schema: _Schema) -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(schema.schema)


def _errors(operation: Operation, arguments: Mapping[str, Any]) -> list[ValidationError]:
    every = _validator(operation.name, _Schema(operation.schema)).iter_errors(arguments)
    # Where there are a few words to choose from, these say more than that it is no text.
    found = [error for error in every if not (error.validator == "type" and "enum" in error.schema)]
    return sorted(found, key=lambda error: [str(step) for step in error.absolute_path])


def _explain(
    error: ValidationError, tool: str, properties: _Properties, hints: Mapping[str, str] = MappingProxyType({})
) -> Problem:
    path = _dotted(list(error.absolute_path))
    limit: Any = error.validator_value
    given: Any = error.instance
    match error.validator:
        case "required":
            missing = [name for name in limit if isinstance(error.instance, dict) and name not in error.instance]
            return Problem(path, f"{', '.join(missing)} is missing", _asked(properties, missing))
        case "additionalProperties":
            return _unknown(error, tool, properties, path, hints)
        case "type" | "anyOf":
            names = [limit] if isinstance(limit, str) else [branch["type"] for branch in limit]
            told = " or ".join(_TYPES.get(name, name) for name in names)
            return Problem(path, f"is {_kind(error.instance)}", f"Give {told}")
        case "enum":
            return Problem(path, "is not one of the values there are", f"Use one of {_words(limit)}")
        case "const":
            return Problem(path, "is not the value it must be", f"Use {_words([limit])}")
        case "minLength" | "minItems" | "minProperties":
            what = "character" if error.validator == "minLength" else "entry"
            return Problem(path, "is too short" if limit > 1 else "is empty", f"Give at least {limit} {what}")
        case "maxLength":
            return Problem(path, f"has {len(given)} characters", f"Give at most {limit}")
        case "maxItems" | "maxProperties":
            return Problem(path, f"has {len(given)} entries", f"Give at most {limit}")
        case "minimum" | "exclusiveMinimum":
            return Problem(path, "is too small", f"Give {limit} or more")
        case "maximum" | "exclusiveMaximum":
            return Problem(path, "is too large", f"Give {limit} or less")
        case "uniqueItems":
            return Problem(path, "names something twice", "Name each entry once")
        case "pattern" if limit == _ASCII:
            return limits.ascii_problem(path, given)
        case "pattern" | "propertyNames":
            return Problem(path, "does not have the form it must have", _asked(properties, [path.split("[")[0]]))
        case _:
            return Problem(path, "does not fit the schema", _asked(properties, [path.split("[")[0]]))


def _unknown(
    error: ValidationError, tool: str, properties: _Properties, path: str, hints: Mapping[str, str]
) -> Problem:
    from difflib import get_close_matches

    schema = error.schema if isinstance(error.schema, Mapping) else {}
    known = list(schema.get("properties", properties))
    given = error.instance if isinstance(error.instance, dict) else {}
    extra = [str(name) for name in given if name not in known]
    known_hints = {_letters(name): hint for name, hint in hints.items()}
    hinted = {name: known_hints[key] for name in extra if (key := _letters(name)) in known_hints and not path}
    near = [match for name in extra if name not in hinted for match in get_close_matches(name, known, 1, 0.6)]
    meant = f"Did you mean {' and '.join(near)}? " if near else ""
    names = ", ".join(_short(name) for name in extra)
    verb = "is" if len(extra) == 1 else "are"
    told = "; ".join(dict.fromkeys(hinted.values()))
    if len(hinted) < len(extra):
        told = f"{told}. {meant}It takes {', '.join(known)}" if told else f"{meant}It takes {', '.join(known)}"
    return Problem(path, f"{names} {verb} no argument of {tool}", told)


def _letters(name: str) -> str:
    """A name in whatever way it is spelled: `reply_to`, `Reply-To`, `replyTo`."""
    return re.sub(r"[\W_]", "", name).casefold()


def _asked(properties: _Properties, names: list[str]) -> str:
    described = {name: properties.get(name, {}).get("description") for name in names}
    told = [f"{name}: {text}" for name, text in described.items() if text]
    return ". ".join(told) or "See the tool's input schema"


def _rules(operation: Operation, arguments: Mapping[str, Any]) -> Iterator[Problem]:
    domain = arguments.get(operation.hosts[0]) if operation.hosts else None
    for name, value in arguments.items():
        if name == "connection_id" and value and not _CONNECTION.fullmatch(value):
            yield Problem(name, "is no id of a connection", "Give one from list_connections, or leave it out")
            continue
        codec = operation.encode.get(name)
        yield from _form_problems(operation, name, value, domain)
        if operation.wire.get(name, "").endswith("*"):
            yield from _map_problems(operation, name, value)
        elif codec != "file":
            yield from _text_problems(name, value, many_lines=name in operation.lines or isinstance(value, dict))
        # A whole message is read where its bytes are: see `attachments`.
        if (kind := operation.addresses.get(name)) and kind != "mime" and codec != "file":
            most = operation.properties[name].get("maxItems")
            yield from _address_problems(kind, name, value, most)  # guard: 41-arguments


def _form_problems(operation: Operation, name: str, value: Any, domain: Any) -> Iterator[Problem]:
    """What the row says about the form of a value; `domain` is what the call is about."""
    problems = [*_path_problems(name, str(value))] if name in operation.path_arguments else []
    if name in operation.hosts and not problems:
        problems += limits.host_problems(name, value)
    if operation.encode.get(name) == "date":
        problems += _date_problems(name, value, operation.ahead.get(name))
    if name in operation.spans:
        problems += limits.span_problems(name, value, operation.spans[name])
    if operation.encode.get(name) in ("local_part", "login"):
        problems += limits.login_problems(name, value, domain)
    if name in operation.words:
        problems += limits.word_problems(name, value, operation.words[name])
    yield from problems


def _combinations(operation: Operation, arguments: Mapping[str, Any]) -> Iterator[Problem]:
    given = {name for name, value in arguments.items() if value not in (None, "", [], {})}
    for group in operation.one_of:
        if not given & set(group):
            yield Problem("", f"none of {', '.join(group)} is given", f"Give {' or '.join(group)}")
    for one, other in operation.not_both:
        if one in given and other in given:
            yield Problem(one, f"cannot go together with {other}", "Give only one of them")
    for name, needed in operation.needs.items():
        if name in given and needed not in given:
            yield Problem(name, f"has no effect without {needed}", f"Give {needed} too, or leave {name} out")


def _path_problems(name: str, value: str) -> Iterator[Problem]:
    try:
        segment(value)
    except ValueError as problem:
        yield Problem(name, str(problem), "Give the exact name of one resource")


def _date_problems(name: str, value: Any, days: int | None) -> Iterator[Problem]:
    try:
        when = moment(value)
    except ValueError as problem:
        yield Problem(name, str(problem), EXPECTED)
        return
    # An hour more, as clocks differ.
    if days is not None and when.timestamp() > time.time() + days * 86_400 + 3_600:
        fix = f"Give a time within {days} days; it is {now_told(time.time())} now"
        yield Problem(name, f"is more than {days} days ahead", fix)


def _map_problems(operation: Operation, name: str, value: Mapping[str, Any]) -> Iterator[Problem]:
    wire = operation.wire[name]
    own = (operation.message_id or "").casefold()  # guard: 15-message-id
    is_header = wire.startswith("h:")
    for key, item in value.items():
        where = f"{name}.{_short(key)}"
        if not _HEADER_NAME.fullmatch(key):
            yield Problem(where, "is not a name Mailgun takes", "Use printable ASCII without spaces or colons")
        elif (wire[:-1] + key).casefold() == own:
            yield Problem(where, "is set by this server so that the outcome can be found", "Leave it out")
        yield from _text_problems(where, item, many_lines=not is_header)
        if is_header and _is_one_line(item):
            from maton_mailgun.mail import address_fields, message_ids

            if message_ids.holds_ids(key):
                try:
                    message_ids.written(item)
                except ValueError as problem:
                    yield Problem(
                        where, str(problem), "Give ids such as <20261125.1@mg.example.com>, a blank between two"
                    )
            if address_fields.holds_addresses(key):
                try:
                    address_fields.header_value(key, item)
                except Unclear as problem:
                    yield Problem(where, problem.wrong, problem.right)


def _address_problems(kind: str, name: str, value: Any, limit: int | None) -> Iterator[Problem]:
    """Whoever else reads a text must find the same addresses in it (see `addresses`)."""
    from maton_mailgun.mail import address_fields

    number = 0
    for where, text in _texts(name, value):
        if _is_one_line(text):
            try:
                found = address_fields.READERS[kind](text)
                number += len(found) if isinstance(found, list) else 1
            except Unclear as problem:
                yield Problem(where, problem.wrong, problem.right)
    if limit is not None and number > limit:
        yield Problem(name, f"names {number} addresses", f"Give at most {limit}")


def _is_one_line(text: Any) -> bool:
    """Whether a text is without what `_text_problems` refuses in a line."""
    return isinstance(text, str) and not _NUL_OR_SURROGATE.search(text) and not _LINE.search(text)


def _text_problems(name: str, value: Any, *, many_lines: bool) -> Iterator[Problem]:
    """Line breaks in a one-line value could add a header or a form field further on."""
    for where, text in _texts(name, value):
        if _NUL_OR_SURROGATE.search(text):  # guard: 14-nul
            yield Problem(where, "has a NUL or a broken character", "Give valid Unicode text")
        elif not many_lines and _LINE.search(text):  # guard: 14-line-breaks, 14-nul.lines
            yield Problem(where, "has a line break or a control character", "Give it on one line")


def _texts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(f"{name}[{index}]", item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield f"{name}.{_short(str(key))}", str(key)
            yield from _texts(f"{name}.{_short(str(key))}", item)


def _dotted(steps: list[Any]) -> str:
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else (f".{_short(step)}" if text else _short(step))
    return text


def _short(name: str) -> str:
    shown = name.encode("ascii", "backslashreplace").decode()
    shown = "".join(character if character.isprintable() else "?" for character in shown)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _kind(value: Any) -> str:
    for kind, name in ((bool, "boolean"), (str, "string"), (int, "integer"), (float, "number"), (list, "array")):
        if isinstance(value, kind):
            return _TYPES[name]
    return "null" if value is None else "an object"


def _words(values: list[Any]) -> str:
    return ", ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in values)
