"""Whatever the sandbox's own parsers are given, in depth, length or kind of digits, is answered, and never with 500."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from maton_mailgun.sandbox import Sandbox
from maton_mailgun.sandbox.mailgun.messages.rendering import fill_in
from maton_mailgun.sandbox.mailgun.operations import OPERATIONS, answer
from maton_mailgun.sandbox.web.calls import SentFields
from maton_mailgun.sandbox.web.router import MailgunOperation

from .test_robustness import EXPECTED, KEYS, call_of
from .wire import DOMAIN, Wire

PARSED = [*KEYS, "recipients", "size", "t:variables", "h:X-Mailgun-Variables", "recipient-variables", "v:x"]
OPENERS = [
    "(",
    "NOT ",
    "NOT(",
    "[",
    '{"a":',
    '[{"a":',
    "{{#if a}}",
    "{{#each a}}",
    "match_recipient('(",
    "<",
    '"',
    "a OR (",
]
bombs = some.builds(
    lambda opener, times, middle, closer, closed: opener * times + middle + closer * (times if closed else 0),
    some.sampled_from(OPENERS),
    some.sampled_from([1, 2, 49, 51, 101, 500, 999, 5_000]),
    some.sampled_from(["", "a", "1", ">" + "9" * 5_000, ">\u0663", "\u00b2"]),
    some.sampled_from(["", ")", "]", "}", "}]", "{{/if}}", "{{/each}}", ")')"]),
    some.booleans(),
)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(some.sampled_from(OPERATIONS), some.sampled_from(PARSED), bombs)
@example(next(one for one in OPERATIONS if "events" in one.pattern), "recipients", "(" * 5_000)
def test_depth_is_answered_and_never_with_500(operation: MailgunOperation, key: str, bomb: str) -> None:
    sandbox = Sandbox()
    call = call_of(operation, bomb, key=key)
    pairs = SentFields([*call.form.pairs, (key, bomb)])
    assert answer(sandbox.account, replace(call, query=pairs, form=pairs), key_is_good=True).status in EXPECTED


@pytest.mark.parametrize("filtered", ["(" * 5_000, "NOT " * 5_000 + "a", "(" * 51 + "a" + ")" * 51, "NOT (" * 900])
@pytest.mark.parametrize("field", ["recipients", "subject", "size"])
def test_a_filter_beyond_all_measure_is_refused_over_the_wire(api: Wire, field: str, filtered: str) -> None:
    reply = api.mailgun("GET", f"/v3/{DOMAIN}/events?{field}={quote(filtered)}")
    assert (reply.status, reply.json["message"][:25]) == (400, "Invalid filter expression")


def test_a_filter_as_deep_as_people_write_them_is_taken(api: Wire) -> None:
    assert api.mailgun("GET", f"/v3/{DOMAIN}/events?subject={quote('(' * 20 + 'a' + ')' * 20)}").status == 200


def test_a_fault_nested_beyond_all_measure_is_refused(api: Wire) -> None:
    regex = '{"match": {"path_regex": "' + "(" * 5_000 + '"}}'
    for body in ("[" * 100_000, '{"fault": ' * 2_000 + "1" + "}" * 2_000, regex):
        assert api.raw("POST", "/_sandbox/faults", body.encode(), {"Content-Type": "application/json"}).status == 400


def test_blocks_of_a_template_within_each_other_are_filled_in_to_some_depth() -> None:
    assert fill_in("{{#if a}}" * 20 + "x" + "{{/if}}" * 20, {"a": 1}, html=True) == "x"
    assert "x" in fill_in("{{#if a}}" * 1_000 + "x" + "{{/if}}" * 1_000, {"a": 1}, html=True)
