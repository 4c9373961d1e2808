"""Explains whom a send would call now, in which order, and for each other receiver why not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from operator import methodcaller
from types import MethodType
from typing import TYPE_CHECKING, Any

from heliograph.describe import describe_sender, label_of, portable_location
from heliograph.inspector.catalogue import receiver_info

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from heliograph import Connection, Signal
    from heliograph.inspector.disconnections import DisconnectionInfo
    from heliograph.inspector.facts import ReceiverInfo

_OF_PROXIES = "_get_current_object"


class Reason(StrEnum):
    """Why a receiver is not called."""

    OTHER_SENDER = "other sender"
    MUTED = "muted"
    ELSEWHERE = "elsewhere"
    TWICE = "twice"
    DEAD = "dead"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True)
class OmittedInfo:
    """One receiver that the send would not call.

    Attributes:
        name: Its qualified name, with its module.
        location: The ``file:line`` that defines it, or None if that is not known any more.
        connected: The ``file:line`` that connected it.
        reason: Why it is not called, for programs.
        why: The same in a sentence.
    """

    name: str
    location: str | None
    connected: str
    reason: Reason
    why: str


@dataclass(frozen=True)
class Explanation:
    """Whom a send would call now.

    Attributes:
        signal: What the signal is called.
        sender: The sender, described without running its code.
        called: The receivers that it would call, in this order.
        omitted: The other ones, each with the reason.
        unknown: Modules that were not imported, and whose source connects to a signal of its name.
    """

    signal: str
    sender: str
    called: tuple[ReceiverInfo, ...]
    omitted: tuple[OmittedInfo, ...]
    unknown: tuple[str, ...] = ()


def explain(
    signal: Signal[...],
    sender: object = None,
    *,
    ended: Iterable[DisconnectionInfo] = (),
    unknown: Sequence[str] = (),
) -> Explanation:
    """Explain whom a send would call now, in this thread or task, and why not the others.

    Nothing is sent.

    Args:
        signal: The signal.
        sender: The sender; a proxy stands for the object that it is bound to now.
        ended: What was disconnected from the signal, as `Disconnections.of` tells.
        unknown: Modules that were not imported and may connect to it.

    Raises:
        RuntimeError: Or any other error that an unbound proxy raises, unchanged.

    Example:
        >>> from heliograph import Signal
        >>> from heliograph.inspector import explain
        >>> order_paid = Signal("order-paid")
        >>> @order_paid.connect_via("kiosk")
        ... def thank(sender, **extra): ...
        >>> [omitted] = explain(order_paid, "shop").omitted
        >>> omitted.why
        "it hears 'kiosk' only"
    """
    called = signal.connections_for(sender)
    others = (it for it in signal.connections if it not in called)
    omitted = [_omitted(it, sender, called) for it in others]
    gone = [
        OmittedInfo(it.name, None, portable_location(it.location), Reason.DEAD, _died(it.time))
        for it in signal.dead_receivers
    ]
    gone += map(_ended, ended)
    # The same line may have connected one of that name again.
    known = {(it.name, portable_location(it.location)) for it in signal.connections}
    omitted += [it for it in gone if (it.name, it.connected) not in known]
    return Explanation(
        label_of(signal),
        described(sender),
        tuple(map(receiver_info, called)),
        tuple(omitted),
        tuple(unknown),
    )


def described(sender: Any) -> str:
    """Describe a sender; of a proxy, what it stands for as well.

    Raises:
        RuntimeError: Or any other error that an unbound proxy raises, unchanged.
    """
    what = describe_sender(sender, value=True)
    if not hasattr(type(sender), _OF_PROXIES):
        return what
    real = methodcaller(_OF_PROXIES)(sender)
    return what if real is sender else f"{what}, which stands for {described(real)}"


def _omitted(it: Connection, sender: Any, called: Sequence[Connection]) -> OmittedInfo:
    reason, why = _reason(it, sender, called)
    info = receiver_info(it)
    return OmittedInfo(info.name, info.location, info.connected, reason, why)


def _reason(it: Connection, sender: Any, called: Sequence[Connection]) -> tuple[Reason, str]:
    if not it.hears(sender):
        return Reason.OTHER_SENDER, _other_sender(it.sender, sender)
    if any(_is_same(other.receiver, it.receiver) for other in called):
        why = "it is called once, though it is connected for all senders and for this one"
        return Reason.TWICE, why
    if it.local:
        why = "its connection counts only in the contexts inside its block"
        return Reason.ELSEWHERE, why
    return Reason.MUTED, "it is muted here"


def _is_same(one: object, other: object) -> bool:
    # Python makes a bound method at each look; anything else may compare by code of its own.
    return one is other or (type(one) is MethodType and one == other)


def _other_sender(wanted: Any, given: Any) -> str:
    hears = f"it hears {describe_sender(wanted, value=True)} only"
    if type(wanted) is not type(given) or type(wanted) in (str, int):
        return hears
    kind = type(wanted).__qualname__
    return f"it hears another {kind} object: two objects are never the same sender"


def _died(seconds: float) -> str:
    from datetime import UTC, datetime

    when = datetime.fromtimestamp(seconds, UTC).astimezone()
    return f"it was garbage-collected at {when:%H:%M:%S}, as nothing else held it"


def _ended(it: DisconnectionInfo) -> OmittedInfo:
    where = "" if it.disconnected is None else f" at {it.disconnected}"
    return OmittedInfo(
        it.name, None, it.connected, Reason.DISCONNECTED, f"it was disconnected{where}"
    )
