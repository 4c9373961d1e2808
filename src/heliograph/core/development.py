"""Whether programs are being developed in this process, and the checks that decide it."""

from __future__ import annotations

import os
import sys
from functools import partial
from weakref import WeakSet

from heliograph.core.callables import is_async, is_generator
from heliograph.core.claims import told
from heliograph.core.describe import name_of, short_repr
from heliograph.core.errors import ArgumentError
from heliograph.core.failures import is_for_lack_of_room, log
from heliograph.core.identity import receiver_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any

    from heliograph.core.connections.registry import Registry

    Check = Callable[[], bool | None]

SWITCH = "HELIOGRAPH_CHECK"
"""The environment variable that decides: 1 for yes, 0 for no."""

_NO = ("0", "false", "no", "off")

KNOWN: list[Any] = []
"""Why programs are being developed: it holds as long as the environment says the same.

`os.environ`; the dict in it; the key of the switch there, and its value or None; and the key of
another variable that says so, or None. Empty while the answer is another one, or while it may
change without the environment. Each send of a declared signal compares this, in C too, as asking
`in_development` takes ten times as long as the rest of a send.
"""

_checks: dict[Hashable, Any] = {}
_not_loaded: list[Callable[[], Check]] = []

_waiting: WeakSet[Registry] = WeakSet()
"""The registries of signals that were sent while the answer was unknown."""

_awaited: dict[Hashable, None] = {}
"""The checks that will tell these signals the answer."""


def in_development() -> bool | None:
    """Tell whether programs are being developed in this process.

    They are if the environment variable ``HELIOGRAPH_CHECK`` says so, in Python's
    development mode, and if one of the checks says so. The variable says no by ``0``,
    ``false``, ``no`` and ``off``, in upper or lower case, and yes by anything else; empty, it
    says nothing.

    Returns:
        None if that is still unknown: no check says yes, and one cannot tell yet.
    """
    KNOWN.clear()
    switch = os.environ.get(SWITCH)
    if switch:
        return switch.lower() not in _NO and _noted(None)
    if sys.flags.dev_mode:
        return _noted(None)
    checks = _loaded()
    answers = [_answer(check) for check in checks]
    if True in answers:
        # Those of a check that has said yes for the environment alone.
        for name in told(checks[answers.index(True)], "variables") or ():
            if name in os.environ:
                return _noted(name)
        return True
    return None if None in answers else False


def _noted(variable: str | None) -> bool:
    """Say yes, and note that it stays so as long as the environment says the same."""
    environ: Any = os.environ
    data = told(environ, "_data")
    if type(data) is dict:  # It may have been replaced.
        key = environ.encodekey(SWITCH)
        also = None if variable is None else environ.encodekey(variable)
        KNOWN[:] = environ, data, key, data.get(key), also
    return True


def add_check(check: Check) -> Check:
    """Add a check that tells whether programs are being developed in this process.

    For extensions of frameworks that have a debug mode. Checks for Flask, Quart, Django
    and pytest exist already.

    Heliograph calls the check without arguments, and seldom: when declared signals are sent
    for the first time, and where something looks wrong. The check returns True or False, or
    None if it does not know yet. If it has a method ``when_known(tell)``, that is called when
    signals wait for the answer, maybe several times: it must call ``tell(True)`` or
    ``tell(False)`` as soon as the answer is known. Without the method, None means no.

    If a check raises, the logger ``heliograph`` gets the error once, with its traceback, and
    the check is removed.

    Args:
        check: A plain function, or an object with a plain ``__call__``. Adding it again
            changes nothing. Add it before signals are sent, as a signal that got the
            answer no does not ask again.

    Returns:
        The check, so that this can be a decorator.

    Raises:
        ArgumentError: If *check* is not callable, or is a class, async or a generator function.

    Example:
        >>> from types import SimpleNamespace
        >>> from heliograph import development
        >>> framework = SimpleNamespace(debug=False)
        >>> @development.add_check
        ... def is_in_debug_mode():
        ...     return framework.debug
        >>> development.remove_check(is_in_debug_mode)
    """
    given: Any = check  # It is more than what can be called.
    is_plain = callable(given) and not is_async(given) and not is_generator(given)
    if issubclass(type(given), type) or not is_plain:
        shown = short_repr(check)
        msg = (
            f"{shown} cannot tell whether programs are being developed: pass a plain function "
            "without parameters, or an object with such a __call__."
        )
        raise ArgumentError(msg)
    _checks.setdefault(receiver_key(given), check)
    return check


def remove_check(check: Check) -> None:
    """Remove *check*. One that was never added is no error."""
    _remove(check)


def _remove(check: Check) -> bool:
    """Remove a check; tell whether it was there."""
    key = receiver_key(check)
    KNOWN.clear()
    _awaited.pop(key, None)
    return _checks.pop(key, None) is not None


def load_check(load: Callable[[], Check]) -> None:
    """Add the check that *load* returns, when `in_development` is called for the first time."""
    _not_loaded.append(load)


def check_once_known(registry: Registry) -> None:
    """Check no sends of a signal until a check says that programs are being developed."""
    registry.check(on=False)
    _waiting.add(registry)
    for check in _loaded():
        if _answer(check) is None and _tells_later(check):
            key = receiver_key(check)
            _awaited[key] = None
            _ask(check, partial(_wait_for, check, partial(_settle, key)))


def _wait_for(check: Any, tell: Callable[[bool], None]) -> None:
    check.when_known(tell)


def _settle(key: Hashable, on: bool) -> None:
    _awaited.pop(key, None)
    if on or not _awaited:
        known = list(_waiting)
        _waiting.clear()
        for registry in known if on else ():
            registry.check(on=True)


def _loaded() -> tuple[Any, ...]:
    for load in tuple(_not_loaded):
        add_check(load())
    # Only now, or another thread that asks would find neither the checks nor the loaders.
    _not_loaded.clear()
    return tuple(_checks.values())


def _tells_later(check: Check) -> Any:
    return _ask(check, lambda: getattr(check, "when_known", None) is not None)


def _answer(check: Check) -> bool | None:
    return _ask(check, check)


def _ask(check: Check, call: Callable[[], Any]) -> bool | None:
    try:
        said = call()
        return None if said is None else bool(said)
    except Exception as error:  # noqa: BLE001 - it must not break the send that asks.
        if is_for_lack_of_room(error):
            return None
        if _remove(check):  # Otherwise it has failed in another thread, too.
            log(
                error,
                "The check %s, which tells whether programs are being developed, failed and was "
                "removed. Fix it, and add it again with add_check().",
                name_of(check),
            )
        return False
