"""Checks of the source: what is written so that it cannot do what is meant."""

from __future__ import annotations

import ast
import functools
import re
import sys
from typing import TYPE_CHECKING

from heliograph import Signal
from heliograph.describe import label_of, title_of
from heliograph.inspector.doctor.checks import CHECKS
from heliograph.inspector.doctor.uses import BLOCKS, signal_at
from heliograph.inspector.sources import inside
from heliograph.inspector.static import attribute, is_a

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heliograph.inspector.doctor.findings import Finding
    from heliograph.inspector.doctor.program import Program
    from heliograph.inspector.doctor.source import Function, Source, Spot
    from heliograph.inspector.doctor.uses import Connect
    from heliograph.inspector.expressions import SourceScope

FACTORY = re.compile(r"_?(create|make|build|init|setup|set_up|configure|register|install)(_\w+)?")
"""What functions are called that make something ready and return, so that their locals are gone."""

_ROUTES = {
    "route", "get", "post", "put", "patch", "delete", "head", "options", "api_route", "websocket",
}  # fmt: skip
_AROUND_REQUESTS = {"before_request", "after_request", "teardown_request", "before_app_request"}
_OF_A_SPAN = ("started", "finished", "failed")
_OF_TESTS = ("capture", "expect", "mute", "only", "isolated", "expect_logged")


def find(program: Program) -> Iterator[Finding]:
    """Yield what is wrong in the source of a program."""
    for connect in program.connects:
        yield from _weak(program, connect)
        yield from _in_view(connect)
    for source in program.sources:
        for spot in source.spots:
            if isinstance(spot.node, ast.Call):
                yield from _blocks(source, spot, spot.node)
    if program.blinkers:
        yield from _proxies(program)


# --- receivers that nobody holds -------------------------------------------------------


def _weak(program: Program, connect: Connect) -> Iterator[Finding]:
    if not connect.weak or not (connect.signal or program.died_at(connect)):
        return
    receiver, title = connect.receiver, _title(connect)
    if isinstance(receiver, ast.Lambda) and connect.is_dropped:
        message = f"A lambda is connected weakly to {title}."
        yield CHECKS["weak-lambda"].finding(connect.location, message)
    elif isinstance(receiver, ast.Call) and connect.is_dropped:
        if connect.scope.value(receiver.func) is functools.partial:
            message = f"A partial is connected weakly to {title}."
            yield CHECKS["weak-partial"].finding(connect.location, message)
    else:
        yield from _nested(program, connect)


def _nested(program: Program, connect: Connect) -> Iterator[Finding]:
    outer = connect.source.function_of(connect.node)
    inner = None if outer is None else _defined_inside(outer, connect.receiver)
    if outer is None or inner is None or _view_around(connect.source, connect.node, connect.scope):
        return
    # What has happened says more than what is written: a program may call the outer function only
    # to send meanwhile, or run inside of it for as long as it lives.
    known = program.died_at(connect) or program.lives_at(connect)
    expected = FACTORY.fullmatch(outer.name) and not _is_kept(outer, inner)
    if program.lost_at(connect) or (expected and not known):
        message = (
            f"{outer.name} connects {inner.name}, which it defines, weakly to {_title(connect)}."
        )
        yield CHECKS["weak-nested"].finding(connect.location, message)


