"""One operation as the engine knows it: its row and its schema, frozen."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import ConfigDict, Field, Strict

from maton_mailgun.errors import SetupError

# Annotations are evaluated here, once: from their texts, the validator takes half as long again to be made.

NOT_SENT = frozenset({"connection_id", "cursor", "fields", "count_by", "distinct", "addresses"})
"""Arguments that steer this server and never go on the wire (unless the path names them)."""
Access = Literal["read", "create", "change", "delete", "send"]
Service = Literal["mailgun", "maton"]
EVERY_TOOLSET = "all"
"""Names all toolsets, where toolsets are named."""
EVERYDAY = "everyday"
"""Names the tools that most jobs need, whatever their toolset."""
Codec = Literal[
    "text", "yes_no", "true_false", "yes_only", "repeat", "comma", "json", "date", "file", "mime", "local_part",
    "login", "span", "message_id", "text_files", "base64_files",
]  # fmt: skip
FILE_CODECS = frozenset({"file", "mime", "text_files", "base64_files"})
"""Those whose value becomes parts with a content of their own, and no text of a form."""
Holds = Literal["list", "mailbox", "plain", "entry", "mime"]
"""What an argument with addresses may hold (see `address_fields`)."""
PreviewName = Literal[
    "dns_records", "domain_deletion", "entries", "existing_login", "footer", "forwarding", "invitation",
    "login_password", "member", "members", "message", "mime", "new_login", "new_template", "resent",
    "template_deletion", "template_version", "template_version_deletion",
]  # fmt: skip
"""The functions there are for previews (see `approval/preview/registry.py`)."""

ShapeName = Literal["domain", "logs", "metrics", "stats", "stored_message"]
"""The functions there are for what an answer is told as (see `wire/shapes.py`)."""

CombinedName = Literal["bounce", "delivery", "list_counts", "suppressions"]
"""The functions there are for answers made of several reads (see `combined/by_name.py`)."""

ComposedName = Literal["invitation"]
"""The functions there are for messages made of arguments (see `wire/composing.py`)."""

_Yes = Annotated[bool, Strict()]
_Count = Annotated[int, Strict(), Field(gt=0)]
_Names = tuple[str, ...]
_Sentence = Annotated[str, Field(min_length=1)]
_Place = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]*(\.([A-Za-z_][A-Za-z0-9_-]*|[0-9]+|#))*$")]
"""Where something stands in an answer: `list.members_count`, `connections.#` for how many, `vars.keys` for names."""
_Places = Annotated[str, Field(pattern=r"^[a-z_]+(\.[a-z_]+)*(\|[a-z_]+(\.[a-z_]+)*)*$")]
"""A place, or one of several: `id|note.id`."""
_Columns = Annotated[str, Field(pattern=r"^[A-Za-z_-]+(\.[A-Za-z_-]+)*(\|[A-Za-z_-]+(\.[A-Za-z_-]+)*)*$")]
_Source = Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]*|GET (mime:)?/[!-~]+)$")]
"""A read: the name of a tool, or a request such as `GET /v3/{domain}/notes/{note_id}`; `GET mime:/…` asks for a message
as it is sent."""
_Span = Annotated[str, Field(pattern=r"^([0-9]+h)?([0-9]+m)?$", min_length=2)]
_HeaderName = Annotated[str, Field(pattern=r"^[Xx]-[A-Za-z0-9-]+$")]  # guard: 73-header-name
"""The service's own headers; all others say who calls, through what and how the body is written."""
_Word = Annotated[str, Field(pattern=r"^[ -@\[-~]+$")]


