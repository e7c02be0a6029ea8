"""Attack 175: live mail changes where its content before and after says that it stays the same."""

from __future__ import annotations

import time
from typing import Any

import pytest

from maton_mailgun.sandbox.account.seed import TEMPLATE

from .bench import DOMAIN, Desk
from .telling import previewed

pytestmark = pytest.mark.anyio


async def told(desk: Desk, old: str, new: str) -> dict[str, Any]:
    """The preview of a change of the live version from `old` to `new`."""
    template = desk.sandbox.account.domains[DOMAIN].templates.get(TEMPLATE)
    assert template is not None
    live = next(one for one in template["versions"] if one["active"])
    live["template"] = old
    given = {"domain": DOMAIN, "template_name": TEMPLATE, "tag": live["tag"], "template": new}
    return await previewed(desk, "update_template_version", given)


def before_and_after(preview: dict[str, Any]) -> dict[str, str]:
    found = [one["rows"] for one in preview["sections"] if one["heading"] == "Live mail, before and after"]
    return {row["label"]: row["value"] for rows in found for row in rows}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("a\nb", "a\x0cb", "…⏎-a⏎-b⏎+a⟨U+000C⟩b"),
        ("a\nb", "a\u2028b", "…⏎-a⏎-b⏎+a⟨U+2028⟩b"),
        ("a\nb", "a\u0085b", "…⏎-a⏎-b⏎+a⟨U+0085⟩b"),
        ("a\nb", "a\r\nb", "only how its lines end is otherwise"),
        ("a\nb", "a\nb\n", "…⏎ a⏎ b⏎+"),
        ("a", "a ", "…⏎-a⏎+a "),
    ],
)
async def test_attack_175_a_change_of_blanks_and_line_ends_alone_is_a_change(
    desk: Desk, old: str, new: str, said: str
) -> None:
    preview = await told(desk, old, new)
    assert before_and_after(preview) == {"Content, line by line": said}
    assert not any("This changes nothing" in line for line in preview["warnings"])


async def test_attack_175_what_stays_is_said_to_stay(desk: Desk) -> None:
    preview = await told(desk, "a\nb", "a\nb")
    assert before_and_after(preview) == {"Content": "stays the same"}
    assert any("This changes nothing" in line for line in preview["warnings"])


async def test_attack_175_content_of_very_many_lines_is_compared_in_little_time(desk: Desk) -> None:
    old, new = (
        "\n".join(f"{number * step % most:x}" for number in range(20_000)) for step, most in ((1, 1_500), (7, 1_501))
    )
    begun = time.process_time()
    preview = await told(desk, old, new)
    assert time.process_time() - begun < 2.0
    assert before_and_after(preview)["Content, line by line"].count("⏎") == 39_999
