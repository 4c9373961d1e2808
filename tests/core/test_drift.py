"""Reference counts do not drift: a million sends of each kind leave all as it was.

Kinds that are mostly Python's take a part of that here, and the million in ``make fuzz``.
"""

from __future__ import annotations

import gc
import os
import sys
from collections import deque
from contextlib import suppress
from contextvars import Context
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import AsyncReceiverError, Signal, add_instrument, implementation, remove_instrument
from tests.core.proxies import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    Send = Callable[[], object]
    Kind = Callable[["Stage"], Send]

MILLION = 1_000_000
A_PART = MILLION if "HELIOGRAPH_FUZZ" in os.environ else 5_000

pytestmark = [
    pytest.mark.once,
    pytest.mark.unmeasured,
    pytest.mark.skipif(implementation != "c", reason="HELIOGRAPH_PURE=1, or no compiler"),
    # A million of each takes minutes.
    pytest.mark.timeout(0 if A_PART == MILLION else 120),
]


class Shop:
    """Sends, and has methods that receive."""

    def receive(self, sender: object, **payload: object) -> object:
        """Return what came."""
        return sender

    async def receive_later(self, sender: object, **payload: object) -> object:
        """Return what came."""
        return sender

    def __call__(self, sender: object, **payload: object) -> object:
        """Return what came."""
        return payload


class LeaveError(BaseException):
    """What leaves a send at once."""


def receive(sender: object, **payload: object) -> object:
    """Return what came."""
    return sender, payload


def fail(sender: object, **payload: object) -> None:
    """Raise what is an error."""
    raise LookupError


def leave(sender: object, **payload: object) -> None:
    """Raise what is no error."""
    raise LeaveError


async def receive_later(sender: object, **payload: object) -> object:
    """Return what came."""
    return sender


class Pause:
    """Waits once."""

    def __await__(self) -> Generator[None, None, None]:
        """Wait."""
        yield


async def wait(sender: object, **payload: object) -> None:
    """Wait."""
    await Pause()


def run(receiver: Any) -> Callable[..., object]:
    """Make a plain function of a coroutine function, badly."""
    return lambda sender, **payload: receiver(sender, **payload).close()


class Stage:
    """A signal, two senders, and all whose reference counts are watched."""

    def __init__(self) -> None:
        self.signal = Signal("paid")
        self.shop, self.kiosk, self.tally = Shop(), Shop(), deque[object](maxlen=1)
        self.partial = partial(receive, a=1)
        self.receivers = [partial(receive) for _ in range(10)]

    def watched(self, send: Send) -> list[object]:
        """Return all that a send could take or give a reference of."""
        code: Any = send
        # Among these are the names of keywords, as one tuple, and the code of the function.
        mine = [send, *code.__code__.co_consts, *code.__code__.co_names, *vars(self).values()]
        theirs = [Shop.receive, receive, fail, leave, receive_later, run, Signal.send]
        registry = self.signal._registry
        groups, records = registry.senders.values(), registry.receivers.values()
        snapshots = [
            registry.any._snapshot,
            *(it._snapshot for it in groups),
            *(it.shared_snapshot for it in records),
        ]
        # And what C keeps of the last call.
        engine = [registry, registry.version, *snapshots, *gc.get_referents(Signal.send)]
        return [*mine, *theirs, *self.receivers, *SHARED, *engine]


# --- what C sends alone ----------------------------------------------------------------


def nobody(stage: Stage) -> Send:
    """Send to nobody at all."""
    return lambda: stage.signal.send(stage.shop, a=1)


def others(stage: Stage) -> Send:
    """Send what others would hear."""
    stage.signal.connect(receive, stage.kiosk)
    return lambda: stage.signal.send(stage.shop, a=1)


def one(stage: Stage) -> Send:
    """Send to a function."""
    stage.signal.connect(receive)
    return lambda: stage.signal.send(stage.shop, a=1)


