"""Which line of the product withstands which attack: each guard with the marks it has in the source.

A guard is marked where it stands, with a comment at the end of its line (`# guard: 07-at-once`), so that it may move
without a word here. `taking.py` knows what a mark stands for and takes it away; `prove.py` does so in a copy of the
package and runs the tests named here: they must fail then. A new guard is a mark in the source and a row here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .taking import DROP, FALSE, INSTEAD, TRUE, WITH, How


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard, and how it is taken away."""

    tests: str
    """A number from 01 on, or a part of the names of its tests."""
    what: str
    marks: Mapping[str, How]
    """Each begins with the number (00 without one), and is taken away in its way."""


GUARDS: tuple[Guard, ...] = (
    Guard("01", "arguments that the schema does not know are refused", {"01-unknown-arguments": WITH("[]")}),
    Guard("02", "a client without question state has none", {"02-old-client": TRUE}),
    Guard(
        "02",
        "answers count only with the state of their question",
        {
            "02-unsolicited.state": WITH('not (state := state or \'{"a":"","d":"","t":0}\')'),
            "02-unsolicited.record": WITH("next(iter(await self.list()), None)"),
            "02-unsolicited.digest": WITH("True"),
        },
    ),
    Guard("02", "question state is sealed", {"02-sealed": WITH("await call_next(ctx)")}),
    Guard("03", "an answer is held to the digest of its question", {"03-question": WITH("True")}),
    Guard(
        "04", "an answer is held to the digest of this very call", {"04-call": WITH("answer.digest == record.digest")}
    ),
    Guard("04", "the digest covers the form", {"04-form": WITH("[]")}),
    Guard(
        "05",
        "an answer to a finished question returns its outcome",
        {
            "05-finished.before": FALSE,
            "05-finished.meanwhile": INSTEAD(
                "again = await self.services.opened(refused.record)\n"
                "record = await propose(self.services, again.prepared, caller, refused.record.digest)"
            ),
        },
    ),
    Guard(
        "06",
        "only a valid decision counts",
        {
            "06-valid.shown": WITH('answer.action == "accept" or {old}'),
            "06-valid.approve": WITH('decision != "reject"'),
        },
    ),
    Guard("06", "only an accepted form holds a decision", {"06-accepted": TRUE}),
    Guard("07", "a decline at once was shown to nobody", {"07-at-once": WITH("0.0")}),
    Guard("07", "a decline that took time is final", {"07-took-time": WITH("100.0")}),
    Guard("08", "three rejections end the asking", {"08-three": WITH("300")}),
    Guard("08", "earlier rejections are told", {"08-told": WITH("None")}),
    Guard("09", "the digest covers the connection", {"09-connection": DROP}),
    Guard("10", "each request names its connection", {"10-named": FALSE}),
    Guard("10", "the connection is looked up again before the write", {"10-looked-up-again": FALSE}),
    Guard("11", "look-alike addresses are flagged", {"11-look-alikes": WITH("[]")}),
    Guard("12", "previews are display-safe", {"12-display-safe": WITH("text")}),
    Guard("13", "a body is behind a bar in the form", {"13-form": WITH('[line.removeprefix("> ") for line in {old}]')}),
    Guard("13", "a body is behind a bar in the terminal", {"13-terminal": WITH('""')}),
    Guard("14", "line breaks are refused", {"14-line-breaks": FALSE}),
    Guard("14", "NUL is refused", {"14-nul": FALSE, "14-nul.lines": WITH("not many_lines and '\\n' in text")}),
    Guard(
        "15",
        "headers that name recipients are recipients",
        {"15-recipients": WITH('("To", "Resent-Cc", "Resent-Bcc", "Apparently-To")')},
    ),
    Guard("15", "our Message-Id is ours", {"15-message-id": WITH("frozenset()")}),
    Guard("16", "every recipient is on the terminal", {"16-everyone": WITH("{old}[:99]")}),
    Guard("17", "the frame is sandboxed", {"17-sandbox": DROP}),
    Guard("18", "links that lie are warned of", {"18-links": FALSE}),
    Guard("18", "bodies that differ are warned of", {"18-bodies": FALSE}),
    Guard("19", "a yes is bound to the template", {"19-template": DROP}),
    Guard("20", "a yes is bound to the target", {"20-target": FALSE}),
    Guard("21", "what a preview quotes is marked as data", {"21-preview": DROP}),
    Guard("21", "what a read returns is marked as data", {"21-read": DROP}),
    Guard("22", "at most ten questions wait", {"22-ten": WITH("1000")}),
    Guard("23", "only our origin writes", {"23-origin": FALSE}),
    Guard("23", "no other site's page writes", {"23-other-site.write": FALSE, "23-other-site.read": FALSE}),
    Guard("23", "the page's half of the session is asked for", {"23-key": FALSE}),
    Guard("24", "only our host names are answered", {"24-host": FALSE}),
    Guard("24", "nobody may frame the page", {"24-frame": DROP}),
    Guard("25", "strangers are locked out", {"25-strangers": DROP}),
    Guard("25", "guessers are locked out", {"25-guessers": DROP}),
    Guard("25", "the terminal asks for the passphrase", {"25-terminal": FALSE}),
    Guard("26", "guessed ids are counted", {"26-counted": DROP}),
    Guard("26", "a session sees its own principal's approvals", {"26-principal": WITH("record is None")}),
    Guard("27", "what the service quotes is without the call's secrets", {"27-quoted": WITH("content or {old}")}),
    Guard("27", "a fresh password is for the approver", {"27-password": WITH("()")}),
    Guard("27", "errors are without the key", {"27-key": WITH("told")}),
    Guard("28", "a file is held to its hash", {"28-hash": FALSE}),
    Guard("28", "no link is followed to a file", {"28-file-link": WITH("{old} & ~_NOFOLLOW")}),
    Guard("28", "no link is followed to a directory", {"28-directory-link": WITH("{old} & ~_NOFOLLOW")}),
    Guard("28", "only regular files are read", {"28-regular": FALSE}),
    Guard("28", "no path leads upwards", {"28-upwards": DROP}),
    Guard("29", "private hosts are flagged", {"29-private": WITH('""')}),
    Guard("30", "dot segments are refused", {"30-dots": FALSE}),
    Guard("30", "a path value is one segment", {"30-segment": WITH('quote(value, safe="/?#")')}),
    Guard("30", "pages of other hosts are none", {"30-pages": WITH("True")}),
    Guard("30", "a cursor stays on its list", {"30-list": WITH("not _whole(place)")}),
    Guard("31", "log lines are JSON", {"31-json": WITH('str(line["message"])')}),
    Guard("32", "a claim is for the version and state it saw", {"32-claim.version": FALSE, "32-claim.state": FALSE}),
    Guard("33", "what was claimed and not settled is unknown", {"33-unknown": WITH('("failed", {old}[1])')}),
    Guard("33", "a yes that nobody acted on is taken up", {"33-taken-up": DROP}),
    Guard("34", "a clock set back lengthens nothing", {"34-clock": WITH("past_wall")}),
    Guard("34", "a known outcome is recorded over a swept one", {"34-swept": TRUE}),
    Guard("35", "an outcome that cannot be recorded is unknown", {"35-recorded": WITH("KeyError")}),
    Guard("35", "an outcome that cannot be looked up is unknown", {"35-looked-up": WITH("KeyError")}),
    Guard("36", "the keys outlive the process", {"36-keys": WITH("path.unlink(missing_ok=True) is None")}),
    Guard("37", "rows carry a checksum", {"37-checksum": FALSE}),
    Guard("37", "a row is the one the audit knows", {"37-audit": DROP}),
    Guard("38", "a policy that denies counts at the run", {"38-deny": FALSE}),
    Guard(
        "38",
        "the policy is read again at the run",
        {"38-read-again": WITH("policy_of(replace(uses.settings, policy=None))")},
    ),
    Guard("38", "the level is held at the run", {"38-level": FALSE}),
    Guard("38", "budgets are reserved with the claim", {"38-budget": FALSE}),
    Guard(
        "38",
        "what cannot be read strictly meets no allow rule",
        {"38-strict.case": WITH("*(address.address for address in found)"), "38-strict.rule": INSTEAD("continue")},
    ),
    Guard("38", "a forwarded copy is no allowed recipient", {"38-copies": DROP}),
    Guard("38", "a list is more than its address", {"38-list": WITH("False")}),
    Guard("39", "an identical call joins the open record", {"39-joins.gate": FALSE, "39-joins.store": FALSE}),
    Guard("40", "a caller that goes stops nothing", {"40-shield": WITH("await self.start(record)")}),
    Guard("41", "a semicolon separates", {"41-separators": WITH('","')}),
    Guard("41", "what is sent is written anew from what was shown", {"41-written-anew": INSTEAD("yield text")}),
    Guard("41", "what can be read in two ways is no argument", {"41-arguments": DROP}),
    Guard("41", "what can be read in two ways is no header", {"41-headers": FALSE}),
    Guard("41", "nor does it stand in a message from a file", {"41-file": FALSE}),
    Guard(
        "42",
        "the page's token stands in no command line",
        {"42-command-line": WITH("self.link(approval_id, principal=principal)")},
    ),
    Guard(
        "42",
        "the page's token is for this user's eyes",
        {
            "42-private.directory": WITH("0o755"),
            "42-private.file": WITH("0o644"),
            "42-private.others": WITH("0"),
        },
    ),
    Guard("42", "a directory of somebody else takes no token", {"42-foreign": FALSE}),
    Guard("42", "an open directory takes no token", {"42-open": FALSE}),
    Guard("42", "a link takes no token", {"42-link": WITH("os.O_RDONLY | os.O_DIRECTORY")}),
    Guard("42", "a token that was left behind is swept", {"42-sweep": DROP}),
    Guard("43", "the working directory is not first on the search path", {"43-first": DROP}),
    Guard("43", "no variable leads the search path there", {"43-environment": DROP}),
    Guard("43", "nothing else leads the search path there", {"43-other": DROP}),
    Guard("44", "what decides belongs to nobody else", {"44-owner": FALSE}),
    Guard("44", "what decides is written by nobody else", {"44-mode": FALSE}),
    Guard("44", "the way there belongs to nobody else", {"44-way-owner": FALSE}),
    Guard("44", "the way there is written by nobody else", {"44-way-mode": WITH("True")}),
    Guard("44", "no link of somebody else leads there", {"44-link": FALSE}),
    # Outcomes and what lies around the list.
    Guard("a_send_whose_answer_was_lost", "sends are looked up", {"00-sends": FALSE}),
    Guard("may_have_been_lost", "absent events prove nothing", {"00-absent": WITH("record.message_id in named")}),
    Guard(
        "event_of_another_message",
        "an event counts for its own message",
        {"00-own-event": WITH("True if [*named] else None")},
    ),
    Guard("does_not_repeat_what_may_have_happened", "no rule repeats a doubtful write", {"00-doubted": WITH("False")}),
    Guard("cannot_be_handled", "an answer that cannot be kept is still a success", {"00-unkept": WITH("KeyError")}),
    Guard("nobody_foresaw", "a failure that nobody foresaw is a doubt", {"00-unforeseen": WITH("KeyError")}),
    Guard("too_many_requests", "429 keeps the yes", {"00-429-keeps": FALSE}),
    Guard("too_many_requests", "429 waits", {"00-429-waits": WITH("False")}),
    Guard("an_answer_that_proves_nothing", "408 and redirects prove nothing", {"00-proves-nothing": FALSE}),
    Guard(
        "what_was_not_there or changed_meanwhile or there_already or existed_before",
        "an untouched target proves no success",
        {"00-untouched": FALSE},
    ),
    Guard(
        "took_long_to_get_lost",
        "the wait begins when the request ended",
        {"00-ended": WITH("record.attempted_at or record.created_at")},
    ),
    Guard("can_no_longer_arrive", "not there yet is no failure", {"00-grace": WITH("0.0")}),
    Guard("sent_value_can_be_compared", "a match needs every value", {"00-every-value": FALSE}),
    Guard("target_was_never_read", "a look afterwards needs one before", {"00-before": DROP}),
    Guard("changed_since_the_question", "the schema is held", {"00-schema": FALSE}),
    Guard("read_only_runs_no", "nothing runs that is not offered", {"00-offered": FALSE}),
    Guard("with_another_key", "the gateway's key is held", {"00-key": FALSE}),
    Guard("time_is_over_is_not_joined", "what is over is not joined", {"00-over": WITH("True")}),
    Guard("after_the_end_of_the_question", "a yes after the end does not count", {"00-late": FALSE}),
    Guard("a_relay_never", "a relay is for one recipient", {"00-relay.delete": DROP, "00-relay.one": DROP}),
    Guard("another_principal_sees", "approvals are their principal's", {"00-own": TRUE}),
    Guard("worth_nothing_to_another", "answers are their principal's", {"00-answer-principal": WITH("True")}),
    Guard(
        "history_of_one_principal",
        "history is its principal's",
        {"00-history": WITH("await uses.store.history('local:tester', digest, now - _DAY)")},
    ),
    Guard("45", "HTML that would take long is not read", {"45-costly": FALSE}),
    Guard("45", "a tree that browsers build otherwise is not told as theirs", {"45-deep": FALSE}),
    Guard("45", "numbers of one body only are named", {"45-numbers": FALSE}),
    Guard("33", "the words about an outcome are ours", {"33-words": WITH("()")}),
)
