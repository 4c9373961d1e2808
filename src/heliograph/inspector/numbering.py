"""Numbers emissions in the order in which they began, though it may see them when they end."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING
from weakref import ref

if TYPE_CHECKING:
    from heliograph import Emission

_MOST = 4096


class Numbers:
    """The numbers of emissions, which are held weakly.

    An emission that is asked for when it ends has a number that is above those of all emissions
    around it, and of those that had ended before it began. An emission that begins in a task, and
    ends after the one around it, still finds the number of that.
    """

    def __init__(self) -> None:
        self._next = count()
        self._known: dict[int, tuple[ref[Emission], int]] = {}

    def of(self, emission: Emission) -> int:
        """Return the number of an emission; give it one if it has none."""
        found = self._known.get(id(emission))
        if found is not None and found[0]() is emission:
            return found[1]
        parent = emission.parent
        if parent is not None:
            self._of_all_around(parent)
        return self._new(emission)

    def _of_all_around(self, parent: Emission) -> None:
        waiting: list[Emission] = []
        it: Emission | None = parent
        while it is not None:
            found = self._known.get(id(it))
            if found is not None and found[0]() is it:
                break
            waiting.append(it)
            it = it.parent
        # The outermost first, as it began first.
        for it in reversed(waiting):
            self._new(it)

    def _new(self, emission: Emission) -> int:
        if len(self._known) >= _MOST:
            self._let_go()
        number = next(self._next)
        self._known[id(emission)] = ref(emission), number
        return number

    def _let_go(self) -> None:
        # A callback of each reference would take three times as long.
        alive = {key: it for key, it in tuple(self._known.items()) if it[0]() is not None}
        self._known = alive if len(alive) < _MOST // 2 else {}
