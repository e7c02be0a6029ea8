"""What the help of a command says beyond its line: what it does in full, and examples that run as they stand."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Mapping, Sequence

_Text = tuple[str, Sequence[str]]

TEXTS: Mapping[str, _Text] = {
    "serve": (
        "Serves MCP on standard input and output, as assistants start it; with --http, streamable HTTP at /mcp and the "
        "approval page at /approvals. MATON_MAILGUN_HTTP_TOKEN must be set on an address that other machines reach.",
        ["serve --sandbox", "serve --read-only --toolsets events,stats", "serve --http 127.0.0.1:8000"],
    ),
    "demo": (
        "Shows the main job in this terminal, over the built-in sandbox: a message is proposed, shown and approved, a "
        "deletion is rejected, and what was sent is looked at. Nothing leaves this machine.",
        ["demo", "demo --yes"],
    ),
    "sandbox": (
        "Runs Maton and Mailgun in memory on a port of this machine, for tests in any language. Ctrl-C ends it.",
        ["sandbox", "sandbox --port 0 --state sandbox.json", "sandbox --smtp 127.0.0.1:1025"],
    ),
    "approvals": (
        "Shows and decides what waits for a person. Ids may be given by a beginning that only one has. Deciding needs "
        "the approver's passphrase, typed on a terminal; the server that proposed a write carries it out.",
        ["approvals list", "approvals show apr_a0d2276b", "approvals approve apr_a0d2276b"],
    ),
    "approvals list": (
        "Lists what waits for a decision or is not finished, newest first; with --all also what is decided and done.",
        ["approvals list", "approvals list --all --limit 200", "approvals list --json"],
    ),
    "approvals watch": (
        "Shows what waits and what becomes of it, as it happens. With --json each change is one line. Ctrl-C ends it.",
        ["approvals watch", "approvals watch --json"],
    ),
    "approvals show": (
        "Shows everything about one approval. What is longer than the screen goes through the pager ($PAGER, or less).",
        [
            "approvals show apr_a0d2276b",
            "approvals show apr_a0d2276b --all",
            "approvals show apr_a0d2276b --recipient ann@example.com",
        ],
    ),
    "approvals approve": (
        "Shows one approval, asks for the passphrase and records the yes. A running server carries out exactly what "
        "was shown, once. Ends with 0 only where it was carried out.",
        ["approvals approve apr_a0d2276b", "approvals approve apr_a0d2276b --wait 60"],
    ),
    "approvals reject": (
        "Shows one approval, asks for the passphrase and records the no. Nothing is sent.",
        ["approvals reject apr_a0d2276b", "approvals reject apr_a0d2276b --reason 'wrong month'"],
    ),
    "approvals edit": (
        "Opens what can be changed of a proposal that waits (subject, text, recipients, time and other plain fields) "
        "in VISUAL or EDITOR, shows what you changed word by word, and asks for the passphrase. The changed proposal "
        "takes the place of the old one and needs its own yes. The assistant is told what you changed.",
        [
            "approvals edit apr_a0d2276b",
            "approvals edit apr_a0d2276b --set 'subject=Minutes of Tuesday'",
            "approvals edit apr_a0d2276b --set 'to=[\"ann@example.com\", \"ben@example.com\"]' --unset cc",
        ],
    ),
    "approvals undo": (
        "Takes back a yes that a rule's `hold` still holds: nothing is sent. It needs no passphrase.",
        ["approvals undo apr_a0d2276b"],
    ),
    "approvals receipt": (
        "Writes one file about an approval that has ended: what was shown, who decided and how, the Message-Id, and "
        "the final event of each recipient as far as it is known. It is signed with Ed25519; see `audit key`.",
        [
            "approvals receipt apr_a0d2276b",
            "approvals receipt apr_a0d2276b --output invoice.json",
            "approvals receipt apr_a0d2276b --offline",
        ],
    ),
    "approvals verify": (
        "Checks a receipt against the key of who wrote it, whose fingerprint they told you. Needs neither their "
        "installation nor a network. Ends with 1 where it does not hold.",
        ["approvals verify invoice.json --key SHA256:NFDkhBAMfTG4i0VH+fOKVGyTtrgFwxX6gXa+ZRQlxRg"],
    ),
    "approvals stop": (
        "Rejects all that waits and has every server refuse new writes, until a person lifts it. Needs no passphrase, "
        "as it sends nothing.",
        ["approvals stop", "approvals stop --reason 'a leak'"],
    ),
    "approvals resume": ("Lifts a stop. What was closed by it stays closed.", ["approvals resume"]),
    "approvals forget": (
        "Finds what is kept of a person and removes it, after the passphrase. The audit keeps ids and digests.",
        ["approvals forget ann@example.com"],
    ),
    "approvals passphrase": (
        "Sets the approver's passphrase, or changes it by whoever knows the current one.",
        ["approvals passphrase", "approvals passphrase --sandbox"],
    ),
    "approvals people": (
        "Names the people who may decide, each with their own passphrase, on a terminal. From the first one on, the "
        "shared passphrase and one-time links open nothing: every decision names who made it.",
        ["approvals people add Ana", "approvals people list", "approvals people remove Ana"],
    ),
    "approvals people add": (
        "Adds a person, who types a passphrase of their own. The first is added with the shared passphrase, where one "
        "is set; each further one with the yes of somebody who is there already, or of two where there are two. With "
        "--passkey a browser on this machine, or at MATON_MAILGUN_HTTP_URL, makes a passkey of theirs besides, which "
        "signs what a rule asks it for.",
        ["approvals people add Ana", "approvals people add Ana --passkey"],
    ),
    "approvals people list": ("Lists the people who may decide.", ["approvals people list"]),
    "approvals people remove": (
        "Removes a person, with the yes of others: of two, where there are two. The last one stays.",
        ["approvals people remove Ana"],
    ),
    "approvals people passphrase": (
        "Gives a person another passphrase, after their name and the current one.",
        ["approvals people passphrase"],
    ),
    "policy": ("Judges by the operator's rules without sending anything.", ["policy check call.json"]),
    "policy check": (
        "Says what would happen to a call and which rule says so. Ends with 1 where it would be refused.",
        ["policy check call.json", "policy check call.json --policy stricter.toml"],
    ),
    "policy replay": (
        "Tries a policy file on the writes that are kept: what it would have allowed, asked and refused, and which of "
        "those a person had rejected. Ends with 1 where it would have allowed what a person rejected.",
        ["policy replay stricter.toml", "policy replay stricter.toml --days 7 --json"],
    ),
    "policy suggest": (
        "Proposes rules for what one person approved every time, with the people that were written to, the most in a "
        "day, and an end date. Deletes, high risk and what was relayed are never proposed. Only a person at a terminal "
        "can adopt one, with the passphrase.",
        ["policy suggest", "policy suggest --days 90", "policy suggest --adopt policy.toml --until 2027-01-31"],
    ),
    "audit": ("Checks or exports the record of every decision.", ["audit verify", "audit export"]),
    "audit verify": (
        "Finds any edit, removal or reorder of the audit, and every signature of a passkey that does not hold; it ends "
        "with 1 then.",
        ["audit verify"],
    ),
    "audit key": ("Prints the fingerprint of the key that receipts are signed with, and that key.", ["audit key"]),
    "audit export": ("Prints every entry as a line of JSON, oldest first.", ["audit export"]),
    "doctor": (
        "Looks at all that will be used and says what would be right where it is not: key, gateway, clock, "
        "connections, domains, state directory, policy, attachments, the ways a person can decide, and what assistants "
        "on this machine have. Changes nothing and prints no secret. With --notify it sends one test notice. Ends with "
        "1 where something is wrong; a warning is not.",
        ["doctor", "doctor --sandbox", "doctor --json", "doctor --notify"],
    ),
    "tools": (
        "Lists the operations on offer and the tools about approvals. With --digest, one SHA-256 of all that clients "
        "are told of them, to be held to the one that was published with a version.",
        ["tools", "tools --toolsets everyday", "tools --json --read-only", "tools --digest"],
    ),
    "call": (
        "Calls one tool. A write is shown first and carried out after the passphrase; without a terminal the pending "
        "result is printed, and running the same call again joins the same approval. Arguments are JSON in the command "
        "line, on standard input (-) or in a file (@FILE).",
        [
            "call list_domains",
            "call list_events '{\"domain\": \"mg.example.com\"}'",
            "call send_message @message.json",
            "call get_approval '{\"approval_id\": \"apr_00000000000000000000000000000000\"}'",
        ],
    ),
    "completion": (
        "Prints a script that completes commands, options and tool names. Have your shell read it when it starts: in "
        "bash `source <(maton-mailgun completion bash)`, in zsh the same with zsh, in fish "
        "`maton-mailgun completion fish | source`.",
        ["completion bash", "completion zsh", "completion fish"],
    ),
    "manual": ("Prints the manual page, for `man -l -` or a folder of manual pages.", ["manual"]),
}  # fmt: skip


def fill(parser: argparse.ArgumentParser) -> None:
    """Give a command its description and its examples."""
    _, _, key = parser.prog.partition(" ")
    if key not in TEXTS:
        return
    about, examples = TEXTS[key]
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = "\n".join(textwrap.wrap(about, 78))
    parser.epilog = "examples:\n" + "\n".join(f"  {parser.prog.partition(' ')[0]} {one}" for one in examples)
