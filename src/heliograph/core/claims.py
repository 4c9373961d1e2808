"""What foreign objects say about themselves: asked safely, and followed to an end."""

from __future__ import annotations

from functools import partial
from types import MethodType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

# Rule of the core: `type(x)` says what an object is. Proxies, mocks and tracing wrappers claim
# by their `__class__` to be functions and methods, and `isinstance` and `inspect` believe them;
# code that then takes such an object apart calls something other than what was connected.

STEPS = 1000
"""How many steps a chain of objects that stand for others is followed. Real ones are shorter."""


def told(thing: Any, name: str) -> Any:
    """Return an attribute of an object, or None if it has none or raises an error."""
    try:
        return getattr(thing, name, None)
    except Exception:  # noqa: BLE001 - a proxy that is unbound may raise anything.
        return None


def told_text(thing: Any, name: str) -> str | None:
    """Return an attribute of an object if it is a string. A mock gives another mock."""
    text = told(thing, name)
    return text if type(text) is str else None


def followed(thing: Any, name: str) -> Iterator[Any]:
    """Yield an object, the object that an attribute of it names, and so on.

    It ends even if objects name each other.
    """
    for _ in range(STEPS):
        yield thing
        thing = told(thing, name)
        if thing is None:
            return


def without_partials(call: Any) -> Any:
    """Return the callable inside a partial, or inside partials of partials."""
    if not issubclass(type(call), partial):
        return call
    for it in followed(call, "func"):
        if not issubclass(type(it), partial):
            return it
    return call  # A partial of itself: calling it can only fail.


def function_of(call: Any) -> Any:
    """Return the function of a bound method; return any other callable as it is."""
    return call.__func__ if type(call) is MethodType else call
