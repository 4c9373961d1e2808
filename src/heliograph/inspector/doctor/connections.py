"""Checks of the connections that there are: who is lost, doubled, too narrow, or blocks."""

from __future__ import annotations

import ast
import inspect
import sys
from collections import defaultdict
from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any

from heliograph import ANY
from heliograph.describe import location_of, title_of
from heliograph.inspector.doctor.checks import CHECKS
from heliograph.inspector.doctor.program import absolute
from heliograph.inspector.doctor.written import FACTORY
from heliograph.inspector.sources import inside
from heliograph.inspector.static import attribute

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterator
    from types import CodeType

    from heliograph import Connection, Signal
    from heliograph.inspector.doctor.findings import Finding
    from heliograph.inspector.doctor.program import Connected, Program
    from heliograph.inspector.doctor.source import Function, Source

_HTTP = ("get", "post", "put", "patch", "delete", "head", "options", "request")
_BLOCKING = {
    "time": ("sleep",),
    "os": ("system",),
    "subprocess": ("run", "call", "check_call", "check_output"),
    "urllib.request": ("urlopen", "urlretrieve"),
    "socket": ("create_connection", "getaddrinfo"),
    "smtplib": ("SMTP", "SMTP_SSL"),
    "requests": _HTTP,
    "httpx": _HTTP,
    "sqlite3": ("connect",),
    "psycopg": ("connect",),
    "psycopg2": ("connect",),
    "pymysql": ("connect",),
}
"""What waits for the network, a disk, another process or the clock, by module."""


def find(program: Program, told: Collection[str]) -> Iterator[Finding]:
    """Yield what is wrong with the connections of a program.

    Args:
        program: The program.
        told: Where other checks have found something already, as ``file:line``.
    """
    yield from _lost(program, told)
    yield from _narrow(program)
    yield from _doubled(program, told)
    yield from _generators(program)
    if program.is_async:
        yield from _blocking(program)


def _lost(program: Program, told: Collection[str]) -> Iterator[Finding]:
    known = {line for it in told for line in _lines(program, it)}
    for it in program.lost:
        if it.by_mistake and it.location not in known:
            message = f"{it.name}, connected to {title_of(it.signal)}, is dead."
            yield CHECKS["lost-receiver"].finding(it.location, message)


def _lines(program: Program, location: str) -> list[str]:
    file = location.rpartition(":")[0]
    return [f"{file}:{line}" for line in program.lines_of(location)]


# --- one receiver ----------------------------------------------------------------------


def _own_receivers(program: Program) -> Iterator[Connected]:
    """Yield the connections of receivers that the program itself defines, each receiver once."""
    seen = set[tuple[int, str]]()
    for it in program.connected:
        where = _defined(it)
        if where is not None and program.owns(where) and (id(it.signal), where) not in seen:
            seen.add((id(it.signal), where))
            yield it


def _defined(connected: Connected) -> str | None:
    where = location_of(connected.connection.receiver)
    return None if where is None else absolute(where)


def _function(connected: Connected) -> Any:
    receiver: Any = connected.connection.receiver
    while isinstance(receiver, partial):
        receiver = receiver.func
    receiver = getattr(receiver, "__func__", receiver)
    return receiver if type(receiver) is FunctionType else attribute(type(receiver), "__call__")


def _generators(program: Program) -> Iterator[Finding]:
    for it in _own_receivers(program):
        function = _function(it)
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            sends = [send for send in program.sends if send.signal is it.signal]
            # A generator may be what the sender wants, and iterates over.
            if sends and all(send.is_dropped for send in sends):
                message = f"{it.connection.name} is connected to {title_of(it.signal)}."
                yield CHECKS["generator-receiver"].finding(_defined(it), message)


def _narrow(program: Program) -> Iterator[Finding]:
    for it in _own_receivers(program):
        if it.signal.declaration is None and not it.connection.takes_extra:
            message = f"{it.connection.name} receives {title_of(it.signal)} without `**extra`."
            yield CHECKS["no-extra"].finding(_defined(it), message)


# --- two of one line -------------------------------------------------------------------


def _doubled(program: Program, told: Collection[str]) -> Iterator[Finding]:
    groups: dict[tuple[int, Hashable, CodeType], list[Connected]] = defaultdict(list)
    for it in program.connected:
        receiver = it.connection.receiver
        # A request that connects is told of already.
        if it.own and type(receiver) is FunctionType and it.location not in told:
            key = id(it.signal), _sender_key(it.connection), receiver.__code__
            groups[key].append(it)
    for several in groups.values():
        first, *others = several
        twins = [it for it in others if _are_twins(program, first, it)]
        if twins:
            message = (
                f"{1 + len(twins)} receivers {first.connection.name}, all defined in this line, "
                f"are connected to {title_of(first.signal)}."
            )
            yield CHECKS["connected-twice"].finding(_defined(first), message)


