"""Which classes the value of an annotation must be of, where that can be told without doubt."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Iterable
from types import UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints, is_typeddict

from heliograph.core.declared.signatures import annotation_text

# What type checkers take for each of them, although it is no subclass.
_PROMOTED: dict[type, tuple[type, ...]] = {
    float: (int,),
    complex: (float, int),
    bytes: (bytearray, memoryview),
}


class Hint(NamedTuple):
    """One annotation.

    Attributes:
        annotation: What it was evaluated to, or its text, or what stands in for a name that
            was not there yet.
        module: The name of the module where it stands.
    """

    annotation: object
    module: str

    def as_text(self) -> Hint:
        """Return the same as text, which can be pickled wherever its classes were made."""
        return self._replace(annotation=annotation_text(self.annotation))


def evaluated(annotation: object, names: dict[str, Any]) -> Any:
    """Return what an annotation means, which may be text, given the names that it may use.

    Raises:
        Exception: Whatever evaluating it does.
    """

    def stub() -> None:
        """Carry one annotation, as one that fails would take the others with it."""

    stub.__annotations__ = {"it": annotation}
    return get_type_hints(stub, names)["it"]


def classes_of(hints: Iterable[Hint]) -> tuple[type, ...]:
    """Return the classes of which something may be by one of several annotations.

    There are several if a module ran under several names, and each run made classes.
    """
    found = [_classes_of(*hint) for hint in hints]
    return tuple(dict.fromkeys(it for classes in found for it in classes)) if all(found) else ()


def _classes_of(annotation: object, module: str) -> tuple[type, ...]:
    """Return the classes that `isinstance` can be asked for, or none if that would not be exact.

    A class and a union of classes can be told, and of a generic type with arguments its class;
    protocols, typed dicts, type variables, and names that are not there at run time cannot.
    """
    try:
        hint = evaluated(annotation, vars(sys.modules[module]))
    except Exception:  # noqa: BLE001 - many do, being written for type checkers alone.
        return ()
    is_union = isinstance(hint, UnionType) or get_origin(hint) is Union
    members: tuple[Any, ...] = get_args(hint) if is_union else (hint,)
    kinds = [get_origin(member) or member for member in members]
    if not all(map(_is_told_by_isinstance, kinds)):
        return ()
    return tuple(kind for it in kinds for kind in (it, *_PROMOTED.get(it, ())))


def is_of(value: object, classes: tuple[type, ...]) -> bool:
    """Tell whether a value is of one of the classes, or passes for anything."""
    try:
        return isinstance(value, classes) or _is_mock(value)
    except Exception:  # noqa: BLE001 - a metaclass that cannot tell is no mistake of the sender.
        return True


def _is_told_by_isinstance(hint: Any) -> bool:
    # Of `typing` are classes without instances, as Any and TextIO. And generic types with
    # arguments are no instances of `type`, nor what `types.coroutine` makes of Awaitable,
    # although type checkers take them for that.
    if not isinstance(hint, type) or hint is type or hint is Awaitable:
        return False
    if hint.__module__ == "typing":
        return False
    return not (getattr(hint, "_is_protocol", False) or is_typeddict(hint))


def _is_mock(value: object) -> bool:
    mock = sys.modules.get("unittest.mock")
    return mock is not None and isinstance(value, mock.NonCallableMock)
