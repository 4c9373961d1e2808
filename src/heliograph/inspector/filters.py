"""Which emissions somebody wants to see: by signal, sender, receiver, slowness and failure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Self

from heliograph import ArgumentError

if TYPE_CHECKING:
    from heliograph.inspector.seen import SeenEmission


@dataclass(frozen=True, slots=True)
class Only:
    """What an emission has to be; what is not given fits every one.

    Attributes:
        signal: A pattern of the signal's name, or of it with its namespace: ``order-*``.
        sender: A part of what the sender is called, in whichever case.
        receiver: A pattern of the name of one of its receivers; ``*`` stands for any text.
        slower: The emission, or one of its receivers, took at least so many seconds.
        failed: A receiver raised.
        heard: A receiver was called.

    Example:
        >>> Only(signal="order-*", slower=0.005) == Only.from_dict(
        ...     {"signal": "order-*", "slower": 0.005}
        ... )
        True
    """

    signal: str | None = None
    sender: str | None = None
    receiver: str | None = None
    slower: float | None = None
    failed: bool = False
    heard: bool = False

    def __bool__(self) -> bool:
        return self != Only()

    @property
    def is_cheap(self) -> bool:
        """Whether `heard` says all there is to know."""
        return self in (Only(), Only(heard=True))

    def as_dict(self) -> dict[str, Any]:
        """Return what is given."""
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def from_dict(cls, given: Any) -> Self:
        """Make it again.

        Raises:
            ArgumentError: If something in it is not known: not to see it would be worse.
        """
        try:
            found = cls(**given)
        except TypeError as error:
            msg = f"These are no filters: {error}."
            raise ArgumentError(msg) from None
        texts: list[object] = [found.signal, found.sender, found.receiver]
        number: object = found.slower
        if not all(isinstance(it, (str, type(None))) for it in texts) or not isinstance(
            number, (int, float, type(None))
        ):
            msg = "These are no filters: one of them is of the wrong type."
            raise ArgumentError(msg)
        return found

    def fits(self, emission: SeenEmission) -> bool:
        """Tell whether an emission is wanted."""
        deliveries = emission.deliveries
        return (
            (self.signal is None or _named(emission, self.signal))
            and (self.sender is None or self.sender.lower() in emission.sender.lower())
            and (self.slower is None or emission.duration >= self.slower)
            and (not self.heard or bool(deliveries))
            and (not self.failed or any(it.error is not None for it in deliveries))
            and (self.receiver is None or _received(emission, self.receiver))
        )


def _named(emission: SeenEmission, pattern: str) -> bool:
    names = emission.signal, f"{emission.namespace}.{emission.signal}"
    return any(fnmatchcase(it, pattern) for it in names)


def _received(emission: SeenEmission, pattern: str) -> bool:
    # Its module is seldom typed.
    return any(fnmatchcase(f".{it.receiver}", f"*.{pattern}") for it in emission.deliveries)
