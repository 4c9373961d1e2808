"""What is put into a class after its signals were made is asked by their sends, and undone."""

from __future__ import annotations

import gc
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
import wrapt

from heliograph.blinker import NamedSignal, Signal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _receiver(sender: object, **payload: object) -> object:
    return sender


def _other(sender: object, **payload: object) -> str:
    return "other"


def _nobody(self: Signal, sender: object) -> Iterator[Callable[..., Any]]:
    return iter(())


def _somebody(self: Signal, sender: object) -> Iterator[Callable[..., Any]]:
    return iter([_other])


class _Own(NamedSignal):
    """Derives from the class that is patched."""


class _Twice(NamedSignal):
    """Overrides what is patched."""

    def receivers_for(self, sender: Any) -> Iterator[Callable[..., Any]]:
        """Give every receiver twice."""
        return iter([*super().receivers_for(sender)] * 2)


def _connected() -> list[Signal]:
    """Return a signal of each class that hears of a patch of `Signal`."""
    signals = [Signal(), NamedSignal("named"), _Own("own")]
    for signal in signals:
        signal.connect(_receiver)
    return signals


def _heard(signals: list[Signal]) -> list[list[object]]:
    return [[value for _, value in signal.send("a")] for signal in signals]


def test_a_method_that_is_patched_in_the_class_is_asked_by_all_its_signals() -> None:
    """Those that were there before, those of derived classes, and those made meanwhile."""
    before = _connected()
    with mock.patch.object(Signal, "receivers_for", _nobody):
        inside = _connected()
        silent = _heard([*before, *inside])

    assert silent == [[]] * 6
    assert _heard([*before, *inside]) == [["a"]] * 6
    assert [it._registry.overridden for it in (*before, *inside)] == [False] * 6


async def test_send_async_asks_what_is_patched_in_the_class() -> None:
    """The two ways of sending have the same seam."""
    [signal, *_] = _connected()
    with mock.patch.object(Signal, "receivers_for", _somebody):
        results = await signal.send_async("a")

    assert results == [(_other, "other")]


def test_a_class_is_patched_for_its_own_signals_alone() -> None:
    """Not for those of the classes that it derives from, nor of others."""
    signals = _connected()
    with mock.patch.object(NamedSignal, "receivers_for", _nobody):
        named = _heard(signals)

    assert (named, _heard(signals)) == ([["a"], [], []], [["a"]] * 3)


def test_a_method_may_be_put_into_the_class_and_what_was_found_put_back() -> None:
    """By hand, and the signals can be patched themselves again afterwards."""
    signals = _connected()
    real = Signal.receivers_for
    Signal.receivers_for = _nobody  # type: ignore[assignment, method-assign]  # That is the test.
    silent = _heard(signals)
    Signal.receivers_for = real  # type: ignore[method-assign]  # As above.
    again = _heard(signals)
    with mock.patch.object(signals[0], "receivers_for", return_value=[_other]):
        patched = _heard(signals)
    del Signal.receivers_for

    assert (silent, again) == ([[]] * 3, [["a"]] * 3)
    assert patched == [["other"], ["a"], ["a"]]
    assert _heard(signals) == [["a"]] * 3


def test_a_signal_that_was_patched_itself_goes_on_asking_its_own_method() -> None:
    """Whatever is done to its class meanwhile, and undone."""
    signals = _connected()
    with mock.patch.object(signals[0], "receivers_for", return_value=[_other]):
        with mock.patch.object(Signal, "receivers_for", _nobody):
            inside = _heard(signals)
        after = _heard(signals)

    assert (inside, after) == ([["other"], [], []], [["other"], ["a"], ["a"]])


def test_a_patch_may_call_what_it_has_replaced() -> None:
    """As wrappers do, in a class that overrides the method itself too."""
    signals = [*_connected(), _Twice("twice")]
    signals[-1].connect(_receiver)
    real = Signal.receivers_for
    asked: list[object] = []

    def traced(self: Signal, sender: object) -> Iterator[Callable[..., Any]]:
        asked.append(sender)
        yield from real(self, sender)
        yield _other

    with mock.patch.object(Signal, "receivers_for", traced):
        heard = _heard(signals)

    assert heard == [["a", "other"]] * 3 + [["a", "other", "a", "other"]]
    assert asked == ["a"] * 4
    assert _heard(signals) == [["a"]] * 3 + [["a", "a"]]


def test_a_tracer_may_wrap_the_method_of_the_class() -> None:
    """Its wrapper is no function, but it binds as one does."""
    signals = _connected()
    log: list[object] = []

    def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        log.append(instance)
        return wrapped(*args, **kwargs)

    wrapt.wrap_function_wrapper(Signal, "receivers_for", wrapper)
    traced = _heard(signals)
    Signal.receivers_for = vars(Signal)["receivers_for"].__wrapped__  # type: ignore[method-assign]  # wrapt's.
    after = _heard(signals)
    del Signal.receivers_for

    assert (traced, log, after) == ([["a"]] * 3, signals, [["a"]] * 3)
    assert [it._registry.overridden for it in signals] == [False] * 3


def test_an_override_may_be_taken_out_of_a_class() -> None:
    """Then the signals are ordinary ones, until it is there again."""
    signal = _Twice("twice")
    signal.connect(_receiver)
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(_Twice, "receivers_for")
        once = _heard([signal])

    assert (once, _heard([signal])) == ([["a"]], [["a", "a"]])


def test_a_flag_of_the_class_mutes_its_signals() -> None:
    """As a property of a subclass does."""
    signals = _connected()
    with mock.patch.object(_Own, "is_muted", True):
        muted = _heard(signals)

    assert (muted, _heard(signals)) == ([["a"], ["a"], []], [["a"]] * 3)


def test_an_attribute_of_the_class_that_sends_do_not_ask_for_is_just_that() -> None:
    """Nothing is looked for among all objects then."""
    signals = _connected()
    frozen = gc.get_freeze_count()
    with mock.patch.object(Signal, "set_class", frozenset):
        signals[0].connect(_other)

    assert (Signal.set_class, gc.get_freeze_count()) == (set, frozen)
    assert signals[0]._by_sender == {0: {id(_receiver), id(_other)}}


def test_abstract_classes_may_be_mixed_in() -> None:
    """A class of signals has a type of its own, which is one of theirs, too."""

    class Audited(ABC):
        @abstractmethod
        def audit(self) -> str:
            """Return what is written down."""

    class AuditedSignal(Signal, Audited):
        def audit(self) -> str:
            return "audited"

    class Unfinished(Signal, Audited):
        pass

    signal = AuditedSignal()
    signal.connect(_receiver)

    assert (signal.audit(), _heard([signal])) == ("audited", [["a"]])
    assert [isinstance(signal, it) for it in (Audited, Signal, NamedSignal)] == [True, True, False]
    assert issubclass(AuditedSignal, Signal)
    with pytest.raises(TypeError, match="abstract"):
        Unfinished()  # type: ignore[abstract]  # That is the test.
