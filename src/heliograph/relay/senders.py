"""SenderNames: the names under which senders cross to other processes."""

from __future__ import annotations

from typing import Any

from heliograph import ArgumentError
from heliograph.describe import describe_sender, short_repr, title_of


class SenderNames:
    """Names of senders. Texts and None need none; every other sender has to be registered."""

    def __init__(self) -> None:
        self._by_name: dict[str, Any] = {}
        self._by_key: dict[object, str] = {}

    def add(self, name: object, sender: Any) -> None:
        """Let *sender* cross under a name, and arrive as what has that name there.

        Raises:
            ArgumentError: If the name is none, or another sender has it.
        """
        if not isinstance(name, str) or not name:
            msg = f"{short_repr(name)} is not the name of a sender: use a text."
            raise ArgumentError(msg)
        sender = _real(sender)
        if _key(self._by_name.get(name, sender)) != _key(sender):
            msg = (
                f"The name {name!r} belongs to {describe_sender(self._by_name[name])} already: "
                "each sender needs one of its own."
            )
            raise ArgumentError(msg)
        self._by_name[name] = sender
        self._by_key[_key(sender)] = name

    def name_of(self, signal: Any, sender: Any) -> str | None:
        """Return the name under which a sender crosses.

        Raises:
            ArgumentError: If it has none.
        """
        if sender is None:
            return None
        if isinstance(sender, str):
            return str(sender)
        found = self._by_key.get(_key(sender))
        if found is None:
            msg = (
                f"{title_of(signal)} was sent by {describe_sender(sender)}, which cannot cross: "
                "send it with a text as sender, or give the object a name that all processes "
                "know, by relay.name_sender('shop', app). No receiver was called."
            )
            raise ArgumentError(msg)
        return found

    def named(self, name: str | None) -> Any:
        """Return the sender that has a name here; the name itself if nobody has it."""
        return None if name is None else self._by_name.get(name, name)


def _real(sender: Any) -> Any:
    """Return what a proxy stands for, as `current_app` does for an application."""
    is_proxy = hasattr(type(sender), "_get_current_object")
    return sender._get_current_object() if is_proxy else sender  # noqa: SLF001 - proxies' own name.


def _key(sender: Any) -> object:
    """Return what tells senders apart: numbers by value, objects by identity."""
    return (int, sender) if type(sender) is int else id(sender)
