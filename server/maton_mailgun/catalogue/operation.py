"""One operation as the engine knows it: its row and its schema, frozen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from maton_mailgun.errors import SetupError

Access = Literal["read", "create", "change", "delete", "send"]
Service = Literal["mailgun", "maton"]

ACCESSES = ("read", "create", "change", "delete", "send")


@dataclass(frozen=True, slots=True)
class Fact:
    """One reading that the person is shown: where it is read and which part counts."""

    label: str
    read: str
    pick: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One row with its schema."""

    name: str
    toolset: str
    title: str
    about: str
    access: Access
    service: Service
    method: str
    path: str
    """Path template; `{argument}` is filled with the encoded value."""
    path_arguments: tuple[str, ...]
    schema: Mapping[str, Any]
    body: Literal["form", "multipart", "json"] | None = None
    wire: Mapping[str, str] = field(default_factory=dict)
    encode: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    """Arguments that hold addresses: several, one mailbox, one plain address, a listed one, or a whole message."""
    in_headers: tuple[str, ...] = ()
    """Arguments, texts or maps of texts, that become header values, beside those that are `h:*` on the wire."""
    hosts: tuple[str, ...] = ()
    """Arguments that are host names, alone."""
    spans: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Arguments that are spans of time, with the shortest and the longest."""
    ahead: Mapping[str, int] = field(default_factory=dict)
    """Arguments that are moments at most so many days ahead."""
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Arguments that are filters, with the words there are."""
    together: Mapping[str, int] = field(default_factory=dict)
    """How many recipients (`addresses`) and how many bytes of options (`option_bytes`) one call may have in all."""
    meant: Mapping[str, str] = field(default_factory=dict)
    """Names that are no arguments, with what is meant by them."""
    fixed: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    """Arguments whose text may have line breaks; all other text is one line."""
    paging: Literal["skip", "pivot", "token"] | None = None
    one_of: tuple[tuple[str, ...], ...] = ()
    not_both: tuple[tuple[str, str], ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict)
    secret: tuple[str, ...] = ()
    reveals: tuple[str, ...] = ()
    idempotent: bool = True
    target: str = ""
    effect: str = ""
    undo: str = ""
    warn: tuple[str, ...] = ()
    before: str | None = None
    compare: Mapping[str, str] = field(default_factory=dict)
    adds: Mapping[str, str] = field(default_factory=dict)
    """Arguments of `compare` whose value is put to a list instead of over it, with what is put there if left out."""
    facts: tuple[Fact, ...] = ()
    preview: str | None = None
    success: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What stands in the answer to a write that was carried out: place (`a.b`, or one of `a.b|c`) -> one of these
    words, or anything where there are none. Without a place no answer shows it, and it is looked up."""
    settle: Literal["absent", "matches", "exists", "events"] | None = None
    settle_read: str | None = None
    asynchronous: bool = False
    """The service answers first and carries it out later: that the target is still there disproves nothing."""

    @property
    def writes(self) -> bool:
        """Whether a person has to say yes first."""
        return self.access != "read"

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
            "idempotentHint": self.idempotent,
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

    def only(self, toolsets: tuple[str, ...] | None, *, read_only: bool) -> Catalogue:
        """The part of the catalogue that this server offers.

        Raises:
            SetupError: A toolset that does not exist.
        """
        unknown = [name for name in toolsets or () if name not in self.toolsets]
        if unknown:
            raise SetupError(f"There is no toolset {', '.join(unknown)}. Toolsets are: {', '.join(self.toolsets)}.")
        kept = {
            name: operation
            for name, operation in self.operations.items()
            if (toolsets is None or operation.toolset in toolsets) and not (read_only and operation.writes)
        }
        return Catalogue(kept, self.toolsets)
