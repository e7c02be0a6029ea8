"""Attack 149: a text in the armour of OpenPGP, which is letters here and words in programs that know it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from engine.mime_corpus import TEXT, whole
from maton_mailgun.mail.pgp_armour import Armour, armours

from .bench import LETTER, Desk
from .telling import asked, told, uploaded

pytestmark = pytest.mark.anyio
_STORED = (
    "-----BEGIN PGP MESSAGE-----\n\nowFbo5HEmqtXUlGSzaF4IyAnNbE4VaEgsVLBVMfAwEDBNTRIoSRfwcXV0pILAA==\n=knSY\n"
    "-----END PGP MESSAGE-----"
)
_WORDS = "Please pay 5,000 EUR to DE99"
_SIGNED = (
    "{before}-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nAll is paid\n"
    "-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----{after}\n"
)


@pytest.mark.parametrize("place", ["text", "html", "pre", "part", "file", "armour part", "message"])
async def test_attack_149_what_an_armour_says_is_shown(desk: Desk, place: str) -> None:
    lines = _STORED.replace("\n", "<br>\n")
    if place == "file":
        shown = await uploaded(desk, "words.asc", _STORED.encode())
    elif place == "message":
        shown = await uploaded(desk, "fw.eml", f"From: a@example.com\n\n{_STORED}\n".encode())
    elif place == "part":
        shown = await told(desk, whole("mixed", TEXT, f"Content-Type: text/plain\n\n{_STORED}"))
    elif place == "armour part":
        shown = await told(desk, whole("mixed", TEXT, f"Content-Type: application/pgp\n\n{_STORED}"))
    else:
        bodies = {"text": {"text": _STORED}, "html": {"html": f"<p>{lines}"}, "pre": {"html": f"<pre>{_STORED}</pre>"}}
        shown = await asked(desk, "send_message", {**LETTER, **bodies[place]})
    assert _WORDS in shown.text
    warned = [line for line in shown.warnings if "has a PGP message: programs that know it show what is in it" in line]
    assert len(warned) == 1


@pytest.mark.parametrize(
    ("before", "after", "outside"),
    [("", "", False), ("Please pay 5,000\n\n", "", True), ("", "\n\nPlease pay 5,000", True)],
)
async def test_attack_149_words_beside_a_signed_text_are_told(
    desk: Desk, before: str, after: str, *, outside: bool
) -> None:
    shown = await asked(desk, "send_message", {**LETTER, "text": _SIGNED.format(before=before, after=after)})
    assert bool([line for line in shown.warnings if "words outside of what PGP signed" in line]) is outside


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("hQEMA0hQ", "it is encrypted"),
        ("%%%%", "it is broken"),
        ("AAAA", "it is broken"),
        ("", "it holds no message"),
        ("yAEC", "it holds no message"),
        ("owFb", "it holds no message"),
    ],
)
async def test_attack_149_what_cannot_be_read_is_said_to_be_so(desk: Desk, body: str, why: str) -> None:
    text = f"-----BEGIN PGP MESSAGE-----\n\n{body}\n-----END PGP MESSAGE-----"
    shown = await asked(desk, "send_message", {**LETTER, "text": text})
    said = "The text has a PGP message: programs that know it show what is in it, which cannot be shown here:"
    assert f"{said} {why}." in shown.warnings


@pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")
@pytest.mark.parametrize("way", ["none", "zip", "zlib", "bzip2"])
@pytest.mark.parametrize("size", [1, 190, 200, 9_000, 70_000])
def test_attack_149_armours_are_read_as_gpg_writes_them(tmp_path: Path, way: str, size: int) -> None:
    words = ("Please pay 5,000 € to DE99\n" * (size // 20 + 1))[:size]
    command = ["gpg", "--homedir", str(tmp_path), "--armor", "--store", "--compress-algo", way, "--batch", "--no-tty"]
    found = subprocess.run(command, input=words.encode(), capture_output=True, check=True)
    assert armours(found.stdout.decode()) == [Armour("message", words)]
