"""Tells in development of a line that connects one function again and again."""

from __future__ import annotations

from operator import is_
from types import FunctionType

from heliograph.core.claims import told
from heliograph.core.connections.dead import this_test
from heliograph.core.connections.options import SCOPE, SITE
from heliograph.core.describe import name_of
from heliograph.core.development import in_development
from heliograph.core.identity import ANY, sender_key
from heliograph.core.source import warn_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from heliograph.core.connections.options import Options
    from heliograph.core.connections.receivers import ReceiverRef
    from heliograph.core.connections.registry import Registry

_NESTED = 0x10
"""The flag of a function's code inside another function, as the inspect module documents it."""

_MANY = 32
"""So many copies are too many, also if each of them knows something else."""

MOST_LINES = 256


def warn_of_copies(registry: Registry, function: Any, sender: Any, options: Options) -> None:
    """In development, warn if a line connects copies of one function, and all of them stay.

    A receiver of a block does not.

    A factory that is called twice makes a copy of the function each time, and so does a request
    that connects. In tests nobody is warned: they make many applications, each for itself.

    The copies are looked for when a line connects for the second time, and at each doubling:
    otherwise a program in production would pay for this at each connect.
    """
    if type(function) is not FunctionType or options[SCOPE] is not None:
        return
    if not function.__code__.co_flags & _NESTED:
        return
    lines = registry.lines
    if len(lines) >= MOST_LINES:  # A program may run any number of texts by `exec`.
        lines.clear()
    line = id(function.__code__)
    counted = lines.setdefault(line, [0])
    counted[0] = count = counted[0] + 1
    if count > 1 and not count & (count - 1):
        _look_for_copies(registry, function, sender, options)


def _look_for_copies(
    registry: Registry, function: FunctionType, sender: Any, options: Options
) -> None:
    key = ANY if sender is ANY else sender_key(sender)
    copies = [
        copy
        for it in list(registry.receivers.values())
        if it.strong_count and key in it.sender_counts
        if (copy := _copy(it, function)) is not None
    ]
    if copies and not this_test() and in_development():
        _warn(function, copies, options)


def _copy(receiver_ref: ReceiverRef, function: FunctionType) -> FunctionType | None:
    copy = receiver_ref()
    same = type(copy) is FunctionType and copy.__code__ is function.__code__
    return copy if same else None


def _warn(function: FunctionType, copies: list[FunctionType], options: Options) -> None:
    if any(_is_alike(it, function) for it in copies):
        message = (
            f"{name_of(function)} was connected by this line before, for the same sender, and "
            "that copy of it is still connected: each send calls both. Define the function in "
            "the module, or connect it for one sender, such as the application."
        )
        warn_at(options[SITE], message)
    elif len(copies) + 1 >= _MANY:
        message = (
            f"This line has connected {_MANY} copies of {name_of(function)} and more, for the same "
            "sender, and all are still connected: each send calls them all. Connect once, when "
            "the module is loaded, or for a while, with connected_to()."
        )
        warn_at(options[SITE], message)


def _is_alike(one: FunctionType, other: FunctionType) -> bool:
    """Tell whether two copies of a function do the same.

    If a function is made for each of several things, each copy knows another thing.
    """
    mine, theirs = list(_known_to(one)), list(_known_to(other))
    return len(mine) == len(theirs) and all(map(is_, mine, theirs))


def _known_to(function: FunctionType) -> Iterator[object]:
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    # A cell without contents has an error in its place.
    yield from (told(it, "cell_contents") for it in function.__closure__ or ())
