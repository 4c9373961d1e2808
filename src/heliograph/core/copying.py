"""How signals and namespaces are copied and pickled: as twins, or by where to import them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Copyable:
    """A copy is a twin; unpickling gives the object itself, if it can be imported.

    A twin has the same attributes, except those that belong to one object only.
    """

    _not_copied: frozenset[str] = frozenset({"_path"})
    """The names of these attributes. A subclass that has others adds them to its own set."""

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes that a twin gets."""
        return {name: it for name, it in self.__dict__.items() if name not in self._not_copied}

    def __copy__(self) -> Any:
        return _twin(self, None)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return _twin(self, memo)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Return where this can be imported from, or else how to make a twin of it."""
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
