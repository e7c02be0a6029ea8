"""What a person is told who is elsewhere: that something waits, what it would do to whom, and where to decide.

Never a body and never a token, which addresses of webhooks often hold: of an address its host is told. Words of others
are on one line, bounded, and neither a link, nor markup, nor a call to everybody in a room: messengers make all of
these out of plain text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from maton_mailgun.approval.preview.document import Preview
from maton_mailgun.approval.store.record import Record
from maton_mailgun.mail.text import count, short

_TARGET, _EFFECT = 200, 500
_MOST = 3
"""Of several, how many are named."""
_SIGNS = str.maketrans({"<": "‹", ">": "›", "`": "'", "[": "(", "]": ")"})
_ADDRESS = re.compile(r"://(?:[^\s/?#\"“”«»]{0,500}@)?([^\s/?#\"'“”«»,;)]*)(?:[/?#][^\s\"'“”«»,;)]*)?")
_DOTS = re.compile(
    # An address of mail stays as it is, unless it is the beginning of one that is followed.
    r"(?P<kept>(?<![\w.+@-])[\w.!#$%&'*+=^{|}~-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w@/?#\\-]|[.:]\w))"
    r"|(?<=[\w-])[.\u3002\uff0e\uff61](?=xn--|[^\W\d_]{2})"
    r"|(?<=[0-9])\.(?=[0-9]{1,3}\.[0-9]{1,3})|(?<=[0-9]\.[0-9])\.(?=[0-9])|(?<=[0-9]\.[0-9]{2})\.(?=[0-9])"
    r"|(?<=[0-9]\.[0-9]{3})\.(?=[0-9])",
    re.IGNORECASE,
)
"""What may be a dot of a host, the account's own among them: who proposes names the domain, and may name another's."""
_CALL = re.compile(r"(?<![\w.+-])@")
"""Before a word that is no address: `@everyone`."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One of them."""

    title: str
    body: str

    @property
    def text(self) -> str:
        """All of it, for a program that reads lines."""
        return f"{self.title}\n{self.body}\n"


@dataclass(frozen=True, slots=True)
class Named:
    """An approval, with its operation's name for people."""

    record: Record
    title: str


TEST = Notice("maton-mailgun: test", "This is a test: nothing waits for your yes. Notices reach you.")


def notice(news: Sequence[Named], waiting: int, where: str) -> Notice:
    """The notice of what is new.

    Args:
        news: What was not told yet, newest first; one at least.
        waiting: How many wait in all.
        where: Where to decide, in words of ours.
    """
    newest = news[0]
    preview = Preview.of(newest.record.preview)
    sandbox = "Sandbox: " if preview.account.sandbox else ""
    if len(news) == 1:
        others = waiting - 1
        more = [f"{count(others, 'other')} {'waits' if others == 1 else 'wait'} too."] if others > 0 else []
        lines = [harmless(preview.target, _TARGET), harmless(preview.effect, _EFFECT), *more]
        return Notice(f"{sandbox}Waiting for your yes: {harmless(newest.title, 80)}", "\n".join([*lines, where]))
    named = [_line(one) for one in news[:_MOST]]
    rest = max(waiting, len(news)) - len(named)
    more = [f"and {rest:,} more"] if rest > 0 else []
    title = f"{sandbox}{count(max(waiting, len(news)), 'write')} wait for your yes"
    return Notice(title, "\n".join([*named, *more, where]))


def _line(one: Named) -> str:
    return f"{harmless(one.title, 80)}: {harmless(Preview.of(one.record.preview).target, _TARGET)}"


def harmless(text: str, limit: int) -> str:
    """Words of others, as they may stand in a message to a person."""
    line = short(text, limit).translate(_SIGNS)  # guard: 321-signs
    line = _ADDRESS.sub(_host_alone, line)  # guard: 376-path
    line = line.replace("://", "(:)//")  # guard: 321-links
    line = _DOTS.sub(lambda found: found["kept"] or "(.)", line)  # guard: 377-dots
    return _CALL.sub("＠", line)  # guard: 321-calls


def _host_alone(address: re.Match[str]) -> str:
    """An address without who signs in there and what is behind the host."""
    host = f"://{address[1]}"
    return host if address[0] == host else f"{host}/…"
