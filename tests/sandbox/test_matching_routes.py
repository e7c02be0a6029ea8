"""Which route takes mail to an address, by the filters that routes are documented to have."""

from __future__ import annotations

import pytest

from .wire import Wire

SEEDED = "6797c62f6ee0a9fcb1ec5eee"


def _route(api: Wire, expression: str, priority: int) -> str:
    form = [("expression", expression), ("action", "stop()"), ("priority", str(priority))]
    made = api.call("POST", "/v3/routes", form)
    assert made.status == 200, made.text
    return str(made.json["route"]["id"])


def test_the_route_of_the_lowest_priority_that_takes_the_address_is_told(api: Wire) -> None:
    last = _route(api, "catch_all()", 99)
    first = _route(api, 'match_recipient("^support@.*")', 1)
    found = api.call("GET", "/v3/routes/match?address=support%40mg.example.com")
    assert (found.status, found.json["route"]["id"]) == (200, first)
    assert api.call("GET", "/v3/routes/match?address=x%40example.net").json["route"]["id"] == last


@pytest.mark.parametrize(
    ("expression", "takes"),
    [
        ('match_recipient("x@y.example")', True),
        ('not match_recipient("x@y.example")', False),
        ('match_recipient("a@.*") or match_recipient("x@.*")', True),
        ('match_recipient("a@.*") or match_recipient("x@.*") and match_recipient(".*@z.example")', False),
        ('match_recipient("x@.*") and not (match_recipient("a@.*") or catch_all())', False),
        ('match_header("subject", ".*")', False),
        ('not match_header("subject", ".*")', True),
    ],
)
def test_filters_are_joined_as_routes_join_them(api: Wire, expression: str, takes: bool) -> None:
    made = _route(api, expression, 1)
    found = api.call("GET", "/v3/routes/match?address=x%40y.example")
    assert (found.status, found.json.get("route", {}).get("id")) == ((200, made) if takes else (404, None))


def test_no_address_is_refused_and_no_route_is_not_found(api: Wire) -> None:
    assert api.call("GET", "/v3/routes/match").status == 400
    nobody = api.call("GET", "/v3/routes/match?address=nobody%40mg.example.com")
    assert (nobody.status, nobody.json) == (404, {"message": "Route not found"})


def test_the_seeded_route_takes_mail_to_support(api: Wire) -> None:
    found = api.call("GET", "/v3/routes/match?address=support%40mg.example.com").json
    assert found["route"]["id"] == SEEDED
