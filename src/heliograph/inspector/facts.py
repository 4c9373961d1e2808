"""Values that describe signals, and outlive the program that they were read from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ArgumentInfo:
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
class ReceiverInfo:
    """One receiver, connected for one sender.

    Attributes:
        name: Its qualified name, with its module.
        location: The ``file:line`` that connected it.
        sender: The only sender that it is connected for, or ``ANY``.
        priority: Receivers with a higher priority are called earlier.
        on_error: What happens to its errors: ``"raise"`` or ``"log"``.
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
class SendInfo:
    """One place in the source that sends.

    Attributes:
        name: The qualified name of the function, with its module, or that of the module.
        location: The ``file:line`` of the send.
    """

    name: str
    location: str


@dataclass(frozen=True)
class SignalInfo:
    """One signal.

    Attributes:
        name: Its name, or that of its variable.
        variable: Where it can be imported from, or "".
        doc: Its documentation, or None.
        declared: Whether it is declared; otherwise its payload is unknown.
        location: The ``file:line`` that declares it, or None.
        sender: The type of its senders as it is written in the source, or "".
        payload: The arguments of its payload, in the order of the source.
        deprecated: What to use instead, or None.
        receivers: Its receivers, in the order in which they are called.
        sends: The places that send it, in the order of the source.
    """

    name: str
    variable: str
    doc: str | None
    declared: bool
    location: str | None
    sender: str
    payload: tuple[ArgumentInfo, ...]
    deprecated: str | None
    receivers: tuple[ReceiverInfo, ...]
    sends: tuple[SendInfo, ...]


@dataclass(frozen=True)
class NamespaceInfo:
    """The signals of one namespace, in the order in which they were made.

    Attributes:
        name: Its name, or None for signals that are in no namespace.
        variable: Where it can be imported from, or "".
        signals: Its signals.
    """

    name: str | None
    variable: str
    signals: tuple[SignalInfo, ...]


@dataclass(frozen=True)
class Catalogue:
    """Every signal of a module, or of a namespace in it.

    Attributes:
        target: The ``module`` or ``module:namespace``.
        namespaces: Each with its signals.
    """

    target: str
    namespaces: tuple[NamespaceInfo, ...]
