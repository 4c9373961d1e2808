"""Prices of connecting and disconnecting, for good and for a while."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod, ref

import blinker

import heliograph
import heliograph.blinker
from benchmarks.costs.price import OURS, Price
from benchmarks.engines import SENDER, Sender
from benchmarks.harness import Work
from benchmarks.receivers import MethodOwner, by_keyword

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from benchmarks.receivers import Receiver

    New = Callable[[], Any]
    """Makes a signal."""

    Ways = dict[str, Callable[[], Work]]

BLINKER = "blinker"
BY_HAND = "by hand"


class Table:
    """What a program writes that needs no more: a dict of references to receivers, by id."""

    def __init__(self) -> None:
        self.receivers: dict[int, Any] = {}
        self.silent = False

    def connect(self, receiver: Any, sender: object = None, weak: bool = True) -> None:
        """Connect a receiver."""
        kind = WeakMethod if hasattr(receiver, "__self__") else ref
        self.receivers[id(receiver)] = kind(receiver) if weak else receiver

    def disconnect(self, receiver: Any, sender: object = None) -> None:
        """Disconnect it."""
        del self.receivers[id(receiver)]

    def send(self, sender: object) -> list[tuple[object, object]]:
        """Call everybody."""
        found = [it() for it in self.receivers.values()]
        return [(receiver, receiver(sender)) for receiver in found]

    @contextmanager
    def connected_to(self, receiver: Any) -> Iterator[None]:
        """Connect a receiver for a while."""
        self.connect(receiver)
        try:
            yield
        finally:
            self.disconnect(receiver)

    @contextmanager
    def muted(self) -> Iterator[None]:
        """Be silent for a while."""
        self.silent = True
        try:
            yield
        finally:
            self.silent = False


def _psygnal() -> Any:
    """Return a signal of psygnal's, the best of the peers, whose receivers it does not check."""
    signal = import_module("psygnal").SignalInstance((object,))
    connect = partial(signal.connect, check_nargs=False, check_types=False, max_args=1)
    return SimpleNamespace(connect=connect, disconnect=signal.disconnect)


PEERS: dict[str, New] = {} if find_spec("psygnal") is None else {"psygnal": _psygnal}

SIGNALS: dict[str, New] = {
    OURS: heliograph.Signal,
    BLINKER: blinker.Signal,
    "h.blinker": heliograph.blinker.Signal,
    BY_HAND: Table,
}


def _ways(work: Callable[[New], Work], *, peers: bool = False) -> Ways:
    return {name: partial(work, new) for name, new in (SIGNALS | (PEERS if peers else {})).items()}


def _receivers(count: int) -> list[Receiver]:
    return [by_keyword() for _ in range(count)]


def _methods(count: int) -> list[Receiver]:
    return [MethodOwner().receive for _ in range(count)]


def _connecting(run: Callable[[Any, Iterable[Any]], None], new_items: Any, new: New) -> Work:
    """Connect receivers that were never connected before."""
    signal = new()
    disconnect = signal.disconnect

    def after(receivers: Iterable[object]) -> None:
        for receiver in receivers:
            disconnect(receiver)

    # Who looks for the first time in a process whether programs are being developed may import.
    for forerunners in (new_items(4), new_items(4)):
        run(signal, forerunners)
        after(forerunners)
    return Work(partial(run, signal), items=new_items, after=after)


def _connect(signal: Any, receivers: Iterable[Any]) -> None:
    connect = signal.connect
    for receiver in receivers:
        connect(receiver)


def _connect_for_a_sender(signal: Any, receivers: Iterable[Any]) -> None:
    connect = signal.connect
    for receiver in receivers:
        connect(receiver, SENDER)


def _connect_strongly(signal: Any, receivers: Iterable[Any]) -> None:
    connect = signal.connect
    for receiver in receivers:
        connect(receiver, weak=False)


def _connect_via(signal: Any, receivers: Iterable[Any]) -> None:
    connect_via = signal.connect_via
    for receiver in receivers:
        connect_via(SENDER)(receiver)