def _sender_key(connection: Connection) -> Hashable:
    sender = connection.sender
    if sender is ANY or isinstance(sender, (str, int)):
        return sender
    return id(sender)


def _are_twins(program: Program, one: Connected, other: Connected) -> bool:
    """Tell whether two functions of one line are copies by mistake, as they do the same.

    A function that is made for each table, say, refers to another table each time.
    """
    mine, theirs = _function(one), _function(other)
    if [*map(id, _known_to(mine))] == [*map(id, _known_to(theirs))]:
        return True
    if [*map(id, _defaults(mine))] != [*map(id, _defaults(theirs))]:
        return False
    made_by = {_maker(program, it) for it in (one, other)}
    names = mine.__code__.co_freevars
    own = [_content(it) for it in mine.__closure__ or ()]
    different = {
        name
        for name, value, cell in zip(names, own, theirs.__closure__ or (), strict=True)
        if value is not _content(cell)
    }
    return all(maker is not None and different.isdisjoint(_parameters(maker)) for maker in made_by)


def _known_to(function: FunctionType) -> Iterator[object]:
    yield from _defaults(function)
    yield from map(_content, function.__closure__ or ())


def _content(cell: Any) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # It is empty.
        return None


def _defaults(function: FunctionType) -> Iterator[object]:
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()


def _maker(program: Program, connected: Connected) -> Function | None:
    """Return the app factory, or its like, that has defined a receiver and connected it."""
    makers = _function(connected).__qualname__.split(".<locals>.")[:-1]
    file, _, line = connected.location.rpartition(":")
    outer = _function_at(program.files[file], int(line)) if makers else None
    if outer is None or outer.name != makers[-1].rpartition(".")[2]:
        return None
    return outer if FACTORY.fullmatch(outer.name) else None


def _parameters(function: Function) -> set[str]:
    given = function.args
    return {it.arg for it in (*given.posonlyargs, *given.args, *given.kwonlyargs)}


def _function_at(source: Source, line: int) -> Function | None:
    around = [
        it
        for it in source.functions.values()
        if it.body[0].lineno <= line <= (it.body[-1].end_lineno or 0)
    ]
    # The innermost begins last; a line of decorators belongs to the function around it.
    return max(around, key=lambda it: it.lineno, default=None)


# --- receivers that block --------------------------------------------------------------


def _blocking(program: Program) -> Iterator[Finding]:
    blocking = _known()
    for it in _own_receivers(program):
        if it.connection.is_async or not _runs_on_the_loop(program, it.signal):
            continue
        file, _, line = (_defined(it) or "").rpartition(":")
        source = program.files[file]
        function = source.functions.get(int(line))
        for call in _calls(source, function):
            name = blocking.get(id(call[0]))
            if name is not None:
                message = (
                    f"{it.connection.name}, a receiver of {title_of(it.signal)}, calls {name}()."
                )
                yield CHECKS["blocking-receiver"].finding(source.location(call[1]), message)


def _known() -> dict[int, str]:
    found = dict[int, str]()
    for module, names in _BLOCKING.items():
        for name in names:
            it = attribute(sys.modules.get(module), name)
            if it is not None:
                found[id(it)] = f"{module}.{name}"
    return found


def _calls(source: Source, function: Function | None) -> list[tuple[object, ast.Call]]:
    if function is None:
        return []
    below = {it for it in inside(function) if isinstance(it, ast.Call)}
    spots = [it for it in source.spots if it.node in below]
    return [
        (it.scope.value(it.node.func), it.node) for it in spots if isinstance(it.node, ast.Call)
    ]


def _runs_on_the_loop(program: Program, signal: Signal[...]) -> bool:
    """Tell whether plain receivers of a signal are called by the thread of the event loop."""
    lifecycle = sys.modules.get("heliograph.lifecycle.signals")
    if lifecycle is not None and any(it is signal for it in vars(lifecycle).values()):
        return True
    # Not those of Quart, which it sends itself, and whose plain receivers it calls in threads.
    sends = [it for it in program.sends if it.signal is signal and not it.wrapped]
    around = (it.source.function_of(it.node) for it in sends)
    return any(isinstance(it, ast.AsyncFunctionDef) for it in around)


__all__ = ["find"]
