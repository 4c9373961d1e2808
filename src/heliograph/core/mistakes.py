"""Explains code that runs but cannot be meant: a decorator without parentheses, for one."""

from __future__ import annotations

import sys
from types import CoroutineType, FunctionType

from heliograph.core.claims import function_of
from heliograph.core.describe import name_of, title_of
from heliograph.core.development import in_development
from heliograph.core.errors import ArgumentError
from heliograph.core.failures import note
from heliograph.core.showing import counted
from heliograph.core.source import call_site, line_of, warn_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from typing import Any

    from heliograph.core.source import CallSite

    # Says what is wrong with a name, if another library has a signal of that name.
    Namesake = Callable[[str], str | None]

OBJECT_NAMES = ("self", "cls")
_WORDS = 2
"""A name has at most so many words; more are a text."""
_OF_CONNECTIONS = {"receiver", "weak"}
"""Other libraries pass these, which a receiver here gets as attributes of the connection."""
_VARKEYWORDS = 0x08
"""The flag of a code object with ``**extra``, as the inspect module documents it."""

_WRAPPERS = {
    "_async_wrapper": (
        "An _async_wrapper takes a coroutine function and returns a plain function that runs it, "
        "as asgiref.sync.async_to_sync and Flask's app.ensure_sync do."
    ),
    "_sync_wrapper": (
        "A _sync_wrapper takes a plain function and returns a coroutine function that calls it, "
        "as asgiref.sync.sync_to_async and Quart's app.ensure_async do."
    ),
}

_namesakes: dict[str, Callable[[], Namesake]] = {}


def warn_of_text(name: str) -> None:
    """In development, warn if a program passes a signal's documentation as its name.

    The first argument of Blinker's `Signal` is the documentation, ours is the name.
    """
    words = name.split()
    if (len(words) > _WORDS or name.rstrip().endswith(".")) and in_development():
        shown = " ".join([*words[:_WORDS], "..."])
        msg = (
            f"The name of a signal, {shown!r}, reads like its documentation, and the first "
            "argument is the name. Write Signal(doc=...) or Signal(name, doc)."
        )
        warn_at(call_site(), msg, UserWarning)


def look_for_namesakes(module: str, load: Callable[[], Namesake]) -> None:
    """Once *module* is imported, ask what *load* returns about names in the default namespace."""
    _namesakes[module] = load


def warn_of_namesakes(name: str) -> None:
    """In development, warn if another library has another signal of that name."""
    for module, load in _namesakes.items():
        problem = load()(name) if module in sys.modules else None
        if problem is not None and in_development():
            warn_at(call_site(), problem, UserWarning)


def warn_of_twin(name: str, known: Collection[object]) -> None:
    """In development, warn if a new signal has nearly the same name as another one.

    Args:
        name: The full name of the new signal.
        known: The names of the signals that exist. Not all need be strings.
    """
    if name in known or not in_development():
        return
    folded = _folded(name)
    texts = [it for it in tuple(known) if isinstance(it, str) and len(it) == len(name)]
    # Another thread may have made a signal of the very same name by now.
    twin = next((it for it in texts if it != name and _folded(it) == folded), None)
    if twin is not None:
        msg = (
            f"A new signal is called {name!r}, and there is a signal {twin!r}: a receiver "
            "connected to one does not get what the other sends. Did you mean the same?"
        )
        warn_at(call_site(), msg, UserWarning)


def _folded(name: str) -> str:
    return name.replace("-", "_").lower()


def refuse_as_sender(given: object, title: str, *, strict: bool) -> None:
    """Refuse `@signal.connect_via`, which passes the function below it as the sender.

    Args:
        given: What was passed as the sender.
        title: What messages call the signal.
        strict: Whether to refuse it, and not only warn.

    Raises:
        ArgumentError: If *given* is the function that is being decorated.
    """
    if type(given) is not FunctionType:
        return
    here = call_site()
    if is_decorated_at(given, here):
        msg = (
            f"{name_of(given)} is not connected to {title}: connect_via takes a sender, and "
            "returns a decorator. Write `@signal.connect_via(sender)`, or `@signal.connect` to "
            "receive from all senders."
        )
        if strict:
            raise ArgumentError(msg)
        warn_at(here, msg)


def is_decorated_at(function: FunctionType, here: CallSite) -> bool:
    """Tell whether a call is a decorator of *function*."""
    # A decorator is called by the code that defines the function, at a line of the definition.
    # A function that is defined already may be a sender like any other object.
    code = function.__code__
    if all(it is not code for it in here[0].co_consts):
        return False
    last = max(line or 0 for _, _, line in code.co_lines())
    return code.co_firstlineno <= line_of(here) <= last


def refuse_inline(inline: bool, *, is_async: bool) -> None:
    """Refuse ``inline=True`` for an async receiver, which never runs in a thread anyway.

    Raises:
        ArgumentError: If both are true.
    """
    if inline and is_async:
        msg = (
            "inline=True is for plain functions that never block, and this one is async: it is "
            "always awaited in place. Leave inline out."
        )
        raise ArgumentError(msg)


