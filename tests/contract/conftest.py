"""The contract is read once, the cases are carried out once."""

from __future__ import annotations

import pytest

from .document import BESIDE, VARIABLE, Contract, find
from .exchanges import carried_out
from .findings import Exchange, Finding, disagreements


@pytest.fixture(scope="session")
def contract() -> Contract:
    path = find()
    if path is None:
        pytest.skip(f"Mailgun's published contract is not here: set {VARIABLE}, or put it at ../{BESIDE}")
    return Contract.read(path)


@pytest.fixture(scope="session")
def exchanges() -> list[Exchange]:
    return carried_out()


@pytest.fixture(scope="session")
def findings(contract: Contract, exchanges: list[Exchange]) -> list[Finding]:
    return disagreements(contract, exchanges)
