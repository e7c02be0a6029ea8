"""Every answer of the sandbox, held against Mailgun's published contract.

The contract has mistakes. Each one that matters here stands in `exceptions.toml` with its evidence; anything else that
the two disagree about fails, and so does an entry that is no longer needed.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from .cases import CASES
from .document import Contract
from .findings import Exchange, Finding, disagreements
from .listed import NOT_PRODUCED, Known, listed
from .operations import OPERATIONS


def test_the_contract_knows_each_operation_of_the_table(contract: Contract) -> None:
    for operation in OPERATIONS.values():
        assert contract.operation(operation)["responses"], operation


def test_the_contracts_schemas_are_json_schema_as_they_stand(contract: Contract) -> None:
    for schema in contract.schemas().values():
        Draft202012Validator.check_schema(schema)


def test_every_case_gets_the_status_it_expects(exchanges: list[Exchange]) -> None:
    got = [(exchange.case.name, exchange.status) for exchange in exchanges]
    assert got == [(case.name, case.status) for case in CASES]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_answers_agree_with_the_contract_but_for_the_listed_exceptions(
    operation: str, exchanges: list[Exchange], findings: list[Finding]
) -> None:
    statuses = {exchange.status for exchange in exchanges if exchange.case.operation == operation}
    assert 200 in statuses, "no case succeeds"
    excused = {known.key for known in listed()}
    assert [found for found in findings if found.operation == operation and found.key not in excused] == []


@pytest.mark.parametrize("known", listed(), ids=lambda known: " ".join(str(part) for part in known.key))
def test_listed_exception_is_still_needed(known: Known, findings: list[Finding]) -> None:
    assert known.key in {found.key for found in findings}, f"remove it: {known.says} | {known.real}"
    assert known.says, "what does the contract say?"
    assert known.real, "what is real?"
    assert known.evidence, "how is that known?"


def test_no_exception_is_listed_twice() -> None:
    assert [key for key, count in Counter(known.key for known in listed()).items() if count > 1] == []


def test_every_documented_status_is_produced_or_listed_as_not_produced(
    contract: Contract, exchanges: list[Exchange]
) -> None:
    produced = {(exchange.case.operation, exchange.status) for exchange in exchanges}
    documented = {
        (name, int(status))
        for name, operation in OPERATIONS.items()
        for status in contract.operation(operation)["responses"]
        if status != "default"
    }
    assert documented - produced == set(NOT_PRODUCED)


def _changed(exchanges: list[Exchange], operation: str, **changes: Any) -> list[Exchange]:
    """The first success of an operation with fields of its body replaced; None takes one out."""
    exchange = next(found for found in exchanges if found.case.operation == operation and found.status == 200)
    body = {**exchange.json, **changes}
    kept = {name: value for name, value in body.items() if value is not None}
    return [replace(exchange, body=json.dumps(kept).encode())]


@pytest.mark.parametrize(
    ("operation", "changes", "kind", "where"),
    [
        ("create_template", {"message": "stored"}, "text", "message"),
        ("list_routes", {"total_count": "1"}, "schema", "total_count"),
        ("list_domains", {"items": [{"name": "mg.example.com"}]}, "schema", "items[*]"),
        ("list_credentials", {"cursor": "x"}, "extra", "cursor"),
    ],
)
def test_a_wrong_answer_is_noticed(
    operation: str,
    changes: dict[str, Any],
    kind: str,
    where: str,
    contract: Contract,
    exchanges: list[Exchange],
) -> None:
    """The judge itself: a body with one mistake in it is told from the real one."""
    found = {
        (finding.kind, finding.where) for finding in disagreements(contract, _changed(exchanges, operation, **changes))
    }
    assert (kind, where) in found
