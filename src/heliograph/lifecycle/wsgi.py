"""The life of any WSGI application, as signals: pure middleware, for the outermost place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heliograph.hearing import any_heard, is_heard
from heliograph.lifecycle.described import EnvironRequest
from heliograph.lifecycle.exchange import (
    COMPLETE,
    DISCONNECT,
    LOST,
    REQUEST,
    SERVED,
    Exchange,
    reason_of,
    request_in,
)
from heliograph.lifecycle.installing import check_callable
from heliograph.lifecycle.request import CURRENT, HEADER
from heliograph.lifecycle.response import Headers, ResponseInfo
from heliograph.lifecycle.signals import (
    OF_REQUESTS,
    app_started,
    got_request_exception,
    request_finished,
    request_started,
    request_tearing_down,
    response_sent,
)
from heliograph.lifecycle.telling import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from heliograph import Signal
    from heliograph.lifecycle.request import RequestInfo

    Environ = dict[str, Any]
    Pairs = list[tuple[str, str]]
    Write = Callable[[bytes], object]
    StartResponse = Callable[..., Write]
    Application = Callable[[Environ, StartResponse], Iterable[bytes]]

MOUNTED = "heliograph.mounted"
"""Where an environ has the prefix under which a server mounts the outermost application."""

_WITHOUT_BODY = (204, 304)


class Middleware:
    """Wraps a WSGI application and sends its life-cycle signals.

    The end of a response is known by its iterable: it is exhausted, closed early, raises, or is
    garbage-collected, as some servers and adapters never close it. Inside of another one this
    does nothing.

    Args:
        app: The WSGI application.
        sender: The sender of the signals; by default *app*.
        echo_request_id: Whether responses carry the id of their request in ``X-Request-ID``.
        native: Whether a framework inside sends the signals itself that it has: all but
            `app_started` and `response_sent`.

    Raises:
        ArgumentError: If *app* is not callable.
    """

    def __init__(
        self,
        app: Application,
        *,
        sender: object = None,
        echo_request_id: bool = False,
        native: bool = False,
    ) -> None:
        check_callable(app, "WSGI")
        self.app = app
        self.sender: Any = app if sender is None else sender
        self._echo = echo_request_id
        self._native = native
        self._are_heard = any_heard(*((response_sent,) if native else OF_REQUESTS))
        self._started = False
        self._left = False

    def leave(self) -> None:
        """Let the application serve alone from now on, where somebody holds on to this."""
        self._left = True

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve as the application does."""
        if self._left or request_in(environ) is not None or _is_inside_of_asgi(environ):
            return self.app(environ, start_response)
        if not self._started:
            self._started = True
            tell(app_started, self.sender, lazy=True)
        request = environ[REQUEST] = EnvironRequest(environ)
        environ[MOUNTED] = environ.get("SCRIPT_NAME", "")
        request.enter()
        if not (self._are_heard() or self._echo):
            return _unheard(self.app, request, environ, start_response)
        kind = NativeResponse if self._native else Response
        served = kind(self.sender, request, start_response, echo=self._echo)
        environ[SERVED] = served
        return served.run(self.app, environ)


def _unheard(
    app: Application, request: RequestInfo, environ: Environ, start_response: StartResponse
) -> Iterable[bytes]:
    """Let the application serve a request of which nothing is told, as nobody hears its start."""
    try:
        found = app(environ, start_response)
    except BaseException:
        request.leave()
        raise
    if isinstance(found, list | tuple) or _is_file(found, environ):
        request.leave()  # Nothing of the application runs while a server sends that.
        return found
    return (
        UnheardSizedBody(found, request)
        if hasattr(found, "__len__")
        else UnheardBody(found, request)
    )


def _is_inside_of_asgi(environ: Environ) -> bool:
    """Tell whether an adapter serves a request that a layer for ASGI tells of already."""
    around = CURRENT.get()
    # Only of ASGI: a thread of a WSGI server may still have its last request.
    if around is None or not around.by_asgi or around.is_over:
        return False
    same = around.method == environ["REQUEST_METHOD"]
    return same and around.path.endswith(environ.get("PATH_INFO", ""))


def _is_file(found: object, environ: Environ) -> bool:
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(found, wrapper)


