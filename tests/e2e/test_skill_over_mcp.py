"""The skill over both transports and in both eras, loaded as a host loads one; nobody who does not ask is told more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from mcp.client.stdio import StdioServerParameters

from catalogue.files import ROOT

from .host import VERSIONS, Era, Host, host
from .serving import serving
from .skill_over_mcp import ENTRY, EXTENSION, loaded_as_a_host_does, refused, walked

pytestmark = pytest.mark.slow

TRANSPORTS = ("stdio", "http")
FILES = {
    f"skill://maton-mailgun/{path.relative_to(ROOT).as_posix()}": path.read_text(encoding="utf-8")
    for path in (ROOT / "SKILL.md", *(ROOT / "references").iterdir())
}


@pytest.fixture(scope="module")
def hosts(
    environment: Callable[[], dict[str, str]], process: Callable[[], StdioServerParameters]
) -> Iterator[dict[tuple[str, Era], Host]]:
    """A client of each era over each transport."""
    with ExitStack() as open_ones:
        url = f"{open_ones.enter_context(serving(environment())).url}/mcp"
        yield {
            (transport, era): open_ones.enter_context(host(process() if transport == "stdio" else url, era=era))
            for transport in TRANSPORTS
            for era in VERSIONS
        }


@pytest.fixture(params=[(transport, era) for transport in TRANSPORTS for era in VERSIONS], ids="-".join)
def which(request: pytest.FixtureRequest) -> tuple[str, Era]:
    chosen: tuple[str, Era] = request.param
    return chosen


def test_a_host_loads_the_whole_skill_and_finds_every_file_as_it_was_told(
    hosts: dict[tuple[str, Era], Host], which: tuple[str, Era]
) -> None:
    assert loaded_as_a_host_does(hosts[which], which[1]) == FILES


def test_the_extension_is_declared_and_resources_with_it(
    hosts: dict[tuple[str, Era], Host], which: tuple[str, Era]
) -> None:
    said = hosts[which].client.server_capabilities
    assert (said.extensions, said.resources is not None) == ({EXTENSION: {"directoryRead": True}}, True)


def test_folders_are_read_one_by_one(hosts: dict[tuple[str, Era], Host], which: tuple[str, Era]) -> None:
    assert walked(hosts[which]) == dict.fromkeys(FILES, "text/markdown")


@pytest.mark.parametrize(
    ("method", "uri"),
    [
        ("skills/get", "skill://maton-mailgun"),
        ("skills/get", "skill://maton-mailgun/references/send.md"),
        ("skills/get", "skill://other/SKILL.md"),
        ("resources/directory/read", ENTRY),
        ("resources/directory/read", "skill://maton-mailgun/"),
        ("resources/directory/read", "skill://maton-mailgun/references/.."),
        ("resources/directory/read", "file:///etc"),
        ("resources/read", "skill://maton-mailgun"),
        ("resources/read", "skill://maton-mailgun/references/../SKILL.md"),
        ("resources/read", "skill://maton-mailgun/references/../../pyproject.toml"),
        ("resources/read", "skill://maton-mailgun/references/%2e%2e/SKILL.md"),
    ],
)
def test_no_other_address_is_served(
    hosts: dict[tuple[str, Era], Host], which: tuple[str, Era], method: str, uri: str
) -> None:
    legacy = method == "resources/read" and which[1] == "legacy"
    assert refused(hosts[which], method, uri) == (-32002 if legacy else -32602)


def test_no_tool_comes_with_it(hosts: dict[tuple[str, Era], Host], which: tuple[str, Era]) -> None:
    assert [tool.name for tool in hosts[which].tools() if "skill" in tool.model_dump_json()] == []
