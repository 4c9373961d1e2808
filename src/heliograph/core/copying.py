"""What copies and pickles make of signals and namespaces: twins, or what can be imported."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Copyable:
    """A copy is a twin; a pickle is the thing itself, where it can be imported from somewhere.

    A twin has the same attributes, but for those that belong to one very object.
    """

    def __copy__(self) -> Any:
        return _twin(self, None)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return _twin(self, memo)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Tell where this can be imported from, or else how a twin is made of it."""
        if type(self).__reduce__ is object.__reduce__:
            from heliograph.core.importable import imported, path_of

            path = path_of(self)
            if path is not None:
                return imported, path
        return super().__reduce_ex__(protocol)


def _twin(it: Any, memo: dict[int, Any] | None) -> Any:
    parts: Any = object.__reduce_ex__(it, 4)
    make, args, state = parts[:3]
    made = make(*args)
    if memo is not None:
        from copy import deepcopy

        memo[id(it)] = made
        state = deepcopy(state, memo)
    if hasattr(made, "__setstate__"):
        made.__setstate__(state)
    else:
        made.__dict__.update(state)
    return made
