"""Whether anybody hears a signal: asked before what a send would carry is made."""

from __future__ import annotations

from functools import update_wrapper

from heliograph.core.connections.registry import Registry
from heliograph.core.development import check_once_known, in_development

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from heliograph.core.signal import Signal


def is_heard(signal: Signal[...]) -> bool:
    """Tell whether a send of a signal, by whichever sender, may reach anybody.

    Receivers count, whosever sends they are connected for, and so do instruments. A muted signal
    is not heard. In development a declared signal always is: each of its sends is checked.

    It may say yes for nobody, never no for somebody, and hardly anything costs less.

    Example:
        >>> from heliograph import Signal
        >>> from heliograph.hearing import is_heard
        >>> order_paid = Signal("order-paid")
        >>> is_heard(order_paid)
        False
    """
    return bool(signal._registry.anyone)


def any_heard(*signals: Signal[...]) -> Callable[[], bool]:
    """Return a function that tells whether any of these signals is heard, as `is_heard` does.

    For who sends several signals about one thing, such as its start and its end. Ask before the
    first one: if nobody hears any of them, none needs to be sent, and nothing has to be noted
    for them.

    Example:
        >>> from heliograph import Signal
        >>> from heliograph.hearing import any_heard
        >>> started, ended = Signal("started"), Signal("ended")
        >>> are_heard = any_heard(started, ended)
        >>> are_heard()
        False
        >>> connection = ended.connect(print)
        >>> are_heard()
        True
    """

    def are_heard() -> bool:
        for signal in signals:
            registry: Any = signal._registry
            if registry.anyone and (not registry.checked or _is_still_heard(registry)):
                return True
        return False

    if Registry.runs_in_c and all(it._keeps_registry for it in signals):
        from heliograph.core.sending import _dispatch

        # A fifth of the time, as long as nobody hears.
        registries = tuple(it._registry for it in signals)
        return update_wrapper(_dispatch.Noop(False, Registry, registries, are_heard), are_heard)
    return are_heard


def _is_still_heard(registry: Any) -> bool:
    """Tell so of a signal whose sends are checked, maybe only until one has asked whether to."""
    checked = in_development()
    if checked is None:
        check_once_known(registry)
    elif not checked:
        registry.check(on=False)
    return bool(registry.anyone)
