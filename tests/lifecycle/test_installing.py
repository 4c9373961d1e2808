"""What `install` returns where it is served in place of the application."""

from __future__ import annotations

from inspect import iscoroutinefunction
from typing import Any

import falcon
import falcon.asgi
import pytest

from heliograph.lifecycle.falcon import install


@pytest.mark.parametrize("kind", [falcon.App, falcon.asgi.App])
def test_a_server_can_tell_what_it_serves(kind: type[Any]) -> None:
    """It asks whether a call is a coroutine, and tries a call without arguments for a factory."""
    served = install(kind())

    assert iscoroutinefunction(served.__call__) is (kind is falcon.asgi.App)
    with pytest.raises(TypeError, match="missing"):
        served()


def test_what_is_asked_of_it_is_asked_of_the_application() -> None:
    """What else a framework's tools look for."""
    app = falcon.App()

    assert install(app).req_options is app.req_options
