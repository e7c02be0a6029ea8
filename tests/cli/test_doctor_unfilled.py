"""A setting that the host passed on as it is written is found by `doctor`, whichever it is."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from maton_mailgun.cli import doctor
from maton_mailgun.cli.exit_status import FAILED
from maton_mailgun.config import NAMES


@pytest.mark.parametrize("name", NAMES)
def test_doctor_says_of_any_setting_that_the_host_did_not_replace_it(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for one in NAMES:
        monkeypatch.delenv(one, raising=False)
    monkeypatch.setenv("MATON_MAILGUN_HOME", str(tmp_path))
    place = f"${{{name}}}"
    monkeypatch.setenv(name, place)
    assert doctor.run(Namespace(sandbox=False, json=False, notify=False)) == FAILED
    said = " ".join(capsys.readouterr().out.split())
    assert place in said
    assert "your host did not replace it" in said
