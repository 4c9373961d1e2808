"""Prices of declared signals, and of importing."""

from __future__ import annotations

import atexit
import inspect
import os
import subprocess
import sys
from contextlib import suppress
from functools import cache, partial
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from weakref import ref

import blinker

from benchmarks.costs.price import OURS, Price
from benchmarks.engines import SENDER
from benchmarks.harness import Work
from benchmarks.imports import environment
from heliograph import Namespace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from benchmarks.engines import Loop
    from benchmarks.receivers import Receiver

SWITCH = "HELIOGRAPH_CHECK"

IMPORT = """
import site
from time import process_time_ns
start = process_time_ns()
import {module}
print(process_time_ns() - start)
"""


def taking_all(sender: object, **payload: object) -> object:
    """Take the whole payload."""
    return None


def older(sender: object, *, a: int) -> object:
    """Take less than the payload has."""
    return None


def declared() -> Any:
    """Return a signal whose payload has grown by an argument."""

    @Namespace().declare
    def paid(sender: object, *, a: int, b: int = 0) -> None:
        """An order was paid."""

    return paid


def works(loop: Loop, *, checked: bool, alive: object = None, **more: Any) -> Work:
    """Return work that is done in development, or in production."""
    before: list[str | None] = []
    make = more.pop("items", range)
    put_back = more.pop("after", lambda items: None)

    def items(count: int) -> Iterable[object]:
        before.append(os.environ.get(SWITCH))
        os.environ[SWITCH] = "1" if checked else "0"
        made: Iterable[object] = make(count)
        return made

    def after(given: Iterable[object]) -> None:
        put_back(given)
        said = before.pop()
        if said is None:
            del os.environ[SWITCH]
        else:
            os.environ[SWITCH] = said

    work = Work(loop, items=items, after=after, alive=alive, **more)
    # The first time takes a thousand times as long as any other, as it loads modules.
    given = work.items(2)
    loop(given)
    after(given)
    return work


def sending(signal: Any, *receivers: Receiver, checked: bool = False) -> Work:
    """Return sends of two arguments to these receivers."""
    for receiver in receivers:
        signal.connect(receiver)

    def loop(items: Iterable[object]) -> None:
        for _ in items:
            signal.send(SENDER, a=1, b=2)

    return works(loop, checked=checked, alive=receivers)


def _by_hand(*receivers: Receiver, checked: bool = False) -> Work:
    references = [ref(it) for it in receivers]
    send = _checked_by_hand if checked else _spared_by_hand

    def loop(items: Iterable[object]) -> None:
        for _ in items:
            send(references, SENDER, a=1, b=2)

    return Work(loop, alive=receivers)


def _spared_by_hand(references: list[Any], sender: object, *, a: int, b: int) -> list[Any]:
    return [(it := reference(), it(sender, a=a)) for reference in references]


def _checked_by_hand(references: list[Any], sender: object, *, a: Any, b: Any) -> list[Any]:
    if not (isinstance(a, int) and isinstance(b, int)):
        raise TypeError
    return [(it := reference(), it(sender, a=a, b=b)) for reference in references]


def _psygnal(*receivers: Receiver) -> Work:
    """Return sends of psygnal, which compares types; all goes by position there."""
    from psygnal import SignalInstance

    signal = SignalInstance((object, int, int))
    for receiver in receivers:
        signal.connect(receiver)

    def loop(items: Iterable[object]) -> None:
        for _ in items:
            signal.emit(SENDER, 1, 2, check_nargs=True, check_types=True)

    return Work(loop, alive=receivers)


def taking_three(sender: object, a: int, b: int) -> object:
    """Take the payload by position."""
    return None


def _peer(make: Callable[[], Work]) -> dict[str, Callable[[], Work]]:
    return {"psygnal": make} if find_spec("psygnal") else {}


def _new() -> Receiver:
    def receiver(sender: object, *, a: int, **extra: object) -> object:
        return None

    return receiver


