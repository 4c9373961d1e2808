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
        location: The ``file:line`` that defines it, or None if it is built in.
        connected: The ``file:line`` that connected it.
        sender: The only sender that it is connected for, or ``ANY``.
        weak: Whether the connection lets it be garbage-collected.
        priority: Receivers with a higher priority are called earlier.
        on_error: What happens to its errors: ``"raise"`` or ``"log"``.
        is_async: Whether it has to be awaited.
        inline: Whether `send_async` calls it in place, even if given a wrapper.
        takes_extra: Whether it takes arguments that it does not name.
        when: ``"after_commit"`` if it waits for the transaction, ``"relayed"`` if it is called
            by what arrives from other processes, or lets signals go there; or None.
    """

    name: str
    location: str | None
    connected: str
    sender: str
    weak: bool
    priority: int
    on_error: str
    is_async: bool
    inline: bool
    takes_extra: bool
    when: str | None = None

    @property
    def time(self) -> str:
        """When it is called, if that is not at once, in a few words; or ""."""
        return "" if self.when is None else _TIMES.get(self.when, self.when)


_TIMES = {"after_commit": "after the commit", "relayed": "by the relay"}


@dataclass(frozen=True)
class DeadInfo:
    """One receiver that was garbage-collected while it was connected.

    Attributes:
        name: Its qualified name, with its module.
        connected: The ``file:line`` that had connected it.
    """

    name: str
    connected: str


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
        dead: The last receivers that died while they were connected.
        unknown: Modules that were not imported, and whose source connects to a signal of its name.
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
    dead: tuple[DeadInfo, ...]
    unknown: tuple[str, ...]
    sends: tuple[SendInfo, ...]


@dataclass(frozen=True)
class NamespaceInfo:
    """The signals of one namespace, in the order in which they were made.

    Attributes:
        name: Its name, or None for signals that are in no namespace.
        variable: Where it can be imported from, or "".
        signals: Its signals.
        own: Whether the program makes it, and no package that the program uses.
    """

    name: str | None
    variable: str
    signals: tuple[SignalInfo, ...]
    own: bool = True


@dataclass(frozen=True)
class Catalogue:
    """Every signal of a program, or of a part of it.

    Attributes:
        target: What the user calls it.
        namespaces: Each with its signals.
        not_loaded: Modules of the program that connect receivers and were not imported.
    """

    target: str
    namespaces: tuple[NamespaceInfo, ...]
    not_loaded: tuple[str, ...] = ()
