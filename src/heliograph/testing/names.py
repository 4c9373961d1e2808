"""What a signal is called: by its own name, or by the variables of modules that hold it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def title(signal: Any) -> str:
    """Return how messages call a signal: by its name, or by the variable that holds it."""
    name = getattr(signal, "name", None)
    if name is not None:
        return repr(name)
    held = next(variables(lambda _, value: value is signal), None)
    return "a signal without a name" if held is None else held[0]


def variables(fits: Callable[[str, Any], object]) -> Iterator[tuple[str, Any]]:
    """Give the variables of all modules that fit, by name and value: as MODULE.NAME, with it."""
    for home, module in tuple(sys.modules.items()):
        for name, value in tuple(getattr(module, "__dict__", {}).items()):
            if fits(name, value):
                yield f"{home}.{name}", value