def one_for_the_sender(stage: Stage) -> Send:
    """Send to who hears this sender alone."""
    stage.signal.connect(receive, stage.shop)
    return lambda: stage.signal.send(stage.shop, a=1, b=2)


def one_for_a_name(stage: Stage) -> Send:
    """Send from a string."""
    stage.signal.connect(receive, "shop")
    return lambda: stage.signal.send("shop", a=True)


def method(stage: Stage) -> Send:
    """Send to a bound method."""
    stage.signal.connect(stage.kiosk.receive)
    return lambda: stage.signal.send(stage.shop, a=1)


def built_in_method(stage: Stage) -> Send:
    """Send to a method that is written in C."""
    stage.signal.connect(stage.tally.append)
    return lambda: stage.signal.send(stage.shop)


def callable_object(stage: Stage) -> Send:
    """Send to an object that can be called."""
    stage.signal.connect(stage.kiosk)
    return lambda: stage.signal.send(stage.shop, a=1)


def ten(stage: Stage) -> Send:
    """Send to several."""
    for receiver in stage.receivers:
        stage.signal.connect(receiver)
    return lambda: stage.signal.send(stage.shop)


def wrapper(stage: Stage) -> Send:
    """Send as Flask does."""
    stage.signal.connect(receive)
    return lambda: stage.signal.send(stage.shop, _async_wrapper=run, a=1)


def no_sender(stage: Stage) -> Send:
    """Send as nobody in particular."""
    stage.signal.connect(receive)
    return lambda: stage.signal.send(a=1, b=2)


def many_keywords(stage: Stage) -> Send:
    """Send more than there is room for on the stack."""
    stage.signal.connect(receive)
    return lambda: stage.signal.send(_async_wrapper=run, a=1, b=2, c=3, d=4, e=5, f=6, g=7, h=8)


def watched(stage: Stage) -> Send:
    """Send while an instrument looks on."""
    stage.signal.connect(receive)
    add_instrument(stage.tally.append)
    return lambda: stage.signal.send(stage.shop, a=1)


def watched_for_nobody(stage: Stage) -> Send:
    """Send to nobody while an instrument looks on."""
    add_instrument(stage.tally.append)
    return lambda: stage.signal.send(stage.shop, a=1)


def watched_for_the_sender(stage: Stage) -> Send:
    """Send to who hears this sender alone, which others do as well."""
    for sender in (stage.shop, stage.kiosk):
        stage.signal.connect(receive, sender)
    add_instrument(stage.tally.append)
    return lambda: stage.signal.send(stage.shop, a=1)


def watched_inside_of_another(stage: Stage) -> Send:
    """Send to who sends in turn, and look at all of it."""
    stage.signal.connect(Signal("outer").send, stage.kiosk, weak=False)
    add_instrument(stage.tally.append)
    return lambda: stage.signal.send(stage.kiosk)


# --- what Python sees to ---------------------------------------------------------------


def error(stage: Stage) -> Send:
    """Send to who fails, in between others."""
    for receiver in (receive, fail, stage.kiosk):
        stage.signal.connect(receiver)
    return lambda: _left_by(LookupError, stage.signal, stage.shop)


def last_error(stage: Stage) -> Send:
    """Send to several, of whom the last one fails."""
    for receiver in (receive, fail):
        stage.signal.connect(receiver)
    return lambda: _left_by(LookupError, stage.signal, stage.shop)


def unfit(stage: Stage) -> Send:
    """Send to one alone, who does not take the payload."""
    stage.signal.connect(stage.tally.append)
    return lambda: _left_by(TypeError, stage.signal, stage.shop)


def errors(stage: Stage) -> Send:
    """Send to several who fail, one of them because it takes no payload."""
    stage.signal.connect(fail)
    stage.signal.connect(stage.tally.append)
    return lambda: _left_by(ExceptionGroup, stage.signal, stage.shop)


def interruption(stage: Stage) -> Send:
    """Send to who leaves at once."""
    stage.signal.connect(receive)
    stage.signal.connect(leave)
    return lambda: _left_by(LeaveError, stage.signal, stage.shop)


