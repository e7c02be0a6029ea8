"""Attack 44: somebody else on this machine changes what decides about writes.

Where the tests run as root, another user really does it, in processes of their own; the same carelessness without
another user is in the tests of `ownership.py`.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from maton_mailgun.approval.channels.passphrase import Passphrase, PassphraseError, fits
from maton_mailgun.errors import Refused, SetupError
from maton_mailgun.runtime import engine
from maton_mailgun.sandbox import Sandbox

from .bench import LETTER, Clock, Desk, structured
from .intruder import Intruder, intruder, let_write, shared_place

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(os.name != "posix", reason="POSIX owners and modes")]
ASK = ""
ALLOW = '[[rule]]\nname = "mine"\ntools = ["*"]\ndecision = "allow"\n'
OURS, THEIRS = "correct horse battery staple", "a passphrase of theirs"


@pytest.fixture
def eve() -> Intruder:
    """Another user."""
    return intruder()


@pytest.fixture
def place(eve: Intruder) -> Iterator[Path]:
    """A directory that other users can enter, with what they prepared in one of theirs."""
    with shared_place() as found:
        theirs = found / "theirs"
        theirs.mkdir()
        os.chown(theirs, eve.uid, eve.uid)
        eve.run('printf %s "$2" > "$1/policy.toml"', theirs, ALLOW)
        yield found


@pytest.fixture
def desk(place: Path) -> Desk:
    """An installation that other users could reach if we were careless."""
    clock = Clock()
    home = place / "home"
    home.mkdir(mode=0o700)
    return Desk(home, Sandbox(clock=clock), clock)


@pytest.fixture
def policy(place: Path) -> Path:
    """The operator's policy, in a directory of its own, as it should be."""
    folder = place / "etc" / "mailgun"
    folder.mkdir(parents=True)
    path = folder / "policy.toml"
    path.write_text(ASK)
    path.chmod(0o644)
    return path


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Fail instead of waiting for ever."""

    def over(*_: object) -> None:
        raise AssertionError(f"it still waits after {seconds} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


# The policy file ------------------------------------------------------------------------------------------------------


def a_file_that_all_can_write(policy: Path, eve: Intruder) -> str:
    policy.chmod(0o666)
    eve.run('printf %s "$2" > "$1"', policy, ALLOW)
    return f"{policy} can be written by other users (mode 0666). Look at what it holds, then run: chmod go-w {policy}"


def a_file_that_their_group_can_write(policy: Path, eve: Intruder) -> str:
    os.chown(policy, -1, eve.uid)
    policy.chmod(0o660)
    eve.run('printf %s "$2" > "$1"', policy, ALLOW)
    return f"{policy} can be written by other users (mode 0660)"


def a_file_that_an_access_list_lets_them_write(policy: Path, eve: Intruder) -> str:
    let_write(policy, eve.uid)
    eve.run('printf %s "$2" > "$1"', policy, ALLOW)
    return f"{policy} can be written by other users (mode 0775)"


def a_file_of_theirs(policy: Path, eve: Intruder) -> str:
    os.chown(policy, eve.uid, eve.uid)
    eve.run('printf %s "$2" > "$1"; chmod 600 "$1"', policy, ALLOW)
    return f"{policy} belongs to {eve.uid}, who can change it at any time. Look at what it holds, then run: chown root"


def a_directory_that_all_can_write(policy: Path, eve: Intruder) -> str:
    policy.parent.chmod(0o777)
    eve.run('rm -f "$1"; printf %s "$2" > "$1"', policy, ALLOW)
    return f"{policy.parent} can be written by other users (mode 0777), who can put anything in the place of what is"


def a_directory_whose_file_is_still_ours(policy: Path, eve: Intruder) -> str:
    trial = policy.with_name("trial.toml")
    trial.write_text(ALLOW)
    policy.parent.chmod(0o777)
    eve.run('mv "$1" "$2"', trial, policy)
    return f"{policy.parent} can be written by other users (mode 0777)"


def a_directory_of_theirs(policy: Path, eve: Intruder) -> str:
    os.chown(policy.parent, eve.uid, eve.uid)
    eve.run('rm -f "$1"; printf %s "$2" > "$1"', policy, ALLOW)
    return f"{policy.parent} belongs to {eve.uid}, who can put anything in the place of what is in it"


def a_parent_that_all_can_write(policy: Path, eve: Intruder) -> str:
    policy.parent.parent.chmod(0o777)
    eve.run('mv "$1" "$1.old" && mkdir "$1" && printf %s "$2" > "$1/policy.toml"', policy.parent, ALLOW)
    return f"{policy.parent.parent} can be written by other users (mode 0777)"


def a_parent_that_their_group_can_write(policy: Path, eve: Intruder) -> str:
    os.chown(policy.parent.parent, -1, eve.uid)
    policy.parent.parent.chmod(0o775)
    eve.run('mv "$1" "$1.old" && mkdir "$1" && printf %s "$2" > "$1/policy.toml"', policy.parent, ALLOW)
    return f"{policy.parent.parent} can be written by other users (mode 0775)"


def a_parent_that_an_access_list_lets_them_write(policy: Path, eve: Intruder) -> str:
    """The group is our own, so the mode alone would not tell."""
    let_write(policy.parent.parent, eve.uid)
    eve.run('mv "$1" "$1.old" && mkdir "$1" && printf %s "$2" > "$1/policy.toml"', policy.parent, ALLOW)
    return f"{policy.parent.parent} can be written by other users (mode 0775)"


def a_name_they_took_in_a_sticky_directory(policy: Path, eve: Intruder) -> str:
    policy.parent.chmod(0o1777)
    policy.unlink()
    eve.run('printf %s "$2" > "$1"; chmod 600 "$1"', policy, ALLOW)
    return f"{policy} belongs to {eve.uid}"


def a_link_of_theirs_to_a_file_of_ours(policy: Path, eve: Intruder) -> str:
    trial = policy.parent.parent / "trial.toml"
    trial.write_text(ALLOW)
    policy.parent.chmod(0o1777)
    policy.unlink()
    eve.run('ln -s "$1" "$2"', trial, policy)
    return f"The link {policy} belongs to {eve.uid}, who chose where it leads. Look where that is, then run: chown -h"


def a_directory_link_of_theirs(policy: Path, eve: Intruder) -> str:
    trial = policy.parent.parent / "trial"
    trial.mkdir()
    (trial / "policy.toml").write_text(ALLOW)
    policy.unlink()
    policy.parent.rmdir()
    policy.parent.parent.chmod(0o1777)
    eve.run('ln -s trial "$1"', policy.parent)
    return f"The link {policy.parent} belongs to {eve.uid}"


def a_link_of_ours_into_a_directory_of_theirs(policy: Path, eve: Intruder) -> str:
    theirs = policy.parents[2] / "theirs"
    policy.unlink()
    policy.symlink_to("../../theirs/policy.toml")
    return f"{theirs} belongs to {eve.uid}"


def a_second_name_of_a_file_of_ours(policy: Path, eve: Intruder) -> str:
    """Linux lets others make it unless `fs.protected_hardlinks` is set, so here it is made for them."""
    trial = policy.parent.parent / "trial.toml"
    trial.write_text(ALLOW)
    policy.parent.chmod(0o1777)
    policy.unlink()
    policy.hardlink_to(trial)
    return f"{policy} has 2 names (hard links) and lies in a directory where others can make names"


WAYS = [
    a_file_that_all_can_write,
    a_file_that_their_group_can_write,
    a_file_that_an_access_list_lets_them_write,
    a_file_of_theirs,
    a_directory_that_all_can_write,
    a_directory_whose_file_is_still_ours,
    a_directory_of_theirs,
    a_parent_that_all_can_write,
    a_parent_that_their_group_can_write,
    a_parent_that_an_access_list_lets_them_write,
    a_name_they_took_in_a_sticky_directory,
    a_link_of_theirs_to_a_file_of_ours,
    a_directory_link_of_theirs,
    a_link_of_ours_into_a_directory_of_theirs,
    a_second_name_of_a_file_of_ours,
]
"""Each makes us careless in one way, lets the other user put an allow rule there, and returns what must be said."""


def sticky(policy: Path) -> None:
    policy.parent.chmod(0o1777)
    policy.write_text(ALLOW)


def a_pipe(policy: Path) -> None:
    policy.unlink()
    os.mkfifo(policy)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_attack_44_a_policy_that_somebody_else_changed_allows_nothing(
    desk: Desk, policy: Path, eve: Intruder, way: Callable[[Path, Intruder], str]
) -> None:
    async with desk.open(policy=policy) as house, house.client() as client:
        asked = structured(await client.call_tool("send_message", LETTER))
        words = way(policy, eve)
        result = await client.call_tool("send_message", {**LETTER, "subject": "Allowed by eve"})
        assert [record.id for record in await house.gate.list()] == [asked["approval_id"]]
    assert result.is_error
    error = structured(result)["error"]
    assert (error["kind"], words in error["message"]) == ("refused", True), error
    assert "nothing was sent" in error["next"]
    assert desk.writes() == []


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_attack_44_a_server_does_not_start_with_it(
    desk: Desk, policy: Path, eve: Intruder, way: Callable[[Path, Intruder], str]
) -> None:
    words = way(policy, eve)
    settings = desk.settings.__class__(api_key="k", api_url=desk.api_url, home=desk.home, policy=policy)
    with pytest.raises(SetupError) as told:
        engine(settings)
    assert words in str(told.value)


async def test_attack_44_a_yes_in_the_form_does_not_count_under_a_policy_that_changed_hands(
    desk: Desk, policy: Path, eve: Intruder
) -> None:
    from .bench import APPROVE, Person

    async def meanwhile() -> None:
        os.chown(policy, eve.uid, eve.uid)

    person = Person(desk.clock, APPROVE)
    person.meanwhile = meanwhile
    async with desk.open(policy=policy) as house, house.client(person) as client:
        content = structured(await client.call_tool("send_message", LETTER))
        assert (await house.only()).state == "stale"
    assert content["executed"] is False
    assert f"{policy} belongs to {eve.uid}" in content["reason"]
    assert desk.writes() == []


async def test_attack_44_a_policy_in_a_sticky_directory_that_is_ours_counts(
    desk: Desk, policy: Path, eve: Intruder
) -> None:
    """As /tmp is: others can add names there, and can neither change nor replace ours."""
    sticky(policy)
    eve.run('! mv "$1/other" "$2" 2>/dev/null && ! rm -f "$2" 2>/dev/null', policy.parent, policy)
    async with desk.open(policy=policy) as house, house.client() as client:
        assert structured(await client.call_tool("send_message", LETTER))["status"] == "executed"
    assert len(desk.writes()) == 1


async def test_attack_44_a_policy_that_became_a_pipe_holds_no_call_up(desk: Desk, policy: Path) -> None:
    async with desk.open(policy=policy) as house, house.client() as client:
        a_pipe(policy)
        with within(20):
            result = await client.call_tool("send_message", LETTER)
            assert not (await client.call_tool("list_domains", {})).is_error
    assert f"{policy} is no file but a pipe" in structured(result)["error"]["message"]
    assert desk.writes() == []


# The state directory --------------------------------------------------------------------------------------------------


def their_hash(place: Path) -> bytes:
    """A passphrase file as the other user makes it for themselves."""
    home = place / "made-by-them"
    home.mkdir(mode=0o700)
    Passphrase(home).set(THEIRS, now=0.0)
    return (home / "approver.json").read_bytes()


def state_directory_of_theirs(home: Path, eve: Intruder) -> str:
    os.chown(home, eve.uid, eve.uid)
    return f"{home} belongs to {eve.uid}"


def state_directory_that_all_can_write(home: Path, eve: Intruder) -> str:
    home.chmod(0o777)
    return f"{home} can be written by other users (mode 0777). Look at what it holds, then run: chmod 700 {home}"


def state_directory_that_is_sticky(home: Path, eve: Intruder) -> str:
    """Others could take the names that are not there yet."""
    home.chmod(0o1777)
    return f"{home} can be written by other users (mode 1777)"


def a_parent_of_the_state_directory(home: Path, eve: Intruder) -> str:
    home.parent.chmod(0o777)
    return f"{home.parent} can be written by other users (mode 0777)"


def keys_of_theirs(home: Path, eve: Intruder) -> str:
    os.chown(home / "keys.json", eve.uid, eve.uid)
    return f"{home}/keys.json belongs to {eve.uid}"


def keys_behind_a_link_of_theirs(home: Path, eve: Intruder) -> str:
    elsewhere = home.parent / "keys.json"
    (home / "keys.json").rename(elsewhere)
    (home / "keys.json").symlink_to(elsewhere)
    os.chown(home / "keys.json", eve.uid, eve.uid, follow_symlinks=False)
    return f"The link {home}/keys.json belongs to {eve.uid}"


def a_database_of_theirs(home: Path, eve: Intruder) -> str:
    os.chown(home / "approvals.sqlite", eve.uid, eve.uid)
    return f"{home}/approvals.sqlite belongs to {eve.uid}"


def a_database_that_all_can_write(home: Path, eve: Intruder) -> str:
    (home / "approvals.sqlite").chmod(0o666)
    return f"{home}/approvals.sqlite can be written by other users (mode 0666)"


def a_log_of_the_database_that_all_can_write(home: Path, eve: Intruder) -> str:
    """SQLite takes what the write-ahead log holds for part of the database."""
    (home / "approvals.sqlite-wal").touch()
    (home / "approvals.sqlite-wal").chmod(0o666)
    return f"{home}/approvals.sqlite-wal can be written by other users (mode 0666)"


def a_journal_of_theirs(home: Path, eve: Intruder) -> str:
    """SQLite plays a journal that it finds back into the database."""
    (home / "approvals.sqlite-journal").touch()
    os.chown(home / "approvals.sqlite-journal", eve.uid, eve.uid)
    return f"{home}/approvals.sqlite-journal belongs to {eve.uid}"


@pytest.mark.parametrize(
    "way",
    [
        state_directory_of_theirs,
        state_directory_that_all_can_write,
        state_directory_that_is_sticky,
        a_parent_of_the_state_directory,
        keys_of_theirs,
        keys_behind_a_link_of_theirs,
        a_database_of_theirs,
        a_database_that_all_can_write,
        a_log_of_the_database_that_all_can_write,
        a_journal_of_theirs,
    ],
    ids=lambda way: way.__name__,
)
async def test_attack_44_a_state_directory_in_somebody_elses_hand_stops_every_write(
    desk: Desk, eve: Intruder, way: Callable[[Path, Intruder], str]
) -> None:
    async with desk.open() as house, house.client() as client:
        await client.call_tool("send_message", LETTER)
    words = way(desk.home, eve)
    with pytest.raises(Refused) as told:
        async with desk.open():
            pass
    assert words in str(told.value)
    assert desk.writes() == []


@pytest.mark.parametrize("careless", ["the directory", "the file", "a link"])
async def test_attack_44_a_passphrase_that_somebody_else_put_there_decides_nothing(
    desk: Desk, place: Path, eve: Intruder, careless: str
) -> None:
    Passphrase(desk.home).set(OURS, now=desk.clock())
    hashed = desk.home / "approver.json"
    theirs = place / "theirs" / "approver.json"
    theirs.write_bytes(their_hash(place))
    os.chown(theirs, eve.uid, eve.uid)
    if careless == "the directory":
        desk.home.chmod(0o777)
        eve.run('cp "$1" "$2.new" && chmod 600 "$2.new" && mv -f "$2.new" "$2"', theirs, hashed)
    elif careless == "the file":
        desk.home.chmod(0o755)
        os.chown(hashed, eve.uid, eve.uid)
        eve.run('cat "$1" > "$2"', theirs, hashed)
    else:
        hashed.unlink()
        hashed.symlink_to(theirs)
    with pytest.raises(PassphraseError) as told:
        Passphrase(desk.home).verify(THEIRS, now=desk.clock())
    assert ("can be written by other users" if careless == "the directory" else f"belongs to {eve.uid}") in str(
        told.value
    )
    assert await fits(desk.home, THEIRS, "127.0.0.1") is False
    with pytest.raises(PassphraseError):
        Passphrase(desk.home).set("one more of theirs", current=THEIRS, now=desk.clock())


async def test_attack_44_their_passphrase_opens_no_session_on_the_page(desk: Desk, place: Path, eve: Intruder) -> None:
    from .test_doors import page

    async with desk.open() as house, page(house) as browser:
        (desk.home / "approver.json").write_bytes(their_hash(place))
        os.chown(desk.home / "approver.json", eve.uid, eve.uid)
        reply = await browser.send("POST", "/api/session", {"passphrase": THEIRS})
    assert reply.status_code == 401


@pytest.mark.parametrize("name", ["approver-failures.json", "approver.lock"])
async def test_attack_44_a_count_of_failures_in_somebody_elses_hand_lets_nobody_guess(
    desk: Desk, eve: Intruder, name: str
) -> None:
    """Who can change the count has as many guesses as they like."""
    approver = Passphrase(desk.home)
    approver.set(OURS, now=0.0)
    assert approver.verify("wrong", now=0.0) is False
    os.chown(desk.home / name, eve.uid, eve.uid)
    with pytest.raises(PassphraseError, match=f"{name} belongs to {eve.uid}"):
        approver.verify(OURS, now=0.0)