def _defined_inside(outer: Function, receiver: object) -> Function | None:
    """Return the function that is connected, if the function around the connect defines it."""
    defined = [
        it for it in inside(outer) if isinstance(it, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    if isinstance(receiver, ast.Name):
        return next((it for it in defined if it.name == receiver.id), None)
    return next((it for it in defined if it is receiver), None)


def _is_kept(outer: Function, inner: Function) -> bool:
    """Tell whether something may hold the inner function when the outer one has returned."""
    nodes = list(ast.walk(outer))
    if any(isinstance(it, (ast.Yield, ast.YieldFrom)) for it in nodes):
        return True  # It has not returned yet: a fixture, say.
    named = sum(isinstance(it, ast.Name) and it.id == inner.name for it in nodes)
    connected = sum(
        isinstance(it, ast.Call)
        and isinstance(it.func, ast.Attribute)
        and it.func.attr == "connect"
        and any(isinstance(arg, ast.Name) and arg.id == inner.name for arg in it.args)
        for it in nodes
    )
    declared = any(
        isinstance(it, (ast.Global, ast.Nonlocal)) and inner.name in it.names for it in nodes
    )
    others = [it for it in inner.decorator_list if not _connects(it)]
    return named > connected or declared or bool(others)


def _connects(decorator: ast.expr) -> bool:
    call = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(call, ast.Attribute) and call.attr in ("connect", "connect_via")


# --- views -----------------------------------------------------------------------------


def _in_view(connect: Connect) -> Iterator[Finding]:
    view = _view_around(connect.source, connect.node, connect.scope)
    if view is not None and connect.signal is not None:
        message = f"{view.name} connects to {_title(connect)} in each request."
        yield CHECKS["connect-in-view"].finding(connect.location, message)


def _view_around(source: Source, node: ast.AST, scope: SourceScope) -> Function | None:
    """Return the view that runs a node, or a function that a framework calls around each view."""
    function = source.function_of(node)
    while function is not None:
        if any(_is_of_a_view(it, scope) for it in function.decorator_list):
            return function
        function = source.function_of(function)
    return None


def _is_of_a_view(decorator: ast.expr, scope: SourceScope) -> bool:
    match decorator:
        case ast.Call(
            func=ast.Attribute(attr=name) | ast.Name(id=name),
            args=[ast.Constant(value=str(path)), *_],
        ):
            return name in _ROUTES and path.startswith("/")
        case ast.Attribute(value=owner, attr=name):
            return name in _AROUND_REQUESTS and signal_at(owner, scope) is None
        case _:
            return False


# --- blocks ----------------------------------------------------------------------------


def _blocks(source: Source, spot: Spot, call: ast.Call) -> Iterator[Finding]:
    if isinstance(source.above.get(call), ast.Expr):
        what = _block(spot.scope, call)
        if what is not None:
            message = f"{what} is made and not entered."
            yield CHECKS["forgotten-with"].finding(source.location(call), message)
        return
    match call.func:
        case ast.Attribute(value=owner, attr=name) if name in BLOCKS:
            signal = signal_at(owner, spot.scope)
            view = _view_around(source, call, spot.scope)
            if signal is not None and view is not None and not _is_local(call):
                message = f"{view.name} uses {name}() of {title_of(signal)} for all requests."
                yield CHECKS["block-for-all"].finding(source.location(call), message)


def _block(scope: SourceScope, call: ast.Call) -> str | None:
    """Return what a call makes that has to be entered, in words; None if it makes no such thing."""
    match call.func:
        case ast.Attribute(value=owner, attr=name) if name in (*BLOCKS, "stream"):
            signal = signal_at(owner, scope)
            if signal is not None:
                return f"{name}() of {title_of(signal)}"
    made = scope.value(call.func)
    testing = sys.modules.get("heliograph.testing")
    for name in _OF_TESTS:
        if made is not None and made is attribute(testing, name):
            return f"{name}()"
    ends = [attribute(made, word) for word in _OF_A_SPAN]
    return f"A span, {ast.unparse(call.func)}()," if all(is_a(it, Signal) for it in ends) else None


def _is_local(call: ast.Call) -> bool:
    # Also if something is unpacked into the call, as that may say so.
    said = [it for it in call.keywords if it.arg in ("local", None)]
    return any(not isinstance(it.value, ast.Constant) or bool(it.value.value) for it in said)


# --- proxies ---------------------------------------------------------------------------


def _proxies(program: Program) -> Iterator[Finding]:
    check = CHECKS["proxy-sender"]
    for connect in program.connects:
        its = connect.signal is not None and label_of(connect.signal) in program.blinkers
        if its and _is_proxy(connect.scope, connect.sender):
            message = f"The sender that {_title(connect)} is heard from is a proxy."
            yield check.finding(connect.location, message)
    for send in program.sends:
        its = label_of(send.signal) in program.blinkers
        if its and _is_proxy(send.scope, send.sender):
            message = f"The sender of {title_of(send.signal)} is a proxy."
            yield check.finding(send.location, message)


def _is_proxy(scope: SourceScope, sender: ast.expr | None) -> bool:
    found = None if sender is None else scope.value(sender)
    return found is not None and attribute(type(found), "_get_current_object") is not None


def _title(connect: Connect) -> str:
    return "a signal" if connect.signal is None else title_of(connect.signal)
