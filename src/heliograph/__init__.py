"""Heliograph: signals for Python web applications.

A signal is a named point where a program says "this happened"; the receivers connected to it are
called. `signal`, `Signal` and `Namespace` make signals. `Signal.connect` connects a receiver, and
`Signal.send` calls the connected ones. `Namespace.declare` makes a signal with a declared payload.

`heliograph.blinker` has Blinker's names and stands in for Blinker, `heliograph.testing` helps to
test what is sent, and the `heliograph` command shows which signals a program has.

(A word for pytest: PYTEST_DONT_REWRITE.)
"""

# pytest looks for the word in the docstring. There is no assertion here to rewrite, and without
# the word pytest warns if something imported the engine before it.

from __future__ import annotations

from heliograph.core.accelerate import implementation
from heliograph.core.connections.connection import Connection
from heliograph.core.development import load_check
from heliograph.core.errors import (
    ArgumentError,
    AsyncReceiverError,
    LostEmissionsError,
    ReceiverError,
    ReceiverWarning,
    SignalError,
    StateError,
    UnknownSignalError,
)
from heliograph.core.identity import ANY
from heliograph.core.mistakes import look_for_namesakes
from heliograph.core.signal import Signal
from heliograph.core.timings import load_timing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from heliograph.core.declared.declaration import Declaration
    from heliograph.core.instrumenting import add_instrument, remove_instrument
    from heliograph.core.namespace import Namespace, default_namespace, signal
    from heliograph.core.observing.emission import Delivery, Emission
    from heliograph.core.sending.postponed import Postponed
    from heliograph.core.spans.span import Span
    from heliograph.core.streams.stream import Stream

__all__ = [
    "ANY",
    "ArgumentError",
    "AsyncReceiverError",
    "Connection",
    "Declaration",
    "Delivery",
    "Emission",
    "LostEmissionsError",
    "Namespace",
    "ReceiverError",
    "ReceiverWarning",
    "Signal",
    "SignalError",
    "Span",
    "StateError",
    "Stream",
    "UnknownSignalError",
    "add_instrument",
    "default_namespace",
    "implementation",
    "remove_instrument",
    "signal",
]

__version__ = "0.1.0"

# What the engine asks of other packages. An import does not load it: the first question does.


def _debug_modes() -> Callable[[], bool | None]:
    from heliograph.debug_modes import debug_modes

    return debug_modes


def _namesake_in_blinker() -> Callable[[str], str | None]:
    from heliograph.namesakes import namesake_in_blinker

    return namesake_in_blinker


def _after_commit() -> Callable[[Postponed], bool]:
    from heliograph.transactions.ambient import postpone

    return postpone


load_check(_debug_modes)
load_timing("after_commit", _after_commit)
look_for_namesakes("blinker", _namesake_in_blinker)


if not TYPE_CHECKING:
    # What not every program asks for is loaded when it is asked for, and stays as a variable then.
    def __getattr__(name: str) -> object:
        if name in (names := ("Namespace", "default_namespace", "signal")):
            from heliograph.core import namespace as home
        elif name in (names := ("add_instrument", "remove_instrument")):
            from heliograph.core import instrumenting as home
        elif name in (names := ("Delivery", "Emission")):
            from heliograph.core.observing import emission as home
        elif name in (names := ("Declaration",)):
            from heliograph.core.declared import declaration as home
        elif name in (names := ("Span",)):
            from heliograph.core.spans import span as home
        elif name in (names := ("Stream",)):
            from heliograph.core.streams import stream as home
        else:
            from heliograph.elsewhere import not_here

            raise not_here(__name__, name)
        # All that one file has: nothing can be loaded any more while the interpreter exits.
        for each in names:
            globals().setdefault(each, getattr(home, each))
        return globals()[name]

    def __dir__() -> list[str]:
        return [*__all__, *(name for name in globals() if name.startswith("__"))]
