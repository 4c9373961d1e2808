"""What can be written but never meant: decorators without parentheses, methods without objects."""

from __future__ import annotations

import sys
from types import CoroutineType, FunctionType

from heliograph.core.claims import function_of
from heliograph.core.describe import name_of, title_of
from heliograph.core.development import in_development
from heliograph.core.errors import ArgumentError
from heliograph.core.failures import note
from heliograph.core.showing import counted
from heliograph.core.source import line_of, place, warn_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from typing import Any

    from heliograph.core.source import Place

_OBJECT = ("self", "cls")
_WORDS = 2
"""More of them are a text, and no name."""
_OF_BLINKERS = {"receiver", "weak"}
"""What Blinker tells of a connection under these names, we tell by the connection."""
_VARKEYWORDS = 0x08
"""The flag of a code object with ``**extra``, as the inspect module documents it."""

_WRAPPERS = {
    "_async_wrapper": (
        "An _async_wrapper is given a coroutine function, and returns a plain function that runs "
        "it: asgiref.sync.async_to_sync does, and Flask's app.ensure_sync."
    ),
    "_sync_wrapper": (
        "A _sync_wrapper is given a plain function, and returns a coroutine function that calls "
        "it: asgiref.sync.sync_to_async does, and Quart's app.ensure_async."
    ),
}


def warn_of_text(name: str) -> None:
    """Warn while programs are developed, if a signal is given its documentation for a name.

    The first argument of Blinker's signals is what it is here for `NamedSignal` alone.
    """
    words = name.split()
    if (len(words) > _WORDS or name.rstrip().endswith(".")) and in_development():
        shown = " ".join([*words[:_WORDS], "..."])
        msg = (
            f"A signal is called {shown!r}, which reads like its documentation: the first "
            "argument is the name. Write Signal(doc=...), or Signal(name, doc)."
        )
        warn_at(place(), msg, UserWarning)


def warn_of_namesake(name: str) -> None:
    """Warn while programs are developed, if Blinker itself has a signal of that name.

    Once `heliograph.blinker.install` was called, both have one and the same.
    """
    known = getattr(sys.modules["blinker"], "default_namespace", None)
    if not isinstance(known, dict) or hasattr(type(known), "_names_class") or name not in known:
        return
    if in_development():
        msg = (
            f"Blinker has a signal {name!r} of its own: whoever is connected there does not hear "
            "what is sent here, nor the other way round. Call heliograph.blinker.install() first "
            "of all, or start the program by `heliograph run`."
        )
        warn_at(place(), msg, UserWarning)


def warn_of_twin(name: str, known: Collection[object]) -> None:
    """Warn while programs are developed, if a new signal is called nearly as another one is.

    Args:
        name: Its whole name.
        known: Those of the signals that are there, among which a Blinker namespace has others.
    """
    if name in known or not in_development():
        return
    folded = _folded(name)
    texts = [it for it in tuple(known) if isinstance(it, str) and len(it) == len(name)]
    # Another thread may have made the very same one by now.
    twin = next((it for it in texts if it != name and _folded(it) == folded), None)
    if twin is not None:
        msg = (
            f"A new signal is called {name!r}, and there is a signal {twin!r}: whoever is "
            "connected to one of them does not hear the other. Did you mean the same?"
        )
        warn_at(place(), msg, UserWarning)


def _folded(name: str) -> str:
    return name.replace("-", "_").lower()


def refuse_as_sender(given: object, title: str, *, lenient: bool) -> None:
    """Refuse to take the function that is being decorated for a sender; or only warn of it.

    Raises:
        ArgumentError: If that was done to a decorator that takes a sender.
    """
    if type(given) is not FunctionType:
        return
    here = place()
    if is_decorated_at(given, here):
        msg = (
            f"{name_of(given)} is not connected to {title}: connect_via takes a sender, and "
            "returns a decorator. Write `@signal.connect_via(sender)`, or `@signal.connect` to "
            "hear all senders."
        )
        if not lenient:
            raise ArgumentError(msg)
        warn_at(here, msg)


def is_decorated_at(function: FunctionType, here: Place) -> bool:
    """Tell whether a call at a place is the decorator of a function."""
    # The call stands in the code that defines the function, at a line of its definition. A
    # function that has a name by now may be a sender as any other object.
    code = function.__code__
    if all(it is not code for it in here[0].co_consts):
        return False
    last = max(line or 0 for _, _, line in code.co_lines())
    return code.co_firstlineno <= line_of(here) <= last


def refuse_inline(inline: bool, *, is_async: bool) -> None:
    """Refuse to call an async receiver in place of a thread, as it is never called in one.

    Raises:
        ArgumentError: If that is wanted.
    """
    if inline and is_async:
        msg = (
            "inline=True is for plain functions that never block, and this one is async: it is "
            "always awaited in place. Leave inline out."
        )
        raise ArgumentError(msg)


