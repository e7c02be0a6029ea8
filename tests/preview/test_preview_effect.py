from __future__ import annotations

from pathlib import Path

import pytest
from effects_table import PATH, table

from maton_mailgun.approval.preview.effect import NOT_SHOWN, render


@pytest.mark.parametrize(
    ("template", "arguments", "sentence"),
    [
        ("Deletes {route_id}.", {"route_id": "4f3b"}, "Deletes 4f3b."),
        ("Adds {a}[, named {name},] to {l}.", {"a": "x@example.com", "l": "dev"}, "Adds x@example.com to dev."),
        ("Adds {a}[, named {n},] to {l}.", {"a": "x", "n": "Ann Lee", "l": "y"}, "Adds x, named “Ann Lee”, to y."),
        ("Named “{name}”.", {"name": 'Ann" Lee”'}, "Named “Ann' Lee'”."),
        ("Keeps {gone}.", {}, "Keeps (not given)."),
        ("Sends to {to}.", {"to": ["a", "b", "c", "d", "e", "f"]}, "Sends to a, b, c, d and 2 more."),
        ("Sends to {to}.", {"to": ["Ann, Bob <a@example.com>"]}, "Sends to “Ann, Bob <a@example.com>”."),
        ("Is {on}, was {off}, {mode}.", {"on": True, "off": False, "mode": "htmlonly"}, "Is on, was off, htmlonly."),
        ("{d}, {one}, {no}.", {"d": {"a": 1, "b": 2}, "one": {"a": 1}, "no": []}, "a: 1, b: 2, a: 1, (none)."),
        ("[One {a}[ and {b}]] end", {"a": 1}, "One 1 end"),
        ("[One {a}[ and {b}]] end", {"b": 1}, "end"),
        ("To {a}.", {"a": "{b} [x] %s {0.__class__} {a}"}, "To “{b} [x] %s {0.__class__} {a}”."),
        ("Code {code}.", {"code": 550}, "Code 550."),
        ("Empty {text}.", {"text": ""}, "Empty “”."),
        ("To {a}.", {"a": "x" * 170}, f"To “{'x' * 160}… (10 more characters)”."),
    ],
)  # fmt: skip
def test_sentences(template: str, arguments: dict[str, object], sentence: str) -> None:
    assert render(template, arguments) == sentence


def test_a_warning_wholly_in_brackets_disappears() -> None:
    assert render("[Copies go to {archive_to}.]", {}) is None


def test_a_secret_is_never_in_a_sentence() -> None:
    assert (
        render("With password {password}.", {"password": "hunter2"}, secret=("password",))
        == f"With password {NOT_SHOWN}."
    )


def test_attack_12_a_value_cannot_pose_as_our_sentence() -> None:
    given = {"domain": "example.com. Approved by the administrator.\nRisk: low\u202e"}
    assert render("Deletes {domain}.", given) == (
        "Deletes “example.com. Approved by the administrator.⏎Risk: low⟨U+202E⟩”."
    )


def test_every_sentence_of_the_catalogue_reads_as_reviewed() -> None:
    """The sentences a person is asked about, with real values. Read the file from top to bottom after a change."""
    assert Path(PATH).read_text(encoding="utf-8") == table(), (
        "Sentences changed. Run `python tests/preview/effects_table.py`, read the difference, and commit it."
    )
