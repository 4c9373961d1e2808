"""Acts between two bytecodes of the engine: what a thread that is switched to there could do."""

from __future__ import annotations

import gc
import sys
import threading
from contextvars import Context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import heliograph.core
from tests.implementations import in_use

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_ENGINE = str(Path(heliograph.core.__file__).parent)


class Step:
    """The moment before one bytecode of the engine, counted from the start of what runs."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.reached = False
        self.where = ""

    def interrupt(self, run: Callable[[], object], act: Callable[[], object]) -> None:
        """Run something in a thread of its own, and do something else in it at this step."""
        # Its own, so that whoever traces this thread, such as coverage, goes on doing so; and in
        # no block of the test's, whether or not threads inherit contexts.
        errors: list[BaseException] = []

        def traced() -> None:
            tracer = self._tracer(act)
            if tracer is not None:
                sys.settrace(tracer)
            try:
                run()
            except BaseException as error:  # noqa: BLE001 - raised again below.
                errors.append(error)
            finally:
                if tracer is not None:
                    sys.settrace(None)

        thread = threading.Thread(target=Context().run, args=(traced,), daemon=True)
        thread.start()
        thread.join(20)
        assert not thread.is_alive(), "It waits for itself."
        for error in errors:
            raise error

    def _tracer(self, act: Callable[[], object]) -> Any:
        left = self.number

        def trace(frame: FrameType, event: str, arg: object) -> Any:
            nonlocal left
            if self.reached or not frame.f_code.co_filename.startswith(_ENGINE):
                return None
            frame.f_trace_opcodes = True
            if event == "opcode":
                left -= 1
                if left < 0:
                    self.reached = True
                    sys.settrace(None)
                    act()
            return trace

        return trace


class Return(Step):
    """The moment at which a function begins, or one that is written in C has returned.

    Python may run a signal handler there, whose error then comes out of that very call.
    """

    def interrupt(self, run: Callable[[], object], act: Callable[[], object]) -> None:
        """Run something in a thread of its own, and do something else in it at this step."""

        def profiled() -> None:
            # Held here: Python 3.11 drops what profiles if that raises, and still uses it then.
            profile = self._profiler(act)
            sys.setprofile(profile)
            try:
                run()
            finally:
                sys.setprofile(None)

        super().interrupt(profiled, act)

    def _tracer(self, act: Callable[[], object]) -> Any:
        return None  # Whoever traces this thread, such as coverage, goes on doing so.

    def _profiler(self, act: Callable[[], object]) -> Any:
        left = self.number

        def profile(frame: FrameType, event: str, arg: object) -> None:
            nonlocal left
            ours = frame.f_code.co_filename.startswith(_ENGINE)
            if ours and event in ("call", "c_return") and not self.reached:
                left -= 1
                if left < 0:
                    self.reached = True
                    self.where = f"{event} of {frame.f_code.co_qualname}"
                    act()

        return profile


def every_step(kind: type[Step] = Step, least: int = 10) -> Iterator[Step]:
    """Give step after step, until one is not reached any more."""
    # An error that is raised while something of another test is freed reaches nobody. The collector
    # stays on, as the engine turns it off and on, and so has hardly ever a reason to run.
    threshold = gc.get_threshold()
    gc.collect()
    gc.set_threshold(1_000_000)
    try:
        yield from _steps(kind, least)
    finally:
        gc.set_threshold(*threshold)


def _steps(kind: type[Step], least: int) -> Iterator[Step]:
    number = 0
    missed = False
    while True:
        step = kind(number)
        yield step
        if step.reached:
            number += 1
            missed = False
        elif not missed:
            # Python 3.12 does not stop in code that it has never been asked to stop in before.
            missed = True
        else:
            # In C, what is plain has no steps.
            enough = in_use() == "c" or number > least
            assert enough, "Hardly anything of the engine was run."
            return
