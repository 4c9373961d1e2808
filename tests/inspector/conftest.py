"""Programs that are written, imported, and forgotten again."""

from __future__ import annotations

import sys
from importlib import import_module, invalidate_caches
from typing import TYPE_CHECKING

import pytest

from heliograph.inspector import loaded
from heliograph.inspector.attaching import asking
from tests.cli.children import write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import ModuleType

    Program = Callable[[dict[str, str]], list[ModuleType]]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for busy processes: a test of one that is silent says for how long."""
    monkeypatch.setattr(asking, "PATIENCE", 30.0)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    """Return what writes files, imports the modules in them in order, and returns these."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def run(files: dict[str, str]) -> list[ModuleType]:
        names = [it.removesuffix(".py").replace("/", ".") for it in files]
        for file, source in files.items():
            write(tmp_path / file, source)
        invalidate_caches()
        for name in names:
            import_module(name.removesuffix(".__init__"))
        return loaded(names)

    yield run
    for name in set(sys.modules) - before:
        del sys.modules[name]
