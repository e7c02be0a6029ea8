"""Attack 28: only regular files under the one allowed directory, and what was approved is what is sent."""

from __future__ import annotations

import base64
import hashlib
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from approval.form_reading import as_read
from maton_mailgun.exchange import FormAnswer, Question
from maton_mailgun.sandbox import Sandbox
from maton_mailgun.wire.attachments import MAX_BYTES, FileRefused, part, reopen

from .doubles import ASKING, DOMAIN, Says, Scripted, approved, called, engine_over, error, problems
from .inside import in_process

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="links and pipes as POSIX has them"),
]

SEND = {"domain": DOMAIN, "from": f"a@{DOMAIN}", "to": ["b@example.net"], "subject": "Hi", "text": "Hello"}
CONTENT = b"the canary of the attachments"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """The allowed directory, with everything an attacker may put inside and beside it."""
    base, outside = tmp_path / "allowed", tmp_path / "outside"
    (base / "folder").mkdir(parents=True)
    outside.mkdir()
    (outside / "id_rsa").write_bytes(b"secret")
    (base / "file.txt").write_bytes(CONTENT)
    (base / "folder" / "file.txt").write_bytes(CONTENT)
    (base / "link").symlink_to(outside / "id_rsa")
    (base / "inner link").symlink_to(base / "file.txt")
    (base / "linked folder").symlink_to(outside)
    (base / "dangling").symlink_to(base / "nowhere")
    (base / "loop").symlink_to(base / "loop")
    os.mkfifo(base / "pipe")
    return base


@pytest.mark.parametrize("path", ["file.txt", "./file.txt", "folder/file.txt", "folder//file.txt"])
def test_a_regular_file_inside_is_read_whole(path: str, base: Path) -> None:
    made = part("attachment", path, base)
    assert (made.filename, made.content, made.size) == ("file.txt", CONTENT, len(CONTENT))
    assert made.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert made.content_type == "text/plain"


def test_an_absolute_path_inside_is_fine(base: Path) -> None:
    assert part("attachment", str(base / "folder" / "file.txt"), base).content == CONTENT


def test_the_directory_itself_may_be_reached_through_a_link(base: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(base)
    assert part("attachment", "file.txt", tmp_path / "alias").content == CONTENT


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("../outside/id_rsa", "leads outside the allowed directory"),
        ("folder/../../outside/id_rsa", "leads outside the allowed directory"),
        ("folder/../file.txt", "leads outside the allowed directory"),
        ("..", "leads outside the allowed directory"),
        (".", "leads outside the allowed directory"),
        ("/etc/passwd", "is outside the allowed directory"),
        ("/proc/self/environ", "is outside the allowed directory"),
        ("~/.ssh/id_rsa", "does not exist"),
        ("link", "is or goes through a symbolic link"),
        ("inner link", "is or goes through a symbolic link"),
        ("dangling", "is or goes through a symbolic link"),
        ("loop", "is or goes through a symbolic link"),
        ("linked folder/id_rsa", "goes through a symbolic link or something that is no directory"),
        ("file.txt/x", "goes through a symbolic link or something that is no directory"),
        ("pipe", "is not a regular file"),
        ("folder", "is not a regular file"),
        ("nothing.txt", "does not exist"),
        ("", "is empty or has control characters"),
        ("file.txt\x00.png", "is empty or has control characters"),
        ("a\nb", "is empty or has control characters"),
        ("x" * 5_000, "cannot be opened"),
    ],
)
def test_everything_else_is_refused(path: str, wrong: str, base: Path) -> None:
    with pytest.raises(FileRefused) as refused:
        part("attachment", path, base)
    assert refused.value.wrong == wrong
    assert str(base) in refused.value.right


def test_a_sibling_whose_name_begins_alike_is_outside(base: Path) -> None:
    sibling = base.parent / "allowed-too"
    sibling.mkdir()
    (sibling / "file.txt").write_bytes(CONTENT)
    with pytest.raises(FileRefused, match="outside"):
        part("attachment", str(sibling / "file.txt"), base)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc here")
