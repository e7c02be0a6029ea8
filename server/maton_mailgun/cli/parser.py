"""Every command and flag, and nothing that is slow to import."""

from __future__ import annotations

import argparse

from maton_mailgun import __version__
from maton_mailgun.cli.exit_status import EXIT_STATUSES

HOSTS = ("claude-code", "claude-desktop", "codex", "cursor", "gemini", "vscode", "windsurf", "zed")

Commands = argparse._SubParsersAction


class _Parser(argparse.ArgumentParser):
    """What its help says in full is read when somebody asks for it: a server that starts does not."""

    def format_help(self) -> str:
        from maton_mailgun.cli.help_texts import fill

        fill(self)
        return super().format_help()


def build() -> _Parser:
    """The parser; each command names its function as `module:function`."""
    statuses = "\n".join(f"  {status}  {meaning}" for status, meaning in EXIT_STATUSES.items())
    parser = _Parser(
        prog="maton-mailgun",
        description="Mailgun for AI agents through Maton, with a person's yes in front of every write.",
        epilog=f"Without a command it serves MCP on standard input and output.\n\nexit status:\n{statuses}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"maton-mailgun {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (
        _serve,
        _demo,
        _sandbox,
        _approvals,
        _policy,
        _audit,
        _doctor,
        _tools,
        _call,
        _install,
        _uninstall,
        _status,
        _skill,
        _completion,
        _manual,
    ):
        add(commands)
    return parser


def _serve(commands: Commands[_Parser]) -> None:
    serve = commands.add_parser("serve", help="serve MCP over stdio, or over HTTP")
    serve.add_argument("--http", metavar="HOST:PORT", help="serve streamable HTTP at /mcp instead of stdio")
    serve.add_argument("--workers", metavar="N", help="processes that answer on that port, 1 unless given")
    _sandboxed(serve)
    _limited(serve)
    serve.add_argument(
        "--discovery", action="store_true", default=None, help="list two tools, through which all others are found"
    )
    serve.set_defaults(run="serve:run")


def _demo(commands: Commands[_Parser]) -> None:
    demo = commands.add_parser("demo", help="see the main job in this terminal, no key needed")
    demo.add_argument("--yes", action="store_true", help="answer for me: approve the message, reject the deletion")
    demo.set_defaults(run="demo:run")


def _sandbox(commands: Commands[_Parser]) -> None:
    sandbox = commands.add_parser("sandbox", help="run Maton and Mailgun in memory, on a port of this machine")
    sandbox.add_argument("--port", type=int, default=8025, metavar="N", help="8025 unless given; 0 takes a free one")
    sandbox.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="this machine alone unless given")
    sandbox.add_argument("--state", metavar="FILE", help="go on from this file, and save to it at the end")
    sandbox.add_argument("--seed", metavar="FILE", help="begin with a saved state instead of the built-in one")
    sandbox.add_argument("--smtp", metavar="HOST:PORT", help="forward each message to a mail catcher on this machine")
    sandbox.set_defaults(run="sandbox:run")


def _approvals(commands: Commands[_Parser]) -> None:
    """`approvals` and what can be done with one."""
    approvals = commands.add_parser("approvals", help="see and decide what waits for a person")
    actions = approvals.add_subparsers(title="actions", metavar="ACTION", required=True)

    listing = actions.add_parser("list", help="what waits, newest first")
    listing.add_argument("--all", action="store_true", help="also what is decided and done")
    listing.add_argument("--limit", type=int, default=50, metavar="N", help="at most so many, 50 unless given")
    _as_json(listing)
    _sandboxed(listing)
    listing.set_defaults(run="approvals:show_list")

    watch = actions.add_parser("watch", help="what waits and what becomes of it, as it happens, until Ctrl-C")
    _as_json(watch)
    _sandboxed(watch)
    watch.set_defaults(run="watching:watch")

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

    edit = actions.add_parser("edit", help="change one that waits, in your editor; the changed one needs its own yes")
    _one(edit)
    edit.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="instead of the editor")
    edit.add_argument("--unset", action="append", default=[], metavar="FIELD", help="take a value away")
    edit.set_defaults(run="editing:edit")

    undo = actions.add_parser("undo", help="take back a yes while a rule's `hold` still holds it")
    _one(undo)
    undo.set_defaults(run="approvals:undo")

    receipt = actions.add_parser("receipt", help="write a signed file about one that has ended, for other people")
    _one(receipt)
    receipt.add_argument("--output", metavar="FILE", help="receipt-ID.json unless given; - is standard output")
    receipt.add_argument("--offline", action="store_true", help="do not ask what became of the recipients")
    receipt.set_defaults(run="receipt:write")

    check = actions.add_parser("verify", help="check a receipt, on any machine and without a network")
    check.add_argument("file", metavar="FILE", help="the receipt")
    check.add_argument(
        "--key", required=True, metavar="KEY", help="the fingerprint, as `audit key` prints it, or the key"
    )
    _as_json(check)
    check.set_defaults(run="receipt:check")

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
    _people(actions)


