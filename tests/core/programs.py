"""Programs that do to signals whatever can be done, as values: to draw, to shrink and to print."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

import hypothesis.strategies as st

from tests.core.kinds import RECEIVERS, SENDERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from heliograph import Signal

OnError = Literal["raise", "log"]
# The echo hears the signal when its `send` is connected to it.
Which = Literal["signal", "echo"]
Wrapper = Literal["none", "runs", "fails"]
End = Literal["value", "nothing", "error", "old error", "leave"]


@dataclass(frozen=True)
class Connect:
    """Connect."""

    which: Which
    receiver: str
    sender: str
    proxy: bool
    weak: bool
    priority: int
    on_error: OnError


@dataclass(frozen=True)
class Disconnect:
    """Disconnect from one sender, or from all."""

    which: Which
    receiver: str
    sender: str | None
    proxy: bool


@dataclass(frozen=True)
class Open:
    """Enter a block that connects for a while."""

    which: Which
    receiver: str
    sender: str
    proxy: bool
    local: bool
    priority: int
    on_error: OnError


@dataclass(frozen=True)
class Mute:
    """Enter a block that mutes."""

    which: Which
    local: bool


@dataclass(frozen=True)
class Reopen:
    """Enter one of the blocks that are open once more."""

    block: int


@dataclass(frozen=True)
class Close:
    """Leave one of the blocks that are open."""

    block: int


@dataclass(frozen=True)
class Send:
    """Send in one of many ways, from a context of its own or from this one."""

    which: Which
    sender: str
    how: str
    wrapper: Wrapper
    proxy: bool
    elsewhere: bool


@dataclass(frozen=True)
class Forget:
    """Keep a receiver or a sender alive no more."""

    name: str


@dataclass(frozen=True)
class Watch:
    """Add the instrument, or remove it."""

    on: bool


@dataclass(frozen=True)
class Override:
    """Put another `receivers_for` in the place of the signal's, or take it away."""

    on: bool


@dataclass(frozen=True)
class Tell:
    """Tell a receiver, or the instrument, what to do and how to end when it is called next."""

    receiver: str
    script: tuple[Action, ...]
    end: End


Action = (
    Connect | Disconnect | Open | Mute | Reopen | Close | Send | Forget | Watch | Override | Tell
)
Program = tuple[Action, ...]

# --- ways of sending: the signal, the sender and the wrapper are given ---------------------


def _made_up(*names: str) -> dict[str, Any]:
    """Return keywords whose names are equal to others, but not the same strings."""
    return {"".join(list(name)): number for number, name in enumerate(names)}


def _many(count: int) -> dict[str, Any]:
    return {f"k{number}": number for number in range(count)}


WAYS: dict[str, Callable[[Signal, Any, Any], Any]] = {
    "sender": lambda signal, who, _: signal.send(who),
    "no sender": lambda signal, who, _: signal.send(),
    "keywords": lambda signal, who, _: signal.send(who, a=1, b=2),
    "keywords alone": lambda signal, who, _: signal.send(a=1, b=2),
    "wrapper": lambda signal, who, wrapper: signal.send(who, _async_wrapper=wrapper),
    "wrapper first": lambda signal, who, wrapper: signal.send(who, _async_wrapper=wrapper, a=1),
    "wrapper last": lambda signal, who, wrapper: signal.send(who, a=1, _async_wrapper=wrapper),
    "wrapper, no sender": lambda signal, who, wrapper: signal.send(_async_wrapper=wrapper, b=1),
    "made-up wrapper": lambda signal, who, wrapper: signal.send(
        who, **(_made_up("a", "_async_wrapper", "not a name") | {"_async_wrapper": wrapper})
    ),
    # Up to seven and the sender find room without asking for memory.
    "7 keywords": lambda signal, who, wrapper: signal.send(who, _async_wrapper=wrapper, **_many(6)),
    "8 keywords": lambda signal, who, wrapper: signal.send(who, _async_wrapper=wrapper, **_many(7)),
    "9 keywords": lambda signal, who, wrapper: signal.send(who, _async_wrapper=wrapper, **_many(8)),
    "taken names": lambda signal, who, _: signal.send(who, sender=1, self=2),
    "unbound": lambda signal, who, _: type(signal).send(signal, who, a=1),
    "too many": lambda signal, who, _: signal.send(who, who),  # Refused.
    "awaited": lambda signal, who, _: signal.send_async(who, a=1),
}

