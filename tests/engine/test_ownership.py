"""What somebody else could change is told by path, with what is wrong and the command that mends it.

Another user who really does it is in the tests of attack 44. What is here needs none, unless a test says so.
"""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from attacks.intruder import Intruder, intruder, let_write, shared_place
from maton_mailgun.ownership import Untrusted, trusted_bytes, trusted_text, why_untrusted

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX owners and modes")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file as it should be."""
    path = tmp_path / "etc" / "mailgun" / "policy.toml"
    path.parent.mkdir(parents=True)
    path.write_text("grün", encoding="utf-8")
    path.chmod(0o600)
    return path


@pytest.fixture
def eve() -> Intruder:
    """Another user."""
    return intruder()


@pytest.fixture
def place(eve: Intruder) -> Iterator[Path]:
    """A directory that other users can enter."""
    with shared_place() as found:
        yield found


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o644, 0o755, 0o444])
def test_a_file_that_only_we_can_write_is_read(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert (why_untrusted(file), trusted_text(file), trusted_bytes(file)) == (None, "grün", "grün".encode())


@pytest.mark.parametrize("mode", [0o666, 0o660, 0o602, 0o620, 0o777])
def test_a_file_that_others_can_write_is_refused_with_the_command_that_mends_it(file: Path, mode: int) -> None:
    file.chmod(mode)
    why = f"{file} can be written by other users (mode {mode:04o}). Look at what it holds, then run: chmod go-w {file}"
    with pytest.raises(Untrusted) as told:
        trusted_bytes(file)
    assert (why_untrusted(file), str(told.value)) == (why, why)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610, 0o601, 0o644])
def test_a_private_file_that_others_can_use_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    why = (
        f"{file} can be used by other users (mode {mode:04o}). Run: chmod 600 {file} "
        "(and replace it if somebody may have read it)."
    )
    with pytest.raises(Untrusted) as told:
        trusted_bytes(file, private=True)
    assert (why_untrusted(file, private=True), str(told.value)) == (why, why)


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757, 0o1777, 0o2770])
def test_a_directory_that_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    """Also with the sticky bit: names that are not taken yet could be taken by others."""
    tmp_path.chmod(mode)
    assert why_untrusted(tmp_path) == (
        f"{tmp_path} can be written by other users (mode {mode:04o}). Look at what it holds, then run: "
        f"chmod 700 {tmp_path}"
    )


def test_a_private_directory_is_closed_to_others(tmp_path: Path) -> None:
    assert why_untrusted(tmp_path, private=True) is None
    tmp_path.chmod(0o750)
    assert why_untrusted(tmp_path) is None
    assert f"Run: chmod 700 {tmp_path}" in (why_untrusted(tmp_path, private=True) or "")


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o707])
@pytest.mark.parametrize("up", [0, 1])
def test_a_directory_above_that_others_can_write_is_refused(file: Path, up: int, mode: int) -> None:
    above = file.parents[up]
    above.chmod(mode if up == 0 else mode | 0o002)
    why = why_untrusted(file) or ""
    assert f"{above} can be written by other users" in why
    assert why.endswith(f"Look at what it holds, then run: chmod go-w {above}")
    with pytest.raises(Untrusted):
        trusted_text(file)


@pytest.mark.parametrize("up", [0, 1])
def test_a_sticky_directory_above_protects_what_is_ours(file: Path, up: int) -> None:
    file.parents[up].chmod(0o1777)
    assert (why_untrusted(file), trusted_text(file)) == (None, "grün")


@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="needs root to give a file to another user")
@pytest.mark.parametrize("what", ["the file", "its directory", "the directory above"])
def test_what_belongs_to_somebody_else_is_refused_whatever_its_mode(file: Path, what: str) -> None:
    path = {"the file": file, "its directory": file.parent, "the directory above": file.parent.parent}[what]
    os.chown(path, 54_321, -1)
    path.chmod(0o700)
    why = why_untrusted(file) or ""
    assert why.startswith(f"{path} belongs to 54321, who can ")
    assert why.endswith(f"look at what it holds, then run: chown root {path}") or what == "the file"
    with pytest.raises(Untrusted):
        trusted_text(file)