def _people(approvals: Commands[_Parser]) -> None:
    """`approvals people` and what can be done with them."""
    people = approvals.add_parser("people", help="who may decide, each by their own name and passphrase")
    actions = people.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name, run, what in (
        ("add", "people:add", "one more, with the yes of those who are there already"),
        ("remove", "people:remove", "one less, with the yes of others"),
    ):
        action = actions.add_parser(name, help=what)
        action.add_argument("name", metavar="NAME", help="as it is shown beside their decisions")
        if name == "add":
            action.add_argument(
                "--passkey", action="store_true", help="also make a passkey in a browser; of somebody who is there too"
            )
        _sandboxed(action)
        action.set_defaults(run=run)
    listing = actions.add_parser("list", help="who they are")
    _sandboxed(listing)
    listing.set_defaults(run="people:show_list")
    change = actions.add_parser("passphrase", help="another passphrase, for whoever knows the current one")
    _sandboxed(change)
    change.set_defaults(run="people:change")


def _policy(commands: Commands[_Parser]) -> None:
    policy = commands.add_parser("policy", help="see what the operator's rules say")
    actions = policy.add_subparsers(title="actions", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="what would happen to a call, and why; nothing is sent")
    check.add_argument("call", metavar="CALL.json", help='{"tool": NAME, "arguments": {…}}; - reads standard input')
    check.add_argument("--policy", metavar="FILE", help="judge by this policy file instead of the one in force")
    check.set_defaults(run="policy:check")
    _history(actions)


def _history(actions: Commands[_Parser]) -> None:
    """What rules would have done, and which would have saved clicks."""
    replay = actions.add_parser("replay", help="what a policy file would have done with the calls that are kept")
    replay.add_argument("file", metavar="FILE", help="the policy file to try")
    _since(replay)
    replay.set_defaults(run="policy_history:replay")
    suggest = actions.add_parser("suggest", help="rules for what one person always approved; nothing is changed")
    suggest.add_argument("--adopt", metavar="FILE", help="ask for each, and add it to this file, on a terminal")
    suggest.add_argument("--until", metavar="DATE", help="when they end, such as 2027-01-31; 30 days unless given")
    _since(suggest)
    suggest.set_defaults(run="policy_history:suggest")


def _since(parser: _Parser) -> None:
    parser.add_argument("--days", type=float, default=30.0, metavar="N", help="how far back to look, 30 unless given")
    _as_json(parser)
    _sandboxed(parser)


def _audit(commands: Commands[_Parser]) -> None:
    audit = commands.add_parser("audit", help="check or export the record of every decision")
    actions = audit.add_subparsers(title="actions", metavar="ACTION", required=True)
    verify = actions.add_parser("verify", help="find any edit, removal or reorder")
    _sandboxed(verify)
    verify.set_defaults(run="audit:verify")
    key = actions.add_parser("key", help="the fingerprint of the key that receipts are signed with")
    _sandboxed(key)
    key.set_defaults(run="audit:key")
    export = actions.add_parser("export", help="all entries as JSON lines, oldest first")
    _sandboxed(export)
    export.set_defaults(run="audit:export")


def _doctor(commands: Commands[_Parser]) -> None:
    doctor = commands.add_parser(
        "doctor", help="check key, gateway, connections, domains, clock, state, policy, ways to decide and assistants"
    )
    _as_json(doctor)
    _sandboxed(doctor)
    doctor.add_argument(
        "--notify", action="store_true", help="send a test notice to whoever MATON_MAILGUN_NOTIFY names"
    )
    doctor.set_defaults(run="doctor:run")


