"""Errors of receivers: which ones wait until all receivers were called, and how to raise them."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

AT_ONCE: tuple[type[Exception], ...] = (RecursionError, MemoryError)
"""Errors after which no other receiver can be called: it would fail in the same way."""

_ROOM = 200
"""How many calls inside each other an instrument may need, and a check, and the log."""

# Some errors cannot be changed, such as frozen dataclasses.
_set = BaseException.__setattr__


def leaves_at_once(error: Exception) -> bool:
    """Tell whether an error concerns the whole program, so that the send must end at once.

    A group that contains such an error, a `KeyboardInterrupt` for example, does too.
    """
    # A user who quits the debugger wants the program to end. `bdb` is loaded only if it is used.
    debugger = sys.modules.get("bdb")
    ending = AT_ONCE if debugger is None else (AT_ONCE, getattr(debugger, "BdbQuit", ()))
    if not isinstance(error, BaseExceptionGroup):
        return isinstance(error, ending)
    parts: list[BaseException] = [error]
    for part in parts:
        if isinstance(part, ending):
            return True
        if isinstance(part, BaseExceptionGroup):
            parts += part.exceptions
    return False


def is_for_lack_of_room(error: Exception) -> bool:
    """Tell whether an error says only that the stack is full here: whoever is called fails."""
    if isinstance(error, RecursionError):
        try:
            _take_room(_ROOM)
        except RecursionError:
            return True
    return False


def _take_room(calls: int) -> None:
    if calls:
        _take_room(calls - 1)


def raise_kept(error: BaseException) -> NoReturn:
    """Raise an error that was kept, as if it had never been caught.

    If another error is being handled, a plain `raise` would replace the `__context__` of this
    error by that one.
    """
    context, traceback = error.__context__, error.__traceback__
    try:
        raise error
    finally:
        _set(error, "__context__", context)
        # Without this frame, which would not help a reader.
        _set(error, "__traceback__", traceback)
        del error, context, traceback  # An error must not refer to itself through its frames.


def note(error: Exception, text: str) -> None:
    """Add a note to an error, once, if the error accepts notes."""
    try:
        # A receiver may raise the same object again and again; its notes must not grow.
        if text not in getattr(error, "__notes__", ()):
            error.add_note(text)
    except Exception:  # noqa: BLE001 - a frozen dataclass accepts no note, and is raised without.
        return


def log(error: Exception, message: str, *args: object) -> None:
    """Log an error on the logger ``heliograph``, if there is room for it on the stack."""
    try:
        from logging import getLogger

        getLogger("heliograph").error(message, *args, exc_info=error)
    except AT_ONCE:
        # Logging needs many nested calls. The send itself matters more.
        return


def log_aside(error: Exception, message: str, *args: object) -> None:
    """Log an error while another one is being raised: a failure here must not replace that one."""
    try:
        log(error, message, *args)
    except Exception:  # noqa: BLE001 - see the docstring.
        return
