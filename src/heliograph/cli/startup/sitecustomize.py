"""Python runs this before anything else under `heliograph run`; it installs Heliograph."""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec


def _install() -> None:
    try:
        from heliograph.blinker import install

        install()
    except Exception as error:  # noqa: BLE001 - Python itself would report it and go on.
        # A tool that the program starts may run on another Python, without Heliograph. But the
        # program itself must not run on Blinker unnoticed.
        if os.environ.get("HELIOGRAPH_RUN") == str(os.getpid()):
            _give_up(error)


def _let_watch() -> None:
    """Let a watcher attach, if the operator allows it."""
    if os.environ.get("HELIOGRAPH_ATTACH", "0") in ("", "0"):
        return
    try:
        from heliograph.inspector.inspector import Inspector

        Inspector().start()
    except Exception as error:  # noqa: BLE001 - the program itself runs as well without.
        sys.stderr.write(f"heliograph run: nobody can attach to this process: {error}\n")


def _give_up(error: Exception) -> None:
    hint = "Install Heliograph there" if isinstance(error, ImportError) else "Fix that"
    sys.stderr.write(
        f"heliograph run: Heliograph cannot take Blinker's place in {sys.executable}, which "
        f"runs this command: {type(error).__name__}: {error}. "
        f"{hint}, or run the command without `heliograph run`.\n"
    )
    sys.stderr.flush()
    # This early, Python treats SystemExit as a fatal error of its own.
    os._exit(1)


def _run_the_other_one() -> None:
    """Run the `sitecustomize` that would have been found without this one."""
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib is slow.
    others = [place for place in sys.path if os.path.abspath(place) != here]  # noqa: PTH100 - likewise.
    spec = PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        module = sys.modules["sitecustomize"] = module_from_spec(spec)
        spec.loader.exec_module(module)


_install()
_let_watch()
_run_the_other_one()
