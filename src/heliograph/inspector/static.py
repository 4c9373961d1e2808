"""Looks at objects without running their code."""

from __future__ import annotations

import inspect
from itertools import compress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeGuard

T = TypeVar("T")


def is_a(value: object, kind: type[T]) -> TypeGuard[T]:
    """Tell whether a value is of a class, without resolving a lazy object."""
    return issubclass(type(value), kind)


def of_kinds(things: Sequence[object], wanted: Callable[[type], object]) -> list[object]:
    """Return the things whose class is wanted: of a million, as a process may have, too."""
    # By id, as a class of classes may have no hash; and without a step in Python for each thing.
    kinds = {id(it): it for it in map(type, things)}
    found = {number for number, it in kinds.items() if wanted(it)}
    return list(compress(things, map(found.__contains__, map(id, map(type, things)))))


def attribute(thing: object, name: str) -> object:
    """Return an attribute as it is stored, or None."""
    return inspect.getattr_static(thing, name, None)
