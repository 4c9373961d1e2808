"""The life of a Starlette application, as signals."""

from __future__ import annotations

import sys
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Host, Match, Mount, Route, WebSocketRoute, compile_path

from heliograph import ArgumentError
from heliograph.lifecycle import asgi
from heliograph.lifecycle.installing import Installation, check

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Iterator

    from starlette.routing import BaseRoute

    from heliograph.lifecycle.asgi import Scope


def install(app: Starlette, *, echo_request_id: bool = False) -> Installation:
    """Send the life-cycle signals of a Starlette application; *app* is their sender.

    Args:
        app: The outermost application, before it has served anything.
        echo_request_id: Whether responses carry the id of their request in ``X-Request-ID``.

    Raises:
        ArgumentError: If it is no Starlette application, or is one of FastAPI.
        StateError: If they are installed already, or the application has started.
    """
    check(app, Starlette, installed=is_installed, started=has_started)
    if any(it.__module__.partition(".")[0] == "fastapi" for it in type(app).__mro__):
        msg = "Its routers need more: use heliograph.lifecycle.fastapi.install() for FastAPI."
        raise ArgumentError(msg)
    return put_around(app, partial(route_of, app), echo_request_id=echo_request_id)


def is_installed(app: Starlette) -> bool:
    """Tell whether the signals are put around an application."""
    return "build_middleware_stack" in vars(app)


def has_started(app: Starlette) -> bool:
    """Tell whether an application has put together what serves its requests."""
    return app.middleware_stack is not None


def put_around(
    app: Starlette, find: Callable[[Scope], str | None], *, echo_request_id: bool
) -> Installation:
    """Put the signals around all that an application has, its handling of errors included."""
    build = app.build_middleware_stack
    served: list[asgi.Middleware] = []

    def build_watched() -> asgi.Middleware:
        # Now and not earlier: what was added since install() must not come between.
        theirs = app.user_middleware
        app.user_middleware = [
            Middleware(asgi.probed),
            *theirs,
            Middleware(asgi.routed, find),
        ]
        try:
            stack = build()
        finally:
            app.user_middleware = theirs
        served.append(asgi.Middleware(stack, sender=app, echo_request_id=echo_request_id))
        return served[-1]

    def undo() -> None:
        del app.build_middleware_stack  # That of the class comes to light again.
        app.middleware_stack = None  # It is built again, without the signals.
        for layer in served:
            layer.leave()

    vars(app)["build_middleware_stack"] = build_watched
    return Installation(app, undo)


def route_of(app: Starlette, scope: Scope) -> str | None:
    """Return the template of the route that a scope was routed to, with those of its mounts."""
    route = scope.get("route")
    if isinstance(route, Route | WebSocketRoute) and "app_root_path" not in scope:
        return route.path  # It is not below any mount.
    return found_below(app, scope)


def found_below(app: Starlette, scope: Scope) -> str | None:
    """Return the template of what was found among the routes of an application and its mounts."""
    return Search(scope).below(app.routes)


def listed(routes: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """Give routes, each with its template, those of included routers too; a host has none."""
    # Since FastAPI 0.137 an included router is not copied: one route serves each of its
    # inclusions, and `scope["route"]` knows the prefix of none. A mount may lead to FastAPI.
    contexts: Any = getattr(sys.modules.get("fastapi.routing"), "iter_route_contexts", None)
    if contexts is None:
        return ((getattr(it, "path", ""), it) for it in routes)
    return ((it.path or "", it.original_route) for it in contexts(routes))


class Search:
    """Finds out by which routes a scope came to its endpoint, which the scope itself does not say.

    Args:
        scope: A scope that was routed.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._endpoint = scope.get("endpoint")
        # A mount moves its part of the path to the root, and notes what was there before it.
        self._end: str = scope.get("root_path", "")
        self._root: str = scope.get("app_root_path", self._end)

    def below(self, routes: Iterable[BaseRoute]) -> str | None:
        """Return the template of what was found among routes and all that is below them."""
        if self._endpoint is None:
            return None  # Nothing was.
        path: str = self._scope["path"]
        return self._among(routes, path.removeprefix(self._root), self._root)

    def _among(self, routes: Iterable[BaseRoute], path: str, here: str) -> str | None:
        for template, route in listed(routes):
            found = None
            if isinstance(route, Mount):
                found = self._mounted(template, route, path, here)
            elif isinstance(route, Host):
                if route.matches(self._scope)[0] is Match.FULL:
                    found = self._among(route.routes, path, here)
            elif here == self._end and getattr(route, "endpoint", None) is self._endpoint:
                found = template if pattern_of(template).match(path) else None
            if found is not None:
                return found
        return None

    def _mounted(self, template: str, mount: Mount, path: str, here: str) -> str | None:
        prefix = template.rstrip("/")
        match = pattern_of(prefix + "/{path:path}").match(path)
        if match is None:
            return None
        rest = f"/{match['path']}"
        inside = here + path[: -len(rest)]
        # One that matches may stand behind what the request was routed to.
        if not f"{self._end}/".startswith(f"{inside}/"):
            return None
        if not mount.routes:
            return prefix or None
        found = self._among(mount.routes, rest, inside)
        return None if found is None else prefix + found


@lru_cache(maxsize=1024)
def pattern_of(template: str) -> re.Pattern[str]:
    """Return what matches the paths of a template."""
    return compile_path(template)[0]
