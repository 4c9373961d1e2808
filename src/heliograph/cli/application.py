"""Finds an application as `flask --app` does, and explains why it finds none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from heliograph.cli.frameworks import Kind, kind_of, with_lifecycle
from heliograph.cli.loading import load_settings, prepare
from heliograph.cli.searching import Search

if TYPE_CHECKING:
    from typing import NoReturn

_HOW = "Write APP as MODULE, MODULE:NAME or MODULE:FACTORY(ARGUMENTS)."


@dataclass(frozen=True)
class Found:
    """An application, how it is called, and the module that it was found in."""

    app: Any
    kind: Kind
    module: str

    def with_lifecycle(self) -> Found:
        """Return the same application with its life-cycle signals installed."""
        return replace(self, app=with_lifecycle(self.app, self.kind))


def load_app(name: str) -> Found:
    """Load an application, with Heliograph in Blinker's place from its first import on.

    Raises:
        click.ClickException: If there is no application, or if loading it fails.
    """
    prepare()
    load_settings()
    search = Search(name, "application", _HOW)
    app = _obvious(search) if search.expression is None else search.named(search.expression)
    kind = kind_of(app)
    if kind is None:
        _refuse_value(search, app)
    return Found(app, kind, search.module.__name__)


def _obvious(search: Search) -> Any:
    made = search.applications()
    if search.usual() is None and len({id(it) for it in made.values()}) > 1:
        search.refuse(f"the module has several: {', '.join(made)}.")
    app = search.obvious()
    if app is None:
        search.refuse("the module has none, and neither create_app nor make_app.")
    return app


def _refuse_value(search: Search, app: object) -> NoReturn:
    search.refuse(
        f"{search.expression or search.place!r} is a {type(app).__qualname__}, which is neither "
        "called as WSGI applications are (environ, start_response) nor as those of ASGI are "
        "(scope, receive, send)."
    )
