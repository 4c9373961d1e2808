"""All that happens because of a signal. No line here knows which framework it runs under."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

from heliograph.lifecycle import (
    JobInfo,
    RequestInfo,
    current_request,
    got_request_exception,
    job_failed,
    job_finished,
    request_started,
    response_sent,
)

from .store import Store, order_placed

log = logging.getLogger(__name__)
counts: Counter[str] = Counter()
"""What has happened so far."""


@request_started.connect
def count_request(sender: Any, *, request: RequestInfo, **extra: object) -> None:
    """Count what comes in."""
    counts["requests"] += 1


@response_sent.connect
def write_access_line(
    sender: Any, *, request: RequestInfo, status: int | None, reason: str, **extra: Any
) -> None:
    """Log each response when it has really ended, also one that is cut short."""
    counts[f"responses {status} {reason}"] += 1
    log.info(
        "%s %s %s: %s, %d bytes in %.3f s (%s)",
        *(request.id, request.method, request.route or request.path),
        *(status, extra["bytes"], extra["duration"], reason),
    )


@got_request_exception.connect
def raise_alarm(
    sender: Any, *, request: RequestInfo, exception: BaseException, **extra: object
) -> None:
    """Tell that a view has failed, whatever page the visitor got."""
    counts[f"alarms {type(exception).__name__}"] += 1
    log.error("%s %s failed: %r", request.id, request.path, exception)


@job_finished.connect
def count_job(sender: Any, *, job: JobInfo, outcome: str, **extra: object) -> None:
    """Count the jobs that went well."""
    counts[f"jobs {job.name} {outcome}"] += 1


@job_failed.connect
def count_failed_job(
    sender: Any, *, job: JobInfo, exception: BaseException | None, **extra: object
) -> None:
    """Count those that did not."""
    counts[f"jobs {job.name} failed: {type(exception).__name__}"] += 1


@order_placed.connect
def send_receipt(sender: Store, *, number: int, item: str, **extra: object) -> None:
    """Mail the receipt; the request is at hand although nobody has passed it on."""
    request = current_request()
    counts["receipts"] += 1
    log.info("receipt for order %d: %s (%s)", number, item, request.id if request else "no request")
