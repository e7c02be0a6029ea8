"""Hands a notice over: to the services of the operator's addresses, or to their command.

The whole setting is a secret: nothing here says more of an address than its number and its kind of service, and nothing
of a command at all.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from maton_mailgun.approval.channels.notice import Notice
from maton_mailgun.bounded_run import RunFailed, printed, program
from maton_mailgun.mail.text import count, short
from maton_mailgun.search_path import as_here

SECONDS = 20.0
"""For one notice, to all services."""
_MOST = 65_536
EXTRA = "Install apprise beside this server: pip install 'maton-mailgun[notify]'."
_CHECK = "Run the command in a terminal, with some lines on its standard input."
_ADDRESSES = "See apprise's own pages for how an address of that service is written."


class NotNotified(Exception):
    """A notice did not reach everybody. `why` and `right` hold nothing of the setting."""

    def __init__(self, why: str, right: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.right = right


@dataclass(frozen=True, slots=True)
class Service:
    """What became of one address."""

    name: str | None
    """What kind it is; None where it is none that apprise knows."""
    taken: bool


class Notifier:
    """The operator's way to be told.

    Args:
        notify: The setting.
        path: Where a command's program is looked for.
        environ: What programs get of the environment: nothing of ours.
        seconds: How long one notice may take.
    """

    def __init__(
        self, notify: Sequence[str], path: Sequence[str], environ: Mapping[str, str], seconds: float = SECONDS
    ) -> None:
        self._notify = tuple(notify)
        self._path = tuple(path)
        self._environ = dict(environ)
        self._seconds = seconds

    @property
    def _by_address(self) -> bool:
        return "://" in self._notify[0]

    async def send(self, notice: Notice) -> None:
        """Hand it over.

        Raises:
            NotNotified: It did not reach everybody.
        """
        if self._by_address:
            services = await self._apprise(notice)
            if missed := [_which(number, one) for number, one in enumerate(services, start=1) if not one.taken]:
                raise NotNotified(f"{', '.join(missed)} did not take it", _ADDRESSES)
            return
        try:
            command = (program(self._notify[0], self._path), *self._notify[1:])
            # Lines on standard input: no word of the notice is ever an argument, or read by a shell of ours.
            given = notice.text.encode()
            await printed(
                command, seconds=self._seconds, most=_MOST, meant="nothing", given=given, environ=self._environ
            )
        except RunFailed as failure:
            raise NotNotified(f"the command {failure.why}", _CHECK) from None

    async def check(self) -> str:
        """What there is, in words, found out without telling anybody anything.

        Raises:
            NotNotified: A part of it cannot work.
        """
        if not self._by_address:
            try:
                program(self._notify[0], self._path)
            except RunFailed as failure:
                raise NotNotified(f"the command {failure.why}", _CHECK) from None
            return "a command"
        services = await self._apprise(None)
        if unknown := [_which(number, one) for number, one in enumerate(services, start=1) if one.name is None]:
            raise NotNotified(f"apprise does not know {', '.join(unknown)}", _ADDRESSES)
        return f"{count(len(services), 'address', 'addresses')}: {', '.join(one.name or '' for one in services)}"

    async def _apprise(self, notice: Notice | None) -> list[Service]:
        given = {"addresses": self._notify, "send": notice is not None, "title": "", "body": ""}
        if notice is not None:
            given |= {"title": notice.title, "body": notice.body}
        try:
            said = await printed(
                [sys.executable, *as_here(), "-m", "maton_mailgun.approval.channels.apprise_sender"],
                seconds=self._seconds,
                most=_MOST,
                meant="outcomes",
                given=json.dumps(given).encode("ascii"),
                environ=self._environ,
            )
        except RunFailed as failure:
            raise NotNotified(f"apprise {failure.why}") from None
        found = json.loads(said)
        if found is None:
            raise NotNotified("apprise is not installed", EXTRA)
        names = [None if one["service"] is None else short(one["service"], 60) for one in found]
        return [Service(name, bool(one["taken"])) for name, one in zip(names, found, strict=True)]


def _which(number: int, service: Service) -> str:
    return f"address {number}" + (f" ({service.name})" if service.name else "")
