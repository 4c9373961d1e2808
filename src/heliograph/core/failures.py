"""Errors of receivers: which of them wait until all have been called, and how these are raised."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

AT_ONCE: tuple[type[Exception], ...] = (RecursionError, MemoryError)
"""There is no room to call anybody: whoever is called next falls into the same pit."""

# Some errors refuse to be changed, as frozen dataclasses do.
_set = BaseException.__setattr__


def leaves_at_once(error: Exception) -> bool:
    """Tell whether an error concerns the whole program, so that nobody else is to be called.

    So does a group in which there is one, as a group with a `KeyboardInterrupt` does.
    """
    # Whoever quits a debugger wants the program to end. It is not loaded but where it is used.
    quitting = getattr(sys.modules.get("bdb"), "BdbQuit", ())
    parts: list[BaseException] = [error]
    for part in parts:
        if isinstance(part, (AT_ONCE, quitting)):
            return True
        if isinstance(part, BaseExceptionGroup):
            parts += part.exceptions
    return False


def raise_kept(error: BaseException) -> NoReturn:
    """Raise an error that was kept, as if it had never been caught.

    Where another one is being handled, raising it again would take that for the cause of this
    one, in place of what this one came from.
    """
    context, traceback = error.__context__, error.__traceback__
    try:
        raise error
    finally:
        _set(error, "__context__", context)
        # Without this frame, which says nothing.
        _set(error, "__traceback__", traceback)
        del error, context, traceback  # An error must not refer to itself through its frames.


def note(error: Exception, text: str) -> None:
    """Note something on an error, once, if it takes notes."""
    try:
        # Some raise the same object again and again, which must not grow.
        if text not in getattr(error, "__notes__", ()):
            error.add_note(text)
    except Exception:  # noqa: BLE001 - a frozen dataclass takes none, and is raised without.
        return


def log(error: Exception, message: str, *args: object) -> None:
    """Log an error on the logger ``heliograph``, if there is room for it on the stack."""
    try:
        from logging import getLogger

        getLogger("heliograph").error(message, *args, exc_info=error)
    except AT_ONCE:
        # Logging goes deep. What it is done for, or what comes after it, matters more.
        return


def log_aside(error: Exception, message: str, *args: object) -> None:
    """Do so while another error is to be raised, which nothing that fails here may replace."""
    try:
        log(error, message, *args)
    except Exception:  # noqa: BLE001 - above.
        return
