"""How objects show themselves, in a debugger for example: on one short line, never failing."""

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
    """Turn a method that describes its object into a ``__repr__`` that never fails.

    The object may be half made or dead, or hold one whose own ``__repr__`` fails.
    """

    @wraps(describe)
    def show(self: Any) -> str:
        try:
            text = " ".join(describe(self).splitlines())
        except Exception:  # noqa: BLE001 - a debugger has to show something.
            return f"<{type(self).__name__} that cannot be shown>"
        # The start says what it is, and the end where it comes from.
        half = _LONGEST // 2
        return text if len(text) <= _LONGEST else f"{text[: half - 1]}…{text[-half:]}"

    return show  # type: ignore[return-value]  # It is called as the method is.


@shown
def in_its_words(self: Any) -> str:
    """Show an object by the method ``_described`` of its class; serves as ``__repr__``.

    Subclasses in other wings override ``_described`` and get the same guarantees.
    """
    described: str = self._described()
    return described


def a_few(names: list[str]) -> str:
    """Return the first few names, and how many more there are."""
    few = ", ".join(names[:_A_FEW])
    return few if len(names) <= _A_FEW else f"{few} and {len(names) - _A_FEW} more"


def counted(many: int, one: str, several: str) -> str:
    """Return a number and a noun, in the singular or the plural."""
    return f"{many} {one if many == 1 else several}"


class Documentation:
    """The docstring of a signal class; a declared signal without one shows its declaration."""

    def __init__(self, of_class: str | None) -> None:
        self.of_class: str | None = of_class

    def __get__(self, signal: Any, kind: type) -> str | None:
        it = None if signal is None else signal.declaration
        return self.of_class if it is None else f"Declared as {it.signature}, at {it.location}."
