"""The life-cycle signals; names and payload are those of Flask and Quart where these have them."""

from __future__ import annotations

from typing import Any

from heliograph import Namespace
from heliograph.lifecycle.job_info import JobInfo
from heliograph.lifecycle.request import RequestInfo

lifecycle: Namespace = Namespace("lifecycle")


@lifecycle.declare(name="app-started", offered={"lazy"})
def app_started(sender: Any, *, lazy: bool) -> None:
    """An application serves from now on.

    `lazy` tells that no server said so (WSGI servers never do, nor daphne): the first request
    has come.
    """


@lifecycle.declare(name="app-stopping")
def app_stopping(sender: Any) -> None:
    """A server ends an application. Servers without a life span of their own never say so."""


@lifecycle.declare(name="request-started", offered={"request"})
def request_started(sender: Any, *, request: RequestInfo) -> None:
    """A request has come in; nothing of the application has seen it yet."""


@lifecycle.declare(name="request-finished", offered={"request"})
def request_finished(sender: Any, *, request: RequestInfo, response: Any) -> None:
    """The application announces its response: its status and headers, before the body.

    `response` is the framework's own under Flask and Quart, and a `ResponseInfo` elsewhere: both
    have a `status_code` and `headers`.
    """


@lifecycle.declare(name="got-request-exception", offered={"request", "response_started"})
def got_request_exception(
    sender: Any, *, request: RequestInfo, exception: BaseException, response_started: bool
) -> None:
    """The application raised an exception that nobody handled.

    `response_started` tells that a response had been announced: the status that the client got is
    not that of an error then.
    """


@lifecycle.declare(
    name="response-sent",
    offered={"request", "status", "bytes", "duration", "aborted", "exc", "reason"},
)
def response_sent(
    sender: Any,
    *,
    request: RequestInfo,
    status: int | None,
    bytes: int,  # noqa: A002 - the payload's name; nobody calls this function.
    duration: float,
    aborted: bool,
    exc: BaseException | None,
    reason: str,
) -> None:
    """The response has ended: once for each request that has started.

    `status` and `bytes` are what the application handed over; some servers send less, and answer
    with a status of their own. `status` is None if there was none. `duration` is in seconds, from
    the start to the end of the response: background tasks are not part of it.
    `aborted` is certain if it is true: the client did not get the whole response from the
    application. If it is false, the whole response was handed to the server.
    `reason` is "complete", "disconnect" (the client left), "error" (`exc` was raised),
    "incomplete" (the application returned too early), "cancelled", "shutdown" or "lost" (nobody
    ended the response: it was garbage-collected).
    """


@lifecycle.declare(name="request-tearing-down", offered={"request"})
def request_tearing_down(sender: Any, *, request: RequestInfo, exc: BaseException | None) -> None:
    """The application is done with a request, background tasks included: always, and last."""


OF_REQUESTS = (
    request_started,
    request_finished,
    got_request_exception,
    response_sent,
    request_tearing_down,
)
"""All signals of a request over HTTP that a layer around an application sends."""


@lifecycle.declare(name="before-render-template", offered={"request"})
def before_render_template(
    sender: Any, *, template: Any, context: dict[str, Any], request: RequestInfo | None
) -> None:
    """A template is about to be rendered with `context`, outside of a request maybe."""


@lifecycle.declare(name="template-rendered", offered={"request"})
def template_rendered(
    sender: Any, *, template: Any, context: dict[str, Any], request: RequestInfo | None
) -> None:
    """A template was rendered with `context`; one that is streamed, to its end."""


@lifecycle.declare(name="websocket-started", offered={"request"})
def websocket_started(sender: Any, *, request: RequestInfo) -> None:
    """A client asks for a websocket; the application has not accepted it yet."""


@lifecycle.declare(name="websocket-received", offered={"request"})
def websocket_received(sender: Any, *, request: RequestInfo, message: str | bytes) -> None:
    """The application has received a message."""


@lifecycle.declare(name="websocket-sent", offered={"request"})
def websocket_sent(sender: Any, *, request: RequestInfo, message: str | bytes) -> None:
    """The application has sent a message."""


@lifecycle.declare(name="got-websocket-exception", offered={"request"})
def got_websocket_exception(sender: Any, *, request: RequestInfo, exception: BaseException) -> None:
    """The application raised an exception in a websocket that nobody handled."""


@lifecycle.declare(name="websocket-finished", offered={"request", "code", "who", "duration", "exc"})
def websocket_finished(
    sender: Any,
    *,
    request: RequestInfo,
    code: int | None,
    who: str,
    duration: float,
    exc: BaseException | None,
) -> None:
    """A websocket has ended: once for each that has started.

    `code` is the close code (RFC 6455), or None if nobody gave one. The application's own comes
    before that which the server reports: servers report 1000, 1005 and 1006 for a client that
    has closed, that has dropped the connection, or that the application has sent away.
    `who` is "application", "client" or "shutdown".
    """


@lifecycle.declare(name="websocket-tearing-down", offered={"request"})
def websocket_tearing_down(sender: Any, *, request: RequestInfo, exc: BaseException | None) -> None:
    """The application is done with a websocket: always, and last."""


OF_WEBSOCKETS = (
    websocket_started,
    websocket_received,
    websocket_sent,
    got_websocket_exception,
    websocket_finished,
    websocket_tearing_down,
)
"""All signals of a websocket that such a layer sends."""


@lifecycle.declare(name="message-flashed", offered={"request"})
def message_flashed(
    sender: Any, *, message: Any, category: str, request: RequestInfo | None
) -> None:
    """A message was flashed, to be shown at the next request. Flask and Quart send it."""


@lifecycle.declare(name="appcontext-pushed")
def appcontext_pushed(sender: Any) -> None:
    """An application context was entered. Flask and Quart send it."""


@lifecycle.declare(name="appcontext-tearing-down", offered={"exc"})
def appcontext_tearing_down(sender: Any, *, exc: BaseException | None) -> None:
    """An application context is being left. Flask and Quart send it."""


@lifecycle.declare(name="appcontext-popped")
def appcontext_popped(sender: Any) -> None:
    """An application context was left. Flask and Quart send it."""


@lifecycle.declare(name="job-started")
def job_started(sender: Any, *, job: JobInfo) -> None:
    """A job begins: once for each of its runs."""


@lifecycle.declare(name="job-finished", offered={"outcome", "duration"})
def job_finished(sender: Any, *, job: JobInfo, outcome: str, duration: float) -> None:
    """A run has ended, and has not failed.

    `outcome` is "succeeded", "retrying" (it has failed and is tried again), "ignored", "rejected",
    "revoked", "interrupted" or "unknown". Neither "interrupted" nor "unknown" says whether it runs
    again. `duration` is in seconds, by the process that tells of the end.
    """


@lifecycle.declare(name="job-failed", offered={"exception", "outcome", "duration"})
def job_failed(
    sender: Any,
    *,
    job: JobInfo,
    exception: BaseException | None,
    outcome: str,
    duration: float,
) -> None:
    """A run has failed: `outcome` is "failed", "timeout" or "lost" (its process is gone)."""


@lifecycle.declare(name="job-tearing-down", offered={"exc"})
def job_tearing_down(sender: Any, *, job: JobInfo, exc: BaseException | None) -> None:
    """A run is over: always, and last; but not if its process was killed."""
