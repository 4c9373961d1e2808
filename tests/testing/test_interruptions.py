"""Signal handlers that raise while a block begins or ends, as those of time-outs do."""

from __future__ import annotations

from contextlib import suppress
from gc import collect
from typing import TYPE_CHECKING, Any
from weakref import ref

import pytest

from heliograph import Signal
from heliograph.testing import capture, isolated
from tests.core.stepping import Return, every_step

if TYPE_CHECKING:
    from collections.abc import Callable


class TimeOutError(BaseException):
    """What a signal handler raises."""


def receive(sender: object, **payload: object) -> None:
    """Receive it."""


def _captured(signal: Signal) -> Any:
    return capture(signal)


def _captured_here(signal: Signal) -> Any:
    return capture(signal, local=True)


def _isolated(signal: Signal) -> Any:
    return isolated()


def _isolated_here(signal: Signal) -> Any:
    return isolated(local=True)


def left_behind(step: Any, make: Callable[[Signal], Any], way: str) -> tuple[object, ...]:
    """Interrupt a block on its way in or out; return it, if anybody holds it, and what it left."""
    signal = Signal("paid")
    blocks = [make(signal)]
    if way == "__exit__":
        blocks[0].__enter__()
        signal.connect(receive)

    def work() -> None:
        with suppress(TimeOutError):
            if way == "__enter__":
                blocks[0].__enter__()
            blocks[0].__exit__(None, None, None)

    def time_out() -> None:
        raise TimeOutError

    step.interrupt(work, time_out)
    if make in (_captured, _captured_here):
        signal.disconnect(receive)
    held = ref(blocks.pop())
    if held() is not None:
        collect()
    return held(), *signal.connections


@pytest.mark.parametrize("make", [_captured, _captured_here, _isolated, _isolated_here])
@pytest.mark.parametrize("way", ["__enter__", "__exit__"])
def test_a_block_that_is_interrupted_on_its_way_in_or_out_is_over(
    make: Callable[[Signal], Any], way: str
) -> None:
    """Nothing watches any more, or all tests that come later would be slower."""
    for step in every_step(Return, least=3):
        assert left_behind(step, make, way) == (None,), step.where
