"""Which line of the product withstands which attack: each guard with a small change of the source that removes it.

`prove.py` makes each change in a copy of the package and runs the tests named here: they must fail then.
"""

from __future__ import annotations

from dataclasses import dataclass

GATE, RUN, LOOK = "approval/gate.py", "approval/execution.py", "approval/reconciliation.py"
PAGE = "approval/page"


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard, and how it is taken away."""

    tests: str
    """A number from 01 to 40, or a part of a test's name."""
    what: str
    edits: tuple[tuple[str, str, str], ...]
    """File below the package, the text as it is (once in the file), the text without the guard."""


def _(tests: str, what: str, *edits: tuple[str, str, str]) -> Guard:
    return Guard(tests, what, edits)


GUARDS: tuple[Guard, ...] = (
    _(
        "01",
        "arguments that the schema does not know are refused",
        ("arguments.py", "errors = _errors(operation, arguments)", "errors = []"),
    ),
    _(
        "02",
        "a client without question state has none",
        ("server.py", "_answer(params) if ctx.protocol_version >= MODERN else None", "_answer(params)"),
    ),
    _(
        "02",
        "answers count only with the state of their question",
        ("server.py", "if not state:\n        return None", 'state = state or \'{"a":"","d":"","t":0}\''),
        (GATE, "record = await self.store.get(answer.approval_id)", "record = next(iter(await self.list()), None)"),
        (GATE, "return answer.digest == digest == record.digest and", "return"),
    ),
    _(
        "02",
        "question state is sealed",
        ("server.py", "return await self._boundary(ctx, call_next)", "return await call_next(ctx)"),
    ),
    _(
        "03",
        "an answer is held to the digest of its question",
        (GATE, "return answer.digest == digest == record.digest and", "return"),
    ),
    _(
        "04",
        "an answer is held to the digest of this very call",
        (GATE, "return answer.digest == digest == record.digest and", "return answer.digest == record.digest and"),
    ),
    _(
        "04",
        "the digest covers the form",
        ("approval/canonical.py", '"form": [list(pair) for pair in request.form],', '"form": [],'),
    ),
    _(
        "05",
        "an answer to a finished question returns its outcome",
        (GATE, 'if record.state != "pending":\n            return await self._go_on(record, caller)', "pass"),
        (
            GATE,
            "except NotDecidable as refused:\n            return await self._go_on(refused.record, caller)",
            "except NotDecidable as refused:\n            record = await self._propose(await self.engine.prepare("
            "refused.record.operation, {}), caller, refused.record.digest)",
        ),
    ),
    _(
        "06",
        "only a valid decision counts",
        (GATE, "shown = decision in DECISIONS or", 'shown = answer.action == "accept" or'),
        (GATE, 'approve=decision == "approve"', 'approve=decision != "reject"'),
    ),
    _(
        "06",
        "only an accepted form holds a decision",
        (
            GATE,
            'answer.content.get("decision") if answer.action == "accept" else None',
            'answer.content.get("decision")',
        ),
    ),
    _("07", "a decline at once was shown to nobody", (GATE, "NOT_SHOWN_SECONDS = 1.0", "NOT_SHOWN_SECONDS = 0.0")),
    _("07", "a decline that took time is final", (GATE, "NOT_SHOWN_SECONDS = 1.0", "NOT_SHOWN_SECONDS = 100.0")),
    _("08", "three rejections end the asking", ("approval/history.py", "MAX_REJECTIONS = 3", "MAX_REJECTIONS = 300")),
    _(
        "08",
        "earlier rejections are told",
        ("approval/history.py", 'return f"Exactly this was rejected {when}{why}."', "return None"),
    ),
    _(
        "09",
        "the digest covers the connection",
        ("approval/canonical.py", '"connection_id": connection_id,', ""),
    ),
    _(
        "10",
        "each request names its connection",
        ("gateway.py", 'if request.service == "mailgun" and connection_id:', "if False:"),
    ),
    _(
        "10",
        "the connection is looked up again before the write",
        (RUN, 'if prepared.operation.service == "mailgun":\n            chosen', "if False:\n            chosen"),
    ),
    _(
        "11",
        "look-alike addresses are flagged",
        ("addresses.py", "flags = list(address.problems)\n    if address.domain:", "return []\n    if address.domain:"),
    ),
    _(
        "12",
        "previews are display-safe",
        (
            "text.py",
            'line = safe(text.replace("\\r\\n", "⏎")',
            'return text\n    line = safe(text.replace("\\r\\n", "⏎")',
        ),
    ),
    _(
        "13",
        "a body is behind a bar in the form",
        ("approval/show.py", 'lines = [f"> {line}" for', 'lines = [f"{line}" for'),
    ),
    _(
        "13",
        "a body is behind a bar in the terminal",
        ("approval/show.py", 'split("\\n"), indent="  | ")', 'split("\\n"), indent="")'),
    ),
    _("14", "line breaks are refused", ("arguments.py", "elif not many_lines and _LINE.search(text):", "elif False:")),
    _(
        "14",
        "NUL is refused",
        ("arguments.py", "if _NUL_OR_SURROGATE.search(text):", "if False:"),
        ("arguments.py", "elif not many_lines and _LINE.search(text):", "elif not many_lines and '\\n' in text:"),
    ),
    _(
        "15",
        "headers that name recipients are recipients",
        (
            "approval/previews/audience.py",
            'RECIPIENT_HEADERS = ("To", "Cc", "Bcc", "Resent-To",',
            'RECIPIENT_HEADERS = ("To",',
        ),
    ),
    _(
        "15",
        "our Message-Id is ours",
        ("arguments.py", '_OWN_HEADERS = frozenset({"message-id"})', "_OWN_HEADERS = frozenset()"),
    ),
    _(
        "16",
        "every recipient is on the terminal",
        (
            "approval/show.py",
            "[_recipient(one, 1000) for one in recipients]",
            "[_recipient(one, 1000) for one in recipients[:99]]",
        ),
    ),
    _("17", "the frame is sandboxed", (f"{PAGE}/guard.py", '"sandbox; default-src', '"default-src')),
    _(
        "18",
        "links that lie are warned of",
        ("approval/previews/content.py", "if host and named and not any(", "if False and not any("),
    ),
    _("18", "bodies that differ are warned of", ("approval/previews/content.py", "if common < 0.4:", "if False:")),
    _("19", "a yes is bound to the template", ("approval/previews/registry.py", '    "message": message.watch,\n', "")),
    _(
        "20",
        "a yes is bound to the target",
        (
            RUN,
            "if record.snapshot is not None:\n            await self._hold",
            "if False:\n            await self._hold",
        ),
    ),
    _("21", "what a preview quotes is marked as data", ("approval/present.py", '"notice": NOTICE,', "")),
    _("21", "what a read returns is marked as data", ("result.py", 'content["notice"] = NOTICE', "pass")),
    _("22", "at most ten questions wait", (GATE, "MAX_PENDING = 10", "MAX_PENDING = 1000")),
    _("23", "only our origin writes", (f"{PAGE}/guard.py", 'if headers.getlist("origin") != [origin]:', "if False:")),
    _(
        "23",
        "no other site's page writes",
        (f"{PAGE}/guard.py", 'if headers.get("sec-fetch-site", "same-origin") != "same-origin":', "if False:"),
        (f"{PAGE}/door.py", 'if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":', "if False:"),
    ),
    _(
        "23",
        "the page's half of the session is asked for",
        (f"{PAGE}/sessions.py", "or not key or not hmac.compare_digest(session.key.encode(), key.encode())", ""),
    ),
    _("24", "only our host names are answered", (f"{PAGE}/guard.py", "if len(named) != 1 or", "if False and")),
    _(
        "24",
        "nobody may frame the page",
        (f"{PAGE}/guard.py", "\"frame-src 'self'; frame-ancestors 'none';", "\"frame-src 'self';"),
    ),
    _("25", "strangers are locked out", (f"{PAGE}/door.py", "self._strangers.failed(who)", "pass")),
    _("25", "guessers are locked out", (f"{PAGE}/door.py", "self._guesses.failed(who)", "pass")),
    _("25", "the terminal asks for the passphrase", ("cli/approvals.py", "if not fits:", "if False:")),
    _("26", "guessed ids are counted", (f"{PAGE}/door.py", "self._lookups.failed(session.key)", "pass")),
    _(
        "26",
        "a session sees its own principal's approvals",
        (f"{PAGE}/app.py", "or session.principal not in {None, record.principal}", ""),
    ),
    _(
        "27",
        "what the service quotes is without the call's secrets",
        (RUN, "told: dict[str, Any] = redacted(content,", "told: dict[str, Any] = content or redacted(content,"),
    ),
    _("27", "a fresh password is for the approver", ("result.py", "for key in operation.reveals:", "for key in ():")),
    _(
        "27",
        "errors are without the key",
        ("call.py", 'replace(told, content=result.redacted(told.content, [self.settings.api_key or ""]))', "told"),
    ),
    _("28", "a file is held to its hash", ("attachments.py", "if fresh.sha256 != stored.sha256:", "if False:")),
    _("28", "no link is followed to a file", ("attachments.py", '_FILE = getattr(os, "O_NOFOLLOW", 0) | ', "_FILE = ")),
    _(
        "28",
        "no link is followed to a directory",
        (
            "attachments.py",
            'getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)\n',
            'getattr(os, "O_CLOEXEC", 0)\n',
        ),
    ),
    _("28", "only regular files are read", ("attachments.py", "if not stat.S_ISREG(status.st_mode):", "if False:")),
    _("28", "no path leads upwards", ("attachments.py", 'or ".." in relative.parts', "")),
    _(
        "29",
        "private hosts are flagged",
        ("approval/previews/hosts.py", "private = private_host(host)", 'private = ""'),
    ),
    _("30", "dot segments are refused", ("request.py", 'if value in (".", ".."):', "if False:")),
    _(
        "30",
        "a path value is one segment",
        ("request.py", 'return quote(value, safe="")', 'return quote(value, safe="/?#")'),
    ),
    _(
        "30",
        "pages of other hosts are none",
        ("paging.py", "trusted = host in _HOSTS", "trusted = True or host in _HOSTS"),
    ),
    _(
        "30",
        "a cursor stays on its list",
        ("paging.py", "or not _same_list(operation, request.path, place.path)", ""),
    ),
    _(
        "31",
        "log lines are JSON",
        ("logs.py", "return json.dumps(line, ensure_ascii=True)", 'return str(line["message"])'),
    ),
    _(
        "32",
        "a claim is for the version and state it saw",
        (
            "approval/journal.py",
            "if current.version != record.version:\n            return Conflict(current)\n"
            '        if current.state != "approved":\n            return IllegalMove(current, "executing")',
            "pass",
        ),
    ),
    _(
        "33",
        "what was claimed and not settled is unknown",
        ("approval/expiry.py", 'return "unknown", {"lease_until"', 'return "failed", {"lease_until"'),
    ),
    _("33", "a yes that nobody acted on is taken up", (RUN, "await self._take_up()", "pass")),
    _(
        "34",
        "a clock set back lengthens nothing",
        ("approval/expiry.py", "return past_wall or (known_end == end", "return past_wall or (False"),
    ),
    _(
        "34",
        "a known outcome is recorded over a swept one",
        (RUN, 'if lost.current.state != "unknown" or state == "unknown":', "if True:"),
    ),
    _(
        "35",
        "an outcome that cannot be recorded is unknown",
        (
            RUN,
            'except StoreError as problem:\n            log.warning("an outcome could not be recorded"',
            'except KeyError as problem:\n            log.warning("an outcome could not be recorded"',
        ),
    ),
    _(
        "35",
        "an outcome that cannot be looked up is unknown",
        (
            RUN,
            'except StoreError as problem:\n            log.warning("an outcome cannot be looked up"',
            'except KeyError as problem:\n            log.warning("an outcome cannot be looked up"',
        ),
    ),
    _(
        "36",
        "the keys outlive the process",
        ("approval/keys.py", "if not path.exists():", "path.unlink(missing_ok=True)\n    if True:"),
    ),
    _(
        "37",
        "rows carry a checksum",
        ("approval/rows.py", "if not seal.same(str(row[10]), self._mac(row[:8], envelope)):", "if False:"),
    ),
    _(
        "37",
        "a row is the one the audit knows",
        ("approval/journal.py", "if entry is None or not self.chain.holds(entry) or", "if False and"),
    ),
    _("38", "a policy that denies counts at the run", (RUN, 'if verdict.decision == "deny":', "if False:")),
    _(
        "38",
        "the policy is read again at the run",
        (RUN, "policy = policy_of(gate.settings)", "policy = Policy()"),
        (RUN, "from .policies import policy_of", "from .policies import policy_of\nfrom .policy import Policy"),
    ),
    _(
        "38",
        "the level is held at the run",
        (RUN, 'if verdict.level == "operator" and record.channel in ("form", "relay"):', "if False:"),
    ),
    _(
        "38",
        "budgets are reserved with the claim",
        ("approval/journal.py", "if used.get(rule, 0) >= per_day:", "if False:"),
    ),
    _(
        "38",
        "what cannot be read strictly meets no allow rule",
        (
            "approval/cases.py",
            "address.raw if address.problems else address.address for address",
            "address.address for address",
        ),
        (
            "approval/policy.py",
            'if address is None:\n                return f"the recipient',
            'if address is None:\n                continue\n                return f"the recipient',
        ),
    ),
    _("38", "a forwarded copy is no allowed recipient", ("approval/cases.py", ", *copies)", ",)")),
    _(
        "38",
        "a list is more than its address",
        (GATE, "(joined or unknowable or doubted)", "(joined or doubted)"),
    ),
    _(
        "39",
        "an identical call joins the open record",
        (GATE, "if record.digest == digest and", "if False and"),
        ("approval/journal.py", "if not self.deadlines.lapsed(earlier.record, now):", "if False:"),
    ),
    _(
        "40",
        "a caller that goes stops nothing",
        (RUN, "await asyncio.shield(self.start(record))", "await self.start(record)"),
    ),
    # Outcomes and what lies around the list.
    _("a_send_whose_answer_was_lost", "sends are looked up", (LOOK, 'if operation.settle == "events":', "if False:")),
    _(
        "may_have_been_lost",
        "absent events prove nothing",
        (LOOK, "return True if record.message_id in named else None", "return record.message_id in named"),
    ),
    _(
        "event_of_another_message",
        "an event counts for its own message",
        (LOOK, "return True if record.message_id in named else None", "return True if [*named] else None"),
    ),
    _(
        "does_not_repeat_what_may_have_happened",
        "no rule repeats a doubtful write",
        (GATE, "(joined or unknowable or doubted)", "(joined or unknowable)"),
    ),
    _(
        "cannot_be_handled",
        "an answer that cannot be kept is still a success",
        (RUN, "except (ValueError, RecursionError) as problem:", "except KeyError as problem:"),
    ),
    _(
        "nobody_foresaw",
        "a failure that nobody foresaw is a doubt",
        (RUN, "except Exception as surprise:", "except KeyError as surprise:"),
    ),
    _("too_many_requests", "429 keeps the yes", (RUN, "if isinstance(problem, RateLimited):", "if False:")),
    _("too_many_requests", "429 waits", (RUN, "and gate.clock() < record.retry_at)", "and False)")),
    _(
        "an_answer_that_proves_nothing",
        "408 and redirects prove nothing",
        (RUN, "if reply.status < 400 or reply.status == 408:", "if False:"),
    ),
    _(
        "what_was_not_there or changed_meanwhile or there_already or existed_before",
        "an untouched target proves no success",
        (LOOK, "if now == record.snapshot:", "if False:"),
    ),
    _(
        "took_long_to_get_lost",
        "the wait begins when the request ended",
        (
            LOOK,
            "ended = record.finished_at or (record.attempted_at or record.created_at) + LEASE_SECONDS",
            "ended = record.attempted_at or record.created_at",
        ),
    ),
    _("can_no_longer_arrive", "not there yet is no failure", (LOOK, "GRACE_SECONDS = 90.0", "GRACE_SECONDS = 0.0")),
    _(
        "sent_value_can_be_compared",
        "a match needs every value",
        (LOOK, "if not (sent - named <= set(operation.compare) and sent & set(operation.compare)):", "if False:"),
    ),
    _("target_was_never_read", "a look afterwards needs one before", (LOOK, "or record.snapshot is None", "")),
    _("changed_since_the_question", "the schema is held", (RUN, "if stored.digest != record.digest:", "if False:")),
    _(
        "read_only_runs_no",
        "nothing runs that is not offered",
        (RUN, "if prepared.operation.name not in self._gate.engine.catalogue:", "if False:"),
    ),
    _("with_another_key", "the gateway's key is held", (RUN, "if sealed.gateway != self._gate.mark:", "if False:")),
    _("time_is_over_is_not_joined", "what is over is not joined", (GATE, "self.clock() < record.expires_at)", "True)")),
    _(
        "after_the_end_of_the_question",
        "a yes after the end does not count",
        ("approval/journal.py", 'to == "approved" and self.deadlines.lapsed(current, now)', "False"),
    ),
    _(
        "a_relay_never",
        "a relay is for one recipient",
        ("approval/tools.py", 'or record.access == "delete" or not _to_one(record)', ""),
    ),
    _(
        "another_principal_sees",
        "approvals are their principal's",
        ("approval/tools.py", "and record.principal == caller.principal", ""),
    ),
    _(
        "worth_nothing_to_another",
        "answers are their principal's",
        (GATE, "and record.principal == caller.principal", ""),
    ),
    _(
        "history_of_one_principal",
        "history is its principal's",
        (GATE, "self.store.history(caller.principal,", "self.store.history('local:tester',"),
    ),
    _(
        "33",
        "the words about an outcome are ours",
        ("approval/present.py", 'own = ("status", "executed", "approval_id")', "own = ()"),
    ),
)
