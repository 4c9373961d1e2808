"""What receivers see of a response and of a request."""

from __future__ import annotations

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
