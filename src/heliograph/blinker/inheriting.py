"""Makes Blinker's classes and functions, which programs hold already, do what ours do."""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from types import FunctionType
from typing import TYPE_CHECKING, Any

from heliograph.blinker import base

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType


def replace_classes(theirs: ModuleType) -> dict[type, type[Any]]:
    """Make Blinker's classes, and classes derived from them, produce our signals and namespaces.

    Args:
        theirs: Blinker's module with the classes.

    Returns:
        Our class for each class of theirs.
    """
    replaced: dict[type, type[Any]] = {
        theirs.Signal: base.Signal,
        theirs.NamedSignal: base.NamedSignal,
        theirs.Namespace: base.Namespace,
    }
    roots = (theirs.Signal, theirs.Namespace)
    derived = [cls for root in roots for cls in _derived(root) if cls not in replaced]
    for their_class, our_class in replaced.items():
        # As the last base, so that it changes `isinstance` and nothing else is inherited.
        our_class.__bases__ = (*our_class.__bases__, their_class)
        _forward(their_class, our_class)
    for cls in derived:
        _derive_from_ours(cls, replaced)
    for root in roots:
        _make_ours(root, replaced)
    return replaced


def _derived(cls: type[Any]) -> Iterator[type[Any]]:
    for derived in list(cls.__subclasses__()):
        yield derived
        yield from _derived(derived)


def _derive_from_ours(cls: Any, replaced: dict[type, type[Any]]) -> None:
    if not issubclass(cls, (base.Signal, base.Namespace)):
        cls.__bases__ = tuple(replaced.get(parent, parent) for parent in cls.__bases__)
    if issubclass(cls, base.Signal):
        cls._note_overrides()


def _make_ours(their_class: Any, replaced: dict[type, type[Any]]) -> None:
    new: Any = replaced[their_class].__new__

    def make(cls: type, *_: object, **__: object) -> Any:
        return new(replaced.get(cls, cls))

    def derive(cls: Any, /, **kwargs: Any) -> None:
        super(their_class, cls).__init_subclass__(**kwargs)
        _derive_from_ours(cls, replaced)

    their_class.__new__ = staticmethod(make)
    their_class.__init_subclass__ = classmethod(derive)


def _forward(theirs: type, ours: type) -> None:
    for name, found in list(vars(theirs).items()):
        function: Any = inspect.unwrap(found) if callable(found) else None
        if type(function) is not FunctionType or name not in dir(ours):
            continue
        replacement = getattr(ours, name)
        if _is_of(theirs, function):
            managed = _is_managed(inspect.unwrap(found, stop=_is_managed))
            _forward_function(function, replacement, managed=managed)
        if type(found) is FunctionType and (_is_of(theirs, found) or _is_managed(found)):
            setattr(theirs, name, replacement)
        else:
            # A tracer, say, has put its wrapper around it.
            setattr(ours, name, found)


def _is_of(theirs: type, function: FunctionType) -> bool:
    return function.__globals__.get("__name__") == theirs.__module__


def _is_managed(function: Any) -> bool:
    return getattr(function, "__code__", None) is _MANAGED


def _forward_function(function: Any, ours: Callable[..., Any], *, managed: bool) -> None:
    """Make a function of theirs call ours, as programs may hold it or a bound method of it.

    ``from blinker import signal`` and ``on_start = request_started.connect`` hold methods.
    """
    if function.__code__.co_freevars:
        return  # Only NamedSignal.__init__, which no program holds but the class.
    shape: Any = _called
    if managed:
        shape = _within
    elif inspect.isgeneratorfunction(function):
        shape = _iterated
    elif inspect.iscoroutinefunction(function):
        shape = _awaited
    function.__code__ = shape.__code__
    function.__defaults__ = None
    function.__kwdefaults__ = {"_heliograph": ours}


# Their code objects replace those of Blinker's functions. Python demands the same kind of function.
def _called(*args: Any, _heliograph: Any, **kwargs: Any) -> Any:
    return _heliograph(*args, **kwargs)


async def _awaited(*args: Any, _heliograph: Any, **kwargs: Any) -> Any:
    return await _heliograph(*args, **kwargs)


def _iterated(*args: Any, _heliograph: Any, **kwargs: Any) -> Any:
    yield from _heliograph(*args, **kwargs)


def _within(*args: Any, _heliograph: Any, **kwargs: Any) -> Any:
    with _heliograph(*args, **kwargs):
        yield


_MANAGED = contextmanager(_within).__code__
"""The code of every function decorated by `contextmanager`."""