def _tools(commands: Commands[_Parser]) -> None:
    tools = commands.add_parser("tools", help="list the operations and the approval tools")
    form = tools.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON, with descriptions and schemas")
    form.add_argument("--markdown", action="store_true", help="as a Markdown table")
    form.add_argument("--digest", action="store_true", help="one SHA-256 of all that clients are told of them")
    _limited(tools)
    tools.set_defaults(run="tools:run")


def _call(commands: Commands[_Parser]) -> None:
    call = commands.add_parser("call", help="one call from the shell; a write is shown and asked for first")
    call.add_argument("tool", metavar="TOOL", help="see `maton-mailgun tools`")
    call.add_argument(
        "arguments", metavar="JSON", nargs="?", default="{}", help="an object; @FILE reads a file, - standard input"
    )
    _sandboxed(call)
    call.set_defaults(run="call:run")


def _install(commands: Commands[_Parser]) -> None:
    install = commands.add_parser("install", help="print or write the configuration of an assistant")
    _in_host(install)
    install.add_argument(
        "--write", action="store_true", help="put it into the host's file, after a look at what changes"
    )
    _said_yes(install)
    install.add_argument("--uvx", action="store_true", help="start it with `uvx maton-mailgun` instead of this Python")
    install.add_argument("--with-key", action="store_true", help="put MATON_API_KEY into the file, in clear")
    install.add_argument("--sandbox", action="store_true", help="configure the built-in sandbox, no key needed")
    install.add_argument("--no-start", action="store_true", help="do not start it to see whether it works")
    install.set_defaults(run="install:run")


def _uninstall(commands: Commands[_Parser]) -> None:
    uninstall = commands.add_parser("uninstall", help="take it out of an assistant's configuration, without a trace")
    _in_host(uninstall)
    _said_yes(uninstall)
    uninstall.set_defaults(run="uninstall:run")


def _status(commands: Commands[_Parser]) -> None:
    status = commands.add_parser("status", help="which assistants have this server, and what is wrong there")
    status.add_argument("host", choices=HOSTS, metavar="HOST", nargs="?", help="this one alone")
    status.add_argument("--start", action="store_true", help="start each as its host would, and list its tools")
    _as_json(status)
    status.set_defaults(run="status:run")


def _skill(commands: Commands[_Parser]) -> None:
    skill = commands.add_parser("skill", help="the agent skill, which teaches an assistant the common jobs")
    actions = skill.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name, about, does in (
        ("install", "put it where assistants look for skills", "run"),
        ("uninstall", "take away what was put there", "uninstall"),
    ):
        action = actions.add_parser(name, help=about)
        action.add_argument(
            "host", choices=("claude-code", "agents"), metavar="HOST", help="claude-code, or agents for all the others"
        )
        action.add_argument("--scope", choices=("user", "project"), help="for you everywhere, or for this folder")
        action.add_argument("--to", metavar="DIRECTORY", help="another directory of skills")
        _said_yes(action)
        action.set_defaults(run=f"skill:{does}")
    actions.add_parser("status", help="where it is, and whether it is this version").set_defaults(run="skill:status")


def _in_host(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("host", choices=HOSTS, metavar="HOST", help=", ".join(HOSTS))
    parser.add_argument("--scope", choices=("user", "project"), help="for you everywhere, or for this folder")
    parser.add_argument("--path", metavar="FILE", help="the host's file, where it is not in its usual place")
    parser.add_argument(
        "--name", default="mailgun", metavar="NAME", help="the server's name there, mailgun unless given"
    )


def _said_yes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="change the file without asking")


def _completion(commands: Commands[_Parser]) -> None:
    completion = commands.add_parser("completion", help="a script that completes commands in bash, zsh or fish")
    completion.add_argument("shell", choices=("bash", "zsh", "fish"), metavar="SHELL", help="bash, zsh or fish")
    completion.set_defaults(run="completion:run")


def _manual(commands: Commands[_Parser]) -> None:
    manual = commands.add_parser("manual", help="the manual page, for man")
    manual.set_defaults(run="manual:run")


def _one(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "id", metavar="ID", help="as `approvals list` shows it; a beginning of four digits or more will do"
    )
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
