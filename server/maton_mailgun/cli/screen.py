"""What a person sees: colours and boxes on a terminal, plain lines everywhere else. The only importer of rich.

Text is never read as markup, and everything that comes from outside is shown with its control characters spelled out.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, TextIO

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from maton_mailgun.approval.preview.folding import fold
from maton_mailgun.mail.text import safe, safe_block, safe_line

Tone = Literal["plain", "good", "bad", "warn", "quiet", "strong", "accent"]

_FRAME = 4
"""Columns of a box's sides and the blanks beside them."""
_STYLES: dict[Tone, str] = {
    "plain": "",
    "good": "green",
    "bad": "red",
    "warn": "yellow",
    "quiet": "dim",
    "strong": "bold",
    "accent": "bold cyan",
}
_MARKS: dict[Tone, str] = {"good": "✔", "bad": "✘", "warn": "!", "plain": "·"}
_WORDS: dict[Tone, str] = {"good": "OK", "bad": "FAIL", "warn": "!", "plain": "-"}
"""The same where the output cannot show them."""
_SPELT = str.maketrans(
    {
        **dict.fromkeys("“”„«»", '"'), **dict.fromkeys("‘’", "'"), **dict.fromkeys("–—·•", "-"),
        "…": "...", "→": "->", "⏎": "\\n", "⇥": "\\t", "⟨": "<", "⟩": ">", "⟪": "<<", "⟫": ">>", "\u00a0": " ",
    }
)  # fmt: skip
"""Signs of ours in ASCII. Letters are not replaced by others: a question mark says that there is one."""
_MOST_COLUMNS = 100


class Screen:
    """Writes to one stream.

    Args:
        stream: Where to; standard output unless given.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        target = stream or sys.stdout
        if isinstance(target, io.TextIOWrapper):
            # A terminal that cannot show a character gets a question mark, not a traceback.
            target.reconfigure(errors="replace")
        self._spells = not _shows(getattr(target, "encoding", None), "".join(_MARKS.values()) + "…")
        self._console = Console(file=target, markup=False, emoji=False, highlight=False)
        self.fancy = self._console.is_terminal
        self.width = min(self._console.width, _MOST_COLUMNS) if self.fancy else _MOST_COLUMNS

    def line(self, text: str = "", tone: Tone = "plain") -> None:
        """One line, as it is; long ones are wrapped by the terminal alone, so that they can be copied."""
        self._console.print(Text(self._shown(safe(text)), style=_STYLES[tone]), soft_wrap=True)

    def lines(self, texts: Iterable[str], tone: Tone = "plain") -> None:
        """Several lines."""
        for text in texts:
            self.line(text, tone)

    def heading(self, text: str) -> None:
        """The beginning of a part."""
        self.line()
        self.line(text, "accent")

    def outcome(self, tone: Tone, text: str) -> None:
        """How something ended, with its mark in front."""
        marks = _WORDS if self._spells else _MARKS
        self.line(f"{marks.get(tone, marks['plain'])} {text}", tone)

    def panel(self, title: str, lines: Sequence[str], tone: Tone = "warn") -> None:
        """Something to be read as one: a box on a terminal, lines behind a bar elsewhere."""
        if not self.fancy:
            self.line(f"  +-- {title}")
            self.lines(f"  | {line}".rstrip() for line in _split(lines))
            self.line("  +--")
            return
        body = Text("\n").join(
            Text(self._shown(part), style=_STYLES[_tone_of(line)])
            for line in _split(lines)
            for part in _hanging(line, self.width - _FRAME)
        )
        self._console.print(
            Panel(
                body,
                title=Text(self._shown(safe_line(title)), style="bold"),
                title_align="left",
                border_style=_STYLES[tone],
                box=box.ROUNDED,
                width=self.width,
                padding=(0, 1),
            )
        )

    def table(self, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Rows under headings; aligned columns elsewhere too."""
        clean = [[self._shown(safe_line(cell)) for cell in row] for row in rows]
        if not self.fancy:
            widths = [max(len(row[at]) for row in [list(headings), *clean]) for at in range(len(headings))]
            for row in [list(headings), *clean]:
                self.line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
            return
        table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
        for at, heading in enumerate(headings):
            # The first column names the row: it must stay in one piece to be copied.
            table.add_column(Text(safe_line(heading)), overflow="fold", no_wrap=at == 0)
        for row in clean:
            table.add_row(*(Text(cell) for cell in row))
        self._console.print(table)

    def _shown(self, text: str) -> str:
        return text.translate(_SPELT) if self._spells else text


def _shows(encoding: str | None, text: str) -> bool:
    try:
        text.encode(encoding or "utf-8")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def _split(lines: Sequence[str]) -> list[str]:
    return [part for line in lines for part in safe_block(line).split("\n")]


def _hanging(line: str, width: int) -> Iterator[str]:
    """A line as several where it is too long for a box: what is continued stands further in than where it began."""
    text = line.lstrip(" ")
    indent = line[: len(line) - len(text)]
    return fold(text, begin=indent, hang=indent + "    ", width=width)


def _tone_of(line: str) -> Tone:
    """How a line of a preview is drawn. Lines from outside begin with a bar, so they cannot claim a tone of ours."""
    if line.startswith(("WARNING", "Warnings", "NOT CHECKED", "Not checked", "EARLIER", "Earlier")):
        return "warn"
    return "quiet" if line.startswith((">", "  |", "Request:", "Asked by:")) else "plain"