def _connecting_again(new: New) -> Work:
    signal, receiver = new(), by_keyword()
    signal.connect(receiver)

    def run(items: Iterable[object]) -> None:
        connect = signal.connect
        for _ in items:
            connect(receiver)

    return Work(run, alive=receiver)


def _disconnecting(new: New, *sender: object) -> Work:
    """Disconnect receivers as they were connected: from every sender or from one."""
    signal = new()
    connect, disconnect = signal.connect, signal.disconnect

    def connected(count: int) -> list[Receiver]:
        receivers = _receivers(count)
        for receiver in receivers:
            connect(receiver, *sender)
        return receivers

    def from_all(receivers: Iterable[object]) -> None:
        for receiver in receivers:
            disconnect(receiver)

    def from_one(receivers: Iterable[object]) -> None:
        for receiver in receivers:
            disconnect(receiver, SENDER)

    return Work(from_one if sender else from_all, items=connected)


def _connected_to(new: New, **options: Any) -> Work:
    signal, receiver = new(), by_keyword()
    connected_to = partial(signal.connected_to, **options) if options else signal.connected_to

    def run(items: Iterable[object]) -> None:
        for _ in items:
            with connected_to(receiver):
                pass

    return Work(run)


def _sending_inside(new: New) -> Work:
    signal, receiver = new(), by_keyword()

    def run(items: Iterable[object]) -> None:
        for _ in items:
            with signal.connected_to(receiver):
                signal.send(SENDER)

    return Work(run)


def _connecting_for_one_send(new: New) -> Work:
    signal, receiver = new(), by_keyword()

    def run(items: Iterable[object]) -> None:
        for _ in items:
            signal.connect(receiver)
            signal.send(SENDER)
            signal.disconnect(receiver)

    return Work(run, alive=receiver)


def _with_new_senders(new: New) -> Work:
    """Connect for a sender that is new each time, let it send, and let it die."""
    signal, receiver = new(), by_keyword()

    def run(items: Iterable[object]) -> None:
        for _ in items:
            sender = Sender()
            signal.connect(receiver, sender)
            signal.send(sender)
            del sender

    return Work(run, alive=receiver)


def _muting(new: New) -> Work:
    signal, receiver = new(), by_keyword()
    signal.connect(receiver)

    def run(items: Iterable[object]) -> None:
        muted = signal.muted
        for _ in items:
            with muted():
                pass

    return Work(run, alive=receiver)


def _price(row: str, ways: Ways, most: float, most_in_python: float) -> Price:
    return Price(row, ways, BLINKER, most, most_in_python)


def _new(run: Callable[[Any, Iterable[Any]], None], *, peers: bool = False) -> Ways:
    return _ways(partial(_connecting, run, _receivers), peers=peers)


LOCAL = _ways(_connected_to) | {OURS: partial(_connected_to, heliograph.Signal, local=True)}

PRICES: tuple[Price, ...] = (
    _price("connect", _new(_connect, peers=True), 0.5, 1.3),
    _price("connect for a sender", _new(_connect_for_a_sender), 0.5, 1.3),
    _price("connect a method", _ways(partial(_connecting, _connect, _methods)), 0.7, 1.3),
    _price("connect strongly", _new(_connect_strongly), 0.6, 1.3),
    _price("connect_via", {k: v for k, v in _new(_connect_via).items() if k != BY_HAND}, 0.7, 1.4),
    _price("connect again", _ways(_connecting_again), 0.7, 1.4),
    _price("disconnect", _ways(_disconnecting, peers=True), 0.5, 1.3),
    _price("disconnect from a sender", _ways(lambda new: _disconnecting(new, SENDER)), 0.5, 1.3),
    _price("connected_to", _ways(_connected_to), 0.6, 1.4),
    _price("connected_to, local", LOCAL, 0.8, 1.4),
    _price("connected_to with a send", _ways(_sending_inside), 0.6, 1.4),
    _price("connect, send, disconnect", _ways(_connecting_for_one_send), 0.6, 1.4),
    _price("a new sender each time", _ways(_with_new_senders), 0.6, 1.4),
    _price("muted", _ways(_muting), 0.8, 1.4),
)
