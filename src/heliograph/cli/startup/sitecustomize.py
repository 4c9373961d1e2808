"""Run by Python before anything else under `heliograph run`: puts the engine in place."""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec


def _install() -> None:
    try:
        from heliograph.blinker import install
    except ModuleNotFoundError as missing:
        # Another Python, which some tool of the program happens to be written in, is none
        # of our business; but the program itself must not run on Blinker unnoticed.
        if os.environ.get("HELIOGRAPH_RUN") == str(os.getpid()):
            sys.exit(
                f"heliograph run: {missing.name} is not installed for {sys.executable}, which "
                "runs this command. Install Heliograph there."
            )
    else:
        install()


def _run_the_other_one() -> None:
    """Run the `sitecustomize` that would have been found without this one."""
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib is slow.
    others = [place for place in sys.path if os.path.abspath(place) != here]  # noqa: PTH100
    spec = PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        module = sys.modules["sitecustomize"] = module_from_spec(spec)
        spec.loader.exec_module(module)


_install()
_run_the_other_one()
