"""Keys and seals: what is stored can be opened by this installation only, for the record it belongs to."""

from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from maton_mailgun.approval.binding.keys import KEY_FILE, KeyFileError, Keys, load_keys
from maton_mailgun.approval.binding.seal import Unsealable, key_id, seal, unseal

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
posix = pytest.mark.skipif(os.name != "posix", reason="file modes are a POSIX matter")


def test_a_sealed_request_opens_for_its_record() -> None:
    envelope = seal(KEY, b"the request", approval_id="apr_1", digest="sha256:1")

    assert unseal(KEY, envelope, approval_id="apr_1", digest="sha256:1") == b"the request"
    assert b"the request" not in envelope


def test_the_same_request_is_never_sealed_alike_twice() -> None:
    first, second = (seal(KEY, b"the request", approval_id="apr_1", digest="sha256:1") for _ in range(2))

    assert first != second


@pytest.mark.parametrize(
    ("approval_id", "digest"),
    [("apr_2", "sha256:1"), ("apr_1", "sha256:2"), ("apr_1sha256:1", ""), ("apr_", "1sha256:1"), ("sha256:1", "apr_1")],
)
def test_attack_3_a_sealed_request_does_not_open_for_another_record(approval_id: str, digest: str) -> None:
    envelope = seal(KEY, b"the request", approval_id="apr_1", digest="sha256:1")

    with pytest.raises(Unsealable, match="belongs to another record"):
        unseal(KEY, envelope, approval_id=approval_id, digest=digest)


def test_a_flipped_bit_anywhere_keeps_it_closed() -> None:
    envelope = seal(KEY, b"the request", approval_id="apr_1", digest="sha256:1")

    for position in range(len(envelope)):
        changed = bytearray(envelope)
        changed[position] ^= 1
        with pytest.raises(Unsealable):
            unseal(KEY, bytes(changed), approval_id="apr_1", digest="sha256:1")


@pytest.mark.parametrize("envelope", [b"", b"\x01", b"the request in clear, long enough to look sealed"])
def test_what_was_never_sealed_is_not_opened(envelope: bytes) -> None:
    with pytest.raises(Unsealable, match="not a sealed request"):
        unseal(KEY, envelope, approval_id="apr_1", digest="sha256:1")


def test_attack_39_after_the_key_was_lost_the_error_names_the_key() -> None:
    envelope = seal(KEY, b"the request", approval_id="apr_1", digest="sha256:1")

    with pytest.raises(Unsealable, match=f"apr_1 .* the key {key_id(KEY)}, which .* no longer has.*Propose"):
        unseal(OTHER_KEY, envelope, approval_id="apr_1", digest="sha256:1")


def test_the_first_start_makes_two_keys_and_later_starts_find_them(tmp_path: Path) -> None:
    home = tmp_path / "state" / "home"

    keys = load_keys(home)

    assert (len(keys.seal), len(keys.state)) == (32, 32)
    assert keys.seal != keys.state
    assert load_keys(home) == keys
    assert [path.name for path in home.iterdir()] == [KEY_FILE]


def test_another_installation_has_other_keys(tmp_path: Path) -> None:
    assert load_keys(tmp_path / "a") != load_keys(tmp_path / "b")


def test_keys_do_not_show_in_their_representation() -> None:
    assert repr(Keys(KEY, OTHER_KEY)) == "Keys()"


def test_processes_that_start_together_agree_on_one_pair(tmp_path: Path) -> None:
    starters = 8
    for round_number in range(20):
        home, together = tmp_path / str(round_number), Barrier(starters)

        def start(home: Path = home, together: Barrier = together) -> Keys:
            together.wait()
            return load_keys(home)

        with ThreadPoolExecutor(starters) as pool:
            found = {future.result() for future in [pool.submit(start) for _ in range(starters)]}
        assert len(found) == 1


@posix
def test_key_file_and_directory_are_private(tmp_path: Path) -> None:
    load_keys(tmp_path / "home")

    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "home" / KEY_FILE).stat().st_mode) == 0o600


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_key_file_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    load_keys(tmp_path)
    (tmp_path / KEY_FILE).chmod(mode)

    with pytest.raises(KeyFileError, match=rf"mode {mode:04o}.*chmod 600"):
        load_keys(tmp_path)


@posix
def test_a_state_directory_that_others_can_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o770)

    with pytest.raises(KeyFileError, match=r"mode 0770.*chmod 700"):
        load_keys(tmp_path)


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "null", '{"seal": "00", "state": "00"}', json.dumps({"seal": "zz", "state": 5})]
)
def test_a_damaged_key_file_is_told_and_kept(tmp_path: Path, content: str) -> None:
    path = tmp_path / KEY_FILE
    path.touch(mode=0o600)
    path.write_text(content)

    with pytest.raises(KeyFileError, match=r"damaged.*Restore it"):
        load_keys(tmp_path)
    assert path.read_text() == content


def test_a_state_directory_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "home").touch()

    with pytest.raises(KeyFileError, match="cannot be used"):
        load_keys(tmp_path / "home")
