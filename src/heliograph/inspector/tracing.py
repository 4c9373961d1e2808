"""Traces a block of code, or a function: the tree of all that is sent in the meantime."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from functools import partial, wraps
from inspect import iscoroutinefunction
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TextIO, TypeVar

from heliograph import ArgumentError, StateError
from heliograph.describe import (
    calling_location,
    describe_duration,
    describe_error,
    location_of,
    name_of,
    portable_location,
    short_repr,
)
from heliograph.inspector.chrome import chrome_trace
from heliograph.inspector.parts import Part
from heliograph.inspector.recorder import Recorder
from heliograph.inspector.seen import SeenEmission
from heliograph.inspector.trees import as_html, as_text
from heliograph.inspector.viewing import SLOW, View, tree_of
from heliograph.redaction import Redaction

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from heliograph import Namespace, Signal

MOST_LETTERS = 400
"""The longest text of a value or an error in a trace: messages of databases are long."""

P = ParamSpec("P")
R = TypeVar("R")

# A block may send more than what is kept of a program that is watched for days.
_MOST_BYTES = 100_000_000
_MOST_EMISSIONS = 200_000


def trace(
    title: str | None = None,
    *,
    signals: Iterable[Signal[...] | Namespace] | None = None,
    values: bool = False,
    redaction: Redaction | None = None,
    slow: float = SLOW,
    unheard: bool = False,
    show: bool = True,
    file: TextIO | None = None,
) -> Trace:
    """Trace a block of code, or each call of a function.

    All threads and tasks of the process are watched while the block lasts, and at its end the
    tree of what was sent is printed. It needs neither click nor rich.

    Args:
        title: What the tree is called; by default the line of the block, or the function.
        signals: Signals, namespaces and patterns to watch, as for `add_instrument`; all of them
            by default.
        values: Whether to show values of payloads, shortened.
        redaction: Which values are hidden; by default those with names of secrets.
        slow: Seconds from which on a receiver stands out.
        unheard: Whether to show sends that nobody hears where they were sent, and not only their
            names at the end.
        show: Whether to print the tree at the end.
        file: Where to print it; the standard error by default.

    Returns:
        An object for ``with``, and a decorator of plain and async functions.

    Raises:
        ArgumentError: If *slow* is no number of seconds, or if *signals* names no signal.

    Example:
        >>> from heliograph import Signal
        >>> from heliograph.inspector import trace
        >>> order_paid = Signal("order-paid")
        >>> with trace(show=False) as traced:
        ...     _ = order_paid.send("shop", total=12)
        >>> [emission] = traced.emissions
        >>> emission.signal, emission.unheard
        ('order-paid', 'no receivers')
    """
    given: Any = slow
    if type(given) not in (int, float) or not given >= 0:
        msg = f"slow={short_repr(given)} is no number of seconds."
        raise ArgumentError(msg)
    make = partial(
        Recorder,
        early=True,  # What has not ended is shown, too.
        max_bytes=_MOST_BYTES,
        max_emissions=_MOST_EMISSIONS,
        values=values,
        redaction=Redaction(width=MOST_LETTERS) if redaction is None else redaction,
        signals=None if signals is None else tuple(signals),
    )
    return Trace(title, make, View(slow=slow, unheard=unheard), show=show, file=file)


class Trace:
    """A block that is traced, and what was sent in it. `trace` makes one.

    What is told after the block stays; while it lasts, it is what has been sent so far.
    """

    def __init__(
        self,
        title: str | None,
        make: Callable[[], Recorder],
        view: View,
        *,
        show: bool,
        file: TextIO | None,
    ) -> None:
        self._title = title
        self._make = make
        self._recorder = make()
        self._view = view
        self._show = show
        self._file = file
        self._started: tuple[float, float] | None = None
        self._part: Part | None = None

    def __enter__(self) -> Self:
        if self._started is not None:
            msg = "This trace has been used: call trace() for each block."
            raise StateError(msg)
        if self._title is None:
            place = calling_location()
            self._title = f"trace at {portable_location(place)}" if place else "trace"
        self._started = time.time(), time.perf_counter()
        self._recorder.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        part = self.part
        self._recorder.stop()
        if error is not None:
            place = location_of(error)
            part = replace(
                part,
                outcome=f"raised {describe_error(error)}",
                failed=True,
                location=portable_location(place) if place else None,
            )
        self._part = part
        if self._show:
            file = sys.stderr if self._file is None else self._file
            text = self._text(_columns(file), ascii_only=_is_small(file))
            encoding = getattr(file, "encoding", None) or "utf-8"
            file.write(text.encode(encoding, "backslashreplace").decode(encoding))

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Return a function each call of which is traced. Plain functions and async ones are."""
        title = self._title or f"{name_of(function)}()"

        def fresh() -> Trace:
            return Trace(title, self._make, self._view, show=self._show, file=self._file)

        if iscoroutinefunction(function):

            @wraps(function)
            async def traced_async(*args: Any, **kwargs: Any) -> Any:
                with fresh():
                    return await function(*args, **kwargs)

            return traced_async  # type: ignore[return-value]  # It is async as the function is.

        @wraps(function)
        def traced(*args: P.args, **kwargs: P.kwargs) -> R:
            with fresh():
                return function(*args, **kwargs)

        return traced

    @property
    def part(self) -> Part:
        """All of it as one value.

        Raises:
            StateError: If the block has not begun.
        """
        if self._part is not None:
            return self._part
        if self._started is None:
            msg = "This trace has not begun: use it in a `with` statement."
            raise StateError(msg)
        duration = time.perf_counter() - self._started[1]
        news = self._recorder.after()
        seen = [it for it in news.seen if isinstance(it, SeenEmission)]
        emissions = (*seen, *self._recorder.under_way())
        title = self._title or "trace"
        return Part(title, "", False, None, self._started[0], duration, emissions, news.lost)

    @property
    def emissions(self) -> tuple[SeenEmission, ...]:
        """What was sent, in the order in which it ended."""
        return self.part.emissions

    def tree(self, width: int | None = None) -> str:
        """Return the tree as text, in lines of at most *width* columns."""
        return self._text(width, ascii_only=False)

    def _text(self, width: int | None, *, ascii_only: bool) -> str:
        return as_text([tree_of(self.part, self._view)], width, ascii_only=ascii_only)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file of trace events, in the format that Chrome has and Perfetto reads."""
        text = json.dumps(chrome_trace([self.part]), allow_nan=False)
        Path(path).write_text(text, encoding="utf-8")

    def __str__(self) -> str:
        return repr(self) if self._started is None else self.tree()

    def __repr__(self) -> str:
        if self._started is None:
            return "<Trace that has not begun>"
        part = self.part
        many = len(part.emissions)
        sends = f"{many:,} send{'s' * (many != 1)}"
        return f"<Trace {part.title!r}: {sends} in {describe_duration(part.duration)}>"

    def _repr_html_(self) -> str:
        """Return the tree for a notebook. Jupyter calls this."""
        branches = [] if self._started is None else [tree_of(self.part, self._view)]
        return as_html(branches)


def _columns(file: TextIO) -> int | None:
    """Return the columns of a terminal; files and pipes have none."""
    return get_terminal_size().columns if file.isatty() else None


def _is_small(file: TextIO) -> bool:
    """Tell whether a file cannot take the letters that trees are drawn with."""
    try:
        "├└│─×µ…→".encode(getattr(file, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return True
    return False
