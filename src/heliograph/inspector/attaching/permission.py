"""Whether a process may be attached to, and under which name."""

from __future__ import annotations

import os

from heliograph.inspector.attaching.folder import check_name, usual_name

ATTACH = "HELIOGRAPH_ATTACH"
"""The environment variable that allows it: 1, or the name of the application."""

_NO = ("", "0", "false", "no", "off")
_YES = ("1", "true", "yes", "on")


def permitted_name(attach: bool | str | None) -> str | None:
    """Return the name of the application, or None if nobody may attach.

    Args:
        attach: What the program says, or None to ask the environment.

    Raises:
        ArgumentError: If the name cannot be that of a file.
    """
    wanted = os.environ.get(ATTACH, "") if attach is None else attach
    said = wanted.lower() if isinstance(wanted, str) else wanted
    if said is False or said in _NO:
        return None
    return usual_name() if said is True or said in _YES else check_name(wanted)
