"""What is known of signals, as values that outlive the program that they were read from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KnownArgument:
    """One argument of a declared payload.

    Attributes:
        name: The keyword under which it is sent.
        type: Its type as it is written in the source, or "".
        required: Whether every payload has it.
        default: Its default as Python shows it, or None if it is required.
        deprecated: What to use instead, or None.
    """

    name: str
    type: str
    required: bool
    default: str | None
    deprecated: str | None


@dataclass(frozen=True)
class KnownReceiver:
    """One receiver, connected for one sender.

    Attributes:
        name: Its qualified name, with its module.
        location: The ``file:line`` that connected it.
        sender: The only sender that is heard, or ``ANY``.
        priority: Receivers with a higher one are called earlier.
        on_error: What becomes of its errors: ``"raise"`` or ``"log"``.
        is_async: Whether it has to be awaited.
        takes_extra: Whether it takes arguments that it does not name.
    """

    name: str
    location: str
    sender: str
    priority: int
    on_error: str
    is_async: bool
    takes_extra: bool


@dataclass(frozen=True)
class KnownSend:
    """One place in the source that sends.

    Attributes:
        name: The qualified name of the function, with its module, or that of the module.
        location: The ``file:line`` of the send.
    """

    name: str
    location: str


@dataclass(frozen=True)
class KnownSignal:
    """What is known of one signal.

    Attributes:
        name: Its name; that of its variable if it has none.
        variable: Where it can be imported from, or "".
        doc: Its documentation, or None.
        declared: Whether it is; otherwise nothing is known of its payload.
        location: The ``file:line`` that declares it, or None.
        sender: The type of its senders as it is written in the source, or "".
        payload: The arguments of its payload, in the order of the source.
        deprecated: What to use instead, or None.
        receivers: Who is connected, in the order of being called.
        sends: Where it is sent, in the order of the source.
    """

    name: str
    variable: str
    doc: str | None
    declared: bool
    location: str | None
    sender: str
    payload: tuple[KnownArgument, ...]
    deprecated: str | None
    receivers: tuple[KnownReceiver, ...]
    sends: tuple[KnownSend, ...]


@dataclass(frozen=True)
class KnownNamespace:
    """The signals of one namespace, in the order in which they were made.

    Attributes:
        name: Its name, or None for signals that are in no namespace.
        variable: Where it can be imported from, or "".
        signals: What is known of each.
    """

    name: str | None
    variable: str
    signals: tuple[KnownSignal, ...]


@dataclass(frozen=True)
class Catalogue:
    """Every signal of a module, or of a namespace in it.

    Attributes:
        target: The ``module`` or ``module:namespace``.
        namespaces: Each with its signals.
    """

    target: str
    namespaces: tuple[KnownNamespace, ...]
