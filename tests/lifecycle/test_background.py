"""Background work, over real sockets: it is no part of the response, whole or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lifecycle.served import request

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lifecycle.served import Served


@pytest.mark.parametrize("framework", ["starlette", "fastapi", "litestar"])
def test_a_response_that_is_aborted_has_ended_before_its_background_work(
    serve: Callable[[str, str], Served], framework: str
) -> None:
    """These frameworks do the work all the same; the end was told at once, and the teardown is."""
    it = serve("uvicorn", f"tests.lifecycle.apps.{framework}_app:app")
    with it.connect() as connection:
        connection.sendall(request("/long_background"))
        it.lines("/long_background", last="request-finished")
    lines = it.lines("/long_background")

    [end] = [line for line in lines if line["signal"] == "response-sent"]
    assert (end["aborted"], end["reason"]) == (True, "disconnect")
    assert [line["signal"] for line in lines] == [
        "request-started",
        "request-finished",
        "response-sent",
        "work",
        "request-tearing-down",
    ]
