"""`maton-mailgun approvals people`: who may decide, each by their own name and passphrase.

The first person is added as the shared passphrase is set. From then on the shared one opens nothing, and another person
comes or goes only with the yes of those who are there already: of two of them, where there are two.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from maton_mailgun.approval.binding.keys import KeyFileError, load_keys
from maton_mailgun.approval.binding.passkeys import PasskeyError, rp_id_of
from maton_mailgun.approval.channels.page import PageServer, start
from maton_mailgun.approval.channels.page.passkey_door import Registrar
from maton_mailgun.approval.channels.passkey_offers import OFFER_SECONDS, PasskeyOffers
from maton_mailgun.approval.channels.passphrase import Passphrase, PassphraseError
from maton_mailgun.approval.channels.people import PeopleError, checked_name
from maton_mailgun.approval.channels.terminal import Terminal
from maton_mailgun.cli.approvals import at_desk, require_person, require_shared, typed
from maton_mailgun.cli.exit_status import FAILED, NO_PASSPHRASE, OK, USAGE, CommandFailed
from maton_mailgun.cli.flags import settings_of
from maton_mailgun.cli.page import Desk
from maton_mailgun.cli.screen import Screen
from maton_mailgun.config import PAGE_PREFIX, Settings, display_environment, state_home
from maton_mailgun.mail.person_names import key_of
from maton_mailgun.own_command import own_command

T = TypeVar("T")
_LOOK_SECONDS = 0.5


def add(arguments: argparse.Namespace) -> int:
    """One more person, with the yes of those who are there already."""
    settings = settings_of(arguments)
    try:
        name = checked_name(arguments.name)
        load_keys(state_home(settings))  # makes the state directory, private to this user
    except PeopleError as problem:
        raise CommandFailed(USAGE, str(problem)) from None
    except KeyFileError as problem:
        raise CommandFailed(NO_PASSPHRASE, str(problem)) from None
    names = at_desk(settings, lambda desk: desk.people.names())
    there = next((one for one in names if key_of(one) == key_of(name)), None)
    if there is not None and arguments.passkey:
        by = _consents(settings, min(2, len(names)), f"Passphrase, to add a passkey of {there}: ")
        if there not in by:
            raise CommandFailed(NO_PASSPHRASE, f"{there} must be one of those who say yes to a passkey of theirs.")
        return _add_passkey(settings, there, by)
    if not names and Passphrase(state_home(settings)).is_set():
        require_shared(settings, "Passphrase that is shared so far: ")
    by = _consents(settings, min(2, len(names)), f"Passphrase, to add {name}: ")
    passphrase = _new_passphrase(name)

    async def keep(desk: Terminal) -> int:
        await desk.people.add(name, passphrase, by=by)
        return OK

    _at_desk(settings, keep)
    screen = Screen()
    screen.outcome("good", f"{name} may decide from now on.")
    if not names:
        screen.line("The shared passphrase and one-time links open nothing any more: people sign in by name.", "quiet")
    return _add_passkey(settings, name, [*by, name]) if arguments.passkey else OK


def _add_passkey(settings: Settings, name: str, by: Sequence[str]) -> int:
    """Have a browser make a passkey, and keep it: at the server's address outside where there is one that browsers keep
    passkeys for, else on this machine."""
    screen = Screen()
    origin = _outside(settings)
    if origin is not None:
        _at_desk(settings, lambda desk: _offered(settings, screen, desk, origin, name, by))
        screen.outcome("good", f"{name} signs with a passkey at {origin} what a rule asks it for.")
        return OK

    async def keep(desk: Terminal) -> int:
        registrar = Registrar(name)
        gate = Desk(desk, settings)
        page = await start(gate, reveals=lambda _: False, environ=display_environment(), registrar=registrar)
        try:
            await _lead_to(screen, page, registrar)
            async with asyncio.timeout(OFFER_SECONDS):
                passkey = await registrar.made
            await desk.people.add_passkey(name, passkey, by=by)
        except TimeoutError:
            raise CommandFailed(FAILED, "No passkey was made in time. Nothing of it was kept.") from None
        finally:
            await page.close()
            await gate.close()
        return OK

    _at_desk(settings, keep)
    screen.outcome("good", f"{name} signs with a passkey what a rule asks it for.")
    return OK


def _outside(settings: Settings) -> str | None:
    """The server's address outside, if browsers keep passkeys for it."""
    if settings.http_url is None or not settings.http_url.startswith("https://"):
        return None
    try:
        rp_id_of(settings.http_url)
    except PasskeyError as problem:
        raise CommandFailed(FAILED, str(problem)) from None
    return settings.http_url


