"""The approver's passphrase: only who knows it decides, and guessing does not pay."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from maton_mailgun.approval.channels import passphrase
from maton_mailgun.approval.channels.passphrase import LockedOut, Passphrase, PassphraseError

from .records import NOON

RIGHT = "correct horse battery"


@pytest.fixture
def approver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Passphrase:
    """A passphrase at a fraction of the real cost: what is tested is not how slow scrypt is."""
    monkeypatch.setattr(passphrase, "COST", {"n": 2**4, "r": 8, "p": 1})
    approver = Passphrase(tmp_path)
    approver.set(RIGHT, now=NOON)
    return approver


def fail(approver: Passphrase, times: int, now: float) -> None:
    for _ in range(times):
        assert approver.verify("wrong guess", now=now) is False


def test_the_right_passphrase_is_accepted_and_others_are_not(approver: Passphrase) -> None:
    assert approver.verify(RIGHT, now=NOON) is True
    assert approver.verify(RIGHT + " ", now=NOON) is False
    assert approver.verify("", now=NOON) is False


def test_what_keyboards_type_differently_is_the_same(approver: Passphrase) -> None:
    approver.set("Gru\u0308ße aus Köln", current=RIGHT, now=NOON)

    assert approver.verify("Gr\u00fcße aus Köln", now=NOON) is True


def test_without_a_passphrase_nobody_decides(tmp_path: Path) -> None:
    approver = Passphrase(tmp_path)

    assert approver.is_set() is False
    with pytest.raises(PassphraseError, match="maton-mailgun approvals passphrase"):
        approver.verify("anything at all", now=NOON)


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    approver = Passphrase(tmp_path)

    with pytest.raises(PassphraseError, match="at least 10 characters"):
        approver.set("123456789", now=NOON)
    assert approver.is_set() is False


def test_attack_25_only_who_knows_the_passphrase_replaces_it(approver: Passphrase) -> None:
    for current in (None, "wrong guess"):
        with pytest.raises(PassphraseError, match="not it"):
            approver.set("something new entirely", current=current, now=NOON)
    approver.set("something new entirely", current=RIGHT, now=NOON)

    assert approver.verify("something new entirely", now=NOON) is True


def test_the_files_are_private_and_hold_no_passphrase(approver: Passphrase) -> None:
    fail(approver, 1, NOON)

    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in approver.home.iterdir()}
    assert files == {"approver.json": 0o600, "approver-failures.json": 0o600, "approver.lock": 0o600}
    assert all(RIGHT not in path.read_text() for path in approver.home.iterdir())


def test_attack_25_guessing_locks_out_for_longer_each_time(approver: Passphrase) -> None:
    now = NOON
    fail(approver, 4, now)

    for delay in (5, 10, 20, 40, 80, 160, 320, 640, 900, 900):
        with pytest.raises(LockedOut) as locked:
            approver.verify(RIGHT, now=now + delay - 1)
        assert locked.value.seconds == 1
        now += delay
        fail(approver, 1, now)


def test_attack_25_the_lockout_holds_in_another_process(approver: Passphrase) -> None:
    fail(approver, 4, NOON)

    with pytest.raises(LockedOut, match="Try again in 5 s"):
        Passphrase(approver.home).verify(RIGHT, now=NOON)


def test_attack_25_many_guesses_at_once_are_counted_one_by_one(approver: Passphrase) -> None:
    def guess(number: int) -> str:
        try:
            return str(Passphrase(approver.home).verify(f"guess number {number}", now=NOON))
        except LockedOut:
            return "locked"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(guess, range(24)))

    assert sorted(outcomes) == ["False"] * 4 + ["locked"] * 20


def test_attack_25_a_killed_guess_counts(approver: Passphrase, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends while the hash is computed: the failure is on the disk already."""

    def killed(*_: object) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(passphrase, "_hash", killed)
        for _ in range(4):
            with pytest.raises(KeyboardInterrupt):
                approver.verify(RIGHT, now=NOON)

    with pytest.raises(LockedOut):
        approver.verify(RIGHT, now=NOON)


def test_the_right_passphrase_clears_the_failures(approver: Passphrase) -> None:
    fail(approver, 3, NOON)
    assert approver.verify(RIGHT, now=NOON) is True

    fail(approver, 4, NOON)


def test_attack_34_a_clock_set_back_neither_skips_nor_lengthens_the_wait(approver: Passphrase) -> None:
    fail(approver, 4, NOON)

    with pytest.raises(LockedOut) as locked:
        approver.verify(RIGHT, now=NOON - 86_400)
    assert locked.value.seconds == 5
    assert approver.verify(RIGHT, now=NOON - 86_400 + 5) is True


@pytest.mark.parametrize("name", ["approver.json", "approver-failures.json"])
def test_a_damaged_file_opens_nothing(approver: Passphrase, name: str) -> None:
    (approver.home / name).write_text("{")

    with pytest.raises(PassphraseError, match=f"{name} cannot be read"):
        approver.verify(RIGHT, now=NOON)


def test_the_real_cost_is_what_is_stored(tmp_path: Path) -> None:
    approver = Passphrase(tmp_path)
    approver.set(RIGHT, now=NOON)

    assert '"n": 32768, "r": 8, "p": 3' in (tmp_path / "approver.json").read_text()
    assert approver.verify(RIGHT, now=NOON) is True
