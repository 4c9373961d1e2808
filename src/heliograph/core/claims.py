"""What objects of strangers say of themselves: asked for without harm, and followed to an end."""

from __future__ import annotations

from functools import partial
from types import MethodType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

# Rule of the core: what an object is, its type says. Proxies, mocks and tracing wrappers claim
# to be functions and methods by their `__class__`, which `isinstance` and `inspect` believe;
# whoever takes such a one apart calls something else than what was connected.

STEPS = 1000
"""How far a claim to stand for something else is followed. Nobody goes on that long in earnest."""


def told(thing: Any, name: str) -> Any:
    """Return an attribute of an object, or None if it has none or fails to tell."""
    try:
        return getattr(thing, name, None)
    except Exception:  # noqa: BLE001 - a proxy that is unbound may raise anything.
        return None


def told_text(thing: Any, name: str) -> str | None:
    """Return an attribute of an object if it is a text. A mock gives another mock."""
    text = told(thing, name)
    return text if type(text) is str else None


def followed(thing: Any, name: str) -> Iterator[Any]:
    """Give an object, what it says under a name that it stands for, and so on.

    It ends, also where objects stand for each other.
    """
    for _ in range(STEPS):
        yield thing
        thing = told(thing, name)
        if thing is None:
            return


def without_partials(call: Any) -> Any:
    """Return what a partial, of a partial maybe, calls in the end."""
    if not issubclass(type(call), partial):
        return call
    for it in followed(call, "func"):
        if not issubclass(type(it), partial):
            return it
    return call  # A partial of itself, which can only fail when it is called.


def function_of(call: Any) -> Any:
    """Return the function of a bound method, or whatever else it is itself."""
    return call.__func__ if type(call) is MethodType else call
