"""Loads a second copy of Heliograph, as a program does that loads its plugins again."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


def load_again(name: str) -> ModuleType:
    """Load another copy of a package; later imports get the first one."""
    first = {it: sys.modules[it] for it in sys.modules if it.partition(".")[0] == name}
    for it in first:
        del sys.modules[it]
    try:
        return import_module(name)
    finally:
        for it in [it for it in sys.modules if it.partition(".")[0] == name]:
            del sys.modules[it]
        sys.modules.update(first)


second = load_again("heliograph")