def _new_by_position() -> Receiver:
    def receiver(sender: object, a: int, b: int) -> object:
        return None

    return receiver


def connecting(
    connect: Callable[..., object],
    disconnect: Callable[..., object],
    new: Callable[[], Receiver] = _new,
) -> Work:
    """Return the connecting of receivers that were never connected before."""

    def loop(items: Iterable[object]) -> None:
        for receiver in items:
            connect(receiver)

    def after(items: Iterable[object]) -> None:
        for receiver in items:
            disconnect(receiver)

    return works(
        loop, checked=False, items=lambda count: [new() for _ in range(count)], after=after
    )


def _connecting_to(make: Callable[[], Any]) -> Work:
    signal = make()
    return connecting(signal.connect, signal.disconnect)


def _connecting_to_psygnal() -> Work:
    from psygnal import SignalInstance

    signal = SignalInstance((object, int, int))
    return connecting(
        partial(signal.connect, check_types=True), signal.disconnect, _new_by_position
    )


def _connecting_by_hand() -> Work:
    references: list[Any] = []

    def connect(receiver: Receiver) -> None:
        inspect.signature(receiver).bind(SENDER, a=1, b=2)
        references.append(ref(receiver))

    def disconnect(receiver: Receiver) -> None:
        with suppress(IndexError):
            references.pop()

    return connecting(connect, disconnect)


@cache
def _bytecode() -> str:
    """Return a folder for the bytecode of all imports, which is there until the end."""
    folder = TemporaryDirectory()
    atexit.register(folder.cleanup)
    return folder.name


def importing(module: str) -> Work:
    """Return imports of a module, each in an interpreter of its own that says what it took."""
    taken = 0
    _import(module)  # Writes the bytecode.

    def loop(items: Iterable[object]) -> None:
        nonlocal taken
        taken += sum(_import(module) for _ in items)

    return Work(loop, clock=lambda: taken)


def _import(module: str) -> int:
    command = [sys.executable, "-S", "-c", IMPORT.format(module=module)]
    done = subprocess.run(
        command, env=environment(_bytecode()), stdout=subprocess.PIPE, check=True, text=True
    )
    return int(done.stdout)


def _prices() -> Iterator[Price]:
    yield Price(
        "declared, 1 receiver spared an argument",
        {
            OURS: lambda: sending(declared(), older),
            "blinker": lambda: sending(blinker.Signal(), taking_all),
            "by hand": lambda: _by_hand(older),
        },
        base="blinker",
        most=0.3,
        most_in_python=0.8,
    )
    for row, receivers, by_position in (
        ("nobody", (), ()),
        ("1 receiver", (taking_all,), (taking_three,)),
    ):
        yield Price(
            f"declared, checked in development, {row}",
            {
                OURS: partial(lambda it: sending(declared(), *it, checked=True), receivers),
                "blinker": partial(lambda it: sending(blinker.Signal(), *it), receivers),
                "by hand": partial(_by_hand, *receivers, checked=True),
                **_peer(partial(_psygnal, *by_position)),
            },
            base="blinker",
            most=1.0,
            most_in_python=2.0,
        )
    yield Price(
        "connect to a declared signal",
        {
            OURS: lambda: _connecting_to(declared),
            "blinker": lambda: _connecting_to(blinker.Signal),
            "by hand": _connecting_by_hand,
            **_peer(_connecting_to_psygnal),
        },
        base="blinker",
        most=3.0,
        most_in_python=4.0,
    )
    yield Price(
        "import",
        {
            OURS: lambda: importing("heliograph"),
            "h.blinker": lambda: importing("heliograph.blinker"),
            "blinker": lambda: importing("blinker"),
            **({"psygnal": lambda: importing("psygnal")} if find_spec("psygnal") else {}),
        },
        base="blinker",
        most=0.4,
        most_in_python=0.4,
    )


PRICES: tuple[Price, ...] = tuple(_prices())
