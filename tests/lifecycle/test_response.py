"""What receivers see of a response and of a request."""

from __future__ import annotations

from copy import deepcopy
from time import sleep
from uuid import RFC_4122, UUID

import pytest

from heliograph.lifecycle.request import RequestInfo
from heliograph.lifecycle.response import Headers


@pytest.mark.parametrize(
    "headers",
    [
        Headers([("Set-Cookie", "a"), ("set-cookie", "b"), ("Vary", "\xe9")]),
        Headers([(b"Set-Cookie", b"a"), (b"set-cookie", b"b"), (b"Vary", b"\xe9")]),
    ],
)
def test_headers_are_read_by_name(headers: Headers) -> None:
    """In any case, as text, under ASGI too; `pairs` has those that share a name."""
    assert (headers["SET-COOKIE"], headers.get("vary"), headers.get("Age")) == ("a", "\xe9", None)
    assert (len(headers), list(headers)) == (3, ["Set-Cookie", "set-cookie", "Vary"])
    assert headers.pairs == (("Set-Cookie", "a"), ("set-cookie", "b"), ("Vary", "\xe9"))
    assert repr(headers) == f"Headers({headers.pairs!r})"


def test_a_request_says_what_it_is() -> None:
    """By its route: a path may hold what is nobody's business."""
    request = RequestInfo(
        kind="http", method="GET", path="/7", client=None, native=None, offered_id="abc"
    )

    assert repr(request) == "<RequestInfo GET without a route: abc>"
    request.route = "/{id}"
    assert repr(request) == "<RequestInfo GET /{id}: abc>"


def test_a_copy_of_a_request_does_not_change_with_it() -> None:
    """It has its id, though nobody had asked for that, and the route as far as it was known."""
    native = object()
    request = RequestInfo("http", "GET", "/7", None, native)
    routes = [None, "/{id}"]
    request.route_by = routes.pop, 0
    twin = deepcopy(request)

    assert (twin.id, twin.route, twin.native) == (request.id, None, native)
    assert (request.route, twin.route) == ("/{id}", None)


def test_ids_that_are_made_later_sort_later() -> None:
    """They are UUIDs of version 7, which begin with the time (RFC 9562)."""
    ids = []
    for _ in range(5):
        ids.append(RequestInfo("http", "GET", "/", None, None).id)
        sleep(0.002)

    assert ids == sorted(ids)
    assert {(UUID(it).version, UUID(it).variant) for it in ids} == {(7, RFC_4122)}
