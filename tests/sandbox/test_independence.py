"""The sandbox is a second opinion: it knows nothing of the engine, its catalogue or its schemas."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import maton_mailgun.sandbox
from maton_mailgun.sandbox.mailgun.operations import OPERATIONS

HERE = Path(maton_mailgun.sandbox.__file__).parent
MODULES = sorted(HERE.glob("**/*.py"))
OTHERS = {"starlette", "uvicorn", "python_multipart"}


def imported(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_imports_only_the_sandbox_and_its_web_server(path: Path) -> None:
    for name in imported(ast.parse(path.read_text())):
        top = name.partition(".")[0]
        assert top in sys.stdlib_module_names | OTHERS or (name + ".").startswith("maton_mailgun.sandbox."), name


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_opens_no_file_and_reads_no_data(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert not imported(tree) & {"pathlib", "os", "io", "tomllib", "importlib", "importlib.resources", "pkgutil"}
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not calls & {"open", "exec", "eval", "__import__", "print"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_stays_under_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 400


SIXTY_ONE_LESS_FOUR = """
GET /v3/domains
POST /v3/domains
GET /v3/domains/{domain}
DELETE /v3/domains/{domain}
POST /v3/{domain}/messages
POST /v3/{domain}/messages.mime
GET /v3/{domain}/events
GET /v3/routes
POST /v3/routes
GET /v3/routes/{id}
PUT /v3/routes/{id}
DELETE /v3/routes/{id}
GET /v3/domains/{domain}/webhooks
POST /v3/domains/{domain}/webhooks
GET /v3/domains/{domain}/webhooks/{type}
PUT /v3/domains/{domain}/webhooks/{type}
DELETE /v3/domains/{domain}/webhooks/{type}
GET /v3/{domain}/templates
POST /v3/{domain}/templates
GET /v3/{domain}/templates/{name}
DELETE /v3/{domain}/templates/{name}
GET /v3/lists/pages
POST /v3/lists
GET /v3/lists/{address}
PUT /v3/lists/{address}
DELETE /v3/lists/{address}
GET /v3/lists/{address}/members/pages
POST /v3/lists/{address}/members
GET /v3/lists/{address}/members/{member}
PUT /v3/lists/{address}/members/{member}
DELETE /v3/lists/{address}/members/{member}
GET /v3/{domain}/bounces
POST /v3/{domain}/bounces
GET /v3/{domain}/bounces/{address}
DELETE /v3/{domain}/bounces/{address}
GET /v3/{domain}/unsubscribes
POST /v3/{domain}/unsubscribes
DELETE /v3/{domain}/unsubscribes/{address}
GET /v3/{domain}/complaints
POST /v3/{domain}/complaints
DELETE /v3/{domain}/complaints/{address}
GET /v3/{domain}/whitelists
POST /v3/{domain}/whitelists
DELETE /v3/{domain}/whitelists/{value}
GET /v3/{domain}/stats/total
GET /v3/{domain}/tags
GET /v3/{domain}/tags/{tag}
DELETE /v3/{domain}/tags/{tag}
GET /v3/ips
GET /v3/ips/{ip}
GET /v3/domains/{domain}/tracking
PUT /v3/domains/{domain}/tracking/open
PUT /v3/domains/{domain}/tracking/click
PUT /v3/domains/{domain}/tracking/unsubscribe
GET /v3/domains/{domain}/credentials
POST /v3/domains/{domain}/credentials
DELETE /v3/domains/{domain}/credentials/{login}
"""


def test_the_57_operations_of_mailgun_are_there_once() -> None:
    wanted = SIXTY_ONE_LESS_FOUR.split("\n")[1:-1]
    known = [f"{operation.method} {operation.pattern}" for operation in OPERATIONS]
    assert len(wanted) == 57
    assert set(wanted) <= set(known)
    assert len(known) == len(set(known))
