"""What frameworks call their applications, and how any application is called."""

from __future__ import annotations

import sys
from enum import Enum
from importlib import import_module
from inspect import Parameter, isroutine, signature
from typing import TYPE_CHECKING, Any

from heliograph import StateError
from heliograph.lifecycle import asgi, wsgi
from heliograph.lifecycle.installing import Installation

if TYPE_CHECKING:
    from collections.abc import Iterator


class Kind(Enum):
    """What calls an application."""

    WSGI = "WSGI"
    ASGI = "ASGI"
    AIOHTTP = "aiohttp"


# The module and the class of applications, then the module of `heliograph.lifecycle` for it. What
# is derived from another one comes before it.
_FRAMEWORKS = (
    ("flask", "Flask", "flask"),
    ("quart", "Quart", "quart"),
    ("fastapi", "FastAPI", "fastapi"),
    ("starlette.applications", "Starlette", "starlette"),
    ("litestar", "Litestar", "litestar"),
    ("aiohttp.web", "Application", "aiohttp"),
    ("django.core.handlers.wsgi", "WSGIHandler", "django"),
    ("django.core.handlers.asgi", "ASGIHandler", "django"),
    ("falcon", "App", "falcon"),
)


def framework_of(value: object) -> str | None:
    """Return the framework that an application is made with, or None."""
    return next((name for kind, name in _loaded() if isinstance(value, kind)), None)


def _loaded() -> Iterator[tuple[type, str]]:
    # A framework that the program has not loaded has no application in it.
    for module, name, framework in _FRAMEWORKS:
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None:
            yield kind, framework


def is_made(value: object) -> bool:
    """Tell whether a value is certainly an application, and no function that looks like one."""
    ours = asgi.Middleware | wsgi.Middleware | Installation
    return isinstance(value, ours) or framework_of(value) is not None


def kind_of(value: object) -> Kind | None:
    """Return how an application is called, or None if it is none."""
    if isinstance(value, Installation):
        return kind_of(value.app)
    if framework_of(value) == "aiohttp":
        return Kind.AIOHTTP
    if not callable(value):
        return None
    # WSGI: environ, start_response. ASGI: scope, receive, send.
    kind = {2: Kind.WSGI, 3: Kind.ASGI}.get(_required(value))
    if isinstance(value, type):
        # PEP 3333: what a class makes of the two is the body. Other classes make applications.
        return kind if kind is Kind.WSGI and hasattr(value, "__iter__") else None
    return kind


def _required(function: Any) -> int:
    """Return how many arguments a call needs, all of them without a name."""
    itself = isroutine(function) or isinstance(function, type)
    try:
        parameters = signature(function if itself else function.__call__).parameters.values()
    except (TypeError, ValueError):  # Not every built-in function says.
        return 0
    required = [it for it in parameters if it.default is Parameter.empty]
    by_place = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    optional = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    needed = [it for it in required if it.kind not in optional]
    return len(needed) if all(it.kind in by_place for it in needed) else 0


def with_lifecycle(app: Any, kind: Kind) -> Any:
    """Return what to serve so that an application sends its life-cycle signals."""
    framework = framework_of(app)
    if isinstance(app, Installation):
        return app
    if framework is None:
        # Inside of another one, a middleware does nothing.
        return wsgi.Middleware(app) if kind is Kind.WSGI else asgi.Middleware(app)
    try:
        installed = import_module(f"heliograph.lifecycle.{framework}").install(app)
    except StateError:  # The program has done so.
        return app
    return installed if callable(installed) else app
