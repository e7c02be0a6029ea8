"""Answers to a question in a JSON body that come in pages: as many rows as are wanted, from however many of them.

Mailgun's analytics take `pagination` in the body: `skip` and `limit` for numbers, `limit` and the `token` of the last
answer for logs (its reference, Metrics and Logs). A page that no longer fits into one answer is left for the next call.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from maton_mailgun.catalogue.operation import Operation
from maton_mailgun.errors import CallError
from maton_mailgun.wire.fencing import fenced
from maton_mailgun.wire.places import at
from maton_mailgun.wire.request import Request

MOST_REQUESTS = 20
"""Of one call: 2,000 log entries, or 5,000 rows of numbers."""

Get = Callable[[Request], Awaitable[dict[str, Any]]]


async def read(
    operation: Operation, request: Request, get: Get, late: Callable[[], bool], fits: Callable[[dict[str, Any]], bool]
) -> tuple[dict[str, Any], str]:
    """The answer with the rows of as many pages as are wanted and fit, and a note where reading on failed.

    Args:
        operation: The row, which says how pages follow.
        request: The checked call.
        get: Reads one page.
        late: Whether no further page may be asked for.
        fits: Whether an answer is short enough to be told whole.

    Raises:
        CallError: The first page could not be read.
    """
    wanted, asked = _first(operation, request)
    body = await get(asked)
    if not isinstance(body.get("items"), list):
        return body, ""
    for _ in range(1, MOST_REQUESTS):
        following = _next(operation, body, wanted - len(body["items"]))
        if following is None or late():
            break
        try:
            page = await get(replace(asked, json={**asked.json, "pagination": {**_pagination(asked), **following}}))
        except CallError as failure:
            return body, f"Reading on failed: {fenced(failure.message)}"
        if not isinstance(page.get("items"), list) or not page["items"] or _is_again(following, page):
            break
        longer = _together(body, page)
        if not fits(longer):
            break
        body = longer
    return body, ""


def _first(operation: Operation, request: Request) -> tuple[int, Request]:
    """How many rows are wanted, and the request for the first page of them."""
    given = dict(request.json)
    own = given.get("pagination")
    pagination = dict(own) if isinstance(own, Mapping) else {}
    wanted = given.pop("limit", None)
    if wanted is None:
        usual = operation.defaults["pagination"]["limit"]
        found = pagination.get("limit", usual)
        wanted = found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else usual
    size = min(int(wanted), operation.page_most)
    return int(wanted), replace(request, json={**given, "pagination": {**pagination, "limit": size}})


def _pagination(request: Request) -> dict[str, Any]:
    return dict(request.json["pagination"])


def _next(operation: Operation, body: Mapping[str, Any], more: int) -> dict[str, Any] | None:
    """What of the pagination is another for the page after an answer; None at the end, or where no more is wanted."""
    if more <= 0:
        return None
    size = {"limit": min(more, operation.page_most)}
    total, told = at(body, "pagination.total"), len(body["items"])
    if operation.pages_in_body == "token":
        token = at(body, "pagination.next")
        goes_on = isinstance(token, str) and token and told and total != told
        return {**size, "token": token} if goes_on else None
    begin = at(body, "pagination.skip")
    through = (begin if isinstance(begin, int) else 0) + told
    return {**size, "skip": through} if isinstance(total, int) and told and through < total else None


def _is_again(following: Mapping[str, Any], page: Mapping[str, Any]) -> bool:
    """Whether a page is another than was asked for: its rows may have been told before."""
    if "token" in following:
        return bool(at(page, "pagination.next") == following["token"])
    return bool(at(page, "pagination.skip") != following["skip"])


def _together(body: Mapping[str, Any], page: Mapping[str, Any]) -> dict[str, Any]:
    """Two pages as one answer, which begins where the first does and goes on after the second."""
    own, other = body.get("pagination"), page.get("pagination")
    first = own if isinstance(own, Mapping) else {}
    rest = {name: value for name, value in other.items() if name != "skip"} if isinstance(other, Mapping) else {}
    following = {"next": rest.get("next")} if "next" in first else {}
    return {**body, "items": [*body["items"], *page["items"]], "pagination": {**first, **rest, **following}}
