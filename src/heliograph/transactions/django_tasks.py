"""Names tasks of Django that run at once, inside of the transaction in which they are enqueued."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import Any

from django.db import connections

from heliograph.development import in_development

_LOG = logging.getLogger("heliograph")

HAS_TASKS: bool = find_spec("django.tasks") is not None
"""Whether it is Django 6, which needs Python 3.12."""


def watch_tasks() -> None:
    """Look at each task that is enqueued from now on, where Django has tasks."""
    if HAS_TASKS:  # pragma: no cover - coverage is measured on Python 3.11.
        _task_enqueued().connect(_look)


def watch_tasks_no_more() -> None:
    """Look at none any more. Doing so twice is no error."""
    if HAS_TASKS:  # pragma: no cover - likewise.
        _task_enqueued().disconnect(_look)


def _task_enqueued() -> Any:  # pragma: no cover - likewise.
    from django.tasks import signals  # pyright: ignore[reportMissingImports] - from Django 6 on.

    return signals.task_enqueued


def _look(sender: type, *, task_result: Any, **_: Any) -> None:  # pragma: no cover - likewise.
    from django.tasks.backends import immediate  # pyright: ignore[reportMissingImports] - likewise.

    if issubclass(sender, immediate.ImmediateBackend) and in_development():
        warn_in_a_block(task_result.task.module_path)


def warn_in_a_block(task: str) -> None:
    """Warn if a transaction of the program is open, in which a task is to run at once.

    Args:
        task: The path of the task.
    """
    several = [it.alias for it in connections.all(initialized_only=True) if _is_in_a_block(it)]
    if several:
        _LOG.warning(
            "The task %s runs at once, in the open transaction of Django's database %s: nothing "
            "is committed yet, an SQL error of the task is hidden, and a rollback undoes what it "
            "has stored. Enqueue it in a receiver that is connected with when='after_commit'.",
            task,
            " and ".join(map(repr, several)),
        )


def _is_in_a_block(connection: Any) -> bool:
    # The block that a TestCase puts around each test is none of the program's.
    return any(not it._from_testcase for it in connection.atomic_blocks)  # noqa: SLF001 - as above.