@dataclass(frozen=True, slots=True)
class Fact:
    """One reading that the person is shown: where it is read and which part counts."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    label: str
    read: _Source
    pick: _Place


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Operation:
    """One row with its schema. All keys of a row are fields here, and `OWN` are the fields that are no keys."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    OWN: ClassVar[tuple[str, ...]] = ("name", "toolset", "service", "method", "path", "path_arguments", "schema")

    name: str
    toolset: str
    service: Service
    method: str
    path: str
    """Path template; `{argument}` is filled with the encoded value."""
    path_arguments: _Names
    schema: Any
    """Of the arguments, a mapping."""

    title: _Sentence
    about: _Sentence
    access: Access
    """What a call does: hints and retry safety follow, and everything but `read` passes the gate."""
    request: str
    """Method and path template, as the row has them."""

    # What goes where.
    body: Literal["form", "multipart", "json"] | None = None
    """How the arguments that the path does not name are sent; in the query where there is none."""
    body_is: str | None = None
    """The argument whose value is the whole JSON body, such as a list, instead of one entry of an object."""
    in_query: _Names = ()
    """Arguments that go into the query although there is a body."""
    in_headers: Mapping[str, _HeaderName] = field(default_factory=dict)
    """Arguments that are headers of the request."""
    wire: Mapping[str, str] = field(default_factory=dict)
    """Names on the wire that are not the argument's own; `x:*` spreads a map over prefixed names."""
    encode: Mapping[str, Codec] = field(default_factory=dict)
    fixed: Mapping[str, str | int | bool] = field(default_factory=dict)
    """What is always sent, by its name on the wire; only JSON has more than texts."""
    defaults: Mapping[str, Any] = field(default_factory=dict)

    message_of: ComposedName | None = None
    """The function that makes the ready message which the call sends, of the arguments `into_message`."""
    into_message: _Names = ()
    """Arguments that stand in that message, and are no fields of the request."""
    message_id: str | None = None
    """The field in which this server names a message that it sends, so that it can be found again."""

    # What is refused before anybody is asked, beyond the schema.
    addresses: Mapping[str, Holds] = field(default_factory=dict)
    """Arguments that hold addresses: several, one mailbox, one plain address, a listed one, or a whole message."""
    each: Mapping[str, Mapping[str, Literal["plain", "date"]]] = field(default_factory=dict)
    """Arguments that are lists of entries, with what fields of each hold: one plain address, or a moment. No address
    stands in two entries, and rules for recipients and budgets of a day count each one."""
    answers: Mapping[str, _Source] = field(default_factory=dict)
    """The argument that names a message which this one answers, with the read of it; it fills in what is left out, and
    never goes on the wire."""
    renews: _Names = ()
    """Arguments that name, by the id that this server gave it, a message of the same tool which this one changes or
    cancels; what is left out is taken from it, and they never go on the wire."""
    renews_by: _Source | None = None
    """Where it is found by {message}: an answer of events, whose `storage.key` names it."""
    renews_read: _Source | None = None
    """The read of it, as it was sent, by {storage_key}."""
    from_file: Mapping[str, str] = field(default_factory=dict)
    """Arguments of `each` with the argument that names a file to read them from instead."""
    header_texts: _Names = ()
    """Arguments, texts or maps of texts, that become header values of a message, beside those that are `h:*` on the
    wire."""
    hosts: _Names = ()
    """Arguments that are host names, alone."""
    domains: _Names = ("domain",)
    """Arguments that name a domain of the account that the call is about, itself or in an address: for the policy."""
    spans: Mapping[str, tuple[_Span, _Span]] = field(default_factory=dict)
    """Arguments that are spans of time, with the shortest and the longest."""
    ahead: Mapping[str, _Count] = field(default_factory=dict)
    """Arguments that are moments at most so many days ahead."""
    words: Mapping[str, _Names] = field(default_factory=dict)
    """Arguments that are filters, with the words there are."""
    together: Mapping[Literal["addresses", "option_bytes"], _Count] = field(default_factory=dict)
    """How many recipients (`addresses`) and how many bytes of options (`option_bytes`) one call may have in all."""
    meant: Mapping[str, str] = field(default_factory=dict)
    """Names that are no arguments, with what is meant by them."""
    lines: _Names = ()
    """Arguments whose text may have line breaks; all other text is one line."""
    one_of: tuple[_Names, ...] = ()
    not_both: tuple[tuple[str, str], ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict)

    # What an answer holds.
    paging: Literal["skip", "pivot", "token"] | None = None
    items: _Place = "items"
    """Where a list stands in the answer of a read."""
    total: _Place = "total_count"
    """Where a list that is paged by `skip` says how many there are in all."""
    page_most: _Count = 100
    """Items that the service gives in one page at most."""
    columns: Mapping[str, _Columns] = field(default_factory=dict)
    """What a caller is told of each item of a list unless it asks for more: name -> where it stands, or may stand."""
    more_columns: Mapping[str, _Columns] = field(default_factory=dict)
    """Fields that a caller may ask for by these names."""
    pages_in_body: Literal["skip", "token"] | None = None
    """How `pagination` in a JSON body asks for the next page of an answer; `limit` is how many rows a caller wants."""
    gateway: Literal["passes", "unproven"] = "passes"
    """Whether the gateway is known to pass this on. Where it is not, an answer that is no service's says so plainly."""
    told_as: ShapeName | None = None
    """The function that makes of an answer what the caller is told, where that is not the answer itself."""
    answered_by: CombinedName | None = None
    """The function that makes one answer of several reads, of which the row's request is the first."""
    brings: Literal["mail", "event", "bounce"] | None = None
    """What of strangers a caller reads by it: addresses and hosts in it are remembered for an hour (see `heard`)."""
    absent: str = ""
    """What a 404 of the service may mean here and what to do then, where the usual words would mislead."""
    secret: _Names = ()
    reveals: _Names = ()

    # How it is offered.
    exposure: Literal["always", "named"] = "always"
    """`named` is offered only where the operator names its toolset: each tool costs every conversation its words."""
    everyday: _Yes = False
    """One of the tools that most jobs need."""
    options_of: str | None = None
    """The tool whose options it takes, as its own words say: what is the same there need not be told twice."""
    billed: str = ""
    """What a call costs, a sentence: told to the model, and to the person before they decide."""

    # What the person is shown, and how an outcome is found out.
    idempotent: _Yes | None = None
    """Whether a second identical call is harmless, where the access does not say it."""
    target: str = ""
    effect: str = ""
    undo: str = ""
    warn: tuple[_Sentence, ...] = ()
    before: _Source | None = None
    there: Literal["", "refused", "Replace", "Change", "Add to"] = ""
    """What becomes of a creation whose target is there already: the service refuses it, so that nobody is asked; or it
    does this to it, and is called so."""
    there_needs: str | None = None
    """The argument without which the service refuses it all the same."""
    there_effect: str = ""
    """The effect where it is there already."""
    within: _Source | None = None
    """The read of what the target is a part of: where the service says that there is none, nobody is asked."""
    instead: str = ""
    """What to do where nobody is asked, as the target is there already, or is not: told to the caller."""
    compare: Mapping[str, _Place] = field(default_factory=dict)
    adds: Mapping[str, str] = field(default_factory=dict)
    """Arguments of `compare` whose value is put to a list instead of over it, with what is put there if left out."""
    assumed: Mapping[str, str | int | bool] = field(default_factory=dict)
    """Arguments of `compare` with what the service takes where they are left out."""
    consent: Mapping[str, _Sentence] = field(default_factory=dict)
    """Arguments of `compare` that may be no now, with the warning that comes with any other value."""
    copies: _Names = ()
    """Arguments that name who else gets what is sent, by this call or from then on: rules for recipients hold for them
    too."""
    facts: tuple[Fact, ...] = ()
    preview: PreviewName | None = None
    success: Mapping[_Places, tuple[_Word, ...]] | None = None
    """What stands in the answer to a write that was carried out: place (`a.b`, or one of `a.b|c`) -> one of these
    words, or anything where there are none. Without a place no answer shows it, and it is looked up."""
    settle: Literal["absent", "matches", "exists", "events"] | None = None
    settle_read: _Source | None = None
    """Read in place of `before`; for `events` a request with {message} for the id that this server gave it, or with
    {recipients} and {since} for whom it went to and when."""
    settle_pick: _Place | None = None
    """Where an event names its message."""
    settle_like: Mapping[_Place, _Place] = field(default_factory=dict)
    """Of a send that bears no id of this server: places in its event -> places in `before` with the same words."""
    settle_not: Mapping[_Place, str] = field(default_factory=dict)
    """Places in events -> the argument that names what was there before, whose events are no proof."""
    asynchronous: _Yes = False
    """The service answers first and carries it out later: that the target is still there disproves nothing."""

    @property
    def writes(self) -> bool:
        """Whether a person has to say yes first."""
        return self.access != "read"

    def named_by(self, toolsets: tuple[str, ...]) -> bool:
        """Whether one of these names brings it."""
        return self.toolset in toolsets or (self.everyday and EVERYDAY in toolsets)

    @property
    def description(self) -> str:
        """What clients are told the tool does."""
        return f"{self.about} {self.billed}" if self.billed else self.about

    @property
    def properties(self) -> Mapping[str, Mapping[str, Any]]:
        """The arguments and their schemas, in the order they are shown and sent."""
        return cast("Mapping[str, Mapping[str, Any]]", self.schema.get("properties", {}))

    @property
    def hints(self) -> dict[str, bool]:
        """The four MCP hints, all from `access` (and `idempotent` where the service's behaviour differs)."""
        return {
            "readOnlyHint": self.access == "read",
            "destructiveHint": self.access in ("change", "delete", "send"),
            "idempotentHint": self.access in ("read", "change", "delete")
            if self.idempotent is None
            else self.idempotent,
            "openWorldHint": True,
        }


