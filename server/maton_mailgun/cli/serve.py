"""`maton-mailgun serve`: stdio by default, streamable HTTP with --http."""

from __future__ import annotations

import argparse
import asyncio
import gc

from maton_mailgun.cli.flags import settings_of

_UNTIL_COLLECTED = 10_000
"""Objects that are made and not freed before the youngest are looked through; some hundred kilobytes."""


def run(arguments: argparse.Namespace) -> int:
    """Serve until the client leaves. Returns the exit status."""
    # Importing allocates much and frees nothing: collecting meanwhile costs 15 % of the start (measured).
    gc.disable()
    settings = settings_of(arguments)
    from maton_mailgun import logs
    from maton_mailgun.protocol import sdk
    from maton_mailgun.runtime import engine

    logs.configure(settings.log_level)
    built = engine(settings)
    sdk.load()
    if arguments.http and settings.workers > 1:
        from maton_mailgun.protocol.workers import serve_with_workers

        _collect_again()
        return serve_with_workers(built, arguments.http)
    if arguments.http:
        from maton_mailgun.protocol.http import serve_http

        _collect_again()

        async def serving_http() -> int:
            built.resume_soon()
            return await serve_http(built, arguments.http)

        return asyncio.run(serving_http())
    from maton_mailgun.protocol.server import build
    from maton_mailgun.protocol.stdio import serve

    async def serving() -> None:
        server = build(built)
        _collect_again()
        built.resume_soon()
        try:
            await serve(server, arguments.begun)
        finally:
            if built.opened is not None:
                from maton_mailgun.lingering import hand_on

                await hand_on(built)
            await built.aclose()

    asyncio.run(serving())
    return 0


def _collect_again() -> None:
    """Collect from now on, but none of what is there for good, and not thrice a call: what a call leaves in circles is
    little, and looking for it each time is 3 % of a read (measured)."""
    gc.freeze()
    gc.set_threshold(_UNTIL_COLLECTED)
    gc.enable()
