"""Which classes an annotation allows, where `isinstance` can tell without doubt."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Iterable
from types import UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints, is_typeddict

from heliograph.core.declared.signatures import annotation_text

# Type checkers accept these for each class, although they are not subclasses of it.
_PROMOTED: dict[type, tuple[type, ...]] = {
    float: (int,),
    complex: (float, int),
    bytes: (bytearray, memoryview),
}


class Hint(NamedTuple):
    """One annotation.

    Attributes:
        annotation: The evaluated annotation, or its text, or a stand-in for a name that did
            not exist yet.
        module: The name of the module that contains it.
    """

    annotation: object
    module: str

    def as_text(self) -> Hint:
        """Return the same as text, which can be pickled even if its classes cannot."""
        return self._replace(annotation=annotation_text(self.annotation))


def evaluated(annotation: object, names: dict[str, Any]) -> Any:
    """Return the value of an annotation, which may be text, given the names that it may use.

    Raises:
        Exception: Any error that evaluating it causes.
    """

    def stub() -> None:
        """Hold one annotation alone: one that fails to evaluate would make all others fail."""

    stub.__annotations__ = {"it": annotation}
    return get_type_hints(stub, names)["it"]


def classes_of(hints: Iterable[Hint]) -> tuple[type, ...]:
    """Return the classes that one of several annotations allows, or none if one is unclear.

    There are several if a module ran under several names: each run makes its own classes.
    """
    found = [_classes_of(*hint) for hint in hints]
    return tuple(dict.fromkeys(it for classes in found for it in classes)) if all(found) else ()


def _classes_of(annotation: object, module: str) -> tuple[type, ...]:
    """Return the classes to ask `isinstance` for, or none if the answer would not be exact.

    It is exact for a class, for a union of classes, and for the class of a generic type with
    arguments; not for protocols, typed dicts, type variables, and names missing at run time.
    """
    try:
        hint = evaluated(annotation, vars(sys.modules[module]))
    except Exception:  # noqa: BLE001 - many annotations are only for type checkers, and fail in any way.
        return ()
    is_union = isinstance(hint, UnionType) or get_origin(hint) is Union
    members: tuple[Any, ...] = get_args(hint) if is_union else (hint,)
    kinds = [get_origin(member) or member for member in members]
    if not all(map(_is_told_by_isinstance, kinds)):
        return ()
    return tuple(kind for it in kinds for kind in (it, *_PROMOTED.get(it, ())))


def is_of(value: object, classes: tuple[type, ...]) -> bool:
    """Tell whether a value is of one of the classes, or is a mock."""
    try:
        return isinstance(value, classes) or _is_mock(value)
    except Exception:  # noqa: BLE001 - a metaclass that fails is not the sender's mistake.
        return True


def _is_told_by_isinstance(hint: Any) -> bool:
    # Classes of `typing`, such as Any and TextIO, have no instances. Generators decorated by
    # `types.coroutine` are not instances of Awaitable, and generic types with arguments not of
    # `type`, although type checkers accept them.
    if not isinstance(hint, type) or hint is type or hint is Awaitable:
        return False
    if hint.__module__ == "typing":
        return False
    return not (getattr(hint, "_is_protocol", False) or is_typeddict(hint))


def _is_mock(value: object) -> bool:
    mock = sys.modules.get("unittest.mock")
    return mock is not None and isinstance(value, mock.NonCallableMock)
