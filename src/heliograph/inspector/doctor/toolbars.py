"""Checks of an application of Flask for what Flask-DebugToolbar cannot get on with."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from heliograph.describe import location_of, name_of
from heliograph.inspector.doctor.checks import CHECKS
from heliograph.inspector.doctor.program import absolute
from heliograph.inspector.static import attribute

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heliograph.inspector.doctor.findings import Finding
    from heliograph.inspector.doctor.program import Program

_TOOLBAR = ("flask_debugtoolbar", "DebugToolbarExtension")
_COMPRESS = ("flask_compress", "Compress")


def find(program: Program) -> Iterator[Finding]:
    """Yield what an application and Flask-DebugToolbar will do to each other."""
    app = program.app
    after = _after_requests(app)
    toolbar = next((place for place, it in enumerate(after) if _is_of(it, *_TOOLBAR)), None)
    if toolbar is None:
        return
    for view in app.view_functions.values():
        if inspect.iscoroutinefunction(view):
            where = location_of(view)
            message = f"{name_of(view)} is an async view, and Flask-DebugToolbar is on."
            yield CHECKS["toolbar-async"].finding(where and absolute(where), message)
    # Flask calls them in the reverse order.
    if any(_is_of(it, *_COMPRESS) for it in after[toolbar + 1 :]):
        message = "Flask-Compress was initialised after Flask-DebugToolbar, which is on."
        yield CHECKS["toolbar-compress"].finding(_first_route(app), message)


def _after_requests(app: Any) -> list[Any]:
    found = attribute(app, "after_request_funcs")
    return list(found.get(None, ())) if isinstance(found, dict) else []


def _is_of(function: Any, module: str, name: str) -> bool:
    kinds = type(getattr(function, "__self__", None)).__mro__
    return any((it.__module__.partition(".")[0], it.__name__) == (module, name) for it in kinds)


def _first_route(app: Any) -> str | None:
    views = (it for name, it in app.view_functions.items() if name != "static" and "." not in name)
    where = next((it for it in map(location_of, views) if it), None)
    return where and absolute(where)
