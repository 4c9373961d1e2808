"""Whether programs are being written or tested in this process, rather than used."""

from __future__ import annotations

import os
import sys
from weakref import WeakSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from heliograph.core.connections.registry import Registry

SWITCH = "HELIOGRAPH_CHECK"
"""The environment variable that settles the question: 1 for yes, 0 for no."""

# Of the newest pytest, and of those before 8.2.
_PYTEST = ("PYTEST_VERSION", "PYTEST_CURRENT_TEST")
_FRAMEWORKS = ("flask", "quart")

_waiting: WeakSet[Registry] = WeakSet()
"""Those of the signals that were sent while the answer was open."""


def in_development() -> bool | None:
    """Tell whether programs are being developed here, or None while that is open.

    It is open where Flask or Quart are loaded and no application in debug mode is in use: one
    may still be put into it.
    """
    switch = os.environ.get(SWITCH)
    if switch:
        return _is_yes(switch)
    if sys.flags.dev_mode or any(name in os.environ for name in _PYTEST):
        return True
    answers = {_debug_of_django(), *map(_debug_of, _FRAMEWORKS)}
    if True in answers:
        return True
    return None if None in answers else False


def _debug_of_django() -> bool:
    settings: Any = getattr(sys.modules.get("django.conf"), "settings", None)
    return settings is not None and settings.configured and bool(settings.DEBUG)


def _debug_of(framework: str) -> bool | None:
    app: Any = getattr(sys.modules.get(framework), "current_app", None)
    if app is None:
        return False
    if app:  # A proxy that is true while it is bound to an application.
        return True if app.debug else None
    return True if _is_yes(os.environ.get(f"{framework.upper()}_DEBUG", "")) else None


def _is_yes(said: str) -> bool:
    return said.lower() not in ("", "0", "false", "no")


def check_once_known(registry: Registry) -> None:
    """Check no sends of a signal until an application turns out to be in debug mode.

    The frameworks' own signals tell when one comes into use, so that no send has to ask. The
    first request settles it, as debug mode is not chosen any later.
    """
    registry.check(on=False)
    _waiting.add(registry)
    for signal, receiver in _telling():
        signal.connect(receiver)


def _telling() -> Iterator[tuple[Any, Any]]:
    for framework in filter(None, map(sys.modules.get, _FRAMEWORKS)):
        yield framework.appcontext_pushed, _app_in_use
        yield framework.request_started, _request_started


def _app_in_use(app: Any, **_: object) -> None:
    if app.debug:
        _settle(on=True)


def _request_started(app: Any, **_: object) -> None:
    _settle(on=app.debug)


def _settle(*, on: bool) -> None:
    for signal, receiver in _telling():
        signal.disconnect(receiver)
    known = list(_waiting)
    _waiting.clear()
    for registry in known if on else ():
        registry.check(on=True)
