"""The canonical request: what reaches the wire is in the digest, exactly; what does not is not."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace
from typing import Any

import pytest

from maton_mailgun.approval.binding.canonical import canonical, digest, digest_like, plain_digest


@dataclass(frozen=True)
class FilePart:
    field: str = "attachment"
    filename: str = "report.pdf"
    content_type: str = "application/pdf"
    size: int = 3
    sha256: str = "abc"
    path: str | None = "/home/ann/report.pdf"


@dataclass(frozen=True)
class Request:
    service: str = "mailgun"
    method: str = "POST"
    path: str = "/v3/mg.example.com/messages"
    query: tuple[tuple[str, str], ...] = (("a", "1"),)
    form: tuple[tuple[str, str], ...] = (("to", "ann@example.net"), ("to", "bob@example.net"))
    files: tuple[FilePart, ...] = (FilePart(),)
    json: Any = None
    multipart: bool = True
    headers: tuple[tuple[str, str], ...] = ()


def told(request: Request, **changes: str) -> bytes:
    about = {"tool": "send_message", "schema_digest": "sha256:schema", "connection_id": "conn-1", **changes}
    return canonical(
        request, tool=about["tool"], schema_digest=about["schema_digest"], connection_id=about["connection_id"]
    )


def test_the_text_is_compact_sorted_json_in_utf_8() -> None:
    request = Request(
        query=(), form=(("subject", "Grüße\n"),), files=(), json={"b": [1, 1.5], "a": None}, multipart=False
    )

    assert told(request).decode("utf-8") == (
        '{"connection_id":"conn-1","files":[],"form":[["subject","Grüße\\n"]],"json":{"a":null,"b":[1,1.5]},'
        '"method":"POST","multipart":false,"path":"/v3/mg.example.com/messages","query":[],'
        '"schema":"sha256:schema","service":"mailgun","tool":"send_message"}'
    )


def test_the_digest_is_an_hmac_under_a_prefix_of_our_own() -> None:
    expected = hmac.new(b"k" * 32, b"maton-mailgun/approval/v1\x00" + b"data", hashlib.sha256).hexdigest()

    assert digest(b"data", b"k" * 32) == f"hmac-sha256:{expected}"
    assert digest_like("hmac-sha256:00", b"data", b"k" * 32) == digest(b"data", b"k" * 32)


def test_the_digest_of_earlier_versions_is_sha_256_under_the_same_prefix() -> None:
    expected = hashlib.sha256(b"maton-mailgun/approval/v1\x00" + b"data").hexdigest()
    assert plain_digest(b"data") == digest_like("sha256:00", b"data", b"k" * 32) == f"sha256:{expected}"


@pytest.mark.parametrize(
    "change",
    [
        {"service": "maton"},
        {"method": "PUT"},
        {"path": "/v3/mg.example.org/messages"},
        {"query": (("a", "2"),)},
        {"query": ()},
        {"form": (("to", "bob@example.net"), ("to", "ann@example.net"))},
        {"form": (("to", "ann@example.net"),)},
        {"form": (("to", "ann@example.net"), ("cc", "bob@example.net"))},
        {"form": (("to", "ann@example.net"), ("to", "bob@example.net "))},
        {"files": ()},
        {"files": (FilePart(sha256="abd"),)},
        {"files": (FilePart(filename="report.exe"),)},
        {"files": (FilePart(content_type="text/html"),)},
        {"files": (FilePart(field="inline"),)},
        {"files": (FilePart(size=4),)},
        {"json": {}},
        {"multipart": False},
    ],
)
def test_attack_4_any_change_on_the_wire_is_another_request(change: dict[str, Any]) -> None:
    assert told(replace(Request(), **change)) != told(Request())


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, True),
        (1, "1"),
        (1, 1.0),
        (None, False),
        ("", None),
        ([1, 2], [2, 1]),
        ("é", "e\u0301"),
        ({"a": 1}, {"A": 1}),
    ],
)
def test_attack_4_values_that_compare_alike_are_still_different_bytes(left: object, right: object) -> None:
    assert told(Request(json=left)) != told(Request(json=right))


def test_attack_9_another_connection_tool_or_schema_is_another_request() -> None:
    texts = {
        told(Request()),
        told(Request(), connection_id="conn-2"),
        told(Request(), tool="send_mime"),
        told(Request(), schema_digest="sha256:next"),
    }

    assert len(texts) == 4


def test_attack_28_where_a_file_lies_does_not_matter_its_bytes_do() -> None:
    elsewhere = Request(files=(FilePart(path=None),))

    assert told(elsewhere) == told(Request())


def test_the_order_of_keys_in_a_json_body_does_not_matter() -> None:
    assert told(Request(json={"a": 1, "b": 2})) == told(Request(json={"b": 2, "a": 1}))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "half \ud800"])
def test_what_has_no_exact_form_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"JSON|surrogates"):
        told(Request(json=value))
