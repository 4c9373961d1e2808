"""What a command can make a program do: requests, a command, a script, a module or tests."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from heliograph.cli.asking import read_requests, request_options
from heliograph.cli.driving import drive
from heliograph.cli.loading import tell_of_lazy
from heliograph.cli.programs import run_command, run_module, run_script, words_of
from heliograph.cli.request import is_request
from heliograph.cli.target import app_option, target_and_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from heliograph.cli.request import Given, Request
    from heliograph.cli.steps import Watcher
    from heliograph.cli.target import Target

_KINDS = ("command", "script", "module", "pytest")

_OPTIONS = (
    click.option(
        "--command", metavar="COMMAND",
        help="Run this command of the application, as `flask`, `quart` or `manage.py` do.",
    ),
    click.option("--script", metavar="FILE", help="Run this file, as `python` does."),
    click.option("--module", metavar="MODULE", help="Run this module, as `python -m` does."),
    click.option("--pytest", metavar="ARGUMENTS", help="Run pytest; each test has its tree."),
    click.option(
        "--lifecycle", is_flag=True,
        help="Install heliograph.lifecycle for the application, unless it has done so itself.",
    ),
    click.option(
        "--logs", is_flag=True,
        help="Let the application log while it answers; by default its logs are off.",
    ),
    click.option(
        "--check/--no-check", default=True,
        help="Check payloads as in development (the default), or not, as in production.",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Work:
    """What a program is made to do.

    Attributes:
        target: The program, unless something runs that is its own program.
        requests: The requests to send.
        kind: What runs instead of requests; "" for none.
        words: The command line of what runs.
        lifecycle: Whether to install the life-cycle signals.
        logs: Whether the program logs.
        check: Whether payloads are checked.
    """

    target: Target | None
    requests: Sequence[Request]
    kind: str
    words: Sequence[str]
    lifecycle: bool
    logs: bool
    check: bool

    @property
    def steps(self) -> int | None:
        """How many steps it has, if that is known before."""
        return None if self.kind else len(self.requests)

    def checks(self) -> bool:
        """Switch checks of payloads on or off, and tell which. The environment comes first."""
        return os.environ.setdefault("HELIOGRAPH_CHECK", "1" if self.check else "0") == "1"

    def run(self, watcher: Watcher, *, times: int = 1) -> None:
        """Do it.

        Raises:
            click.ClickException: If the program cannot be loaded or run.
        """
        if self.target is not None:
            found = self.target.application()
            if self.lifecycle:
                found = found.with_lifecycle()
            for _ in range(times if self.kind else 0):
                run_command(found, self.words, watcher)
            if not self.kind:
                drive(found, self.requests, watcher, logs=self.logs, times=times)
            tell_of_lazy([found.module.partition(".")[0]])
            return
        for _ in range(times):
            self._run_itself(watcher)

    def _run_itself(self, watcher: Watcher) -> None:
        match self.kind:
            case "script":
                run_script(self.words, watcher)
            case "module":
                run_module(self.words, watcher)
            case _:
                from heliograph.cli.tests import run_tests

                run_tests(self.words, watcher)


def work_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the arguments and options that say what to do; it gets them as ``work``."""
    return _decorated(wraps(command)(_working(command)), "[APP] [REQUEST]...")


def work_or_name_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the same, or the name of something that runs already.

    It gets ``work`` and ``name``, one of which is None; both if nothing was said.
    """

    @wraps(command)
    def named(*args: Any, words: tuple[str, ...], **kwargs: Any) -> None:
        asked = any(kwargs[it] is not None for it in _KINDS)
        if asked or kwargs["app"] or len(words) > 1 or any(map(is_request, words)):
            working(*args, words=words, name=None, **kwargs)
        else:
            for it in (*_KINDS, "app", "given", "lifecycle", "logs", "check"):
                del kwargs[it]
            command(*args, work=None, name=next(iter(words), None), **kwargs)

    working = _working(command)
    return _decorated(named, "[APP] [REQUEST]... | [NAME]")


def _decorated(working: Callable[..., Any], metavar: str) -> Callable[..., Any]:
    decorated: Callable[..., Any] = request_options(working)
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return click.argument("words", metavar=metavar, nargs=-1)(app_option(decorated))


def _working(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that makes ``work`` of arguments and options, and calls the command."""

    def working(
        *args: Any,
        words: tuple[str, ...],
        app: str | None,
        given: Given,
        lifecycle: bool,
        logs: bool,
        check: bool,
        **kwargs: Any,
    ) -> None:
        texts = {kind: kwargs.pop(kind) for kind in _KINDS}
        asked = {kind: text for kind, text in texts.items() if text is not None}
        kind, target, requests, line = _what(app, words, asked, given)
        work = Work(target, requests, kind, line, lifecycle, logs, check)
        command(*args, work=work, **kwargs)

    return working


def _what(
    app: str | None, words: Sequence[str], asked: dict[str, str], given: Given
) -> tuple[str, Target | None, Sequence[Request], Sequence[str]]:
    """Return the kind of work, the program, the requests and the command line."""
    if not asked:
        target, written = target_and_words(app, words, is_word=is_request)
        return "", target, read_requests(written, given), ()
    if len(asked) > 1:
        msg = f"--{' and --'.join(asked)} cannot run together: trace one after the other."
        raise click.UsageError(msg)
    [(kind, text)] = asked.items()
    line = words_of(text, f"--{kind}")
    if kind != "command":
        if words or app:
            msg = f"--{kind} runs a program of its own, so leave out {' '.join(words) or '--app'}."
            raise click.UsageError(msg)
        return kind, None, (), line
    target, left = target_and_words(app, words, is_word=is_request)
    if left:
        msg = f"--command runs a command, and {' '.join(left)!r} would be a request: send it apart."
        raise click.UsageError(msg)
    return kind, target, (), line
