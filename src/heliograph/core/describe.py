"""What messages call things: receivers, signals, senders, errors, outcomes, durations, values."""

from __future__ import annotations

import sys
from types import CodeType, FunctionType, ModuleType

from heliograph.core.claims import told, told_text, without_partials
from heliograph.core.identity import Symbol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from heliograph.core.observing.emission import Delivery

_WIDTH = 72
_TAIL = 12
_VOWELS = tuple("AEIOaeio")


# --- receivers and signals -------------------------------------------------------------


def name_of(thing: Any) -> str:
    """Return the name of a receiver or any other object: ``module.qualified_name``.

    A partial has the name of what it calls, and an object without a name that of its class.

    Example:
        >>> from functools import partial
        >>> name_of(partial(print, end=""))
        'builtins.print'
        >>> name_of(42)
        'builtins.int object'
    """
    thing = without_partials(thing)
    name = told_text(thing, "__qualname__")
    if name is not None:
        return f"{told_text(thing, '__module__') or type(thing).__module__}.{name}"
    return f"{type(thing).__module__}.{type(thing).__qualname__} object"


def describe_callable(given: object) -> str:
    """Describe any object that was passed where a callable was expected: its name, or its repr."""
    return name_of(given) if callable(given) else short_repr(given)


def title_of(signal: Any) -> str:
    """Return what a sentence calls a signal.

    Example:
        >>> from heliograph import Signal
        >>> title_of(Signal("order-paid"))
        "signal 'order-paid'"
        >>> title_of(Signal())
        'a signal without a name'
    """
    name = told(signal, "name")
    return "a signal without a name" if name is None else f"signal {full_repr(name)}"


def label_of(signal: Any, *, quoted: bool = False) -> str:
    """Return what a list or a table calls a signal: its name, or the variable that holds it.

    For a signal without a name this looks through all imported modules, which takes some
    milliseconds.

    Args:
        signal: A signal, of Heliograph or not.
        quoted: Whether to put its own name in quotes.

    Example:
        >>> from heliograph import Signal
        >>> label_of(Signal("order-paid"))
        'order-paid'
    """
    name = told(signal, "name")
    if name is not None:
        return full_repr(name) if quoted or type(name) is not str else name
    held = next(variables(lambda _, value: value is signal), None)
    return title_of(signal) if held is None else held[0]


def variables(fits: Callable[[str, Any], object]) -> Iterator[tuple[str, Any]]:
    """Yield the variables of imported modules that fit, as ``module.name``, with their values.

    Args:
        fits: Called with the name and the value of each variable.
    """
    for module_name, module in tuple(sys.modules.items()):
        for name, value in _attributes(module):
            if fits(name, value):
                yield f"{module_name}.{name}", value


def _attributes(module: object) -> tuple[tuple[str, Any], ...]:
    try:
        # Past a `__getattribute__` of its own, which loads the module if that is lazy.
        return tuple(object.__getattribute__(module, "__dict__").items())
    except AttributeError:
        return ()  # Programs put other objects there as well.


def describe_sender(sender: Any, *, value: bool = False) -> str:
    """Describe a sender without running its code: by its kind, as its repr may hold a secret.

    Modules, classes and functions are described by their names.

    Args:
        sender: A sender, or `ANY`.
        value: Whether to show a string or an integer itself.

    Example:
        >>> describe_sender("shop"), describe_sender("shop", value=True)
        ('a str', "'shop'")
    """
    kind = type(sender)
    if sender is None or (value and kind in (str, int)):
        return short_repr(sender)
    if issubclass(kind, Symbol):
        return str(sender)
    if issubclass(kind, ModuleType):
        return str(object.__getattribute__(sender, "__dict__").get("__name__"))
    if issubclass(kind, (type, FunctionType)):
        return name_of(sender)
    # A name that begins with U is as often spoken with a consonant as not.
    article = "an" if kind.__qualname__.startswith(_VOWELS) else "a"
    return f"{article} {kind.__qualname__}"


# --- what came of a send ---------------------------------------------------------------


def describe_error(error: BaseException) -> str:
    """Return the type and the message of an error on one line. It never fails.

    Example:
        >>> describe_error(ValueError("no such order"))
        'ValueError: no such order'
        >>> describe_error(KeyboardInterrupt())
        'KeyboardInterrupt'
    """
    kind = type(error).__name__
    try:
        text = " ".join(str(error).splitlines())
    except Exception:  # noqa: BLE001 - the message that asks for it is about something else.
        return f"{kind} whose message cannot be shown"
    return f"{kind}: {text}" if text else kind


def describe_outcome(delivery: Delivery, *, message: bool = True) -> str:
    """Tell what a delivery gave: delivered, raised or logged. It never shows the value.

    Args:
        delivery: A delivery.
        message: Whether to show the message of an error, and not its type alone.
    """
    error = delivery.error
    if error is None:
        return "delivered"
    logged = delivery.connection is not None and delivery.connection.on_error == "log"
    what = describe_error(error) if message else type(error).__name__
    return f"{'logged' if logged else 'raised'} {what}"


def describe_duration(seconds: float) -> str:
    """Return a duration with its unit.

    Example:
        >>> [describe_duration(it) for it in (0.00000012, 0.0034, 2.5, 192)]
        ['120 ns', '3.40 ms', '2.50 s', '3 min 12 s']
    """
    if seconds < 0:
        return f"-{describe_duration(-seconds)}"
    if seconds == 0 or not seconds < float("inf"):
        return f"{seconds:g} s"
    if seconds >= 59.95:  # noqa: PLR2004 - rounded, that is a minute.
        minutes, seconds = divmod(round(seconds), 60)
        return f"{minutes} min {seconds} s"
    units = ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
    size, unit = next((it for it in units if seconds >= 0.9995 * it[0]), units[-1])
    many = seconds / size
    decimals = 2 if many < 10 else 1 if many < 100 else 0  # noqa: PLR2004 - three digits in all.
    return f"{many:.{decimals}f} {unit}"


# --- values ----------------------------------------------------------------------------


def full_repr(value: Any) -> str:
    """Return the whole representation of a value. It never fails.

    Functions are shown with the line that defines them, and classes by their names.

    Example:
        >>> full_repr({"total": 12}), full_repr(ValueError)
        ("{'total': 12}", 'ValueError')
    """
    try:
        if issubclass(type(value), type):
            return str(value.__qualname__)
        code = told(value, "__code__")
        if type(code) is CodeType:  # A mock has an answer to every question.
            from heliograph.core.locations import location_of, relative_location

            return f"{value.__qualname__} at {relative_location(location_of(code) or '')}"
        function = without_partials(value)
        return repr(value) if function is value else f"partial of {full_repr(function)}"
    except Exception as error:  # noqa: BLE001 - the message that asks for it is about something else.
        return f"<{type(value).__qualname__} whose repr raises {type(error).__qualname__}>"


def short_repr(value: Any) -> str:
    """Return the representation of a value, without its middle if it is long. It never fails.

    Example:
        >>> short_repr(12)
        '12'
        >>> short_repr("x" * 1000)
        "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx … xxxxxxxxxxx'"
    """
    text = full_repr(value)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 2 * _TAIL]} … {text[-_TAIL:]}"
