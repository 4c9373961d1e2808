"""What does nothing unless it is entered: whoever drops it unused is told of it in development."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import warnings
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import ArgumentError, Namespace, ReceiverWarning, Signal

if TYPE_CHECKING:
    from collections.abc import Callable

paid = Signal("paid")


@Namespace("shop").span
def work(sender: str, *, path: str) -> None:
    """Something is done."""


def receive(sender: object, **payload: object) -> None:
    """Do nothing."""


def told_of(function: Callable[[], object]) -> list[tuple[str, int]]:
    """Return what is warned of while a function runs, and in which of its lines."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function()
        gc.collect()
    first = function.__code__.co_firstlineno
    assert {(it.category, it.filename) for it in caught} <= {(ReceiverWarning, __file__)}
    return [(str(it.message), it.lineno - first) for it in caught]


def test_what_nobody_has_entered_is_told_of_with_the_line_that_made_it() -> None:
    """At once, or when it is dropped."""

    def forget() -> None:
        paid.muted()
        paid.connected_to(receive, "shop")
        work("me", path="a.png")
        paid.stream()
        kept = paid.muted(local=True)
        del kept

    advice = " did nothing, as it was never entered. Use it in a `with` statement."
    assert told_of(forget) == [
        (f"muted() of signal 'paid'{advice}", 1),
        (f"connected_to({__name__}.receive) of signal 'paid'{advice}", 2),
        (f"Span 'work'{advice}", 3),
        (f"A stream of signal 'paid'{advice}", 4),
        (f"muted() of signal 'paid'{advice}", 5),
    ]


def test_what_is_used_is_not_told_of() -> None:
    """In a block, by a stack, as a decorator, or by reading."""

    @paid.muted()
    @paid.connected_to(receive)
    @work.wrap("me", path="a.png")
    def decorated() -> None:
        with paid.muted(), work("me", path="b.png"), paid.stream():
            pass

    def use() -> None:
        with ExitStack() as stack:
            stack.enter_context(paid.muted())
            stack.enter_context(work("me", path="c.png"))
        decorated()
        paid.stream().close()
        given_up = paid.stream()
        del given_up
        with pytest.raises(TimeoutError):
            paid.stream().wait(timeout=0)

    assert told_of(use) == []


async def test_a_stream_that_is_read_in_one_statement_is_not_told_of() -> None:
    """It has done its work."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TimeoutError):
            await paid.stream().next(timeout=0)
        async with paid.stream():
            pass


def test_what_could_not_be_made_is_not_told_of() -> None:
    """There is an error already."""

    def fail() -> None:
        for make in (
            lambda: paid.muted(except_for=7),  # type: ignore[arg-type]  # Refused.
            lambda: paid.connected_to(7),  # type: ignore[call-overload]  # Refused.
            lambda: work("me"),  # type: ignore[call-arg]  # Refused.
        ):
            with pytest.raises(TypeError):
                make()

    assert told_of(fail) == []


def test_a_generator_function_that_cannot_be_decorated_is_told_of_alone() -> None:
    """It is one mistake."""

    def decorate() -> None:
        with pytest.raises(ArgumentError, match="generator function"):

            @paid.muted()
            def generate() -> Any:
                yield

    assert told_of(decorate) == []


def test_nothing_is_told_of_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans that nobody hears are all one there, and the others say nothing."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "0")

    def forget() -> None:
        paid.muted()
        paid.stream()
        for _ in range(2):
            work("me", path="a.png")

    told = told_of(forget)
    for signal in (work.started, work.finished, work.failed):
        signal._registry.check(on=True)  # As it was.

    assert told == []


def test_nothing_is_told_of_when_the_interpreter_ends() -> None:
    """Whatever is left then was not forgotten."""
    program = (
        "from heliograph import Namespace, Signal\n"
        "@Namespace().span\n"
        "def work(sender): pass\n"
        "kept = [Signal().muted(), Signal().connected_to(print), work('me'), Signal().stream()]\n"
        "kept.append(kept)"
    )
    environment = {**os.environ, "HELIOGRAPH_CHECK": "1"}
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)

    assert done.stderr == ""
