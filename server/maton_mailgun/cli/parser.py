"""Every command and flag, and nothing that is slow to import."""

from __future__ import annotations

import argparse

from maton_mailgun import __version__
from maton_mailgun.cli.exit_status import EXIT_STATUSES

HOSTS = ("claude-code", "claude-desktop", "codex", "cursor", "gemini", "vscode")

Commands = argparse._SubParsersAction


def build() -> argparse.ArgumentParser:
    """The parser; each command names its function as `module:function`."""
    statuses = "\n".join(f"  {status}  {meaning}" for status, meaning in EXIT_STATUSES.items())
    parser = argparse.ArgumentParser(
        prog="maton-mailgun",
        description="Mailgun for AI agents through Maton, with a person's yes in front of every write.",
        epilog=f"Without a command it serves MCP on standard input and output.\n\nexit status:\n{statuses}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"maton-mailgun {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (_serve, _demo, _sandbox, _approvals, _policy, _audit, _doctor, _tools, _call, _install):
        add(commands)
    return parser


def _serve(commands: Commands[argparse.ArgumentParser]) -> None:
    serve = commands.add_parser("serve", help="serve MCP over stdio, or over HTTP")
    serve.add_argument("--http", metavar="HOST:PORT", help="serve streamable HTTP at /mcp instead of stdio")
    _sandboxed(serve)
    _limited(serve)
    serve.add_argument(
        "--discovery", action="store_true", default=None, help="list two tools, through which all others are found"
    )
    serve.set_defaults(run="serve:run")


def _demo(commands: Commands[argparse.ArgumentParser]) -> None:
    demo = commands.add_parser("demo", help="see the main job in this terminal, no key needed")
    demo.add_argument("--yes", action="store_true", help="answer for me: approve the message, reject the deletion")
    demo.set_defaults(run="demo:run")


def _sandbox(commands: Commands[argparse.ArgumentParser]) -> None:
    sandbox = commands.add_parser("sandbox", help="run Maton and Mailgun in memory, on a port of this machine")
    sandbox.add_argument("--port", type=int, default=8025, metavar="N", help="8025 unless given; 0 takes a free one")
    sandbox.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="this machine alone unless given")
    sandbox.add_argument("--state", metavar="FILE", help="go on from this file, and save to it at the end")
    sandbox.add_argument("--seed", metavar="FILE", help="begin with a saved state instead of the built-in one")
    sandbox.add_argument("--smtp", metavar="HOST:PORT", help="forward each message to a mail catcher on this machine")
    sandbox.set_defaults(run="sandbox:run")


def _approvals(commands: Commands[argparse.ArgumentParser]) -> None:
    """`approvals` and what can be done with one."""
    approvals = commands.add_parser("approvals", help="see and decide what waits for a person")
    actions = approvals.add_subparsers(title="actions", metavar="ACTION", required=True)

    listing = actions.add_parser("list", help="what waits, newest first")
    listing.add_argument("--all", action="store_true", help="also what is decided and done")
    listing.add_argument("--limit", type=int, default=50, metavar="N", help="at most so many, 50 unless given")
    _as_json(listing)
    _sandboxed(listing)
    listing.set_defaults(run="approvals:show_list")

    show = actions.add_parser("show", help="everything about one: target, effect, recipients, message, outcome")
    _one(show)
    show.add_argument("--all", action="store_true", help="also every field of the request itself, decoded")
    show.add_argument("--recipient", metavar="ADDRESS", help="the message as this recipient gets it, values filled in")
    _as_json(show)
    show.set_defaults(run="approvals:show")

    opened = actions.add_parser("open", help="the approval page in a browser; you sign in with the passphrase")
    _sandboxed(opened)
    opened.set_defaults(run="page:show")

    approve = actions.add_parser("approve", help="show one and approve it, with the passphrase, on a terminal")
    _one(approve)
    _waiting(approve)
    approve.set_defaults(run="approvals:approve")

    reject = actions.add_parser("reject", help="show one and reject it, with the passphrase, on a terminal")
    _one(reject)
    reject.add_argument("--reason", metavar="TEXT", help="told to the assistant")
    reject.set_defaults(run="approvals:reject")

    stop = actions.add_parser("stop", help="reject all that waits, and take no new write until it is lifted")
    stop.add_argument("--reason", metavar="TEXT", help="told to the assistant")
    _sandboxed(stop)
    stop.set_defaults(run="approvals:stop")

    resume = actions.add_parser("resume", help="lift a stop, with the passphrase, on a terminal")
    _sandboxed(resume)
    resume.set_defaults(run="approvals:resume")

    forget = actions.add_parser("forget", help="remove all that is kept of one person, with the passphrase")
    forget.add_argument("address", metavar="ADDRESS", help="the person's address, such as ann@example.com")
    _sandboxed(forget)
    forget.set_defaults(run="forgetting:forget")

    passphrase = actions.add_parser("passphrase", help="set or change the approver's passphrase, on a terminal")
    _sandboxed(passphrase)
    passphrase.set_defaults(run="approvals:set_passphrase")


def _policy(commands: Commands[argparse.ArgumentParser]) -> None:
    policy = commands.add_parser("policy", help="see what the operator's rules say")
    actions = policy.add_subparsers(title="actions", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="what would happen to a call, and why; nothing is sent")
    check.add_argument("call", metavar="CALL.json", help='{"tool": NAME, "arguments": {…}}; - reads standard input')
    check.add_argument("--policy", metavar="FILE", help="judge by this policy file instead of the one in force")
    check.set_defaults(run="policy:check")


def _audit(commands: Commands[argparse.ArgumentParser]) -> None:
    audit = commands.add_parser("audit", help="check or export the record of every decision")
    actions = audit.add_subparsers(title="actions", metavar="ACTION", required=True)
    verify = actions.add_parser("verify", help="find any edit, removal or reorder")
    _sandboxed(verify)
    verify.set_defaults(run="audit:verify")
    export = actions.add_parser("export", help="all entries as JSON lines, oldest first")
    _sandboxed(export)
    export.set_defaults(run="audit:export")


def _doctor(commands: Commands[argparse.ArgumentParser]) -> None:
    doctor = commands.add_parser("doctor", help="check key, gateway, connections, state directory and policy")
    _sandboxed(doctor)
    doctor.set_defaults(run="doctor:run")


def _tools(commands: Commands[argparse.ArgumentParser]) -> None:
    tools = commands.add_parser("tools", help="list the operations and the approval tools")
    form = tools.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON, with descriptions and schemas")
    form.add_argument("--markdown", action="store_true", help="as a Markdown table")
    _limited(tools)
    tools.set_defaults(run="tools:run")


def _call(commands: Commands[argparse.ArgumentParser]) -> None:
    call = commands.add_parser(
        "call",
        help="one call from the shell; a write is shown and asked for first",
        description="Calls one tool. A write is shown first and carried out after the passphrase; without a terminal "
        "the pending result is printed. Running the same call again joins the same approval.",
    )
    call.add_argument("tool", metavar="TOOL", help="see `maton-mailgun tools`")
    call.add_argument("arguments", metavar="JSON", nargs="?", default="{}", help="an object; - reads standard input")
    _sandboxed(call)
    call.set_defaults(run="call:run")


def _install(commands: Commands[argparse.ArgumentParser]) -> None:
    install = commands.add_parser("install", help="print or write the configuration of an assistant")
    install.add_argument("host", choices=HOSTS, metavar="HOST", help=", ".join(HOSTS))
    install.add_argument("--write", action="store_true", help="add it to the host's file; a backup is kept")
    install.add_argument("--path", metavar="FILE", help="the host's file, where it is not in its usual place")
    install.add_argument(
        "--name", default="mailgun", metavar="NAME", help="the server's name there, mailgun unless given"
    )
    install.add_argument("--uvx", action="store_true", help="start it with `uvx maton-mailgun` instead of this Python")
    install.add_argument("--with-key", action="store_true", help="put MATON_API_KEY into the file, in clear")
    install.add_argument("--sandbox", action="store_true", help="configure the built-in sandbox, no key needed")
    install.set_defaults(run="install:run")


def _one(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="apr_ and 32 digits, as `approvals list` shows it")
    _sandboxed(parser)


def _waiting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--wait", type=float, default=15.0, metavar="SECONDS", help="for the outcome, 15 unless given")


def _as_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="as JSON")


def _sandboxed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sandbox", action="store_true", default=None, help="the built-in sandbox's, no key needed")


def _limited(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--read-only", action="store_true", default=None, help="only tools that read")
    parser.add_argument(
        "--toolsets",
        metavar="A,B",
        help="only these toolsets, each with every tool it has; all for all of them, everyday for the usual fifteen",
    )