class Response(Exchange):
    """One request over WSGI, on its way through the application and back."""

    __slots__ = ("_echo", "_headers", "_sender", "_start", "torn_down")

    def __init__(
        self, sender: object, request: RequestInfo, start: StartResponse, *, echo: bool
    ) -> None:
        Exchange.__init__(self, request)
        self._sender: Any = sender
        self._start = start
        self._echo = echo
        self._headers: Pairs = []
        self.torn_down: bool = False

    def run(self, app: Application, environ: Environ) -> Iterable[bytes]:
        """Let the application serve the request; returns the body for the server."""
        if is_heard(request_started):
            self._tell(request_started, request=self.request)
        try:
            found = app(environ, self._announce)
        except BaseException as error:
            self.fail(error)
            self.tear_down()
            raise
        if _is_file(found, environ):
            return self._closing(found)
        return SizedBody(found, self) if hasattr(found, "__len__") else Body(found, self)

    def _closing(self, file: Any) -> Iterable[bytes]:
        # Servers send such an object their own way if it is of their class, and only then.
        close = getattr(file, "close", None)

        def close_and_tell() -> None:
            try:
                if close is not None:
                    close()
            finally:
                # What the server has read of it, nobody knows.
                self.bytes += self._length() or 0
                self.finish(COMPLETE)
                self.tear_down()

        file.close = close_and_tell
        return file  # type: ignore[no-any-return]  # It is what the application returned.

    def _announce(self, status: str, headers: Pairs, exc_info: Any = None) -> Write:
        code = int(status[:3])
        self.status: int | None = code
        if self._echo:
            kept = [it for it in headers if it[0].lower() != HEADER]
            headers = [*kept, ("X-Request-ID", self.request.id)]
        self._headers = headers
        if exc_info:
            self.notice_now(exc_info[1])
        if is_heard(request_finished):
            response = ResponseInfo(code, Headers(headers))
            self._tell(request_finished, request=self.request, response=response)
        write = self._start(status, headers, exc_info) if exc_info else self._start(status, headers)

        def write_counted(data: bytes) -> object:
            written = write(data)
            self.bytes += len(data)
            return written

        return write_counted

    def _tell(self, signal: Signal[...], **payload: Any) -> None:
        tell(signal, self._sender, **payload)

    def notice_now(self, error: BaseException) -> None:
        """Tell of an exception that nobody has handled, unless it was told of before."""
        if self.is_news(error):
            self._tell(got_request_exception, **self.told_of(error))

    def fail(self, error: BaseException) -> None:
        """End the response, as the application has raised."""
        self.error: BaseException | None = error
        self.notice_now(error)
        self.finish(reason_of(error), error)

    def finish(self, reason: str, exc: BaseException | None = None) -> None:
        """End the response, unless it has ended."""
        if not is_heard(response_sent):
            self._ended = True
            return
        payload = self.end(reason, exc)
        if payload is not None:
            tell(response_sent, self._sender, **payload)

    def let_go(self, reason: str, is_taken: Callable[[], bool] | None = None) -> None:
        """End the response, as its body is read no further: for a reason, if it is not whole."""
        if self._ended:
            return
        length = self._length()
        whole = length is not None and self.bytes >= length
        bodiless = self.request.method == "HEAD" or self.status in _WITHOUT_BODY
        taken = is_taken is not None and is_taken()
        self.finish(COMPLETE if whole or bodiless or taken else reason)

    def _length(self) -> int | None:
        for name, value in self._headers:
            if name.lower() == "content-length":
                return int(value) if value.isdigit() else None
        return None

    def tear_down(self) -> None:
        """Say that the application is done with the request."""
        if self.torn_down:
            return
        self.torn_down = True
        if is_heard(request_tearing_down):
            self._tell(request_tearing_down, request=self.request, exc=self.error)
        self.request.leave()
        self.forget()
        del self._start  # It is the server's, which holds the environ, which holds this.


class NativeResponse(Response):
    """One request to a framework that sends all signals but the last of the response itself."""

    __slots__ = ()

    def _tell(self, signal: Signal[...], **payload: Any) -> None:
        """Leave it to the framework."""


class Body:
    """The body of a response: what the application returned, with its end told."""

    def __init__(self, found: Iterable[bytes], response: Response) -> None:
        self._found = found
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        # A generator, as that costs a part of what `__next__` does. It keeps the body alive.
        response = self._response
        try:
            for part in self._found:
                response.bytes += len(part)
                yield part
        except GeneratorExit:
            raise  # It was let go, of which `close` knows more.
        except BaseException as error:
            response.fail(error)
            # Not every adapter closes it afterwards, and the error holds on to it.
            response.tear_down()
            raise
        response.finish(COMPLETE)
        response.let_exception_go()

    def close(self) -> None:
        """Close what the application returned."""
        response = self._response
        try:
            close = getattr(self._found, "close", None)
            if close is not None:
                close()
        except BaseException as error:
            response.fail(error)
            raise
        else:
            response.let_go(DISCONNECT, self._is_taken)
        finally:
            response.tear_down()

    def _is_taken(self) -> bool:
        """Tell whether the server has all of it, and has only not asked for more."""
        return False

    def __del__(self) -> None:
        # Some servers and adapters never close it.
        response = self._response
        if not response.torn_down:
            response.let_go(LOST)
            response.tear_down()


class SizedBody(Body):
    """A body that knows its length: servers make a Content-Length of the length 1."""

    def __len__(self) -> int:
        return len(self._found)  # type: ignore[arg-type]  # It was asked for its length before.

    def _is_taken(self) -> bool:
        found = self._found
        return isinstance(found, list | tuple) and self._response.bytes == sum(map(len, found))


class UnheardBody:
    """The body of a response of which nothing is told: its request is current until the end."""

    def __init__(self, found: Iterable[bytes], request: RequestInfo) -> None:
        self._found = found
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        # A generator keeps the body alive: asgiref and others hold on to what this returns alone.
        try:
            for part in self._found:  # noqa: UP028 - `yield from` may close what is found.
                yield part
        except Exception:
            self._request.leave()  # The error holds on to the body.
            raise

    def close(self) -> None:
        """Close what the application returned."""
        try:
            close = getattr(self._found, "close", None)
            if close is not None:
                close()
        finally:
            self._request.leave()

    def __del__(self) -> None:
        if not self._request.is_over:
            self._request.leave()  # Some servers and adapters never close it.


class UnheardSizedBody(UnheardBody):
    """One that knows its length."""

    def __len__(self) -> int:
        return len(self._found)  # type: ignore[arg-type]  # It was asked for its length before.
