"""Attack 134: two pictures under one Content-ID, of which the person sees one and the readers the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from .bench import LETTER, Desk, structured

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("names", [("a/qr.png", "b/qr.png"), ("a/qr.png", "b/QR.png")])
async def test_attack_134_two_inline_files_of_one_name_are_refused(
    desk: Desk, tmp_path: Path, names: tuple[str, str]
) -> None:
    folder = tmp_path / "files"
    for name in names:
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(name.encode())
    arguments = {**LETTER, "html": '<img src="cid:qr.png">', "inline": [*names]}
    async with desk.open(attachments=folder) as house, house.client() as client:
        content = structured(await client.call_tool("send_message", arguments))
        assert content["error"]["kind"] == "bad_arguments", content
        assert await house.gate.list() == []
        both = structured(await client.call_tool("send_message", {**arguments, "inline": [names[0]]}))
        assert both["status"] == "approval_required", both


@pytest.mark.parametrize("second", ["Qr@x", "qR@x"])
async def test_attack_134_content_ids_that_differ_in_case_alone_are_refused(desk: Desk, second: str) -> None:
    message = (
        "From: support@mg.example.com\nTo: bob@example.net\nSubject: Hi\nMIME-Version: 1.0\n"
        'Content-Type: multipart/related; boundary="b"\n\n'
        '--b\nContent-Type: text/html; charset=utf-8\n\n<img src="cid:Qr@x">\n'
        "--b\nContent-Type: image/png\nContent-ID: <Qr@x>\nContent-Transfer-Encoding: base64\n\nAAAA\n"
        f"--b\nContent-Type: image/png\nContent-ID: <{second}>\nContent-Transfer-Encoding: base64\n\nBBBB\n--b--\n"
    )
    arguments = {"domain": LETTER["domain"], "to": ["bob@example.net"], "message": message}
    async with desk.open() as house, house.client() as client:
        content = structured(await client.call_tool("send_mime_message", arguments))
        assert content["error"]["kind"] == "bad_arguments", content