def test_proc_is_refused_even_where_it_is_allowed() -> None:
    """What leads to this process there is a link."""
    with pytest.raises(FileRefused, match="symbolic link"):
        part("attachment", "self/environ", Path("/proc"))


def test_a_directory_swapped_for_a_link_meanwhile_is_not_followed(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the check and the opening: the walk holds the directories it has opened."""
    real = os.open

    def swapping(path: str | Path, flags: int, *more: int, dir_fd: int | None = None) -> int:
        if path == "file.txt" and (base / "folder").is_dir() and not (base / "folder").is_symlink():
            (base / "folder").rename(base / "moved")
            (base / "folder").symlink_to(base.parent / "outside")
        return real(path, flags, *more, dir_fd=dir_fd)

    (base.parent / "outside" / "file.txt").write_bytes(b"secret")
    monkeypatch.setattr(os, "supports_dir_fd", {*os.supports_dir_fd, swapping})
    monkeypatch.setattr(os, "open", swapping)
    assert part("attachment", "folder/file.txt", base).content == CONTENT
    assert (base / "folder").is_symlink()


def test_a_file_of_25_mb_goes_and_one_byte_more_does_not(base: Path) -> None:
    with (base / "large").open("wb") as file:
        file.truncate(MAX_BYTES)
    assert part("attachment", "large", base).size == MAX_BYTES
    with (base / "large").open("ab") as file:
        file.write(b"x")
    with pytest.raises(FileRefused, match="larger than 25 MB"):
        part("attachment", "large", base)


async def test_files_together_may_not_be_larger_than_a_message(base: Path) -> None:
    for name in ("one", "two"):
        with (base / name).open("wb") as file:
            file.truncate(MAX_BYTES // 2 + 1)
    transport = Scripted([Says(500)])
    engine = engine_over(transport, attachments=base)
    outcome = await called(engine, "send_message", **SEND, attachments=["one"], inline=["two"])
    assert problems(outcome) == [("", "the files together are larger than 25 MB")]
    assert transport.arrived == []


async def test_every_refused_file_is_named(base: Path) -> None:
    engine = engine_over(Scripted([Says(500)]), attachments=base)
    outcome = await called(engine, "send_message", **SEND, attachments=["file.txt", "link"], inline=["pipe"])
    assert problems(outcome) == [
        ("attachments[1]", "is or goes through a symbolic link"),
        ("inline[0]", "is not a regular file"),
    ]


async def test_without_an_allowed_directory_no_file_goes(base: Path) -> None:
    engine = engine_over(Scripted([Says(500)]))
    outcome = await called(engine, "send_message", **SEND, attachments=[str(base / "file.txt")])
    assert problems(outcome) == [("attachments[0]", "no directory for attachments is set here")]
    assert "MATON_MAILGUN_ATTACHMENTS" in outcome.text


def test_a_file_that_changed_since_is_not_read_again(base: Path) -> None:
    approved = part("attachment", "file.txt", base)
    stored = replace(approved, content=None)
    assert reopen(stored, base) == approved
    (base / "file.txt").write_bytes(CONTENT + b"!")
    with pytest.raises(FileRefused, match="changed after it was approved"):
        reopen(stored, base)


async def test_a_file_swapped_after_the_question_was_shown_is_not_sent(base: Path, tmp_path: Path) -> None:
    """What is sent is what was hashed, or nothing: here the answer comes with another file's content in place."""
    sandbox = Sandbox()
    with in_process(sandbox, tmp_path / "home", attachments=base) as engine:
        arguments = {**SEND, "attachments": ["file.txt"]}
        question = await engine.call("send_message", arguments, ASKING)
        assert isinstance(question, Question)
        (base / "file.txt").write_bytes(b"something else")
        yes = {"decision": "approve"}
        answer = FormAnswer(question.approval_id, question.digest, question.asked_at, "accept", yes, question.shown)
        again = await engine.call("send_message", arguments, ASKING, answer)
        # Other bytes are another message: it is asked anew, and the first approval was never given.
        assert isinstance(again, Question)
        assert again.approval_id != question.approval_id
        assert [record for record in sandbox.requests if record["method"] != "GET"] == []
        await engine.aclose()


# Files whose text stands in the call ----------------------------------------------------------------------------------

TEXT_CALL = {"domain": DOMAIN, "from": f"a@{DOMAIN}", "to": ["b@example.net"], "subject": "s", "text": "t"}


async def test_a_small_text_is_attached_without_a_directory_and_shown_by_name_and_hash(tmp_path: Path) -> None:
    sandbox = Sandbox()
    engine = engine_over(httpx2.ASGITransport(app=sandbox.app), tmp_path)
    content = "name,city\nAnn,Köln\n"
    digest = hashlib.sha256(content.encode()).hexdigest()
    call = {**TEXT_CALL, "text_files": {"people.csv": content}}
    asked = await engine.call("send_message", call, ASKING)
    assert isinstance(asked, Question)
    assert f"“people.csv”, text/csv, 20 bytes, SHA-256 {digest}" in as_read(asked.message)
    outcome = await approved(engine, "send_message", **call)
    assert outcome.content["status"] == "executed"
    (sent,) = [one for one in sandbox.requests if one["method"] == "POST"]
    assert [(part["name"], part["filename"], part["sha256"]) for part in sent["files"]] == [
        ("attachment", "people.csv", digest)
    ]


async def test_a_small_file_that_was_handed_over_is_shown_by_name_type_size_and_hash_and_leaves_as_it_is(
    tmp_path: Path,
) -> None:
    sandbox = Sandbox()
    engine = engine_over(httpx2.ASGITransport(app=sandbox.app), tmp_path)
    content = bytes(range(256)) * 3
    digest = hashlib.sha256(content).hexdigest()
    call = {**TEXT_CALL, "base64_files": {"Offer 7.pdf": base64.encodebytes(content).decode()}}
    asked = await engine.call("send_message", call, ASKING)
    assert isinstance(asked, Question)
    assert f"“Offer 7.pdf”, application/pdf, 768 bytes, SHA-256 {digest}" in as_read(asked.message)
    outcome = await approved(engine, "send_message", **call)
    assert (outcome.content["status"], outcome.content["attachments"]) == ("executed", ["Offer 7.pdf (768 bytes)"])
    (sent,) = [one for one in sandbox.requests if one["method"] == "POST"]
    assert [(part["name"], part["filename"], part["sha256"]) for part in sent["files"]] == [
        ("attachment", "Offer 7.pdf", digest)
    ]


async def test_what_a_file_that_was_handed_over_holds_is_shown_as_that_of_any_file(tmp_path: Path) -> None:
    entry = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Pay Eve\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    call = {**TEXT_CALL, "base64_files": {"a.ics": base64.b64encode(entry).decode()}}
    asked = await engine_over(httpx2.ASGITransport(app=Sandbox().app), tmp_path).call("send_message", call, ASKING)
    assert isinstance(asked, Question)
    assert "is a calendar entry: programs may enter or answer it" in as_read(asked.message)
    assert "Pay Eve" in as_read(asked.message)


@pytest.mark.parametrize(
    "files", [{f"{number}.pdf": "AAAA" for number in range(6)}, {"a.pdf": "A" * 200_004}, {}, {"a.pdf": 1}]
)
async def test_many_or_large_files_and_what_is_none_are_refused(files: dict[str, Any]) -> None:
    outcome = await called(engine_over(Scripted([Says(500)])), "send_message", **{**TEXT_CALL, "base64_files": files})
    assert error(outcome)["kind"] == "bad_arguments"


@pytest.mark.parametrize(
    "texts", [{f"{number}.txt": "x" for number in range(6)}, {"a.txt": "x" * 100_001}, {}, {"a.txt": 1}]
)
async def test_many_or_long_texts_and_what_is_none_are_refused(texts: dict[str, Any]) -> None:
    outcome = await called(engine_over(Scripted([Says(500)])), "send_message", **{**TEXT_CALL, "text_files": texts})
    assert error(outcome)["kind"] == "bad_arguments"