def async_receiver(stage: Stage) -> Send:
    """Send to who has to be wrapped."""
    stage.signal.connect(receive_later)
    return lambda: stage.signal.send(stage.shop, _async_wrapper=run, a=1)


def async_method(stage: Stage) -> Send:
    """Send to a method, and to an object, that have to be wrapped."""
    stage.signal.connect(stage.kiosk.receive_later)
    stage.signal.connect(partial(stage.kiosk.receive_later), weak=False)
    return lambda: stage.signal.send(stage.shop, _async_wrapper=run, a=1)


def bad_wrapper(stage: Stage) -> Send:
    """Send to who has to be wrapped, and is not."""
    stage.signal.connect(receive_later)
    return lambda: _left_by(TypeError, partial(stage.signal.send, _async_wrapper=id), stage.shop)


def failing_wrapper(stage: Stage) -> Send:
    """Send to who has to be wrapped, with a wrapper that fails."""
    stage.signal.connect(receive_later)
    return lambda: _left_by(
        LookupError, partial(stage.signal.send, _async_wrapper=fail), stage.shop
    )


def awaited(stage: Stage) -> Send:
    """Send to functions, methods and others, and await them."""
    for receiver in (receive, receive_later, stage.kiosk.receive_later, stage.kiosk):
        stage.signal.connect(receiver)
    return lambda: _drive(stage.signal.send_async(stage.shop, _sync_wrapper=None, a=1))


def awaited_by_nobody(stage: Stage) -> Send:
    """Begin to send, and leave it at that."""
    stage.signal.connect(receive_later)
    return lambda: stage.signal.send_async(stage.shop, a=1).close()


def awaited_and_left(stage: Stage) -> Send:
    """Send to who waits, and go."""
    stage.signal.connect(wait)
    return lambda: stage.signal.send_async(stage.shop, a=1).send(None)


def awaited_error(stage: Stage) -> Send:
    """Send to who fails, in between others."""
    for receiver in (receive_later, fail, stage.kiosk.receive_later):
        stage.signal.connect(receiver)
    return lambda: _drive(stage.signal.send_async(stage.shop, a=1))


def awaited_while_changed(stage: Stage) -> Send:
    """Send to who changes the connections."""

    def change(sender: object, **payload: object) -> None:
        stage.signal.disconnect(receive)
        stage.signal.connect(receive)

    for receiver in (receive, change, stage.kiosk.receive_later):
        stage.signal.connect(receiver, weak=False)
    return lambda: _drive(stage.signal.send_async(stage.shop, a=1))


def awaited_and_thrown_into(stage: Stage) -> Send:
    """Send to who waits, and gets an error."""
    stage.signal.connect(wait)

    def send() -> None:
        coroutine = stage.signal.send_async(stage.shop, a=1)
        coroutine.send(None)
        with suppress(LookupError):
            coroutine.throw(LookupError())

    return send


def _drive(coroutine: Any) -> None:
    with suppress(LookupError, StopIteration):
        coroutine.send(None)


def refused(stage: Stage) -> Send:
    """Send to who would have to be wrapped."""
    stage.signal.connect(receive_later)
    return lambda: _left_by(AsyncReceiverError, stage.signal, stage.shop)


def changed_meanwhile(stage: Stage) -> Send:
    """Send to who changes the connections."""

    def change(sender: object, **payload: object) -> None:
        stage.signal.disconnect(receive)
        stage.signal.connect(receive)

    stage.signal.connect(receive)
    stage.signal.connect(change, weak=False)
    stage.signal.connect(stage.kiosk)
    return lambda: stage.signal.send(stage.shop, a=1)


def watched_error(stage: Stage) -> Send:
    """Send to who fails while an instrument looks on."""
    add_instrument(stage.tally.append)
    return error(stage)