async def _offered(
    settings: Settings, screen: Screen, desk: Terminal, origin: str, name: str, by: Sequence[str]
) -> None:
    """Have the server take it, in whatever browser the person has, who signs in there first."""
    offers = PasskeyOffers(state_home(settings), load_keys(state_home(settings)).seal)
    before = len(await desk.people.passkeys(name))
    token = await asyncio.to_thread(offers.make, name, origin, by=by)
    screen.line(f"{name} opens this in a browser, within five minutes, and signs in there. It works once:")
    screen.line(f"{origin}{PAGE_PREFIX}/#/passkey?t={token}", "strong")
    try:
        async with asyncio.timeout(OFFER_SECONDS):
            while True:
                if len(await desk.people.passkeys(name)) != before:
                    return
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        raise CommandFailed(FAILED, "No passkey was made in time. Nothing of it was kept.") from None
    finally:
        await asyncio.to_thread(offers.take, token)


async def _lead_to(screen: Screen, page: PageServer, registrar: Registrar) -> None:
    """To the page that makes it, in a browser: the link works once, and is for the person at this very terminal."""
    screen.line("Open this in a browser on this machine, within five minutes. It works once:")
    screen.line(f"http://localhost:{page.port}/#/passkey?t={registrar.token}", "strong")


def show_list(arguments: argparse.Namespace) -> int:
    """Who may decide."""
    settings, screen = settings_of(arguments), Screen()

    async def look(desk: Terminal) -> dict[str, bool]:
        return {name: bool(await desk.people.passkeys(name)) for name in await desk.people.names()}

    names = _at_desk(settings, look)
    for name, signs in names.items():
        screen.line(f"{name}, signs with a passkey" if signs else name)
    if not names:
        screen.line(
            f"Nobody by name: one passphrase is shared. Add somebody: {own_command('approvals people add NAME')}"
        )
    return OK


def remove(arguments: argparse.Namespace) -> int:
    """One less, with the yes of others."""
    settings = settings_of(arguments)
    names = at_desk(settings, lambda desk: desk.people.names())
    others = [name for name in names if key_of(name) != key_of(arguments.name)]
    by = _consents(settings, min(2, len(others)), f"Passphrase, to remove {arguments.name}: ")

    async def keep(desk: Terminal) -> str:
        return await desk.people.remove(arguments.name, by=by)

    name = _at_desk(settings, keep)
    Screen().outcome("good", f"{name} decides nothing from now on.")
    return OK


def change(arguments: argparse.Namespace) -> int:
    """Another passphrase, by whoever knows the current one."""
    settings = settings_of(arguments)
    person = require_person(settings, "Current passphrase: ")
    passphrase = _new_passphrase(person)

    async def keep(desk: Terminal) -> int:
        await desk.people.change(person, passphrase)
        return OK

    _at_desk(settings, keep)
    Screen().outcome("good", f"{person} has another passphrase.")
    return OK


def _consents(settings: Settings, needed: int, prompt: str) -> Sequence[str]:
    """Different people who are there already, each after their passphrase."""
    by: list[str] = []
    while len(by) < needed:
        Screen().line(f"Somebody who is there already says yes ({len(by) + 1} of {needed}).")
        person = require_person(settings, prompt)
        if person in by:
            raise CommandFailed(NO_PASSPHRASE, f"{person} has said so already; this needs somebody else too.")
        by.append(person)
    return by


def _new_passphrase(name: str) -> str:
    new = typed(f"New passphrase of {name}: ")
    if typed("The same again: ") != new:
        raise CommandFailed(NO_PASSPHRASE, "The two are not the same. Nothing was changed.")
    return new


def _at_desk(settings: Settings, work: Callable[[Terminal], Awaitable[T]]) -> T:
    """`at_desk`, for what may be refused."""
    try:
        return at_desk(settings, work)
    except PeopleError as problem:
        raise CommandFailed(FAILED, f"{problem} Nothing was changed.") from None
    except PassphraseError as problem:
        raise CommandFailed(NO_PASSPHRASE, str(problem)) from None
