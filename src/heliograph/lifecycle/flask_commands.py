"""The commands of a Flask application, as jobs."""

from __future__ import annotations

from copy import copy
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from heliograph.lifecycle.job_info import JobInfo
from heliograph.lifecycle.jobs import FAILED, INTERRUPTED, SUCCEEDED, Run, outcome, running

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask


def watch(app: Flask) -> Callable[[], None]:
    """Send a job's signals around each command that is reached through ``app.cli``.

    App contexts are no sign of one: they are entered for ``--help``, too.

    Returns:
        What undoes it.
    """
    _watch_group(app.cli, app)

    def undo() -> None:
        del vars(app.cli)["get_command"]

    return undo


def _watch_group(group: Any, app: Flask) -> None:
    get_command = group.get_command

    def get_watched(context: click.Context, name: str) -> click.Command | None:
        command = get_command(context, name)
        return None if command is None else _watched(command, app)

    vars(group)["get_command"] = get_watched


def _watched(command: click.Command, app: Flask) -> click.Command:
    # A copy, as the same command may be reached by other ways, which are not the application's.
    twin = copy(command)
    if isinstance(twin, click.Group):
        _watch_group(twin, app)
        if twin.invoke_without_command and twin.callback is not None:
            twin.callback = _without_command(twin.callback, app)
        return twin
    invoke = twin.invoke

    def invoke_watched(context: click.Context) -> Any:
        with running(_run(context, app), outcome_of):
            return invoke(context)

    vars(twin)["invoke"] = invoke_watched
    return twin


def _without_command(callback: Callable[..., Any], app: Flask) -> Callable[..., Any]:
    """Return what runs a group as a command, where none of its commands was asked for."""

    @wraps(callback)
    def call(*args: Any, **options: Any) -> Any:
        context = click.get_current_context()
        if context.invoked_subcommand is not None:
            return callback(*args, **options)
        with running(_run(context, app), outcome_of):
            return callback(*args, **options)

    return call


def _run(context: click.Context, app: Flask) -> Run:
    return Run(JobInfo("flask", _name_of(context)), app)


def _name_of(context: click.Context) -> str:
    # The name of the program is another one in a test.
    names = [it.info_name or "" for it in _chain(context)]
    return " ".join(reversed(names[:-1])) or names[0]


def _chain(context: click.Context | None) -> list[click.Context]:
    return [] if context is None else [context, *_chain(context.parent)]


def outcome_of(error: BaseException) -> str:
    """Return the outcome of a command that an exception has ended."""
    if isinstance(error, click.exceptions.Exit):
        return FAILED if error.exit_code else SUCCEEDED
    return INTERRUPTED if isinstance(error, click.Abort) else outcome(error)
