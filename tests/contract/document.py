"""Mailgun's published contract, read for one purpose: what does it say about this operation?

The document is OpenAPI 3.1, so its schemas are JSON Schema 2020-12 as they stand.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from .operations import Operation

VARIABLE = "MAILGUN_OPENAPI"
BESIDE = Path("shared") / "api" / "mailgun-openapi.yaml"
_PLACEHOLDER = re.compile(r"\{[^}]*\}")
_BASE = "urn:mailgun"

Schema = Mapping[str, Any]


def find() -> Path | None:
    """The file named by MAILGUN_OPENAPI, else the one in a directory `shared/api` beside the project, else None."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    beside = Path(__file__).resolve().parents[3] / BESIDE
    return beside if beside.is_file() else None


@dataclass(frozen=True)
class Field:
    """A documented query parameter or body field."""

    name: str
    required: bool


class Contract:
    """The document and the questions it is asked."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._registry: Registry[Any] = Registry().with_resource(
            _BASE, Resource.from_contents(dict(document), default_specification=DRAFT202012)
        )

    @classmethod
    def read(cls, path: Path) -> Contract:
        # The C loader takes 0.2 s for the 688 KB, the pure Python one more than ten times that.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        return cls(yaml.load(path.read_text(encoding="utf-8"), Loader=loader))  # noqa: S506 - a safe loader

    @cached_property
    def _paths(self) -> Mapping[str, Mapping[str, Any]]:
        return {_PLACEHOLDER.sub("{}", path): item for path, item in self._document["paths"].items()}

    def schemas(self) -> Mapping[str, Schema]:
        found: Mapping[str, Schema] = self._document["components"]["schemas"]
        return found

    def operation(self, operation: Operation) -> Mapping[str, Any]:
        """What the contract says of an operation. Raises KeyError when it does not know it."""
        item: Mapping[str, Any] = self._paths[_PLACEHOLDER.sub("{}", operation.documented)]
        found: Mapping[str, Any] = item[operation.method.lower()]
        return found

    def response(self, operation: Operation, status: int) -> Mapping[str, Any] | None:
        """The documented response of one status, or None."""
        found: Mapping[str, Any] | None = self.operation(operation)["responses"].get(str(status))
        return found

    def problems(self, schema: Schema, body: object) -> Iterator[ValidationError]:
        """Every way in which a body does not fit, alternatives of anyOf and oneOf opened up."""
        validator = Draft202012Validator(self._absolute(schema), registry=self._registry)
        for error in validator.iter_errors(body):
            yield from error.context or [error]

    def known_properties(self, schema: Schema) -> Mapping[str, Schema] | None:
        """Documented properties of an object, through references and combinations; None where anything may stand."""
        schema = self.resolved(schema)
        found: dict[str, Schema] = dict(schema.get("properties", {}))
        if schema.get("additionalProperties") not in (None, False):
            return None
        for word in ("allOf", "anyOf", "oneOf"):
            for part in schema.get(word, ()):
                found.update(self.known_properties(part) or {})
        return found or None

    def item_schema(self, schema: Schema) -> Schema | None:
        """What an array holds, through references and combinations."""
        schema = self.resolved(schema)
        if "items" in schema:
            items: Schema = schema["items"]
            return items
        parts = [part for word in ("allOf", "anyOf", "oneOf") for part in schema.get(word, ())]
        return next((found for part in parts if (found := self.item_schema(part)) is not None), None)

    def resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            schema = self._registry.resolver(_BASE).lookup(_BASE + schema["$ref"]).contents
        return schema

    def request_fields(self, operation: Operation) -> tuple[dict[str, Field], dict[str, Field]]:
        """Documented query parameters, and body fields of the form media types."""
        said = self.operation(operation)
        query = {
            item["name"]: Field(item["name"], bool(item.get("required")))
            for item in said.get("parameters", ())
            if item["in"] == "query"
        }
        form: dict[str, Field] = {}
        for media, content in said.get("requestBody", {}).get("content", {}).items():
            if media != "application/json":
                schema = self.resolved(content["schema"])
                form |= {name: Field(name, name in schema.get("required", ())) for name in schema.get("properties", {})}
        return query, form

    def _absolute(self, schema: Any) -> Any:
        """The schema with its references bound to the whole document."""
        if isinstance(schema, Mapping):
            return {
                key: _BASE + value if key == "$ref" and isinstance(value, str) else self._absolute(value)
                for key, value in schema.items()
            }
        return [self._absolute(item) for item in schema] if isinstance(schema, list) else schema
