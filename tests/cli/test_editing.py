"""`maton-mailgun approvals edit`: a person changes what waits, in an editor or by flags, and says yes afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from maton_mailgun.approval.lifecycle.plain_fields import PlainField
from maton_mailgun.cli.fields_text import NotToml, changes, toml
from maton_mailgun.sandbox import RunningSandbox

from .conftest import PASSPHRASE, Cli, set_passphrase
from .test_approvals import SEND, decide, propose, state_of, writes

slow = pytest.mark.slow


def an_editor(cli: Cli, script: str) -> None:
    """Have an editor of the person's own; `$1` is the file."""
    program = cli.cwd / "my editor"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    cli.env["EDITOR"] = f"'{program}'"


def edit(cli: Cli, approval_id: str, *more: str, passphrase: str = PASSPHRASE) -> tuple[int, str]:
    """Edit it on a terminal."""
    with cli.terminal("approvals", "edit", approval_id, *more) as terminal:
        terminal.expect("Passphrase, to propose it like this:")
        terminal.enter(passphrase)
        return terminal.finish(), "\n".join(terminal.lines)


def newest(cli: Cli) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads(cli("approvals", "list", "--all", "--json").out)
    return found[0]


@slow
def test_flags_change_it_word_by_word_and_the_changed_one_waits_for_its_own_yes(
    online: Cli, sandbox: RunningSandbox
) -> None:
    set_passphrase(online)
    old = propose(online, "send_message", SEND)

    status, seen = edit(online, old[:10], "--set", "subject=Hello Ann", "--set", "to=ann@example.net", "--unset", "cc")

    assert status == 0, seen
    assert "Subject: [-Your invoice-]{+Hello Ann+}" in seen
    assert f"It waits in the place of {old}. Nothing was sent." in seen
    new = newest(online)
    assert (new["state"], new["replaces"], len(new["edited_by"])) == ("pending", old, 1)
    assert f"approvals approve {new['approval_id']}" in seen
    assert "Changed by hand, against what the assistant proposed" in seen
    shown = online("approvals", "show", old).out
    assert f"{new['approval_id']} stands in its place. Nothing was sent." in shown
    assert (state_of(online, old), writes(sandbox)) == ("superseded", 0)
    assert decide(online, "reject", new["approval_id"], PASSPHRASE)[0] == 0


@slow
def test_the_editor_is_given_the_fields_and_no_key_and_its_mistakes_may_be_mended(
    online: Cli, sandbox: RunningSandbox
) -> None:
    set_passphrase(online)
    an_editor(
        online,
        'if [ ! -e tried ]; then cp "$1" kept; env > environment; stat -c %a "$1" "$(dirname "$1")" > modes; '
        'touch tried; echo "subject = " >> "$1"; '
        'else cp kept "$1"; sed -i "s/^subject = .*/subject = \\"Mended\\"/" "$1"; fi',
    )
    old = propose(online, "send_message", SEND)

    with online.terminal("approvals", "edit", old) as terminal:
        terminal.expect("That is no TOML")
        terminal.enter("yes")
        terminal.expect("Passphrase, to propose it like this:")
        terminal.enter(PASSPHRASE)
        assert terminal.finish() == 0, terminal.seen

    kept = (online.cwd / "kept").read_text()
    assert f'subject = "{SEND["subject"]}"' in kept
    assert "domain" not in {line.partition(" ")[0] for line in kept.splitlines()}
    assert "MATON" not in (online.cwd / "environment").read_text()
    assert (online.cwd / "modes").read_text().split() == ["600", "700"]
    assert (newest(online)["state"], newest(online)["replaces"], writes(sandbox)) == ("pending", old, 0)


@slow
def test_attack_298_nothing_is_changed_without_the_passphrase(online: Cli) -> None:
    set_passphrase(online)
    old = propose(online, "send_message", SEND)

    assert edit(online, old, "--set", "subject=Other", passphrase="a guess")[0] == 3
    by_pipe = online("approvals", "edit", old, "--set", "subject=Other", typed=f"{PASSPHRASE}\n")

    assert (by_pipe.status, state_of(online, old)) == (3, "pending")


@slow
def test_what_cannot_be_changed_says_why_and_changes_nothing(online: Cli) -> None:
    set_passphrase(online)
    old = propose(online, "send_message", SEND)
    told = [
        (("--set", "domain=other.example.com"), "domain cannot be changed. These can: amp_html"),
        (("--set", "subject"), "--set takes FIELD=VALUE"),
        (("--set", f"subject={SEND['subject']}"), "Nothing was changed."),
        (("--set", "to=[broken"), "to is no JSON list"),
        ((), "An editor needs a terminal"),
    ]
    for flags, words in told:
        done = online("approvals", "edit", old, *flags)
        assert (done.status != 0, words in done.err) == (True, True), (flags, done)
    assert edit(online, old, "--set", "to=no address")[0] == 1
    key = online.env.pop("MATON_API_KEY")
    assert "needs the server's MATON_API_KEY" in online("approvals", "edit", old, "--set", "subject=Other").err
    online.env["MATON_API_KEY"] = key
    assert state_of(online, old) == "pending"
    assert decide(online, "reject", old, PASSPHRASE)[0] == 0
    assert "It is rejected already." in online("approvals", "edit", old, "--set", "subject=Other").err


def fields(**values: Any) -> list[PlainField]:
    kinds = {bool: "switch", int: "number", list: "list", str: "text", type(None): "line"}
    return [
        PlainField(name, kinds[type(value)], value, "what it is", required=False)  # type: ignore[arg-type]
        for name, value in values.items()
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "one line",
        "two\nlines\n",
        'quotes """ three"""\nand one at the end"',
        "back\\slash \\n and \\\nat the end\\",
        "carriage\r\nreturn",
        "tab\tand \x01 and \x7f\nand \u202e and \U000e0041",
        "# no comment\n[no.table]\n'''",
        "\n\nbegins empty",
    ],
)
def test_every_text_comes_back_from_toml_as_it_was(text: str) -> None:
    given = fields(text=text, subject=text, to=[text, "b"], count=3, tracked=True, cc=None)

    written = toml(given, ["a head"])

    assert changes(written, given) == {}
    assert "\u202e" not in written
    assert changes(written.replace("count = 3", "count = 4"), given) == {"count": 4}


def test_what_is_taken_out_of_the_text_is_taken_away_and_what_is_added_is_added(tmp_path: Path) -> None:
    given = fields(subject="Hello", cc=None)

    assert changes('cc = ["a@example.net"]\n', given) == {"cc": ["a@example.net"], "subject": None}
    with pytest.raises(NotToml):
        changes("subject = ", given)
