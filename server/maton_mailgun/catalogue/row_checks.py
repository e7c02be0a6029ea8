"""What no key of a row can be held to by itself: that the arguments and tools it names exist, and that keys that need
each other are there together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from maton_mailgun.catalogue.operation import FILE_CODECS, NOT_SENT, Operation
from maton_mailgun.errors import SetupError

_BRACED = re.compile(r"\{([^{}]*)\}")
_SENTENCES = ("target", "effect", "undo")
_EFFECTS = ("effect", "there_effect")
_SETTLED_BY = {"absent": "before", "matches": "compare", "exists": "settle_read"}
"""What an outcome is looked up with, by how."""
_WRITES_ONLY = (
    *("target", "effect", "undo", "warn", "before", "compare", "adds", "facts", "preview", "settle", "settle_read"),
    *("asynchronous", "assumed", "consent", "copies", "message_id", "settle_pick", "answers", "renews"),
    *("settle_like", "settle_not", "there", "there_needs", "there_effect", "within", "instead"),
)


def meant(name: str, known: Iterable[str]) -> str:
    """What a misspelt name was probably meant to be, as an aside; empty where nothing is near."""
    from difflib import get_close_matches

    near = get_close_matches(name, list(known), 1, 0.6)
    return f" (did you mean {near[0]}?)" if near else ""


def check(operation: Operation, operations: Mapping[str, Operation], where: str) -> None:
    """Hold one row to its schema, to itself and to the other rows.

    Raises:
        SetupError: The first thing that does not fit.
    """
    for wrong in (
        *_unknown_arguments(operation),
        *_unknown_reads(operation, operations),
        *_unknown_tools(operation, operations),
        *_contradictions(operation),
        *_half_writes(operation),
    ):
        raise SetupError(f"{where}: {wrong}")


def _unknown_arguments(operation: Operation) -> Iterator[str]:
    """Arguments that are named and do not exist, with where."""
    arguments = list(operation.properties)
    for key, name in _named(operation):
        if name not in operation.properties:
            yield f"{key} names {name}{meant(name, arguments)}, which schemas/{operation.name}.json does not have"


def _named(operation: Operation) -> Iterator[tuple[str, str]]:
    """Every argument that a row names, with the key it stands in."""
    yield from (("request", name) for name in operation.path_arguments)
    for key in (*_SENTENCES, "there_effect"):
        named = [name.partition("?")[0] for name in _BRACED.findall(getattr(operation, key))]
        yield from ((key, name) for name in named if not (key in _EFFECTS and name.startswith("before.")))
    if operation.there_needs is not None:
        yield "there_needs", operation.there_needs
    warned = [name for text in operation.warn for name in _BRACED.findall(text)]
    yield from (("warn", name.partition("?")[0]) for name in warned)
    for key in (
        "wire",
        "encode",
        "addresses",
        "each",
        "from_file",
        "answers",
        "spans",
        "ahead",
        "words",
        "defaults",
        "needs",
        "compare",
        "copies",
    ):
        yield from ((key, name) for name in getattr(operation, key))
    yield from (("needs", name) for name in operation.needs.values())
    yield from (("from_file", name) for name in operation.from_file.values())
    yield from (("in_headers", name) for name in operation.in_headers)
    yield from (("into_message", name) for name in operation.into_message)
    yield from (("renews", name) for name in operation.renews)
    yield from (("header_texts", name) for name in operation.header_texts)
    if operation.body_is is not None:
        yield "body_is", operation.body_is
    for key in ("hosts", "lines", "secret", "in_query"):
        yield from ((key, name) for name in getattr(operation, key))
    if operation.domains != ("domain",):
        yield from (("domains", name) for name in operation.domains)
    yield from (("one_of", name) for group in operation.one_of for name in group)
    yield from (("settle_not", name) for name in operation.settle_not.values())
    yield from (("not_both", name) for pair in operation.not_both for name in pair)


def _unknown_reads(operation: Operation, operations: Mapping[str, Operation]) -> Iterator[str]:
    """Reads for the preview and for lost outcomes that nothing can make."""
    reads = [("before", operation.before), ("settle_read", operation.settle_read), ("within", operation.within)]
    reads += [("renews_by", operation.renews_by), ("renews_read", operation.renews_read)]
    reads += [("answers", source) for source in operation.answers.values()]
    reads += [(f"facts[{number}].read", fact.read) for number, fact in enumerate(operation.facts)]
    required = set(operation.schema.get("required", ()))
    for key, source in reads:
        if source is None:
            continue
        if source.startswith("GET "):
            needed = set(_BRACED.findall(source))
            needed -= {name for name in operation.answers if key == "answers"}
            needed -= {"message", "storage_key"} if key in ("renews_by", "renews_read") else set()
            if key == "settle_read" and operation.settle == "events":
                needed -= {"message", "recipients", "since"}
        elif source not in operations:
            near = meant(source, operations)
            yield f"{key} = {source!r} is no tool{near}; name one that reads, or a request such as GET /v3/domains"
            continue
        elif operations[source].writes:
            yield f"{key} = {source!r} is no tool that reads"
            continue
        else:
            needed = set(operations[source].path_arguments)
        if missing := sorted(needed - required):
            yield f"{key} needs {missing[0]}, which is no argument that every call has"


def _unknown_tools(operation: Operation, operations: Mapping[str, Operation]) -> Iterator[str]:
    other = operation.options_of
    if other is not None and other not in operations:
        yield f"options_of = {other!r} is no tool{meant(other, operations)}"


def _contradictions(operation: Operation) -> Iterator[str]:
    if operation.writes and operation.absent:
        yield "absent is for tools that read"
    if operation.writes and operation.brings:
        yield "brings is for tools that read"
    if operation.pages_in_body and (operation.writes or operation.body != "json" or operation.paging):
        yield "pages_in_body is for reads with body = 'json'"
    if operation.pages_in_body and "pagination" not in operation.defaults:
        yield "pages_in_body needs defaults.pagination, with the usual limit"
    if operation.options_of == operation.name:
        yield "options_of is for the options of another tool"
    if operation.answered_by and (operation.writes or operation.paging or operation.told_as or operation.body):
        yield "answered_by is for tools that read, and tell neither a list nor one answer"
    if (operation.columns or operation.more_columns) and operation.paging is None:
        yield "columns are for lists, which say how they are paged"
    for name, kind in operation.addresses.items():
        if kind in ("list", "mailbox") and name in operation.encode:
            yield f"{name} stands in addresses, which says how it is written, and in encode"
    for key in ("adds", "assumed", "consent"):
        if loose := sorted(set(getattr(operation, key)) - set(operation.compare)):
            yield f"{key}.{loose[0]} has no place in compare"
    if taken := sorted(set(operation.properties) & set(operation.meant)):
        yield f"meant.{taken[0]} is an argument"
    if operation.paging and not {"limit", "cursor"} <= set(operation.properties):
        yield "paging needs the arguments limit and cursor"
    yield from _misplaced(operation)
    yield from _loose_entries(operation)
    if late := sorted(set(operation.ahead) - {name for name, codec in operation.encode.items() if codec == "date"}):
        yield f"ahead.{late[0]} is for moments: encode.{late[0]} is not date"


def _loose_entries(operation: Operation) -> Iterator[str]:
    """Lists of entries that the schema does not have as such."""
    for name, kinds in operation.each.items():
        items = operation.properties.get(name, {}).get("items", {})
        for field, kind in kinds.items():
            if field not in items.get("properties", {}):
                yield f"each.{name}.{field} is no field of its items in schemas/{operation.name}.json"
            elif kind == "plain" and field not in items.get("required", ()):
                yield f"each.{name}.{field} is an address, which every one of its items needs"
    if loose := sorted(set(operation.from_file) - set(operation.each)):
        yield f"from_file.{loose[0]} is no list of entries: it has no place in each"


def _misplaced(operation: Operation) -> Iterator[str]:
    """Arguments that could not reach their place in the request."""
    if operation.body and operation.method == "GET":
        yield f"body = {operation.body!r} does not go with GET, which has none"
    for name in (*operation.in_query, *operation.in_headers):
        if name in operation.path_arguments:
            yield f"{name} stands in the path already"
        if name in operation.in_query and name in operation.in_headers:
            yield f"{name} stands in in_query and in in_headers"
        if operation.wire.get(name, "").endswith("*"):
            yield f"{name} is spread over many names, which only a form holds"
    if operation.body is None and operation.in_query:
        yield "in_query is for tools with a body: without one all goes there"
    if operation.body != "json":
        if operation.body_is is not None:
            yield "body_is is for body = 'json'"
        if odd := sorted(name for name, value in operation.fixed.items() if not isinstance(value, str)):
            yield f"fixed.{odd[0]} is a text: only JSON has numbers and booleans"
        return
    if files := sorted(name for name, codec in operation.encode.items() if codec in FILE_CODECS):
        yield f"encode.{files[0]} is a file, which JSON cannot hold: use body = 'multipart'"
    if operation.body_is is not None:
        elsewhere = {*operation.path_arguments, *operation.in_query, *operation.in_headers, *NOT_SENT}
        beside = sorted(set(operation.properties) - elsewhere - {operation.body_is})
        if beside or operation.fixed:
            yield f"body_is = {operation.body_is!r} leaves no place for {[*beside, *operation.fixed][0]}"
        if operation.body_is not in operation.schema.get("required", ()):
            yield f"body_is = {operation.body_is!r} is no argument that every call has"
        if operation.body_is in (*operation.secret, *operation.encode, *operation.addresses):
            yield f"body_is = {operation.body_is!r} is sent as it is: it cannot be in secret, encode or addresses"


def _half_writes(operation: Operation) -> Iterator[str]:
    """What a write needs so that a person is shown it and its outcome is known, and what only a write may have."""
    if not operation.writes:
        for key in _WRITES_ONLY:
            if getattr(operation, key):
                yield f"{key} is for tools that write"
        if operation.success is not None:
            yield "success is for tools that write"
        return
    for key in (*_SENTENCES, "there_effect"):
        text: str = getattr(operation, key)
        if not text and key in _SENTENCES:
            yield f"a tool that writes needs {', '.join(_SENTENCES)}: {key} is missing"
        if text.count("[") != text.count("]"):
            yield f"{key} has a bracket without its other one"
    if "{before." in operation.effect and operation.before is None:
        yield "effect names what its target holds, which needs before: where that is read"
    yield from _found_there(operation)
    if operation.success is None:
        yield "a tool that writes needs success, what its answer holds when it was carried out"
    yield from _lost_sends(operation)
    needed = _SETTLED_BY.get(operation.settle or "")
    if needed and not getattr(operation, needed):
        yield f"settle = {operation.settle!r} needs {needed}"
    if operation.settle in ("matches", "exists", "absent") and operation.before is None:
        yield f"settle = {operation.settle!r} needs before, to compare with"
    if operation.settle_read and operation.settle not in ("exists", "events"):
        yield "settle_read goes with settle = 'exists' or 'events'"


def _found_there(operation: Operation) -> Iterator[str]:
    """What a write needs so that nobody is asked about one which is sure to fail, or under a wrong name."""
    if operation.there and (operation.access != "create" or operation.before is None):
        yield "there is for tools that create, and needs before, to be found by"
    if bool(operation.there_effect) != (operation.there not in ("", "refused")):
        yield "there_effect goes with what is done to a target that is there already"
    if operation.there_needs and not operation.there_effect:
        yield "there_needs goes with there_effect"


def _lost_sends(operation: Operation) -> Iterator[str]:
    """What a send needs so that it can be found again: an id that this server gave it, or what it has in common with
    the message that it is made from. Nothing else tells whether it left."""
    sends, named, alike = operation.access == "send", operation.message_id is not None, bool(operation.settle_like)
    if not sends and named:
        yield "message_id, a field for the id of the message, is for tools that send"
    if not sends and (alike or operation.settle_not):
        yield "settle_like and settle_not are for tools that send"
    if sends and named == alike:
        yield "a tool that sends has message_id, a field for the id of the message, or settle_like, what it repeats"
    if sends and (operation.body == "json" or "domain" not in operation.path_arguments):
        yield "a tool that sends has a form and its {domain} in the path: its messages are named after it"
    if bool(operation.into_message) != bool(operation.message_of):
        yield "message_of and into_message go together: the function, and the arguments that it takes"
    if operation.message_of and (operation.access != "send" or operation.body != "multipart"):
        yield "message_of is for tools that send, with body = 'multipart'"
    if operation.renews and not (operation.message_of and operation.renews_by and operation.renews_read):
        yield "renews needs message_of, what it makes, and renews_by and renews_read, where an earlier one is found"
    if alike and operation.before is None:
        yield "settle_like needs before, the message that is repeated"
    if operation.settle_not and not alike:
        yield "settle_not goes with settle_like"
    if operation.settle == "events" and not sends:
        yield "settle = 'events' is for tools that send"
    wanted = ("{recipients}", "{since}") if alike else ("{message}",)
    missing = [place for place in wanted if place not in (operation.settle_read or "")]
    if operation.settle == "events" and (missing or not operation.settle_pick):
        yield f"settle = 'events' needs settle_read with {' and '.join(wanted)}, and settle_pick"
    if sends and operation.settle != "events":
        yield "a tool that sends has settle = 'events'"
    if operation.settle_pick and operation.settle != "events":
        yield "settle_pick goes with settle = 'events'"