def muted(stage: Stage) -> Send:
    """Send while nobody is to hear it."""
    stage.signal.connect(receive)
    # Nobody leaves it: the signal goes as well, with a context that nobody else is in.
    Context().run(stage.signal.muted().__enter__)
    return lambda: stage.signal.send(stage.shop, a=1)


def proxy(stage: Stage) -> Send:
    """Send as whom a proxy stands for."""
    stage.signal.connect(receive, stage.shop)
    current = Proxy(lambda: stage.shop)
    return lambda: stage.signal.send(current, a=1)


def number(stage: Stage) -> Send:
    """Send from an integer."""
    stage.signal.connect(receive, 7)
    return lambda: stage.signal.send(7, a=1)


def too_many_arguments(stage: Stage) -> Send:
    """Send in a way that there is not."""
    send: Any = stage.signal.send
    return lambda: _left_by(TypeError, send, stage.shop)


def _left_by(expected: type[BaseException], signal: Any, sender: object) -> None:
    with suppress(expected):
        if isinstance(signal, Signal):
            signal.send(sender, a=1)
        elif isinstance(signal, partial):
            signal(sender, a=1)
        else:
            signal(sender, sender)


IN_C: list[Kind] = [
    nobody,
    others,
    one,
    one_for_the_sender,
    one_for_a_name,
    method,
    built_in_method,
    callable_object,
    ten,
    wrapper,
    no_sender,
    many_keywords,
    watched,
    watched_for_nobody,
    watched_for_the_sender,
    watched_inside_of_another,
]
IN_PYTHON: list[Kind] = [
    error,
    last_error,
    unfit,
    errors,
    interruption,
    async_receiver,
    async_method,
    bad_wrapper,
    failing_wrapper,
    awaited,
    awaited_by_nobody,
    awaited_and_left,
    awaited_error,
    awaited_while_changed,
    awaited_and_thrown_into,
    refused,
    changed_meanwhile,
    watched_error,
    muted,
    proxy,
    number,
    too_many_arguments,
]
# The whole program's: others take and give some of these, and of the memory, meanwhile.
SHARED = [None, True, False, 0, 1, 7, (), "", Signal, Shop, BaseException, LookupError, TypeError]
FEW = 50


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Give a stage on which nothing is freed by the garbage collector."""
    stage = Stage()
    gc.collect()
    gc.disable()
    yield stage
    gc.enable()
    remove_instrument(stage.tally.append)


def _counts(things: list[object]) -> list[int]:
    return [sys.getallocatedblocks(), *map(sys.getrefcount, things)]


SMALL = range(-5, 257)
"""The numbers of which CPython has one each."""


def _drift(stage: Stage, send: Send, times: int) -> dict[str, int]:
    """Send, and say of what there are more references than before, or fewer."""
    # The interpreter keeps up to some thousand freed tuples of a size, to use them again.
    for _ in repeat(None, 5_000):
        send()
    # Small numbers are everybody's: another thread may have counted up to them meanwhile.
    watched = [it for it in stage.watched(send) if not (type(it) is int and it in SMALL)]
    names = ["memory", *map(repr, watched)]
    # What drifts does so each time; what another thread takes and gives meanwhile does not.
    for _ in range(3):
        before = _counts(watched)
        for _ in repeat(None, times):
            send()
        after = _counts(watched)
        each = zip(names, before, after, strict=True)
        drifted = {name: now - then for name, then, now in each if abs(now - then) > FEW}
        if not drifted:
            break
    return drifted


@pytest.mark.parametrize(
    ("kind", "times"),
    [*((kind, MILLION) for kind in IN_C), *((kind, A_PART) for kind in IN_PYTHON)],
    ids=[kind.__name__ for kind in (*IN_C, *IN_PYTHON)],
)
def test_references_do_not_drift(kind: Kind, times: int, stage: Stage) -> None:
    """Whatever is sent, and however it ends, everything is let go of, and nothing twice."""
    send = kind(stage)

    assert _drift(stage, send, times) == {}
