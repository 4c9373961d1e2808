"""Drives requests through an application, from its start to its stop."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from heliograph.cli.client import serving
from heliograph.cli.steps import of_answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heliograph.cli.application import Found
    from heliograph.cli.request import Request
    from heliograph.cli.steps import Watcher


def drive(
    found: Found, requests: Sequence[Request], watcher: Watcher, *, logs: bool, times: int = 1
) -> None:
    """Send requests one after the other, from one client that keeps its cookies.

    Args:
        found: The application. Its start and its stop are steps as well.
        requests: The requests.
        watcher: Who watches.
        logs: Whether to let the application log.
        times: How often to send all of them.
    """
    with ExitStack() as application:
        with watcher.step("start of the application", quiet=True):
            client = application.enter_context(serving(found, logs=logs))
        for _ in range(times):
            for request in requests:
                with watcher.step(request.title) as step:
                    step.outcome = of_answer(client.open(request))
        with watcher.step("stop of the application", quiet=True):
            application.close()