# --- how they are drawn ----------------------------------------------------------------

ASYNC_RECEIVERS = ["coroutine function", "async callable"]

_which: st.SearchStrategy[Which] = st.sampled_from(["signal"] * 7 + ["echo"])
_truth = st.booleans()
_seldom = st.sampled_from([False] * 7 + [True])
_priority = st.sampled_from([0, 0, 0, 1, -1])
_on_error: st.SearchStrategy[OnError] = st.sampled_from(["raise", "raise", "log"])
_end: st.SearchStrategy[End] = st.sampled_from(["value", "nothing", "error", "old error", "leave"])
_way = st.sampled_from(list(WAYS))
_wrapper: st.SearchStrategy[Wrapper] = st.sampled_from(["runs", "runs", "none", "fails"])
_close = st.builds(Close, st.integers(0, 3))
_reopen = st.builds(Reopen, st.integers(0, 3))


def _one_of(*strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Choose as `st.one_of` does, which would give each choice of a choice the same weight."""
    return st.sampled_from(strategies).flatmap(lambda chosen: chosen)


def _programs(cast: tuple[list[str], list[str]]) -> st.SearchStrategy[Program]:
    """Return what draws a program for those who take part in it."""
    receiver, sender = st.sampled_from(cast[0]), st.sampled_from(cast[1])
    listened = sender | st.just("ANY")
    connect = st.builds(Connect, _which, receiver, listened, _seldom, _truth, _priority, _on_error)
    send = st.builds(Send, _which, sender, _way, _wrapper, _seldom, _seldom)
    block = _one_of(st.builds(Mute, _which, _truth), _reopen, _close, _close)
    change = _one_of(
        connect,
        st.builds(Disconnect, _which, receiver, st.none() | listened, _seldom),
        st.builds(Open, _which, receiver, listened, _seldom, _truth, _priority, _on_error),
        block,
        st.builds(Forget, receiver | sender),
        st.builds(Watch, _seldom),
        st.builds(Override, _seldom),
    )
    again = connect.map(lambda it: (Disconnect(it.which, it.receiver, it.sender, proxy=False), it))
    alone = _one_of(change, change, send).map(lambda it: (it,))
    script = st.lists(_one_of(alone, alone, alone, again), max_size=3).map(_joined)
    tell = st.builds(
        Tell, _one_of(receiver, receiver, receiver, st.just("instrument")), script, _end
    )
    action: st.SearchStrategy[Action] = _one_of(connect, send, send, tell, change)
    # In pieces, because a list alone is a short one.
    pieces = st.lists(st.lists(action, min_size=1, max_size=8), min_size=1, max_size=8)
    return st.tuples(st.lists(connect, max_size=4), pieces.map(_joined)).map(_joined)


def _joined(pieces: Iterable[Iterable[Action]]) -> Program:
    return tuple(chain.from_iterable(pieces))


_receivers = st.lists(
    st.sampled_from([*RECEIVERS, *RECEIVERS, *ASYNC_RECEIVERS, "relay"]),
    min_size=2,
    max_size=4,
    unique=True,
)
_senders = st.lists(st.sampled_from(SENDERS), min_size=1, max_size=2, unique=True)

# Few take part in each, so that they meet.
PROGRAMS: st.SearchStrategy[Program] = st.tuples(_receivers, _senders).flatmap(_programs)
