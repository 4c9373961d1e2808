"""Gathers the commands; each is a file in `heliograph.cli.verbs`."""

from __future__ import annotations

from collections import UserDict
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click
import rich  # noqa: F401 - where it is missing, that is told before a command is looked for.

from heliograph.cli.target import app_option, keep_app

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping

# In the order in which a newcomer needs them.
_VERBS = (
    *("run", "list", "explain", "graph", "lost", "top", "trace", "doctor", "migrate"),
    *("watch", "metrics", "audit", "relay", "worker"),
)
# Reading a source needs none, and `migrate` is what Flask-Migrate and Django do to tables.
_WITHOUT_A_PROGRAM = {"run", "migrate"}


class _Verbs(UserDict[str, Any]):
    """Commands by their names, each imported when it is asked for.

    Together they import nearly all of Heliograph, and one of them takes a part of it.
    """

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(dict.fromkeys(names))

    def __getitem__(self, name: str) -> click.Command:
        if self.data[name] is None:
            module = import_module(f"heliograph.cli.verbs.{name}")
            # Some have an underscore, as Python has their name itself.
            self.data[name] = getattr(module, f"{name}_", None) or getattr(module, name)
        found: click.Command = self.data[name]
        return found


@click.group(commands=_Verbs(_VERBS), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="heliograph", message="%(prog)s %(version)s")
@app_option
def heliograph(app: str | None) -> None:
    """See which signals a program has and what they do, and run programs on Heliograph."""
    keep_app(app)


def of_a_program() -> MutableMapping[str, click.Command]:
    """Return the commands for what has a program already: `flask`, `quart` and `manage.py`."""
    return _Verbs(it for it in _VERBS if it not in _WITHOUT_A_PROGRAM)