@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="needs root to become another user")
def test_what_belongs_to_root_is_taken_and_what_belongs_to_a_third_user_is_not(place: Path, eve: Intruder) -> None:
    """Seen by a user who is not root, in a process of its own: an operator's file in /etc, and another user's."""
    of_root, of_a_third = place / "root.toml", place / "third.toml"
    for path in (of_root, of_a_third):
        path.write_text("x")
    os.chown(of_a_third, 54_322, -1)
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(eve.uid)
        os.setuid(eve.uid)
        os.write(tell, f"{why_untrusted(of_root)}\n{why_untrusted(of_a_third)}".encode())
        os._exit(0)
    os.close(tell)
    os.waitpid(child, 0)
    with os.fdopen(told) as answers:
        first, second = answers.read().split("\n")
    assert first == "None"
    assert second == (
        f"{of_a_third} belongs to 54322, who can change it at any time. Look at what it holds, then run: "
        f"sudo chown 54321 {of_a_third}"
    )


# Links ----------------------------------------------------------------------------------------------------------------


def test_links_of_ours_are_followed(file: Path, tmp_path: Path) -> None:
    (tmp_path / "absolute").symlink_to(file)
    (tmp_path / "relative").symlink_to("etc/mailgun/policy.toml")
    (tmp_path / "directory").symlink_to("etc")
    (tmp_path / "twice").symlink_to("directory/../relative")
    ways = ["absolute", "relative", "directory/mailgun/policy.toml", "twice", "etc/../etc/./mailgun/policy.toml"]
    assert [(why_untrusted(tmp_path / way), trusted_text(tmp_path / way)) for way in ways] == [(None, "grün")] * 5


def test_dots_are_taken_where_a_link_has_led(tmp_path: Path) -> None:
    """`link/../x` lies beside what the link leads to, not beside the link."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to("a/b")
    (tmp_path / "a" / "x").write_text("there")
    (tmp_path / "x").write_text("here")
    assert trusted_text(tmp_path / "link" / ".." / "x") == (tmp_path / "link" / ".." / "x").read_text() == "there"


@pytest.mark.parametrize("which", ["where the link lies", "where it leads"])
def test_a_link_is_as_good_as_both_of_its_ways(tmp_path: Path, which: str) -> None:
    lies, leads = tmp_path / "lies", tmp_path / "leads"
    lies.mkdir()
    leads.mkdir()
    (leads / "policy.toml").write_text("")
    (lies / "policy.toml").symlink_to(leads / "policy.toml")
    assert why_untrusted(lies / "policy.toml") is None
    open_one = lies if which == "where the link lies" else leads
    open_one.chmod(0o777)
    assert (why_untrusted(lies / "policy.toml") or "").startswith(f"{open_one} can be written by other users")


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert "cannot be looked at: Too many levels of symbolic links" in (why_untrusted(tmp_path / "a") or "")
    with pytest.raises(OSError, match="Too many levels"):
        trusted_bytes(tmp_path / "a")


def test_a_second_name_counts_only_where_others_can_make_names(file: Path) -> None:
    (file.parent / "other").hardlink_to(file)
    assert why_untrusted(file) is None
    file.parent.chmod(0o1777)
    assert f"{file} has 2 names (hard links)" in (why_untrusted(file) or "")


# A group of one's own, and access lists -------------------------------------------------------------------------------


@pytest.fixture
def own_group() -> int:
    """The group that is this user's alone."""
    me = pwd.getpwuid(os.geteuid())
    group = grp.getgrgid(me.pw_gid)
    if group.gr_name != me.pw_name or set(group.gr_mem) - {me.pw_name}:
        pytest.skip("this user has no group of its own")
    return me.pw_gid


