"""How objects show themselves, in a debugger say: on one short line, and without ever failing."""

from __future__ import annotations

from functools import wraps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    D = TypeVar("D", bound=Callable[[Any], str])

_LONGEST = 200
_A_FEW = 5


def shown(describe: D) -> D:
    """Make a ``__repr__`` of a method that describes its object.

    What is described may be half made, dead, or of a class whose own ``__repr__`` fails.
    """

    @wraps(describe)
    def show(self: Any) -> str:
        try:
            text = " ".join(describe(self).splitlines())
        except Exception:  # noqa: BLE001 - whoever looks at an object wants to see something.
            return f"<{type(self).__name__} that cannot be shown>"
        # What it is stands in front, and where it is from at the end.
        half = _LONGEST // 2
        return text if len(text) <= _LONGEST else f"{text[: half - 1]}…{text[-half:]}"

    return show  # type: ignore[return-value]  # It is called as the method is.


@shown
def in_its_words(self: Any) -> str:
    """Show an object as its class describes it, in place of a ``__repr__`` of that class.

    So what stands on the engine shows itself as the engine does: it says how in ``_described``.
    """
    described: str = self._described()
    return described


def a_few(names: list[str]) -> str:
    """Return the first of some names, and how many there are if these are not all."""
    few = ", ".join(names[:_A_FEW])
    return few if len(names) <= _A_FEW else f"{few} and {len(names) - _A_FEW} more"


def counted(many: int, one: str, several: str) -> str:
    """Return a number of things with their name, in the singular or the plural."""
    return f"{many} {one if many == 1 else several}"


class Documentation:
    """The docstring of a class of signals, and what a declared signal without one has for it."""

    def __init__(self, of_class: str | None) -> None:
        self.of_class: str | None = of_class

    def __get__(self, signal: Any, kind: type) -> str | None:
        it = None if signal is None else signal.declaration
        return self.of_class if it is None else f"Declared as {it.signature}, at {it.location}."
