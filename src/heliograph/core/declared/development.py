"""Whether programs are being written or tested in this process, rather than used."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # What type checkers believe, without importing typing.
if TYPE_CHECKING:
    from typing import Any

SWITCH = "HELIOGRAPH_CHECK"
"""The environment variable that settles the question: 1 for yes, 0 for no."""

# Of the newest pytest, and of those before 8.2.
_PYTEST = ("PYTEST_VERSION", "PYTEST_CURRENT_TEST")


def in_development() -> bool | None:
    """Tell whether programs are being developed here, or None while that is open.

    It is open where Flask or Quart are loaded and no application is in use yet: it may
    still be put into debug mode.
    """
    switch = os.environ.get(SWITCH)
    if switch:
        return switch != "0"
    if sys.flags.dev_mode or any(name in os.environ for name in _PYTEST):
        return True
    answers = {_debug_of_django(), _debug_of("flask"), _debug_of("quart")}
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
        return bool(app.debug)
    said = os.environ.get(f"{framework.upper()}_DEBUG", "")
    return True if said.lower() not in ("", "0", "false", "no") else None
