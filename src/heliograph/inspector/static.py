"""Looks at objects without running their code."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from typing import TypeGuard

T = TypeVar("T")


def is_a(value: object, kind: type[T]) -> TypeGuard[T]:
    """Tell whether a value is of a class, without resolving a lazy object."""
    return issubclass(type(value), kind)


def attribute(thing: object, name: str) -> object:
    """Return an attribute as it is stored, or None."""
    return inspect.getattr_static(thing, name, None)
