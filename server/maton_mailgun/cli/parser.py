"""Every command and flag, and nothing that is slow to import."""

from __future__ import annotations

import argparse

from .. import __version__


def build() -> argparse.ArgumentParser:
    """The parser; each command names its function as `module:function`."""
    parser = argparse.ArgumentParser(
        prog="maton-mailgun",
        description="Mailgun for AI agents through Maton, with a person's yes in front of every write.",
        epilog="Without a command it serves MCP on standard input and output.",
    )
    parser.add_argument("--version", action="version", version=f"maton-mailgun {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _serve(commands)
    _demo(commands)
    return parser


Commands = argparse._SubParsersAction


def _serve(commands: Commands[argparse.ArgumentParser]) -> None:
    serve = commands.add_parser("serve", help="serve MCP over stdio, or over HTTP")
    serve.add_argument("--http", metavar="HOST:PORT", help="serve streamable HTTP at /mcp instead of stdio")
    add_common(serve)
    serve.set_defaults(run="serve:run")


def _demo(commands: Commands[argparse.ArgumentParser]) -> None:
    demo = commands.add_parser("demo", help="see the main job in this terminal, no key needed")
    demo.add_argument("--yes", action="store_true", help="answer for me: approve the message, reject the deletion")
    demo.set_defaults(run="demo:run")


def add_common(parser: argparse.ArgumentParser) -> None:
    """Flags that stand for settings; a flag beats the environment."""
    parser.add_argument("--sandbox", action="store_true", default=None, help="use the built-in sandbox, no key needed")
    parser.add_argument("--read-only", action="store_true", default=None, help="offer no tool that writes")
    parser.add_argument("--toolsets", metavar="A,B", help="offer only these toolsets")
