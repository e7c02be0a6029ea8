"""Shows that each test can fail: takes one guard after another out of a copy of the package and runs its tests.

    python tests/attacks/prove.py            all of them, some minutes
    python tests/attacks/prove.py 07 38      those of these numbers
    python tests/attacks/prove.py --jobs 2   so many at a time; as many as the machine has cores if not said

It ends with 1 if some test still passes without its guard, or a mark is not in the source. Not run by pytest.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ORDINARY = "a_yes_in_the_form_is_one_write"
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from attacks.guards import GUARDS, Guard  # noqa: E402 - found by the line above
from attacks.taking import CannotTake, places, without  # noqa: E402


def main(numbers: list[str], jobs: int) -> int:
    """Prove the guards of these numbers, or all."""
    missing = {f"{number:02d}" for number in range(1, 41)} - {guard.tests for guard in GUARDS}
    lines = [f"no guard for {', '.join(sorted(missing))}"] if missing else []
    chosen = [guard for guard in GUARDS if not numbers or guard.tests in numbers]
    with ThreadPoolExecutor(jobs) as pool:
        for guard, problem in zip(chosen, pool.map(_problem, chosen), strict=True):
            sys.stdout.write(f"{'ok  ' if problem is None else 'FAIL'} {guard.tests[:40]:<40} {guard.what}\n")
            sys.stdout.flush()
            if problem is not None:
                lines.append(f"{guard.tests}: {guard.what}: {problem}")
    sys.stdout.write("".join(f"{line}\n" for line in lines) or f"all {len(chosen)} guards are needed\n")
    return 1 if lines else 0


def _problem(guard: Guard) -> str | None:
    """What is wrong with a guard's proof; None where its tests fail without it."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("tools", "schemas", "server"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        try:
            changed = without(places(copy / "server"), guard.marks)
        except CannotTake as problem:
            return str(problem)
        for path, source in changed.items():
            path.write_text(source, encoding="utf-8")
        return _tested(guard, copy)


def _tested(guard: Guard, copy: Path) -> str | None:
    """What is wrong with how the tests end with this copy of the package."""
    tests = f"attack_{guard.tests}_ or accident_{guard.tests}_" if guard.tests.isdigit() else guard.tests
    files = _files(guard.tests)
    # It runs first: a change that breaks an ordinary yes proves nothing about an attack.
    tests = f"{ORDINARY} or {tests}"
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-n", "0", "--no-header"]
    # Not used here, and it may fail to load when a test has failed deep in a call.
    command += ["-p", "no:hypothesispytest"]
    environment = {**os.environ, "PYTHONPATH": str(copy / "server"), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [*command, "-k", tests, *map(str, files)],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "its tests did not end"
    if f"FAILED tests/attacks/test_asking.py::test_{ORDINARY}" in done.stdout:
        return "without it nothing works at all"
    if done.returncode == 1 and re.search(r"\d+ failed", done.stdout):
        return None
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr[-300:]


def _files(number: str) -> list[Path]:
    """The modules with the tests of this number, behind that of the ordinary yes; all of them for another name."""
    folder = ROOT / "tests" / "attacks"
    if not number.isdigit():
        return [folder]
    named = re.compile(rf"def test_(attack|accident)_{number}_")
    found = [path for path in sorted(folder.glob("test_*.py")) if named.search(path.read_text(encoding="utf-8"))]
    first = folder / "test_asking.py"
    return [first, *(path for path in found if path != first)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Shows that each test fails without its guard.")
    parser.add_argument("numbers", nargs="*", help="numbers of attacks or accidents; all without any")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many guards at a time")
    given = parser.parse_args()
    raise SystemExit(main(given.numbers, given.jobs))
