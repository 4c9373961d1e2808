"""Compiles `_vectorcall.c` when it is first asked for, where there is a compiler."""

from __future__ import annotations

import os
import shlex
import subprocess
import sysconfig
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from benchmarks.receivers import Receiver

SOURCE = Path(__file__).with_name("_vectorcall.c")
# Outside the source, where `make clean` removes it; every interpreter finds its own.
BUILT = SOURCE.parents[1] / "build" / "benchmarks"


class Extension(Protocol):
    """What the compiled module has."""

    def over(self, receivers: tuple[Receiver, ...], /) -> Receiver:
        """Return a C function that calls all of them with its own arguments."""

    def nothing(self, *args: object, **kw: object) -> None:
        """Do nothing, in C."""


@cache
def compiled() -> Extension | None:
    """Return the extension, or None where it cannot be compiled."""
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return None  # Loading it would put the GIL back under all engines.
    target = BUILT / f"_vectorcall{sysconfig.get_config_var('EXT_SUFFIX')}"
    if not _is_newer(target, SOURCE) and not _compile(target):
        return None
    spec = spec_from_file_location("_vectorcall", target)
    if spec is None or spec.loader is None:
        return None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast("Extension", module)


def _is_newer(target: Path, source: Path) -> bool:
    return target.exists() and target.stat().st_mtime > source.stat().st_mtime


def _compile(target: Path) -> bool:
    """Compile as extensions are compiled for this interpreter, and tell whether that worked."""
    linker, *options = (
        sysconfig.get_config_var(name) or "" for name in ("LDSHARED", "CFLAGS", "CCSHARED")
    )
    if not linker:
        return False
    include = f"-I{sysconfig.get_path('include')}"
    # Another process may do so at the same time, or load what is there.
    whole = target.with_name(f"{os.getpid()}-{target.name}")
    command = [*shlex.split(" ".join([linker, *options])), include, str(SOURCE), "-o", str(whole)]
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError:
        return False
    if done.returncode == 0:
        whole.replace(target)
    return done.returncode == 0