def test_a_directory_further_up_may_be_open_to_a_group_of_ones_own(file: Path, own_group: int) -> None:
    """As `~/.local` is where umask is 002; the file and its directory may not."""
    os.chown(file.parent.parent, -1, own_group)
    file.parent.parent.chmod(0o775)
    assert why_untrusted(file) is None
    os.chown(file.parent, -1, own_group)
    file.parent.chmod(0o775)
    assert f"{file.parent} can be written by other users (mode 0775)" in (why_untrusted(file) or "")


def test_a_group_with_somebody_else_in_it_is_not_ones_own(
    file: Path, own_group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.chown(file.parent.parent, -1, own_group)
    file.parent.parent.chmod(0o775)
    me = pwd.getpwuid(os.geteuid())
    with monkeypatch.context() as patched:
        shared = grp.struct_group((me.pw_name, "x", own_group, [me.pw_name, "eve"]))
        patched.setattr(grp, "getgrgid", lambda _: shared)
        assert why_untrusted(file) is not None
    with monkeypatch.context() as patched:
        other = pwd.struct_passwd(("eve", "x", 54_321, own_group, "", "/", "/bin/sh"))
        patched.setattr(pwd, "getpwall", lambda: [me, other])
        assert why_untrusted(file) is not None
    assert why_untrusted(file) is None


def test_a_group_of_ones_own_says_nothing_where_an_access_list_lets_somebody_else_in(
    file: Path, own_group: int
) -> None:
    os.chown(file.parent.parent, -1, own_group)
    let_write(file.parent.parent, 54_321)
    assert f"{file.parent.parent} can be written by other users (mode 0775)" in (why_untrusted(file) or "")


# What is no such file -------------------------------------------------------------------------------------------------


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Untrusted, match="is no file but a pipe"):
        trusted_bytes(tmp_path / "pipe")


def test_a_directory_a_socket_and_a_device_are_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(tmp_path)  # the path of a socket has some 100 bytes
        listener.bind("s")
        listener.listen()
        (tmp_path / "terminal").symlink_to("/dev/null")
        told = []
        for name in ("", "s", "terminal"):
            with pytest.raises(Untrusted) as problem:
                trusted_bytes(tmp_path / name)
            told.append(str(problem.value).removeprefix(str(tmp_path / name)))
    kinds = ["a directory", "a socket", "a device"]
    assert told == [f" is no file but {kind}. Name a file." for kind in kinds]


def test_no_more_is_read_than_such_a_file_may_have(file: Path) -> None:
    file.write_bytes(b"x" * 100)
    assert trusted_bytes(file, most=100) == b"x" * 100
    with pytest.raises(Untrusted, match="is larger than 99 bytes"):
        trusted_bytes(file, most=99)


def test_a_missing_file_is_missing_and_judged_by_the_directory(file: Path) -> None:
    file.unlink()
    assert why_untrusted(file) is None
    assert why_untrusted(file.parent / "not" / "there") is None
    with pytest.raises(FileNotFoundError):
        trusted_bytes(file)
    file.parent.chmod(0o777)
    assert f"{file.parent} can be written" in (why_untrusted(file) or "")


def test_a_relative_path_is_one_of_the_working_directory(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    assert (why_untrusted(Path("policy.toml")), trusted_text(Path("policy.toml"))) == (None, "grün")
    file.parent.chmod(0o777)
    assert f"{file.parent} can be written" in (why_untrusted(Path("policy.toml")) or "")


@pytest.mark.parametrize("name", ["two words", "$(touch pwned)", "a'b", "a;b"])
def test_the_command_mends_it_and_does_nothing_else(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("")
    path.chmod(0o666)
    command = (why_untrusted(path) or "").rpartition("run: ")[2]
    assert shlex.split(command) == ["chmod", "go-w", str(path)]
    subprocess.run(["/bin/sh", "-c", command], check=True, cwd=tmp_path)
    assert why_untrusted(path) is None
    assert [found.name for found in tmp_path.iterdir()] == [name]