def without_object(receiver: Any, registry: Any) -> str | None:
    """Tell what is wrong with a method that was taken from its class, and can never be called.

    A function that calls its first parameter ``self`` gets the sender there, which may be
    meant; but not if the second one is the ``sender``, as nothing is left for that, unless
    what the signal of this registry sends has such a key.
    """
    if type(receiver) is not FunctionType or registry.names_sender:
        return None
    code = receiver.__code__
    names = code.co_varnames[: code.co_argcount - len(receiver.__defaults__ or ())]
    if len(names) > 1 and names[0] in _OBJECT and names[1] == "sender":
        return f"It is a method without its object. {bound_instead(receiver)}"
    return None


def bound_instead(method: Any) -> str:
    """Return what to write instead of connecting a method in the body of its class."""
    name = method.__name__
    return (
        f"The sender would become its {method.__code__.co_varnames[0]!r}. Connect the method of "
        f"an object, such as `signal.connect(self.{name})` in `__init__`, and keep the object, "
        f"or define {name!r} outside of the class."
    )


def not_named(signal: Any, unnamed: tuple[Any, ...], method: Any) -> ArgumentError:
    """Return what is raised where some of a payload is given to a send without a name."""
    known = [] if signal.declaration is None else [*signal.declaration.names]
    payload = ", ".join(f"{name}=..." for name in known or ["name"])
    many = counted(len(unnamed), "value", "values")
    return ArgumentError(
        f"{title_of(signal)}: {method.__name__}() takes the sender without a name and the payload "
        f"by keyword, and was given {many} more without a name. Nobody was called. Write "
        f"`{method.__name__}(sender, {payload})`."
    )


def warn_of_named_sender(title: str) -> None:
    """Warn of a send whose sender is given by name, and so is in the payload."""
    message = (
        f"{title} is sent by None, and its payload has a key 'sender'. If that is who sends, give "
        "it first and without a name: `send(sender, ...)`."
    )
    warn_at(place(), message)


def warn_of_unused(what: str, made: Place) -> None:
    """Warn while programs are developed of something that does nothing unless it is entered."""
    # What is left when the interpreter ends was not forgotten.
    if not sys.is_finalizing() and in_development():
        message = f"{what} did nothing, as nobody has entered it. Use it in a `with` statement."
        warn_at(made, message)


def hints(
    error: TypeError, receiver: object, sender: object, payload: dict[str, Any]
) -> Iterator[str]:
    """Give what may be wrong with a call that failed, and what to write instead."""
    if "sender" in payload:
        yield (
            "The payload has a key 'sender', which a first parameter of that name collides "
            "with: name it differently, or make the parameter positional-only."
        )
        if sender is None:
            yield "If that is who sends, give it first and without a name: `send(sender, ...)`."
    yield from misspelt_wrappers(payload)
    traceback = error.__traceback__
    entered = traceback is not None and traceback.tb_next is not None
    function = function_of(receiver)
    if type(function) is FunctionType and not entered:
        yield from _of_parameters(function, function is not receiver, payload)


def _of_parameters(function: FunctionType, bound: bool, payload: dict[str, Any]) -> Iterator[str]:
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    if len(names) > 1 and names[0] in _OBJECT and not bound:
        yield f"It looks like a method without its object. {bound_instead(function)}"
    known = code.co_varnames[code.co_posonlyargcount : code.co_argcount + code.co_kwonlyargcount]
    if "connection" in payload and not _OF_BLINKERS.isdisjoint(known):
        yield "The receiver, the sender and weak are attributes of the 'connection' here."
    if not code.co_flags & _VARKEYWORDS:
        for name in payload:
            if name not in known and f"_{name}" not in _WRAPPERS:
                yield f"It does not take {name!r}: add **extra to its parameters."


def wrapped(wrapper: Callable[[Any], Any], receiver: Any, option: str) -> Any:
    """Return what a wrapper makes of a receiver, and explain wrappers that can make nothing.

    Raises:
        ArgumentError: If it is nothing that can be called.
        Exception: What the wrapper raises.
    """
    try:
        made = wrapper(receiver)
    except Exception as error:
        note(error, _WRAPPERS[option])
        raise
    if callable(made):
        return made
    if type(made) is CoroutineType:
        made.close()  # Or Python warns that nobody has awaited it.
    kind = type(made).__qualname__
    msg = f"{option} made a {kind} of {name_of(receiver)}, which cannot be called. "
    raise ArgumentError(msg + _WRAPPERS[option])


def misspelt_wrappers(payload: dict[str, Any]) -> Iterator[str]:
    """Give a hint for each wrapper that is in the payload because its name is not exact."""
    for option in _WRAPPERS:
        name = option[1:]
        if name in payload:
            yield f"The payload has a key {name!r}. Did you mean {option!r}?"
