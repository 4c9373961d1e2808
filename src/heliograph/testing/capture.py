"""Captures everything that a test sends while a block lasts."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from functools import partial
from threading import Event, Thread, current_thread
from threading import enumerate as enumerate_threads
from threading import local as of_each_thread
from time import monotonic
from typing import TYPE_CHECKING, Any, get_args
from weakref import WeakSet

from heliograph import ANY, ArgumentError, Emission, add_instrument, remove_instrument
from heliograph.describe import calling_location, describe_error, short_repr
from heliograph.testing.belonging import TEST, LocalBlock, is_work_of
from heliograph.testing.emissions import Emissions
from heliograph.testing.engines import note_sends, other_engine
from heliograph.testing.errors import ExpectationError
from heliograph.testing.formatting import label
from heliograph.testing.matching import Criteria, by_key
from heliograph.testing.messages import not_as_often
from heliograph.testing.sent import (
    NEVER_CHANGE,
    Captured,
    Sent,
    Snapshot,
    connections_of,
    copy_values,
)
from heliograph.testing.unused import Block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Self

    from heliograph.testing.sent import Note


class Capture(Emissions, Block):
    """Everything that is sent while a ``with`` block lasts; made by `capture`."""

    def __init__(
        self, wanted: Criteria, snapshot: Snapshot = "shallow", local: bool = False
    ) -> None:
        for signal in wanted.signals:
            other_engine(signal)  # It refuses what is not a signal.
        if snapshot not in get_args(Snapshot):
            names = ", ".join(map(repr, get_args(Snapshot)))
            msg = f"snapshot={short_repr(snapshot)} cannot keep payloads. Use {names}."
            raise ArgumentError(msg)
        super().__init__([], Captured(), wanted)
        self._snapshot: Snapshot = snapshot
        self._local = LocalBlock() if local else None
        self._test: object = None
        self._older: WeakSet[Thread] = WeakSet()
        self._here = of_each_thread()
        self._stack = ExitStack()
        self._inside = False
        self._entered = False
        self._under_way: dict[int, Emission] = {}
        self._note_down: Callable[[Note], object] = self._captured.notes.append
        self._waiting: list[Callable[[], object]] = []
        self._not_copied: ArgumentError | None = None
        Block.__init__(self)

    def _called(self) -> str:
        return "capture()" if type(self) is Capture else super()._called()

    # --- the block

    def __enter__(self) -> Self:
        """Begin to capture.

        Raises:
            ArgumentError: If the block has been entered already.
        """
        if self._inside:
            msg = "This capture has been entered already: make another one for the inner block."
            raise ArgumentError(msg)
        self._used = self._entered = self._inside = True
        self._test = TEST.get()
        # The threads, not their numbers: a new thread may get the number of one that has ended.
        self._older = WeakSet(enumerate_threads()) - {current_thread()}
        self._here = of_each_thread()
        try:
            for signal in self._wanted.signals:
                if other_engine(signal) is not None:
                    self._stack.callback(note_sends(signal, self._note))
            if self._local is not None:
                self._local.enter()
            add_instrument(self)
        except BaseException:  # A signal handler's: the block will not be left.
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._end()
        except BaseException:
            self._end()  # Once more, if a signal handler came in between.
            raise
        if kind is None and self._not_copied is not None:
            raise self._not_copied

    def _end(self) -> None:
        """Stop capturing. Doing so again does no harm."""
        self._inside = False
        remove_instrument(self)
        self._stack.close()
        if self._local is not None:
            self._local.leave()

    # --- the instrument

    def on_start(self, emission: Emission) -> None:
        """Keep an emission that begins. The engine calls this."""
        signal, test, block = emission.signal, self._test, self._local
        if block is None:
            # A call of `is_work_of` at each send would take longer than all else that it does.
            here = TEST.get()
            belongs = here is None or test is None or here is test
        else:
            belongs = block.is_here()
        payload = emission.payload.copy()  # type: ignore[attr-defined]  # That of a dict.
        for value in payload.values():
            if type(value) not in NEVER_CHANGE:
                self._copy(signal, payload, belongs)
                break
        try:
            sent_in = self._here.thread
        except AttributeError:
            sent_in = self._here.thread = self._this_thread()
        joined = getattr(signal, "_registry", signal)
        note = emission, payload, calling_location(), sent_in, joined
        if belongs:
            # First, or a waiting thread would take it for one that has ended.
            self._under_way[id(emission)] = emission
            self._note_down(note)
        else:
            self._captured.notes_left_out.append(note)

    def __call__(self, emission: Emission) -> None:
        """Note that an emission has ended. The engine calls this.

        Raises:
            ArgumentError: If the block is used as a decorator, which would lose the function.
        """
        if self._under_way.pop(id(emission), None) is not None:
            if self._waiting:
                self._wake()
        elif not isinstance(emission, Emission):
            self._used = True  # One mistake gives one message.
            msg = f"{self!r} is not a decorator: use it in a `with` statement, inside the function."
            raise ArgumentError(msg)

    def _note(self, signal: Any, sender: Any, payload: Mapping[str, Any], engine: str) -> None:
        """Keep what another engine sends."""
        # Once Heliograph has replaced the engine, the instrument sees these sends.
        if other_engine(signal) is not None:
            belongs = is_work_of(self._test) if self._local is None else self._local.is_here()
            values, location, sent_in = dict(payload), calling_location(engine), self._this_thread()
            self._copy(signal, values, belongs)
            note = (signal, sender), values, location, sent_in, connections_of(signal)
            (self._captured.notes if belongs else self._captured.notes_left_out).append(note)
            self._wake()

    def _this_thread(self) -> tuple[Thread, bool]:
        """Return the thread that sends, and whether it was running before."""
        thread = current_thread()
        return thread, thread in self._older

    def _copy(self, signal: Any, payload: dict[str, Any], belongs: bool) -> None:
        how = self._snapshot
        if how != "shallow" and not (belongs and self._wanted.has(signal)):
            # Other signals are kept for messages only, which show them shortly afterwards.
            how = "shallow"
        if how == "reference":
            return
        for name, error in copy_values(payload, how).items():
            msg = (
                f"{name!r} in the payload of {label(signal)} cannot be copied deeply: "
                f"{describe_error(error)}. Capture it with snapshot='shallow'."
            )
            self._not_copied = self._not_copied or ArgumentError(msg)

    # --- the sequence

    def _list(self) -> list[Sent]:
        if not self._entered:
            self._used = True  # One mistake gives one message.
            msg = "This capture was never entered: use it in a `with` statement."
            raise ArgumentError(msg)
        return [sent for sent in tuple(self._captured.sent) if self._wanted.fits(sent)]

    def _some(self) -> str:
        if not self._entered:
            return "not entered yet"
        return f"{super()._some()} so far" if self._inside else super()._some()

    # --- waiting

    def wait(
        self,
        signal: Any,
        values: Mapping[str, Any] | None = None,
        /,
        *,
        timeout: float = 1.0,
        sender: Any = ANY,
        **payload: Any,
    ) -> Sent:
        """Wait until another thread has sent a signal and all its receivers have been called.

        Args:
            signal: The signal.
            values: Payload by key, for keys that cannot be keyword arguments here.
            timeout: How many seconds to wait at most.
            sender: Count only what this sender sends.
            payload: Values or matchers.

        Returns:
            The first such emission, which may have been captured before the call.

        Raises:
            ExpectationError: If the timeout passes without one.
            ArgumentError: If *signal* is not captured here, if a matcher raises, or if
                waiting would block the event loop of this thread.
        """
        __tracebackhide__ = True
        if _loop_is_running():
            msg = "wait() would block the event loop that runs here: await wait_async() instead."
            raise ArgumentError(msg)
        wanted = self._narrowed(signal, sender, by_key(values, payload))
        changed, deadline = Event(), monotonic() + timeout
        with self._woken(changed.set):
            while True:
                changed.clear()
                found = self._ended(wanted)
                if found or not changed.wait(max(0.0, deadline - monotonic())):
                    return self._waited_for(wanted, found, timeout)

    async def wait_async(
        self,
        signal: Any,
        values: Mapping[str, Any] | None = None,
        /,
        *,
        timeout: float = 1.0,  # noqa: ASYNC109 - the message is worth more than a TimeoutError.
        sender: Any = ANY,
        **payload: Any,
    ) -> Sent:
        """Wait until another task or thread has sent a signal and all receivers have been called.

        It runs on asyncio. See `wait` for the arguments.

        Raises:
            ExpectationError: If the timeout passes without one.
            ArgumentError: If *signal* is not captured here, or if a matcher raises.
        """
        __tracebackhide__ = True
        import asyncio

        wanted = self._narrowed(signal, sender, by_key(values, payload))
        changed, deadline = asyncio.Event(), monotonic() + timeout
        wake = partial(asyncio.get_running_loop().call_soon_threadsafe, changed.set)
        with self._woken(wake):
            while True:
                changed.clear()
                found = self._ended(wanted)
                try:
                    if not found:
                        await asyncio.wait_for(changed.wait(), max(0.0, deadline - monotonic()))
                        continue
                except TimeoutError:
                    pass
                return self._waited_for(wanted, found, timeout)

    def _ended(self, wanted: Criteria) -> list[Sent]:
        found = self._chosen(wanted)
        # After the search: what begins in between was not found, and needs no exclusion.
        going_on = set(self._under_way)
        return [sent for sent in found if id(sent.emission) not in going_on]

    def _waited_for(self, wanted: Criteria, found: list[Sent], timeout: float) -> Sent:
        __tracebackhide__ = True
        if not found:
            missing = not_as_often(wanted, None, found, self._captured)
            msg = f"Waited {timeout} s. {missing}"
            raise ExpectationError(msg)
        return found[0]

    @contextmanager
    def _woken(self, wake: Callable[[], object]) -> Iterator[None]:
        self._waiting.append(wake)
        try:
            yield
        finally:
            self._waiting.remove(wake)

    def _wake(self) -> None:
        for wake in tuple(self._waiting):
            wake()


def _loop_is_running() -> bool:
    asyncio = sys.modules.get("asyncio.events")
    try:
        return asyncio is not None and bool(asyncio.get_running_loop())
    except RuntimeError:
        return False


def capture(
    *signals: Any, sender: Any = ANY, snapshot: Snapshot = "shallow", local: bool = False
) -> Capture:
    """Return a ``with`` block that captures signals; it can be read during the block and after it.

    Args:
        signals: Signals of Heliograph, or plain ones of Blinker or of Django; none
            for everything that is sent on Heliograph.
        sender: Capture only what this sender sends.
        snapshot: How to keep each payload as it is when it is sent: ``"shallow"``
            copies its dicts, lists and sets (those of subclasses into plain ones),
            ``"deep"`` copies everything in it, and ``"reference"`` copies only the
            payload itself.
        local: Whether only what is sent in the current context counts: this thread
            or task, and the tasks started from it. Otherwise everything counts,
            except what other tests have left running; see the page on testing.

    Raises:
        ArgumentError: If something is not a signal, or *snapshot* is not one of these.

    Example:
        >>> from heliograph import Signal
        >>> order_paid = Signal("order-paid")
        >>> with capture(order_paid, sender="shop") as paid:
        ...     _ = order_paid.send("shop", total=12)
        >>> paid.one()["total"]
        12
    """
    return Capture(Criteria(signals, sender), snapshot, local)
