"""What Flask, Quart, Django and pytest say of whether programs are being developed."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

# Of the newest pytest, and of those before 8.2.
_PYTEST = ("PYTEST_VERSION", "PYTEST_CURRENT_TEST")
_FRAMEWORKS = ("flask", "quart")

# No framework is imported here: one that the program has not loaded has no application in it.


class DebugModes:
    """The check of `heliograph.development` for the frameworks that the program has loaded."""

    variables = _PYTEST
    """The environment variables that alone say yes: as long as one is there, nobody asks again."""

    _tell: Callable[[bool], None]

    def __call__(self) -> bool | None:
        """Tell whether an application is debugged, or None while one may still come into use."""
        if any(name in os.environ for name in _PYTEST):
            return True
        answers = {_debug_of_django(), *map(_debug_of, _FRAMEWORKS)}
        if True in answers:
            return True
        return None if None in answers else False

    def when_known(self, tell: Callable[[bool], None]) -> None:
        """Tell the answer as soon as an application in debug mode comes into use.

        The frameworks' own signals report that, so that no send has to ask. The first request
        settles it, as debug mode is not chosen any later.
        """
        self._tell = tell
        for signal, receiver in self._receivers():
            signal.connect(receiver)

    def _receivers(self) -> Iterator[tuple[Any, Any]]:
        frameworks: Iterator[Any] = map(sys.modules.get, _FRAMEWORKS)
        for framework in frameworks:
            if hasattr(framework, "request_started"):  # It may just be being imported.
                yield framework.appcontext_pushed, self._app_in_use
                yield framework.request_started, self._request_started

    def _app_in_use(self, app: Any, **_: object) -> None:
        if app.debug:
            self._settle(on=True)

    def _request_started(self, app: Any, **_: object) -> None:
        self._settle(on=app.debug)

    def _settle(self, *, on: bool) -> None:
        for signal, receiver in self._receivers():
            signal.disconnect(receiver)
        self._tell(on)


def _debug_of_django() -> bool:
    settings: Any = getattr(sys.modules.get("django.conf"), "settings", None)
    return settings is not None and settings.configured and bool(settings.DEBUG)


def _debug_of(framework: str) -> bool | None:
    app: Any = getattr(sys.modules.get(framework), "current_app", None)
    if app is None:
        return False
    if app:  # A proxy that is true while it is bound to an application.
        return True if app.debug else None
    said = os.environ.get(f"{framework.upper()}_DEBUG", "")
    return True if said.lower() not in ("", "0", "false", "no") else None


debug_modes: DebugModes = DebugModes()
"""The front door adds it when `in_development` is called for the first time."""
