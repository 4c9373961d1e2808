"""A framework's own signals, joined with those of the same name here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heliograph.blinker.joining import join
from heliograph.hearing import is_heard
from heliograph.lifecycle.exchange import REQUEST, request_in
from heliograph.lifecycle.signals import lifecycle, request_started, websocket_started

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from heliograph import Signal
    from heliograph.lifecycle.request import RequestInfo


def ours(name: str) -> Signal[...]:
    """Return the signal of a name, as the frameworks spell it."""
    return lifecycle[name.replace("_", "-")]


def noted(
    native: Any,
    given: dict[str, Any],
    make: Callable[[dict[str, Any]], RequestInfo],
    route_of: Callable[[Any], str | None],
) -> RequestInfo:
    """Return the request that a framework's own one stands for, with what that knows of it.

    Args:
        native: The framework's request.
        given: Its scope or environ.
        make: Makes a request of these where nothing has come through the application: in a test.
        route_of: Returns the route template of the framework's request, or None.
    """
    found = request_in(given)
    if found is None:
        found = given[REQUEST] = make(given)
    if found.native is not native:
        found.native = native
        found.route_by = route_of, native
    return found


class Joined:
    """The signals of one framework while any of its applications has the life-cycle signals.

    Args:
        theirs: The framework's signals, by their names.
        request: Returns the request of the current context, or None outside of requests.
    """

    def __init__(
        self, theirs: Mapping[str, Any], request: Callable[[], RequestInfo | None]
    ) -> None:
        self._theirs = theirs
        self._request = request
        self._apps = 0
        self._part: list[Callable[[], None]] = []

    def enter(self) -> None:
        """Join the signals, unless they are joined already."""
        self._apps += 1
        if self._apps == 1:
            try:
                for name, signal in self._theirs.items():
                    self._part.append(join(signal, ours(name)))
            except BaseException:
                self.leave()
                raise
            for name, signal in self._theirs.items():
                self._offer_request(signal, ours(name))

    def leave(self) -> None:
        """Part them when the last application has left."""
        self._apps -= 1
        if self._apps == 0:
            for signal in self._theirs.values():
                vars(signal).pop("send", None)
                vars(signal).pop("send_async", None)
            while self._part:
                self._part.pop()()

    def _offer_request(self, signal: Any, joined: Signal[...]) -> None:
        declaration = joined.declaration
        if declaration is None or "request" not in declaration.names:
            return
        request, send, send_async = self._request, signal.send, signal.send_async
        lacking: dict[str, Any] = (
            {"response_started": False} if "response_started" in declaration.names else {}
        )

        begins = joined in (request_started, websocket_started)

        # The framework knows nothing of it. On the signal itself, as its class has others.
        def send_with(*args: Any, **payload: Any) -> Any:
            if not is_heard(joined):
                return send(*args, **payload)
            if "request" not in payload:
                payload["request"] = request()
            return send(*args, **(lacking | payload))

        def send_async_with(*args: Any, **payload: Any) -> Any:
            if not is_heard(joined):
                return send_async(*args, **payload)
            if "request" not in payload:
                payload["request"] = request()
            if begins and payload["request"] is not None:
                payload["request"].begun = True
            return send_async(*args, **(lacking | payload))

        vars(signal).update(send=send_with, send_async=send_async_with)
