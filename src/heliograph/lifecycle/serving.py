"""What a server serves where a framework lets nothing stand outside of its applications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heliograph.lifecycle import asgi, wsgi
from heliograph.lifecycle.installing import Installation

if TYPE_CHECKING:
    from collections.abc import Callable


class Serving(Installation):
    """The life-cycle signals of an application that is served by this, which is their sender.

    In the words of `Installation`, and a layer around the application as well.
    """

    if TYPE_CHECKING:
        __call__: Callable[..., Any]
        leave: Callable[[], None]

    def uninstall(self) -> None:
        """Undo the installation: the application is served as it was before."""
        super().uninstall()
        self.leave()

    def __getattr__(self, name: str) -> Any:
        # What else a framework or its tools look for at an application.
        return getattr(self.app, name)


class ServingWsgi(wsgi.Middleware, Serving):
    """A WSGI application.

    Args:
        app: The application.
        undo: Undoes what was done to the application itself.
        echo_request_id: Whether responses carry the id of their request in ``X-Request-ID``.
    """

    def __init__(self, app: Any, undo: Callable[[], None], *, echo_request_id: bool) -> None:
        wsgi.Middleware.__init__(self, app, sender=self, echo_request_id=echo_request_id)
        Serving.__init__(self, app, undo)


class ServingAsgi(asgi.Middleware, Serving):
    """An ASGI application, with the arguments of `ServingWsgi`."""

    def __init__(self, app: Any, undo: Callable[[], None], *, echo_request_id: bool) -> None:
        asgi.Middleware.__init__(self, app, sender=self, echo_request_id=echo_request_id)
        Serving.__init__(self, app, undo)
