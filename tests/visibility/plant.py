"""Shows that an omission would be found: plants one after another in a copy of the package and looks for changes there.

    python tests/visibility/plant.py              all of them, some minutes
    python tests/visibility/plant.py AMP options  these
    python tests/visibility/plant.py --jobs 2     so many at a time

It ends with 1 if one is not found, or does not fit the source once. Not run by pytest, but for the fitting.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path("server/maton_mailgun")


@dataclass(frozen=True)
class Omission:
    """Something that a person is no longer shown."""

    what: str
    file: str
    old: str
    new: str

    def planted(self, source: str) -> str:
        """The source with it. Raises ValueError where it does not fit once."""
        if source.count(self.old) != 1:
            raise ValueError(f"{self.what}: {self.file} has it {source.count(self.old)} times")
        return source.replace(self.old, self.new)


PREVIEW = "approval/preview/"
OMISSIONS = (
    Omission("hidden copies", PREVIEW + "audience.py", '("bcc", letter.bcc)', '("bcc", letter.bcc[:1])'),
    Omission("copies", PREVIEW + "audience.py", '("cc", letter.cc), ', ""),
    Omission("names of recipients", PREVIEW + "words.py", 'if one.name else ""', 'if False else ""'),
    Omission(
        "the end of names and subjects",
        PREVIEW + "message.py",
        "return quoted(words, len(words))",
        "return quoted(words, 2)",
    ),
    Omission("the end of long values", PREVIEW + "fields.py", "return safe_line(text)", "return safe_line(text[:12])"),
    Omission(
        "names of headers", PREVIEW + "options.py", "row(safe_line(name), value, [told]", 'row("Header", value, [told]'
    ),
    Omission("metadata", PREVIEW + "options.py", 'for name, value in fields.spread("v:")]', "for name, value in []]"),
    Omission("options", PREVIEW + "options.py", "rows.append(row(_called(name), value, _in_words(value)))", "pass"),
    Omission(
        "where copies go", PREVIEW + "options.py", 'row("Copies go to", value,', 'row("Copies go to", "elsewhere",'
    ),
    Omission(
        "values of recipients",
        PREVIEW + "recipient_values.py",
        "for key, value in values.items())",
        "for key, value in [*values.items()][:2])",
    ),
    Omission(
        "the last recipients' values",
        PREVIEW + "recipient_values.py",
        "_told(given[address]), flags) for address in own]",
        "_told(given[address]), flags) for address in own if one in people.recipients[:10]]",
    ),
    Omission("further parts", PREVIEW + "message.py", "for part in whole.parts]),", "for part in whole.parts[:1]]),"),
    Omission("digests of files", PREVIEW + "message.py", ", SHA-256 {one.sha256}", ""),
    Omission("names of files", PREVIEW + "message.py", 'f"{_quoted(one.name)}, {safe_line', 'f"{safe_line'),
    Omission(
        "headers of a template",
        PREVIEW + "stored_template.py",
        "for name, stored in template.headers:\n        used",
        "for name, stored in template.headers[:2]:\n        used",
    ),
    Omission(
        "values of a template",
        PREVIEW + "stored_template.py",
        'for name, value in fields.spread("t:") if name',
        "for name, value in () if name",
    ),
    Omission(
        "the HTML's source",
        PREVIEW + "terminal_text.py",
        "for kind, name, body in bodies(preview.message):",
        "for kind, name, body in bodies(preview.message)[:1]:",
    ),
    Omission("AMP", PREVIEW + "words.py", ', ("amp_html", "AMP HTML"))', ")"),
    Omission(
        "letter case",
        PREVIEW + "terminal_text.py",
        "return safe_block(text).replace",
        "return safe_block(text).casefold().replace",
    ),
    Omission("invisible signs", "mail/text.py", 'return f"⟨U+{ord(character):04X}⟩"', 'return ""'),
    Omission(
        "fields of other writes",
        PREVIEW + "look.py",
        "covered=findings.covers)",
        'covered={*findings.covers, "comment", "dkim_selector"})',
    ),
    Omission(
        "whom a ready message names",
        PREVIEW + "ready_mime.py",
        'safe_line(", ".join(seen)) if seen else "nobody"',
        '"somebody"',
    ),
    Omission(
        "headers of parts",
        PREVIEW + "ready_mime.py",
        "headers) for place, headers in reading.structure]",
        "place) for place, headers in reading.structure]",
    ),
    Omission(
        "headers of a ready message",
        "mail/mime.py",
        "name.casefold() not in apart]",
        'name.casefold() not in {*apart, "x-order"}]',
    ),
)


def main(wanted: list[str], jobs: int) -> int:
    """Plant these, or all of them."""
    lost = []
    chosen = [one for one in OMISSIONS if not wanted or one.what in wanted]
    with ThreadPoolExecutor(jobs) as pool:
        for omission, problem in zip(chosen, pool.map(_problem, chosen), strict=True):
            sys.stdout.write(f"{'found ' if problem is None else 'LOST  '} {omission.what}\n")
            sys.stdout.flush()
            if problem is not None:
                lost.append(f"{omission.what}: {problem}\n")
    sys.stdout.write("".join(lost) or f"all {len(chosen)} omissions are found\n")
    return 1 if lost else 0


def _problem(omission: Omission) -> str | None:
    """What is wrong; None where a change was found that nobody is shown."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("tools", "schemas", "server"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        path = copy / PACKAGE / omission.file
        try:
            path.write_text(omission.planted(path.read_text(encoding="utf-8")), encoding="utf-8")
        except ValueError as problem:
            return str(problem)
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-n", "0", "--no-header"]
        environment = {**os.environ, "PYTHONPATH": str(copy / "server"), "PYTHONDONTWRITEBYTECODE": "1"}
        environment["MATON_MAILGUN_TEST_FIRST_FOUND"] = "1"
        done = subprocess.run(
            [*command, "-k", "no_change", str(Path(__file__).with_name("test_every_change.py"))],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900, check=False,
        )  # fmt: skip
    if done.returncode == 1 and "invisible" in done.stdout and "1 failed" in done.stdout:
        return None
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr[-300:]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Shows that an omission would be found.")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    parser.add_argument("what", nargs="*", help="what is omitted; all without any")
    given = parser.parse_args()
    raise SystemExit(main(given.what, given.jobs))
