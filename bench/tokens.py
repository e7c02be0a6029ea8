"""What the tool list costs a model: tokens of tools/list, whole and per tool, against the budget.

    python bench/tokens.py

Counts with the o200k encoding of the npm package gpt-tokenizer, installed into a temporary directory. Exits 1 when a
limit is passed, 0 when all hold, and says why when it could not count (exit 0: no Node.js is no regression).
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from typing import Any

from maton_mailgun.config import Settings
from maton_mailgun.protocol.server import tools as listed
from maton_mailgun.runtime import engine

TOKENIZER = "gpt-tokenizer@4.0.0"
TOTAL_LIMIT = 11_500
"""Mailgun's own server takes 14,555 for 74 tools."""
MEDIAN_LIMIT = 150
_COUNT = """
const { encode } = require("gpt-tokenizer/encoding/o200k_base");
const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(texts.map((text) => encode(text).length)));
"""


class CannotCount(Exception):
    """The tokenizer is not to be had here; says why."""


def tools() -> list[dict[str, Any]]:
    """The tools exactly as tools/list shows them, the approval tools among them."""
    return listed(engine(Settings()))


def count(texts: list[str]) -> list[int]:
    """Tokens of each text.

    Raises:
        CannotCount: Node.js, npm or the package is missing.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise CannotCount("Node.js with npm is not installed")
    with tempfile.TemporaryDirectory() as folder:
        install = [npm, "install", "--no-audit", "--no-fund", "--prefix", folder, TOKENIZER]
        installed = subprocess.run(install, capture_output=True, text=True, check=False)
        if installed.returncode:
            raise CannotCount(f"npm could not install {TOKENIZER}")
        counted = subprocess.run(
            [node, "-e", _COUNT], cwd=folder, input=json.dumps(texts), capture_output=True, text=True, check=False
        )
        if counted.returncode:
            raise CannotCount(f"the tokenizer failed: {counted.stderr.strip()[:200]}")
        return [int(number) for number in json.loads(counted.stdout)]


def compact(value: Any) -> str:
    """JSON without blanks, as it goes over the wire."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def main() -> int:
    """Print the figures; 1 when a limit is passed."""
    shown = tools()
    try:
        total, *each = count([compact({"tools": shown}), *(compact(tool) for tool in shown)])
    except CannotCount as reason:
        print(f"tokens not counted: {reason}")
        return 0
    median = statistics.median(each)
    print(f"tools/list: {len(shown)} tools, {total:,} tokens (limit {TOTAL_LIMIT:,})")
    print(f"per tool: median {median:g} (limit under {MEDIAN_LIMIT}), mean {total / len(shown):.0f}")
    print("largest:")
    for tokens, tool in sorted(zip(each, shown, strict=True), key=lambda pair: -pair[0])[:10]:
        print(f"  {tokens:>5}  {tool['name']}")
    return int(total > TOTAL_LIMIT or median >= MEDIAN_LIMIT)


if __name__ == "__main__":
    sys.exit(main())