def without_object(receiver: Any, registry: Any) -> str | None:
    """Tell what is wrong with a method taken from its class, which no send can call.

    A function whose first parameter is ``self`` gets the sender there, which may be meant.
    It cannot be meant if the second parameter is ``sender``: no argument is left for it,
    unless the payload of this registry's signal has a key of that name.
    """
    if type(receiver) is not FunctionType or registry.names_sender:
        return None
    code = receiver.__code__
    if code.co_argcount == 1:  # As most have.
        return None
    names = code.co_varnames[: code.co_argcount - len(receiver.__defaults__ or ())]
    if len(names) > 1 and names[0] in OBJECT_NAMES and names[1] == "sender":
        return f"It is a method without its object. {bound_instead(receiver)}"
    return None


def bound_instead(method: Any) -> str:
    """Return what to write instead of connecting a method inside the body of its class."""
    name = method.__name__
    return (
        f"The sender would become its {method.__code__.co_varnames[0]!r}. Connect the method of "
        f"an object, such as `signal.connect(self.{name})` in `__init__`, and keep the object, "
        f"or define {name!r} outside the class."
    )


def not_named(signal: Any, unnamed: tuple[Any, ...], method: Any) -> ArgumentError:
    """Return the error of a send that got more than one positional argument."""
    known = [] if signal.declaration is None else [*signal.declaration.names]
    payload = ", ".join(f"{name}=..." for name in known or ["name"])
    many = counted(len(unnamed), "value", "values")
    return ArgumentError(
        f"{title_of(signal)}: {method.__name__}() takes the sender without a name and the payload "
        f"by keyword, but got {many} more without a name. No receiver was called. Write "
        f"`{method.__name__}(sender, {payload})`."
    )


def warn_of_named_sender(title: str) -> None:
    """Warn of a send whose sender is passed by keyword, and so is part of the payload."""
    message = (
        f"{title} is sent by None, and its payload has a key 'sender'. If that is the sender, "
        "pass it first, without a name: `send(sender, ...)`."
    )
    warn_at(call_site(), message)


def warn_of_unused(what: str, made: CallSite) -> None:
    """In development, warn of something that was dropped and never entered."""
    # What is left when the interpreter ends is not a mistake.
    if not sys.is_finalizing() and in_development():
        message = f"{what} did nothing, as it was never entered. Use it in a `with` statement."
        warn_at(made, message)


def hints(
    error: TypeError, receiver: object, sender: object, payload: dict[str, Any]
) -> Iterator[str]:
    """Yield hints at what may be wrong with a failed call, and what to write instead."""
    if "sender" in payload:
        yield (
            "The payload has a key 'sender', which collides with a first parameter of that "
            "name: rename the key, or make the parameter positional-only."
        )
        if sender is None:
            yield "If that is the sender, pass it first, without a name: `send(sender, ...)`."
    yield from misspelt_wrappers(payload)
    traceback = error.__traceback__
    entered = traceback is not None and traceback.tb_next is not None
    function = function_of(receiver)
    if type(function) is FunctionType and not entered:
        yield from _of_parameters(function, function is not receiver, payload)


def _of_parameters(function: FunctionType, bound: bool, payload: dict[str, Any]) -> Iterator[str]:
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    if len(names) > 1 and names[0] in OBJECT_NAMES and not bound:
        yield f"It looks like a method without its object. {bound_instead(function)}"
    known = code.co_varnames[code.co_posonlyargcount : code.co_argcount + code.co_kwonlyargcount]
    if "connection" in payload and not _OF_CONNECTIONS.isdisjoint(known):
        yield "The receiver, the sender and weak are attributes of the 'connection' here."
    if not code.co_flags & _VARKEYWORDS:
        for name in payload:
            if name not in known and f"_{name}" not in _WRAPPERS:
                yield f"It does not take {name!r}: add **extra to its parameters."


def wrapped(wrapper: Callable[[Any], Any], receiver: Any, option: str) -> Any:
    """Return the wrapped receiver, or explain what is wrong with the wrapper.

    Raises:
        ArgumentError: If the wrapper returns something that cannot be called.
        Exception: An error of the wrapper itself.
    """
    try:
        made = wrapper(receiver)
    except Exception as error:
        note(error, _WRAPPERS[option])
        raise
    if callable(made):
        return made
    raise _not_callable(made, receiver, option)


def explain_async_wrapper(error: Exception | None, made: object, receiver: object) -> Exception:
    """Return the error of an ``_async_wrapper`` that C has called: its own, explained, or another.

    Args:
        error: What it has raised, or None.
        made: What it has returned.
        receiver: What it was to wrap.
    """
    if error is None:
        return _not_callable(made, receiver, "_async_wrapper")
    note(error, _WRAPPERS["_async_wrapper"])
    return error


def _not_callable(made: object, receiver: object, option: str) -> ArgumentError:
    if type(made) is CoroutineType:
        made.close()  # Otherwise Python warns that it was never awaited.
    kind = type(made).__qualname__
    msg = f"{option} turned {name_of(receiver)} into a {kind}, which cannot be called. "
    return ArgumentError(msg + _WRAPPERS[option])


def misspelt_wrappers(payload: dict[str, Any]) -> Iterator[str]:
    """Yield a hint for each wrapper that is in the payload because its name is misspelt."""
    for option in _WRAPPERS:
        name = option[1:]
        if name in payload:
            yield f"The payload has a key {name!r}. Did you mean {option!r}?"