@dataclass(frozen=True)
class Catalogue(Mapping[str, Operation]):
    """All operations by name, in the order of their toolsets."""

    operations: Mapping[str, Operation]
    toolsets: Mapping[str, str]
    """Toolset name -> what it is about."""

    def __getitem__(self, name: str) -> Operation:
        return self.operations[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.operations)

    def __len__(self) -> int:
        return len(self.operations)

    def only(self, toolsets: tuple[str, ...] | None, *, read_only: bool) -> "Catalogue":
        """The part of the catalogue that this server offers; what is for operators who name it is in no other.

        Raises:
            SetupError: A toolset that does not exist.
        """
        known = (*self.toolsets, EVERYDAY, EVERY_TOOLSET)
        unknown = [name for name in toolsets or () if name not in known]
        if unknown:
            raise SetupError(f"There is no toolset {', '.join(unknown)}. Toolsets are: {', '.join(known)}.")
        if toolsets is not None and EVERY_TOOLSET in toolsets:
            toolsets = tuple(self.toolsets)
        kept = {
            name: operation
            for name, operation in self.operations.items()
            if (operation.exposure == "always" if toolsets is None else operation.named_by(toolsets))
            and not (read_only and operation.writes)
        }
        return Catalogue(kept, self.toolsets)


def title_of(operations: Mapping[str, Operation], name: str) -> str:
    """What people call an operation; its name where it is no longer offered."""
    operation = operations.get(name)
    return operation.title if operation is not None else name
