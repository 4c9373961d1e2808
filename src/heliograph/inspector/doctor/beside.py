"""The words in the files beside a program's modules that it has not imported."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from sysconfig import get_path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from types import ModuleType

_TESTS = re.compile(r"(test_.*|.*_test|tests?|conftest)(\.py)?")
_WORD = re.compile(r"\w+")
_LONG_WORD = re.compile(r"[\w.-]+")  # Signals have names such as `order-paid` and `billing.paid`.
_INSTALLED = ("purelib", "platlib", "stdlib", "platstdlib")


def words_beside(modules: Iterable[ModuleType], read: Collection[str]) -> frozenset[str]:
    """Return all words in the files that may belong to a program; those of tests do not count.

    These are the files of its packages, and, unless these are installed, those of the packages
    and modules beside them.

    Args:
        modules: The modules of the program.
        read: The files that are known already, with their real paths.
    """
    found = set[str]()
    for path in _files(modules):
        if os.path.realpath(path) not in read:
            text = path.read_text(encoding="utf-8", errors="replace")
            found.update(_WORD.findall(text), _LONG_WORD.findall(text))
    return frozenset(found)


def _files(modules: Iterable[ModuleType]) -> set[Path]:
    folders, found = set[Path](), set[Path]()
    for module in modules:
        places = [Path(it) for it in getattr(module, "__path__", ())]
        folders.update(places)
        file = module.__dict__.get("__file__") or ""
        if "." not in module.__name__ and file.endswith(".py") and not _is_installed(file):
            root = (places[0] if places else Path(file)).parent
            found.update(root.glob("*.py"))
            folders.update(it.parent for it in root.glob("*/__init__.py"))
    # Those of packages inside of packages are there twice.
    outer = {it for it in folders if folders.isdisjoint(it.parents)}
    found.update(path for folder in outer for path in folder.rglob("*.py"))
    return {it for it in found if not any(_is_of_tests(it, folder) for folder in outer)}


def _is_of_tests(path: Path, folder: Path) -> bool:
    names: Iterator[str] = iter((path.name,))
    if path.is_relative_to(folder):
        names = iter((folder.name, *path.relative_to(folder).parts))
    return any(map(_TESTS.fullmatch, names))


def _is_installed(file: str) -> bool:
    return os.path.realpath(file).startswith(_places())


@cache
def _places() -> tuple[str, ...]:
    return tuple(os.path.realpath(get_path(it)) + os.sep for it in _INSTALLED)
